"""The constructors of old: ``torch.sparse.FloatTensor(indices, values, size)``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fxtorch.sparse.construction import sparse_coo_tensor
from fxtorch.tensor import Tensor
from fxtorch.tensor import dtype as types


def _constructor(name: str, dtype: types.dtype) -> Callable[..., Tensor]:
    def make(*args: Any) -> Tensor:
        if args and isinstance(args[0], Tensor):
            indices, values, *size = args
            return sparse_coo_tensor(indices, values.to(dtype), *size)
        size = args[0] if len(args) == 1 and not isinstance(args[0], int) else args
        return sparse_coo_tensor(tuple(size), dtype=dtype)

    make.__name__ = make.__qualname__ = name
    make.__doc__ = f"""A sparse Tensor of type {dtype}, of indices, values and a size, or of a size alone.

    >>> import fxtorch as torch
    >>> torch.sparse.{name}(torch.tensor([[0], [1]]), torch.ones(1), (2, 2)).to_dense().dtype
    {dtype}
    """
    return make


FloatTensor = _constructor("FloatTensor", types.float32)
DoubleTensor = _constructor("DoubleTensor", types.float64)
HalfTensor = _constructor("HalfTensor", types.float16)
BFloat16Tensor = _constructor("BFloat16Tensor", types.bfloat16)
LongTensor = _constructor("LongTensor", types.int64)
IntTensor = _constructor("IntTensor", types.int32)
ShortTensor = _constructor("ShortTensor", types.int16)
CharTensor = _constructor("CharTensor", types.int8)
ByteTensor = _constructor("ByteTensor", types.uint8)
