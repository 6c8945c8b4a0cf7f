"""How PyTorch's files name the element types of their storages."""

from __future__ import annotations

from typing import NamedTuple

from fxtorch.tensor.dtype import ALL, dtype

_CLASS = {
    "float64": "DoubleStorage",
    "float32": "FloatStorage",
    "float16": "HalfStorage",
    "bfloat16": "BFloat16Storage",
    "int64": "LongStorage",
    "int32": "IntStorage",
    "int16": "ShortStorage",
    "int8": "CharStorage",
    "uint8": "ByteStorage",
    "bool": "BoolStorage",
    "complex64": "ComplexFloatStorage",
    "complex128": "ComplexDoubleStorage",
}


class StorageClass(NamedTuple):
    """A class of storages; without a ``dtype`` it counts bytes."""

    module: str
    name: str
    dtype: dtype | None


UNTYPED = StorageClass("torch.storage", "UntypedStorage", None)
TYPED = {ALL[name]: StorageClass("torch", storage, ALL[name]) for name, storage in _CLASS.items()}
BY_NAME = {f"{s.module}.{s.name}": s for s in (UNTYPED, *TYPED.values())}
