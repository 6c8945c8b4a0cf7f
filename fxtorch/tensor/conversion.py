"""Tensors to and from Python, NumPy, DLPack, other types and other devices."""

from __future__ import annotations

import builtins
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer

from fxtorch.ops import dtypes as rules
from fxtorch.tensor import device as devices
from fxtorch.tensor import dispatch
from fxtorch.tensor import dtype as types
from fxtorch.tensor.execute import apply
from fxtorch.tensor.layout import address, layout
from fxtorch.tensor.meta import NO_DATA, Abstract, moved, no_value
from fxtorch.tensor.modes import modes
from fxtorch.tensor.record import Record
from fxtorch.tensor.size import Size
from fxtorch.tensor.tensor import Tensor, method, unwrap, unwrap_aval, wrap

_to_dtype = dispatch.operator("to_dtype")


def concrete(self: Tensor, what: str) -> Any:
    """The array of ``self`` where Python needs its value; where a trace has none, that is an error."""
    array = unwrap(self)
    if isinstance(array, Abstract):
        raise no_value(what)
    if isinstance(array, Tracer):
        known = array.to_concrete_value()  # type: ignore[attr-defined]  # as under a derivative that is taken eagerly
        if known is not None:
            return np.asarray(known)
        if modes.capture is not None:
            raise modes.capture.needs_value(self, what)
        raise RuntimeError(
            f"{what} needs the value of a Tensor while JAX traces the function, when it has none; use torch.where, "
            "fxtorch.cond or fxtorch.while_loop, or return the Tensor and look at it outside"
        )
    return array


@method
def item(self: Tensor) -> Any:
    """The only element, as a Python number."""
    if unwrap_aval(self).size != 1:
        raise RuntimeError(f"a Tensor with {unwrap_aval(self).size} elements cannot be converted to Scalar")
    return concrete(self, ".item()").item()


@method
def tolist(self: Tensor) -> Any:
    """The elements as nested lists of Python numbers."""
    return np.asarray(concrete(self, ".tolist()")).tolist()


@method
def numpy(self: Tensor, *, force: bool = False) -> np.ndarray:
    """The values as a NumPy array, read-only and without a copy where they are on the CPU.

    It keeps them: a change in place gives the Tensor a new array, which an array from before does not see.

    Raises:
        RuntimeError: the Tensor requires a gradient (use ``.detach()`` first, or ``force=True``).
    """
    if self.requires_grad and not force:
        raise RuntimeError("Can't call numpy() on Tensor that requires grad. Use tensor.detach().numpy() instead.")
    return np.asarray(concrete(self, ".numpy()"))


Tensor.__array_priority__ = 1000  # type: ignore[attr-defined]  # NumPy's numbers leave `number * tensor` to the Tensor


@method
def __array__(self: Tensor, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
    """NumPy's protocol."""
    array = self.numpy()
    return array if dtype is None else array.astype(dtype, copy=False)


@method
def __array_wrap__(self: Tensor, array: np.ndarray, context: Any = None, return_scalar: bool = False) -> Tensor:
    """The Tensor of what a function of NumPy's made of one."""
    return from_numpy(np.asarray(array))


@method
def __jax_array__(self: Tensor) -> Any:
    """JAX's protocol: jnp functions take Tensors."""
    return unwrap(self)


@method
def __dlpack__(self: Tensor, **options: Any) -> Any:
    """DLPack's protocol: other libraries take the memory without a copy."""
    return concrete(self, "DLPack export").__dlpack__(**options)


@method
def __dlpack_device__(self: Tensor) -> tuple[int, int]:
    """DLPack's protocol."""
    return concrete(self, "DLPack export").__dlpack_device__()


@method
def __bool__(self: Tensor) -> bool:
    """The truth of a Tensor of one element."""
    aval = unwrap_aval(self)
    if aval.size != 1:
        words = "no values" if aval.size == 0 else "more than one value"
        raise RuntimeError(f"Boolean value of Tensor with {words} is ambiguous")
    return bool(concrete(self, "bool() of a Tensor (an 'if' or 'while')").item())


def _only(self: Tensor) -> Any:
    if unwrap_aval(self).size != 1:
        raise ValueError("only one element tensors can be converted to Python scalars")
    return self.item()


@method
def __float__(self: Tensor) -> float:
    """The only element, as a float."""
    return float(_only(self))


@method
def __int__(self: Tensor) -> int:
    """The only element, as an int."""
    return int(_only(self))


@method
def __complex__(self: Tensor) -> complex:
    """The only element, as a complex number."""
    return complex(_only(self))


@method
def __index__(self: Tensor) -> int:
    """The only element of an integer Tensor."""
    if unwrap_aval(self).size != 1 or rules.is_inexact(unwrap_aval(self).dtype):
        raise TypeError("only integer tensors of a single element can be converted to an index")
    return int(self.item())


@method
def __format__(self: Tensor, spec: str) -> str:
    """A 0-dim Tensor formats as its number."""
    if unwrap_aval(self).shape == () and (modes.capture is not None or not isinstance(unwrap(self), Tracer)):
        return format(self.item(), spec)
    return object.__format__(self, spec)


@method
def size(self: Tensor, dim: int | None = None) -> Any:
    """The shape, or the size of one dimension."""
    return self.shape if dim is None else self.shape[_checked(dim, self.ndim)]


def _checked(dim: int, ndim: int) -> int:
    if not -ndim <= dim < ndim:
        raise IndexError(f"Dimension out of range (expected to be in range of [{-ndim}, {ndim - 1}], but got {dim})")
    return dim


@method
def dim(self: Tensor) -> int:
    """The number of dimensions."""
    return self.ndim


@method
def numel(self: Tensor) -> int:
    """The number of elements."""
    return unwrap_aval(self).size


@method
def element_size(self: Tensor) -> int:
    """Bytes an element."""
    return unwrap_aval(self).dtype.itemsize


@method
def is_floating_point(self: Tensor) -> bool:
    """Whether the elements are real floating numbers."""
    return rules.is_float(unwrap_aval(self).dtype)


@method
def is_complex(self: Tensor) -> bool:
    """Whether the elements are complex."""
    return rules.is_complex(unwrap_aval(self).dtype)


@method
def get_device(self: Tensor) -> int:
    """The index of the device, -1 on the CPU."""
    return -1 if self.device.type == "cpu" else self.device.index or 0


@method
def stride(self: Tensor, dim: int | None = None) -> Any:
    """How many elements apart neighbours along each dimension are, as torch would lay them out."""
    view = layout(self)[1]
    strides = tuple(int(s) // view.itemsize for s in view.strides)
    return strides if dim is None else strides[dim]


@method
def is_contiguous(self: Tensor, memory_format: Any = None) -> bool:
    """Whether torch would hold the elements in row-major order without gaps, or in the order asked for.

    What is no view is held in any order that is asked for: XLA arranges memory on its own.
    """
    if self._link is None:
        return True
    view = layout(self)[1]
    if repr(memory_format).startswith("torch.channels_last"):
        view = np.moveaxis(view, 1, -1)
    return bool(view.flags.c_contiguous)


@method
def storage_offset(self: Tensor) -> int:
    """The position of the first element in its base; 0 for a base."""
    start, view = layout(self)
    return (address(view) - start) // view.itemsize


@method
def type(self: Tensor, dtype: Any = None, non_blocking: bool = False) -> Any:
    """The name of the type (``torch.FloatTensor``), or a Tensor cast to ``dtype``."""
    if dtype is None:
        from_name = {v: k for k, v in TYPE_NAMES.items()}
        return f"torch.{from_name[self.dtype.name]}Tensor"
    if isinstance(dtype, str):
        short = dtype.removeprefix("torch.").removeprefix("cuda.").removesuffix("Tensor")
        if short not in TYPE_NAMES:
            raise ValueError(f"invalid type: '{dtype}'")
        dtype = types.ALL[TYPE_NAMES[short]]
    typed = getattr(dtype, "dtype", None)  # that of torch.FloatTensor and its like
    return self.to(typed if isinstance(typed, types.dtype) else dtype)


TYPE_NAMES = {
    "Float": "float32", "Double": "float64", "Half": "float16", "BFloat16": "bfloat16", "Long": "int64", "Int": "int32",
    "Short": "int16", "Char": "int8", "Byte": "uint8", "Bool": "bool", "ComplexFloat": "complex64",
    "ComplexDouble": "complex128",
}  # fmt: skip


def cast(self: Tensor, dtype: Any) -> Tensor:
    """The Tensor in another type; itself where it already has it."""
    np_dtype = types.to_np(dtype)
    return self if unwrap_aval(self).dtype == np_dtype else _to_dtype(self, np_dtype)


def move(self: Tensor, device: Any) -> Tensor:
    """The Tensor on another device; itself where it already is there."""
    array = unwrap(self)
    if devices.is_meta(device):
        return self if isinstance(array, Abstract) else moved(self)
    if isinstance(array, Abstract):
        raise NotImplementedError(NO_DATA)
    target = devices.to_jax(device)
    if isinstance(array, Tracer) or array.devices() == {target}:
        return self
    record = _transfers.get(target)
    if record is None:
        record = _transfers[target] = Record(lambda x: jax.device_put(x, target), "to_copy", "inputs")
    return apply(record, [self])


_transfers: dict[Any, Record] = {}


@method
def to(self: Tensor, *args: Any, **kwargs: Any) -> Tensor:
    """The Tensor in another type, on another device, or both: ``to(dtype)``, ``to(device, dtype)``, ``to(other)``."""
    dtype, device, copy = kwargs.pop("dtype", None), kwargs.pop("device", None), kwargs.pop("copy", False)
    other = kwargs.pop("other", None)
    for name in kwargs:
        if name not in ("non_blocking", "memory_format"):
            raise TypeError(f"to() received an invalid combination of arguments: unexpected keyword '{name}'")
    for a in args:
        if isinstance(a, Tensor):
            other = a
        elif isinstance(a, types.dtype | builtins.type):
            dtype = a
        elif isinstance(a, str | devices.device) or (isinstance(a, int) and not isinstance(a, bool)):
            device = a
    if other is not None:
        dtype, device = other.dtype, other.device
    out = self
    if dtype is not None:
        out = cast(out, dtype)
    if device is not None:
        out = move(out, device)
    return out.clone() if copy and out is self else out


def _caster(name: str, dtype: str) -> Any:
    def convert(self: Tensor, memory_format: Any = None) -> Tensor:
        return cast(self, types.ALL[dtype])

    convert.__name__, convert.__qualname__, convert.__doc__ = name, f"Tensor.{name}", f"The Tensor as {dtype}."
    return convert


_CASTS = {
    "float": "float32", "double": "float64", "half": "float16", "bfloat16": "bfloat16", "long": "int64", "int": "int32",
    "short": "int16", "char": "int8", "byte": "uint8", "bool": "bool", "cfloat": "complex64", "cdouble": "complex128",
}  # fmt: skip
for _name, _dtype in _CASTS.items():
    setattr(Tensor, _name, _caster(_name, _dtype))


@method
def type_as(self: Tensor, other: Tensor) -> Tensor:
    """The Tensor in the type of ``other``."""
    return self.to(other)


@method
def cpu(self: Tensor, memory_format: Any = None) -> Tensor:
    """The Tensor on the CPU."""
    return move(self, "cpu")


@method
def cuda(self: Tensor, device: Any = None, non_blocking: bool = False, memory_format: Any = None) -> Tensor:
    """The Tensor on a CUDA device."""
    return move(self, "cuda" if device is None else devices.device(device))


@method
def pin_memory(self: Tensor, device: Any = None) -> Tensor:
    """The Tensor itself: JAX stages transfers on its own."""
    return self


@method
def share_memory_(self: Tensor) -> Tensor:
    """The Tensor itself."""
    return self


@method
def contiguous(self: Tensor, memory_format: Any = None) -> Tensor:
    """The Tensor itself, or for a view that torch would hold strided, a copy."""
    return self if self.is_contiguous() else self.clone()


def from_numpy(array: np.ndarray) -> Tensor:
    """A Tensor of the values of a NumPy array (a copy: JAX's arrays never change)."""
    if isinstance(array, Tracer):  # an argument of a function that is being compiled
        return wrap(array)
    if not isinstance(array, np.ndarray):
        raise TypeError(f"expected np.ndarray (got {array.__class__.__name__})")
    types.of(array.dtype)
    return wrap(jnp.asarray(array.copy()))  # of our own: JAX may take over the memory itself


def frombuffer(buffer: Any, *, dtype: Any, count: int = -1, offset: int = 0, requires_grad: bool = False) -> Tensor:
    """A Tensor of the bytes of ``buffer`` (a copy: JAX's arrays never change).

    Args:
        buffer: bytes, or anything with Python's buffer protocol.
        dtype: how to read them.
        count: how many elements; all if negative.
        offset: where to begin, in bytes.
        requires_grad: whether operations on it are recorded.
    """
    out = wrap(jnp.asarray(np.frombuffer(buffer, types.to_np(dtype), count, offset).copy()))
    return out.requires_grad_() if requires_grad else out


def from_dlpack(source: Any) -> Tensor:
    """A Tensor of an object that speaks DLPack, or of the capsule of one, in the host's memory."""
    return wrap(jnp.from_dlpack(source if hasattr(source, "__dlpack__") else _Capsule(source)))


class _Capsule:
    """A bare capsule, as what JAX asks for one."""

    def __init__(self, capsule: Any) -> None:
        self.capsule = capsule

    def __dlpack__(self, **_: Any) -> Any:
        return self.capsule

    def __dlpack_device__(self) -> tuple[int, int]:
        return 1, 0


def size_of(x: Any) -> Size:
    """The shape of nested sequences."""
    return Size(np.shape(x))
