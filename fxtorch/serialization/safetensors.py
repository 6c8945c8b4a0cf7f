"""The safetensors format, in both directions; it needs the extra ``fxtorch[safetensors]``."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from fxtorch.serialization.archive import atomic_write
from fxtorch.tensor import Tensor, unwrap, wrap
from fxtorch.tensor.device import device, to_jax
from fxtorch.tensor.dtype import ALL

try:
    import safetensors
    import safetensors.numpy

    _library: Any = safetensors
except ImportError:
    _library = None

_CODES = {
    "F64": "float64",
    "F32": "float32",
    "F16": "float16",
    "BF16": "bfloat16",
    "F8_E4M3": "float8_e4m3fn",
    "F8_E5M2": "float8_e5m2",
    "F8_E8M0": "float8_e8m0fnu",
    "I64": "int64",
    "I32": "int32",
    "I16": "int16",
    "I8": "int8",
    "U8": "uint8",
    "U16": "uint16",
    "U32": "uint32",
    "U64": "uint64",
    "BOOL": "bool",
    "C64": "complex64",
}


def _need_library() -> Any:
    if _library is None:
        raise ImportError('the safetensors format needs an extra: pip install "fxtorch[safetensors]"')
    return _library


def save_file(
    tensors: Mapping[str, Tensor], filename: str | os.PathLike[str], metadata: dict[str, str] | None = None
) -> None:
    """Write named Tensors, such as a state dict, in the safetensors format; the file appears whole or not at all.

    Raises:
        ImportError: the extra is not installed.
        TypeError: a value is no Tensor.
    """
    library = _need_library().numpy
    arrays = {}
    for name, tensor in tensors.items():
        if not isinstance(tensor, Tensor):
            raise TypeError(f"safetensors holds Tensors only, but {name!r} is {type(tensor).__name__}")
        arrays[name] = np.ascontiguousarray(np.asarray(unwrap(tensor))).reshape(tensor.shape)
    content = library.save(arrays, metadata=metadata)
    with atomic_write(filename) as file:
        file.write(content)


def load_file(filename: str | os.PathLike[str], device: str | device = "cpu") -> dict[str, Tensor]:
    """Read a safetensors file as a dict of Tensors.

    Args:
        filename: the file.
        device: where the Tensors go.

    Raises:
        ImportError: the extra is not installed.
        RuntimeError: the file is damaged, or holds a type that fxtorch lacks.
    """
    library = _need_library()
    content = Path(filename).read_bytes()
    try:
        records = library.deserialize(content)
    except library.SafetensorError as error:
        raise RuntimeError(f"{filename} is not a safetensors file, or is damaged: {error}") from None
    place = to_jax(device)
    return {name: _tensor(filename, name, record, place) for name, record in records}


def _tensor(filename: Any, name: str, record: Mapping[str, Any], place: Any) -> Tensor:
    if record["dtype"] not in _CODES:
        raise RuntimeError(f"{filename}: {name!r} has the type {record['dtype']}, which fxtorch does not have")
    kind = ALL[_CODES[record["dtype"]]].np
    array = np.frombuffer(bytes(record["data"]), kind).reshape(record["shape"])
    return wrap(jnp.asarray(array.copy()) if place == jax.devices()[0] else jax.device_put(array, place))
