"""Writing objects as PyTorch's pickles: Tensors as references to storages, torch's types by torch's names."""

from __future__ import annotations

import io
import pickle
from collections import OrderedDict
from types import FunctionType
from typing import Any, ClassVar, NamedTuple

import jax
import numpy as np

from fxtorch.nn.parameter import Buffer, Parameter
from fxtorch.ops.dtypes import plain_of
from fxtorch.serialization.names import Global, torch_name
from fxtorch.serialization.storages import TYPED, UNTYPED, StorageClass
from fxtorch.tensor import Size, Tensor, unwrap, wrap
from fxtorch.tensor.device import device
from fxtorch.tensor.dtype import dtype
from fxtorch.tensor.memory_format import layout as memory_layout
from fxtorch.tensor.meta import Abstract
from fxtorch.tensor.pytree import user_attributes
from fxtorch.tensor.sparse import Stored
from fxtorch.tensor.structure import Table


class Storage(NamedTuple):
    """A reference to a record of the file."""

    kind: StorageClass
    key: str
    location: str
    size: int


class Pickler(pickle._Pickler):  # type: ignore[name-defined]
    """A pickler that puts the arrays of Tensors aside, in ``storages``, by the name of their record.

    Tensors on the same array, and views of it, share one storage, as they do in PyTorch.  It is the pickler written
    in Python, because the one in C refuses to name what cannot be imported.
    """

    dispatch: ClassVar[dict[type, Any]] = dict(pickle._Pickler.dispatch)  # type: ignore[attr-defined]

    def __init__(self, file: io.BytesIO, protocol: int = 2) -> None:
        super().__init__(file, protocol)
        self.storages: dict[str, jax.Array] = {}
        self._keys: dict[int, str] = {}

    def persistent_id(self, obj: Any) -> Any:
        """How a storage is written."""
        if not isinstance(obj, Storage):
            return None
        return ("storage", Global(obj.kind.module, obj.kind.name), obj.key, obj.location, obj.size)

    def reducer_override(self, obj: Any) -> Any:
        """How Tensors and torch's own types are written."""
        if issubclass(type(obj), Parameter):  # one of a subclass of Tensor is written as that
            facts, attributes = (obj.detach(), obj.requires_grad, OrderedDict()), user_attributes(obj)
            if attributes:
                return Global("torch._utils", "_rebuild_parameter_with_state"), (*facts, attributes)
            return Global("torch._utils", "_rebuild_parameter"), facts
        if isinstance(obj, Tensor):
            return self._reduce_class(obj)
        if isinstance(obj, Size):
            return Global("torch", "Size"), (tuple(obj),)
        if isinstance(obj, device):
            return Global("torch", "device"), (obj.type,) if obj.index is None else (obj.type, obj.index)
        if isinstance(obj, memory_layout):
            return Global("torch.serialization", "_get_layout"), (str(obj),)
        return NotImplemented

    def _reduce_class(self, tensor: Tensor) -> Any:
        """A Tensor with what a program made of it: a class of its own, attributes."""
        cls, attributes = type(tensor), user_attributes(tensor)
        if cls.__reduce_ex__ is not Tensor.__reduce_ex__:
            return NotImplemented
        if cls is Buffer:  # which PyTorch's is no class of
            cls, attributes = Tensor, {**attributes, "_is_buffer": True}
        if cls is Tensor and not attributes:
            return self._reduce_tensor(tensor)
        make, args = self._reduce_tensor(tensor)
        return Global("torch._tensor", "_rebuild_from_type_v2"), (make, cls, args, attributes)

    def _reduce_tensor(self, tensor: Tensor) -> tuple[Any, ...]:
        held = unwrap(tensor)
        if isinstance(held, Stored):
            return _reduce_sparse(tensor, held)
        if isinstance(held, Abstract):
            facts = (tensor.dtype, tuple(held.shape), _strides(held.shape), tensor.requires_grad)
            return Global("torch._utils", "_rebuild_meta_tensor_no_storage"), facts
        array, offset, strides = _storage(tensor)
        kind = TYPED.get(tensor.dtype, UNTYPED)
        size = array.size if kind is not UNTYPED else array.nbytes
        key = self._keys.setdefault(id(array), str(len(self._keys)))
        self.storages[key] = array
        place = tensor.device
        location = str(device("cuda", place.index or 0)) if place.type == "cuda" else "cpu"
        shape = tuple(held.shape)
        args = (Storage(kind, key, location, size), offset, shape, strides, tensor.requires_grad, OrderedDict())
        if kind is UNTYPED:
            return Global("torch._utils", "_rebuild_tensor_v3"), (*args, tensor.dtype)
        return Global("torch._utils", "_rebuild_tensor_v2"), args

    def _save_global(self, obj: Global) -> None:
        self.write(pickle.GLOBAL + f"{obj.module}\n{obj.name}\n".encode())  # type: ignore[attr-defined]
        self.memoize(obj)  # type: ignore[attr-defined]

    def _save_dtype(self, obj: dtype) -> None:
        self._save_global(Global("torch", obj.name))

    def save_global(self, obj: Any, name: str | None = None) -> None:
        """Write a class or function by its name, fxtorch's own by torch's."""
        known = torch_name(obj)
        if known is None:
            super().save_global(obj, name)  # type: ignore[misc]
        else:
            self.write(pickle.GLOBAL + f"{known.module}\n{known.name}\n".encode())  # type: ignore[attr-defined]
            self.memoize(obj)  # type: ignore[attr-defined]

    def _save_table(self, obj: Table) -> None:
        """As the plain dict that PyTorch has in its place."""
        self.save_dict(obj)  # type: ignore[attr-defined]

    dispatch[Global] = _save_global
    dispatch[Table] = _save_table
    dispatch[FunctionType] = save_global
    dispatch[dtype] = _save_dtype


def _storage(tensor: Tensor) -> tuple[jax.Array, int, tuple[int, ...]]:
    """The array whose memory ``tensor`` shows, that of its base where it is a view, and offset and strides in it."""
    array, base = unwrap(tensor), tensor
    while base._link is not None:
        base = base._link.parent
    whole = unwrap(base)
    if base is not tensor and whole.dtype == array.dtype:
        offset, strides = tensor.storage_offset(), tuple(int(n) for n in tensor.stride())
        flat, item = np.asarray(whole).reshape(-1).view(plain_of(whole.dtype)), array.dtype.itemsize
        last = offset + sum((n - 1) * s for n, s in zip(array.shape, strides, strict=True))
        if array.size and 0 <= last < flat.size:
            seen = np.lib.stride_tricks.as_strided(flat[offset:], array.shape, [s * item for s in strides])
            if seen.tobytes() == np.asarray(array).tobytes():  # not so where the view is laid out as no view is
                return whole, offset, strides
    return array, 0, _strides(array.shape)


def _reduce_sparse(tensor: Tensor, stored: Stored) -> tuple[Any, ...]:
    indices, values = [wrap(i) for i in stored.indices], wrap(stored.values)
    parts = (*indices, values, Size(stored.shape)) + ((stored.coalesced,) if stored.layout == "coo" else ())
    return Global("torch._utils", "_rebuild_sparse_tensor"), (tensor.layout, parts)


def _strides(shape: tuple[int, ...]) -> tuple[int, ...]:
    """The strides, in elements, of a dense array."""
    strides, step = [], 1
    for n in reversed(shape):
        strides.append(step)
        step *= max(n, 1)
    return tuple(reversed(strides))


def pickled(obj: Any, protocol: int = 2) -> tuple[bytes, dict[str, jax.Array]]:
    """``obj`` as a pickle, and the arrays that it refers to."""
    file = io.BytesIO()
    pickler = Pickler(file, protocol)
    pickler.dump(obj)
    return file.getvalue(), pickler.storages


def raw(array: jax.Array) -> memoryview:
    """The bytes of an array, without a copy where it lies on the CPU."""
    flat: Any = np.ascontiguousarray(np.asarray(array)).reshape(-1).view(np.uint8)
    return memoryview(flat)
