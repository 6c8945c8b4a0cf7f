"""What a file of weights may name, and how Tensors are made from its storages."""

from __future__ import annotations

import math
from collections import Counter, OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from pickle import UnpicklingError
from typing import Any, NamedTuple

import jax
import numpy as np

from fxtorch.nn.parameter import Parameter
from fxtorch.serialization.places import META
from fxtorch.serialization.storages import BY_NAME
from fxtorch.sparse import sparse_compressed_tensor, sparse_coo_tensor
from fxtorch.tensor import Size, Tensor, wrap
from fxtorch.tensor.device import device
from fxtorch.tensor.dtype import ALL, dtype
from fxtorch.tensor.memory_format import layout as memory_layout
from fxtorch.tensor.memory_format import sparse_coo, sparse_csc, sparse_csr, strided
from fxtorch.tensor.meta import Abstract, moved

Geometry = tuple[int, tuple[int, ...], tuple[int, ...]]  # offset, size and strides, in elements

_LARGEST_EXPANSION = 2**30  # bytes


class ClassName(NamedTuple):
    """A class that a file may name but not call: ``Tensor(10**12)`` would fill the memory."""

    name: str


_TENSOR, _PARAMETER = ClassName("Tensor"), ClassName("Parameter")


@dataclass(eq=False)
class Loaded:
    """One storage of the file, and the Tensors made from it.

    Attributes:
        data: its bytes.
        dtype: its element type; None where it counts bytes.
        place: where its Tensors go; None for JAX's default, :data:`META` for nowhere.
        first: the first Tensor made from it, and where that lies.
        base: the Tensor that all others are views of, once there is a second.
    """

    data: bytes
    dtype: dtype | None
    order: str
    place: Any = None
    first: tuple[Tensor, Geometry, dtype] | None = None
    base: Tensor | None = None

    def tensor(self, geometry: Geometry, kind: dtype) -> Tensor:
        """The Tensor that lies there; Tensors of one storage and type share memory."""
        elements = self._elements(kind)
        _check_inside(geometry, elements)
        if self.first is None:
            made = self._own(elements, geometry)
            self.first = made, geometry, kind
            return made
        first, where, first_kind = self.first
        if kind is not first_kind:  # one memory as two types: it cannot be shared
            return self._own(elements, geometry)
        if self.base is None:
            dense = (0, (elements.size,), (1,))
            if _dense(where) and first.numel() == elements.size:
                self.base = first
            else:
                self.base = self._own(elements, dense)
                first.data = _view(self.base, where)
        return _view(self.base, geometry)

    def _elements(self, kind: dtype) -> np.ndarray:
        if len(self.data) % kind.itemsize:
            raise UnpicklingError(f"the file is damaged: a storage of {len(self.data)} bytes is no array of {kind}")
        swapped = self.order == ">" and kind.itemsize > 1
        raw = np.frombuffer(self.data, np.uint8)
        if swapped:
            part = kind.itemsize // (2 if kind.is_complex else 1)
            raw = np.ascontiguousarray(raw.reshape(-1, part)[:, ::-1]).reshape(-1)
        return raw.view(kind.np)

    def _own(self, elements: np.ndarray, geometry: Geometry) -> Tensor:
        offset, size, stride = geometry
        if _dense((0, size, stride)):
            array = elements[offset : offset + math.prod(size)].reshape(size)
        else:
            # as bare bytes: NumPy has no strides for some of the small floats
            bare = elements.view(f"V{elements.itemsize}")[offset:]
            strided = np.lib.stride_tricks.as_strided(bare, size, [s * bare.itemsize for s in stride], writeable=False)
            array = np.array(strided, order="C", copy=True).view(elements.dtype)
        return moved(wrap(array)) if self.place is META else wrap(jax.device_put(array, self.place))


def _view(base: Tensor, geometry: Geometry) -> Tensor:
    offset, size, stride = geometry
    if not base.requires_grad:
        return base.as_strided(size, stride, offset)
    return base.detach().as_strided(size, stride, offset)


def _dense(geometry: Geometry) -> bool:
    offset, size, stride = geometry
    step = 1
    for n, s in zip(reversed(size), reversed(stride), strict=True):
        if n != 1 and s != step:
            return False
        step *= n
    return offset == 0


def _check_inside(geometry: Geometry, elements: np.ndarray) -> None:
    offset, size, stride = geometry
    count = elements.size
    numbers = (offset, *size, *stride)
    if len(size) != len(stride) or not all(type(n) is int and n >= 0 for n in numbers):
        raise UnpicklingError(f"the file is damaged: a tensor of size {size} and stride {stride} at {offset}")
    if 0 in size:
        return
    last = offset + sum((n - 1) * s for n, s in zip(size, stride, strict=True))
    if last >= count:
        raise UnpicklingError(
            f"the file is damaged: a tensor of size {size} and stride {stride} at {offset} reaches beyond its storage "
            f"of {count} elements"
        )
    wanted = math.prod(size)
    if wanted > count and wanted * elements.itemsize > _LARGEST_EXPANSION:
        raise UnpicklingError(f"a tensor of size {size} repeats {count} elements: it would fill the memory")


def _rebuild_tensor_v2(
    storage: Loaded, offset: int, size: Any, stride: Any, requires_grad: bool, hooks: Any, metadata: Any = None
) -> Tensor:
    if not isinstance(storage, Loaded) or storage.dtype is None:
        raise UnpicklingError("the file is damaged: a tensor without a typed storage")
    return _finish(storage.tensor((offset, tuple(size), tuple(stride)), storage.dtype), requires_grad, metadata)


def _rebuild_tensor_v3(
    storage: Loaded,
    offset: int,
    size: Any,
    stride: Any,
    requires_grad: bool,
    hooks: Any,
    kind: dtype,
    metadata: Any = None,
) -> Tensor:
    if not isinstance(storage, Loaded) or not isinstance(kind, dtype):
        raise UnpicklingError("the file is damaged: a tensor without a storage")
    return _finish(storage.tensor((offset, tuple(size), tuple(stride)), kind), requires_grad, metadata)


def _finish(tensor: Tensor, requires_grad: bool, metadata: Any) -> Tensor:
    """Apply the lazy conjugate and negative that torch keeps as flags."""
    if metadata and metadata.get("conj"):
        tensor = tensor.conj_physical()
    if metadata and metadata.get("neg"):
        tensor = -tensor
    if requires_grad:
        tensor.requires_grad_(True)
    return tensor


def _rebuild_parameter(data: Tensor, requires_grad: bool, hooks: Any) -> Parameter:
    return Parameter(data, requires_grad)


def _rebuild_parameter_with_state(data: Tensor, requires_grad: bool, hooks: Any, state: Any) -> Parameter:
    return _with_attributes(Parameter(data, requires_grad), state)


def _rebuild_from_type_v2(make: Callable[..., Any], cls: Any, args: Any, state: Any) -> Any:
    """A Tensor that carries attributes, or is of a class that was let in."""
    known = cls in (_TENSOR, _PARAMETER)
    if make not in _REBUILDERS or not (known or (isinstance(cls, type) and issubclass(cls, Tensor))):
        raise UnpicklingError(f"Tensors of the class {cls} are not read")
    made = make(*args)
    return _with_attributes(made if known or type(made) is cls else made.as_subclass(cls), state)


def _with_attributes(tensor: Any, state: Any) -> Any:
    attributes = (state[0] if isinstance(state, tuple) else state) or {}  # None of a class without any
    if not isinstance(attributes, dict) or not all(isinstance(k, str) for k in attributes):
        raise UnpicklingError("the file is damaged: attributes are no dict")
    if taken := [name for name in attributes if name == "_data" or hasattr(Tensor, name)]:
        raise UnpicklingError(f"the file would overwrite {taken[0]} of a Tensor")
    tensor.__dict__.update(attributes)
    return tensor


def _rebuild_sparse_tensor(kind: memory_layout, parts: Any) -> Tensor:
    if kind == sparse_coo:
        indices, values, size, *coalesced = parts
        return sparse_coo_tensor(indices, values, size, is_coalesced=bool(coalesced and coalesced[0]) or None)
    compressed, plain, values, size = parts
    return sparse_compressed_tensor(compressed, plain, values, size, layout=kind)


def _rebuild_meta_tensor_no_storage(kind: dtype, size: Any, stride: Any, requires_grad: bool) -> Tensor:
    return wrap(Abstract(tuple(size), kind.np)).requires_grad_(requires_grad)


_REBUILDERS = (
    _rebuild_tensor_v2,
    _rebuild_tensor_v3,
    _rebuild_parameter,
    _rebuild_parameter_with_state,
    _rebuild_sparse_tensor,
    _rebuild_meta_tensor_no_storage,
)


def _get_layout(name: str) -> memory_layout:
    for known in (strided, sparse_coo, sparse_csr, sparse_csc):
        if str(known) == name:
            return known
    raise UnpicklingError(f"Tensors of the layout {name} are not read")


def _encode(text: str, encoding: str) -> bytes:
    """How protocol 2 writes bytes."""
    return text.encode("latin1" if encoding == "latin1" else "utf-8")


def _bytearray(data: bytes = b"") -> bytearray:
    """Of bytes only: ``bytearray(10**12)`` would fill the memory."""
    if not isinstance(data, bytes):
        raise UnpicklingError("the file is damaged: a bytearray that is not made of bytes")
    return bytearray(data)


def _size(numbers: Any = ()) -> Size:
    return Size(numbers)


def _device(kind: str, index: int | None = None) -> device:
    return device(kind, index)


ADMITTED: dict[str, Any] = {
    "collections.OrderedDict": OrderedDict,
    "collections.Counter": Counter,
    "builtins.set": set,
    "builtins.complex": complex,
    "builtins.bytearray": _bytearray,
    "_codecs.encode": _encode,
    "torch.Size": _size,
    "torch.device": _device,
    "torch.serialization._get_layout": _get_layout,
    "torch.Tensor": _TENSOR,
    "torch.nn.parameter.Parameter": _PARAMETER,
    "torch._tensor._rebuild_from_type_v2": _rebuild_from_type_v2,
    **{f"torch._utils.{rebuild.__name__}": rebuild for rebuild in _REBUILDERS},
    **{f"torch.{name}": kind for name, kind in ALL.items()},
    **BY_NAME,
}
