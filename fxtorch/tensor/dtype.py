"""torch.dtype: the names torch gives NumPy's types."""

from __future__ import annotations

import builtins
from typing import Any

import jax.numpy as jnp
import numpy as np

from fxtorch.ops import dtypes as rules


class dtype:
    """The element type of a Tensor.

    >>> float32.is_floating_point, float32.itemsize
    (True, 4)
    """

    __slots__ = ("name", "np")

    def __init__(self, name: str, np_dtype: Any) -> None:
        self.name = name
        self.np = np.dtype(np_dtype)

    @property
    def is_floating_point(self) -> builtins.bool:
        """Whether it is a real floating type."""
        return rules.is_float(self.np)

    @property
    def is_complex(self) -> builtins.bool:
        """Whether it is a complex type."""
        return rules.is_complex(self.np)

    @property
    def is_signed(self) -> builtins.bool:
        """Whether it has negative values."""
        return self.np.kind not in "bu" and self.name != "float8_e8m0fnu"

    @property
    def itemsize(self) -> builtins.int:
        """Bytes an element."""
        return self.np.itemsize

    def to_complex(self) -> dtype:
        """The complex type whose parts are of this type."""
        return of(rules.complex_of(self.np))

    def to_real(self) -> dtype:
        """The type of the parts of this complex type."""
        return of(rules.real_of(self.np))

    def __repr__(self) -> str:
        return f"torch.{self.name}"

    def __reduce__(self) -> tuple[Any, ...]:
        return _by_name, (self.name,)


float64 = double = dtype("float64", np.float64)
float32 = float = dtype("float32", np.float32)
float16 = half = dtype("float16", np.float16)
bfloat16 = dtype("bfloat16", jnp.bfloat16)
float8_e4m3fn = dtype("float8_e4m3fn", jnp.float8_e4m3fn)
float8_e5m2 = dtype("float8_e5m2", jnp.float8_e5m2)
float8_e4m3fnuz = dtype("float8_e4m3fnuz", jnp.float8_e4m3fnuz)
float8_e5m2fnuz = dtype("float8_e5m2fnuz", jnp.float8_e5m2fnuz)
float8_e8m0fnu = dtype("float8_e8m0fnu", jnp.float8_e8m0fnu)
int64 = long = dtype("int64", np.int64)
int32 = int = dtype("int32", np.int32)
int16 = short = dtype("int16", np.int16)
int8 = dtype("int8", np.int8)
uint8 = dtype("uint8", np.uint8)
uint16 = dtype("uint16", np.uint16)
uint32 = dtype("uint32", np.uint32)
uint64 = dtype("uint64", np.uint64)
bool = dtype("bool", np.bool_)
complex64 = cfloat = dtype("complex64", np.complex64)
complex128 = cdouble = dtype("complex128", np.complex128)

ALL = {d.name: d for d in list(globals().values()) if isinstance(d, dtype)}


class NameOnly(dtype):
    """A type that programs name, in lists and comparisons, and of which JAX has no arrays.

    >>> complex32 in (float32, complex64), complex32.is_complex
    (False, True)
    """

    __slots__ = ("parts",)

    def __init__(self, name: str, parts: str) -> None:
        self.name = name
        self.parts = parts

    @property
    def np(self) -> Any:
        """There is none.

        Raises:
            NotImplementedError: always.
        """
        raise NotImplementedError(f"there are no Tensors of type torch.{self.name}: JAX has no such type")

    is_floating_point = property(lambda self: self.parts == "floating")
    is_complex = property(lambda self: self.parts == "complex")
    is_signed = property(lambda self: self.parts != "unsigned")

    def __reduce__(self) -> tuple[Any, ...]:
        return _name_only, (self.name,)


complex32 = chalf = NameOnly("complex32", "complex")
qint8, qint32, quint8 = NameOnly("qint8", "signed"), NameOnly("qint32", "signed"), NameOnly("quint8", "unsigned")
quint4x2, quint2x4 = NameOnly("quint4x2", "unsigned"), NameOnly("quint2x4", "unsigned")
float4_e2m1fn_x2 = NameOnly("float4_e2m1fn_x2", "floating")


def _name_only(name: str) -> dtype:
    return globals()[name]


_OF = {d.np: d for d in ALL.values()}
_PYTHON = {"float": float64, "int": int64, "bool": bool, "complex": complex128}


def _by_name(name: str) -> dtype:
    return ALL[name]


def of(np_dtype: Any) -> dtype:
    """The torch.dtype of a NumPy dtype.

    Raises:
        TypeError: torch has no such type.
    """
    try:
        return _OF[np.dtype(np_dtype)]
    except KeyError:
        raise TypeError(f"can't convert np.ndarray of type {np.dtype(np_dtype).type}; no such torch.dtype") from None


def to_np(value: Any) -> np.dtype | None:
    """The NumPy dtype that ``value`` (a torch.dtype, a Python type, a NumPy dtype or None) stands for."""
    if value is None:
        return None
    if isinstance(value, dtype):
        return value.np
    if isinstance(value, type) and value.__name__ in _PYTHON and value.__module__ == "builtins":
        return _PYTHON[value.__name__].np
    if isinstance(value, str):
        raise TypeError("argument 'dtype' must be torch.dtype, not str")
    return np.dtype(value)


class _Info:
    """The limits of a type; what torch.finfo and torch.iinfo share."""

    _shown: tuple[str, ...] = ("min", "max")

    def __init__(self, type: dtype | None = None) -> None:
        np_dtype = rules.default_float() if type is None else type.np
        info: Any = jnp.finfo(np_dtype) if rules.is_inexact(np_dtype) else np.iinfo(np_dtype)
        self.dtype = of(info.dtype).name  # of complex types, that of their parts
        self.bits: Any = info.bits
        cast = builtins.float if rules.is_inexact(np_dtype) else builtins.int
        self.max: Any = cast(info.max)
        self.min: Any = cast(info.min)
        self._info = info

    def __repr__(self) -> str:
        fields = (
            ("resolution", "min", "max", "eps", "smallest_normal", "tiny") if hasattr(self, "eps") else ("min", "max")
        )
        text = ", ".join(f"{f}={getattr(self, f):g}" for f in fields)
        return f"{type(self).__name__}({text}, dtype={self.dtype})"


class finfo(_Info):
    """The limits of a floating type: ``min``, ``max``, ``eps``, ``tiny``, ``smallest_normal``, ``resolution``, ``bits``

    >>> finfo(float32).eps
    1.1920928955078125e-07
    """

    _shown = ("resolution", "min", "max", "eps", "smallest_normal", "tiny")

    def __init__(self, type: dtype | None = None) -> None:
        super().__init__(type)
        if not hasattr(self._info, "eps"):
            raise TypeError(
                f"torch.finfo() requires a floating point input type. Use torch.iinfo to handle '{self.dtype}'"
            )
        self.eps = builtins.float(self._info.eps)
        self.tiny = self.smallest_normal = builtins.float(self._info.tiny)
        self.resolution = 10.0 ** -(self._info.precision if self.bits > 8 else 0)


class iinfo(_Info):
    """The limits of an integer type: ``min``, ``max``, ``bits``.

    >>> iinfo(int8).max
    127
    """

    def __init__(self, type: dtype) -> None:
        super().__init__(type)
        if hasattr(self._info, "eps"):
            raise TypeError(f"torch.iinfo() requires an integer input type. Use torch.finfo to handle '{self.dtype}'")
