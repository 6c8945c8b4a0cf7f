"""From samples to a batch: put together by NumPy, sent to the device once."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Mapping, MutableMapping, Sequence
from typing import Any

import jax
import numpy as np

from fxtorch.tensor import Tensor, unwrap, wrap
from fxtorch.tensor.device import default_jax_device
from fxtorch.tensor.dispatch import namespace
from fxtorch.utils.data.dataset import Columns

Leaf = Callable[[Any], Any]

np_str_obj_array_pattern = re.compile("[SaUO]")
default_collate_fn_map: dict[type, Callable[..., Any]] = {}  # what programs add for classes of their own


def to_tensor(array: Any) -> Tensor:
    """A Tensor with the values of a NumPy (or JAX) array that nobody else will change."""
    return wrap(jax.device_put(array, default_jax_device()))


def default_convert(data: Any) -> Any:
    """``data`` with its NumPy arrays and numbers as Tensors; containers and all else stay as they are.

    >>> default_convert({"x": np.zeros(2), "name": "a"})
    {'x': tensor([0., 0.], dtype=torch.float64), 'name': 'a'}
    """
    if isinstance(data, np.ndarray | np.generic) and not np_str_obj_array_pattern.search(data.dtype.str):
        return to_tensor(np.array(data))
    if isinstance(data, Tensor | str | bytes):
        return data
    if isinstance(data, Mapping):
        return _like_mapping(data, {key: default_convert(value) for key, value in data.items()})
    if isinstance(data, tuple) and hasattr(data, "_fields"):
        return type(data)(*map(default_convert, data))
    if isinstance(data, tuple):
        return [default_convert(d) for d in data]
    if isinstance(data, Sequence):
        return _like_sequence(data, [default_convert(d) for d in data])
    return data


def default_collate(batch: Any) -> Any:
    """A list of samples as one batch, with a new first dimension.

    Tensors, NumPy arrays and numbers are stacked; dicts, tuples, named tuples and lists are collated part by part;
    strings stay as they are.  Python floats become float64, integers int64.

    Raises:
        TypeError: a sample is of another kind.
        RuntimeError: shapes or lengths differ.

    >>> default_collate([(1, "a"), (2, "b")])
    [tensor([1, 2]), ('a', 'b')]
    """
    return collate(batch, to_tensor)


def collate(batch: Any, leaf: Leaf) -> Any:
    """As :func:`default_collate`, each stacked array being made into what ``leaf`` gives."""
    if isinstance(batch, Columns):
        return [leaf(array) for array in batch.arrays]
    first = batch[0]
    for kind, fn in default_collate_fn_map.items():
        if isinstance(first, kind):
            return fn(batch, collate_fn_map=default_collate_fn_map)
    if isinstance(first, Tensor):
        if any(sample.requires_grad for sample in batch):
            return namespace("torch")["stack"](list(batch), 0)
        return leaf(_stack([np.asarray(unwrap(sample)) for sample in batch]))
    if isinstance(first, np.ndarray | np.generic):
        if np_str_obj_array_pattern.search(first.dtype.str):
            raise TypeError(_unknown(first.dtype))
        return leaf(_stack([np.asarray(sample) for sample in batch]))
    if isinstance(first, bool | int | float | complex):
        return leaf(np.asarray(batch, _number_type(batch)))
    if isinstance(first, str | bytes):
        return batch
    if isinstance(first, Mapping):
        return _like_mapping(first, {key: collate([sample[key] for sample in batch], leaf) for key in first})
    if isinstance(first, tuple) and hasattr(first, "_fields"):
        return type(first)(*(collate(part, leaf) for part in zip(*batch, strict=True)))
    if isinstance(first, Sequence):
        if any(len(sample) != len(first) for sample in batch):
            raise RuntimeError("each element in list of batch should be of equal size")
        parts = [collate(part, leaf) for part in zip(*batch, strict=True)]
        return parts if isinstance(first, tuple) else _like_sequence(first, parts)
    raise TypeError(_unknown(type(first)))


def collate_tensor_fn(batch: Any, *, collate_fn_map: Any = None) -> Tensor:
    """Tensors stacked, as :func:`default_collate` does."""
    if any(sample.requires_grad for sample in batch):
        return namespace("torch")["stack"](list(batch), 0)
    return to_tensor(_stack([np.asarray(unwrap(sample)) for sample in batch]))


def map_tensors(fn: Callable[[Tensor], Any], data: Any) -> Any:
    """``data`` with ``fn`` applied to each Tensor in it."""
    if isinstance(data, Tensor):
        return fn(data)
    if isinstance(data, str | bytes):
        return data
    if isinstance(data, Mapping):
        return _like_mapping(data, {key: map_tensors(fn, value) for key, value in data.items()})
    if isinstance(data, tuple) and hasattr(data, "_fields"):
        return type(data)(*(map_tensors(fn, d) for d in data))
    if isinstance(data, tuple):
        return tuple(map_tensors(fn, d) for d in data)
    if isinstance(data, Sequence):
        return _like_sequence(data, [map_tensors(fn, d) for d in data])
    return data


def _stack(arrays: list[np.ndarray]) -> np.ndarray:
    for i, array in enumerate(arrays):
        if array.shape != arrays[0].shape:
            raise RuntimeError(
                f"stack expects each tensor to be equal size, but got {list(arrays[0].shape)} at entry 0 and "
                f"{list(array.shape)} at entry {i}"
            )
    return np.stack(arrays)


def _number_type(batch: Sequence[Any]) -> type:
    if isinstance(batch[0], float):
        return np.float64
    if isinstance(batch[0], bool):
        return np.bool_
    return np.int64 if isinstance(batch[0], int) else np.complex64


def _unknown(kind: Any) -> str:
    return f"default_collate: batch must contain tensors, numpy arrays, numbers, dicts or lists; found {kind}"


def _like_mapping(old: Mapping[Any, Any], new: dict[Any, Any]) -> Any:
    """``new`` in the class of ``old``, where that can be."""
    try:
        if isinstance(old, MutableMapping):
            clone = copy.copy(old)
            clone.update(new)
            return clone
        return type(old)(new)  # type: ignore[call-arg]
    except TypeError:
        return new


def _like_sequence(old: Sequence[Any], new: list[Any]) -> Any:
    """``new`` in the class of ``old``, where that can be."""
    if type(old) is list or isinstance(old, range):
        return new
    try:
        return type(old)(new)  # type: ignore[call-arg]
    except TypeError:
        return new
