"""torch's rules for the type of a result, as pure functions of arrays and Python numbers."""

from __future__ import annotations

import builtins
from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.dtypes import canonicalize_dtype

_default = np.dtype("float32")
_complex_of = {np.dtype("float32"): np.dtype("complex64"), np.dtype("float64"): np.dtype("complex128")}
_real_of = {v: k for k, v in _complex_of.items()}
_TORCH_NAMES = {
    "float32": "Float", "float64": "Double", "float16": "Half", "bfloat16": "BFloat16", "int64": "Long", "int32": "Int",
    "int16": "Short", "int8": "Char", "uint8": "Byte", "bool": "Bool", "complex64": "ComplexFloat",
    "complex128": "ComplexDouble",
}  # fmt: skip
_CPP_NAMES = {
    "float32": "float", "float64": "double", "float16": "c10::Half", "bfloat16": "c10::BFloat16", "int64": "long int",
    "int32": "int", "int16": "short int", "int8": "signed char", "uint8": "unsigned char", "bool": "bool",
    "complex64": "c10::complex<float>", "complex128": "c10::complex<double>",
}  # fmt: skip


def default_float() -> np.dtype:
    """The type of a floating result that no operand decides (``torch.get_default_dtype()``)."""
    return _default


def set_default_float(dtype: np.dtype) -> None:
    """Set what :func:`default_float` returns."""
    global _default
    _default = np.dtype(dtype)


def is_float(dtype: Any) -> builtins.bool:
    """Whether ``dtype`` is a real floating type (bfloat16 included)."""
    return jnp.issubdtype(dtype, jnp.floating)


def is_complex(dtype: Any) -> builtins.bool:
    """Whether ``dtype`` is a complex type."""
    return jnp.issubdtype(dtype, jnp.complexfloating)


def is_inexact(dtype: Any) -> builtins.bool:
    """Whether ``dtype`` is floating or complex, that is: whether it can carry a gradient."""
    return jnp.issubdtype(dtype, jnp.inexact)


def complex_of(dtype: Any) -> np.dtype:
    """The complex type whose parts have type ``dtype``."""
    return _complex_of.get(np.dtype(dtype), np.dtype("complex64"))


def plain_of(dtype: Any) -> np.dtype:
    """A type of NumPy's own of the same size: its stride tricks know no other."""
    found = np.dtype(dtype)
    return found if found.isbuiltin == 1 else np.dtype(f"u{found.itemsize}")


def real_of(dtype: Any) -> np.dtype:
    """The type of the real part of ``dtype``."""
    return _real_of.get(np.dtype(dtype), np.dtype(dtype))


def _scalar_dtype(value: Any) -> np.dtype:
    """The type that torch gives a Python number (or a weakly typed traced one)."""
    kind = np.dtype(value.dtype).kind if hasattr(value, "dtype") else np.asarray(value).dtype.kind
    if kind == "b":
        return np.dtype("bool")
    if kind in "iu":
        return np.dtype("int64")
    return _default if kind != "c" else complex_of(_default)


def is_number(value: Any) -> builtins.bool:
    """Whether ``value`` is a Python number, a NumPy scalar or a traced Python number."""
    if isinstance(value, builtins.bool | int | float | complex | np.generic):
        return True
    return builtins.bool(getattr(value, "weak_type", False))


def _combine(higher: np.dtype | None, lower: np.dtype | None) -> np.dtype | None:
    """A lower-priority operand decides only where it is of a higher category."""
    if higher is None or lower is None:
        return higher if lower is None else lower
    if is_complex(higher):
        return higher
    if is_float(higher):
        return complex_of(higher) if is_complex(lower) else higher
    if higher == np.bool_ or is_inexact(lower):
        return jnp.promote_types(higher, lower)
    return higher


def result_type(*operands: Any, to_float: builtins.bool = False) -> np.dtype:
    """The type torch gives the result of an operation on ``operands``.

    Tensors with dimensions decide; a 0-dim tensor, then a Python number, only raises the category (bool, integer,
    float, complex).  With ``to_float`` an integer result becomes the default floating type.
    """
    dimensioned = zero = number = None
    for x in operands:
        if is_number(x):
            number = _join(number, _scalar_dtype(x))
        elif jnp.ndim(x) == 0:
            zero = _join(zero, x.dtype)
        else:
            dimensioned = _join(dimensioned, x.dtype)
    result = _combine(dimensioned, _combine(zero, number))
    assert result is not None
    return _default if to_float and not is_inexact(result) else np.dtype(result)


def _join(a: np.dtype | None, b: Any) -> np.dtype:
    return np.dtype(b) if a is None else np.dtype(jnp.promote_types(a, b))


def type_name(dtype: Any) -> str:
    """The name torch's messages use for a type (``Float``, ``Long``)."""
    return _TORCH_NAMES.get(np.dtype(dtype).name, np.dtype(dtype).name)


def cpp_name(dtype: Any) -> str:
    """The name of a type in those of torch's messages that print the C++ type (``float``, ``long int``)."""
    return _CPP_NAMES.get(np.dtype(dtype).name, np.dtype(dtype).name)


def cast(x: Any, dtype: Any) -> Any:
    """``x`` as a strongly typed array of ``dtype``; complex to real drops the imaginary part, as torch does."""
    if not is_complex(dtype) and is_complex(jnp.result_type(x)):
        x = jnp.real(x)
    to = _BY_RULE.get(dtype)
    if to is not None:
        return to(x)
    if jnp.issubdtype(dtype, jnp.integer) and is_float(jnp.result_type(x)):
        return _truncated(x, np.dtype(dtype))
    return lax.convert_element_type(x, dtype)


def _truncated(x: Any, dtype: np.dtype) -> Any:
    """Floating numbers as integers; those out of range as PyTorch has them on the CPU, where XLA takes the nearest.

    It goes by way of a wide integer, in which what does not fit is the least value, and keeps the low bits.
    """
    x = jnp.asarray(x, np.float32 if np.dtype(jnp.result_type(x)).itemsize == 1 else None)
    wide = canonicalize_dtype(np.int64 if dtype.itemsize == 8 or dtype == np.uint32 else np.int32)
    end = jnp.asarray(np.inf if x.dtype == np.float16 else 2.0 ** (8 * wide.itemsize - 1), x.dtype)
    fits = (x < end) & (x >= -end)  # as NaN does not
    whole = jnp.where(fits, lax.convert_element_type(x, wide), jnp.asarray(np.iinfo(wide).min, wide))
    return lax.convert_element_type(whole, dtype)


def _saturated(x: Any) -> Any:
    return lax.convert_element_type(jnp.clip(x, -448, 448) if jnp.result_type(x) != _E4M3 else x, _E4M3)


def _exponent(x: Any) -> Any:
    if jnp.result_type(x) == _E8M0:
        return lax.convert_element_type(x, _E8M0)
    size = jnp.abs(lax.convert_element_type(x, np.float32))
    least = lax.bitcast_convert_type(jnp.zeros(jnp.shape(x), np.uint8), _E8M0)
    return jnp.where(size < 2.0**-126, least, lax.convert_element_type(size, _E8M0))


_E4M3, _E8M0 = np.dtype(jnp.float8_e4m3fn), np.dtype(jnp.float8_e8m0fnu)
# what PyTorch makes of values that an 8-bit type has not: its largest; for the type without sign and zero, its smallest
_BY_RULE: dict[Any, Callable[[Any], Any]] = {_E4M3: _saturated, _E8M0: _exponent}


def has_own_rule(dtype: Any) -> builtins.bool:
    """Whether :func:`cast` to ``dtype`` differs from NumPy's cast."""
    return dtype in _BY_RULE


def at_least_single(x: Any) -> Any:
    """``x``, a 16-bit float as float32: what torch computes sums and long formulas in."""
    return cast(x, "float32") if is_float(x.dtype) and x.dtype.itemsize < 4 else x


def promote(*operands: Any, to_float: builtins.bool = False) -> list[Any]:
    """All operands as arrays of their common :func:`result_type`; they are not broadcast."""
    dtype = result_type(*operands, to_float=to_float)
    return [cast(x, dtype) for x in operands]
