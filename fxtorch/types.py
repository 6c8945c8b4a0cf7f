"""torch.types: the names that annotations of PyTorch programs use."""

from __future__ import annotations

import os
from builtins import bool as _bool
from builtins import bytes as _bytes
from builtins import float as _float
from builtins import int as _int
from builtins import str as _str
from collections.abc import Sequence
from typing import IO, Any, TypeAlias

from fxtorch.tensor import Size, Tensor
from fxtorch.tensor.device import device as _device
from fxtorch.tensor.dtype import dtype
from fxtorch.tensor.memory_format import layout
from fxtorch.tensor.storages import UntypedStorage as Storage

__all__ = ["Device", "FileLike", "IntLikeType", "Number", "Storage", "TensorOrTensors", "_TensorOrTensors"]

_dtype, _layout, _complex = dtype, layout, complex
Number: TypeAlias = _int | _float | _bool
Device: TypeAlias = _device | _str | _int | None
FileLike: TypeAlias = _str | os.PathLike[_str] | IO[_bytes]
TensorOrTensors: TypeAlias = Tensor | Sequence[Tensor]
_TensorOrTensors: TypeAlias = TensorOrTensors
_size: TypeAlias = Size | list[_int] | tuple[_int, ...]
_symsize: TypeAlias = _size
IntLikeType: TypeAlias = _int
FloatLikeType: TypeAlias = _float
BoolLikeType: TypeAlias = _bool
py_sym_types: tuple[Any, ...] = ()
