"""torch.storage: the elements and bytes behind Tensors."""

from typing import Any

from fxtorch.serialization.files import load_part
from fxtorch.tensor.storages import TypedStorage as TypedStorage
from fxtorch.tensor.storages import UntypedStorage as UntypedStorage

_StorageBase = UntypedStorage


def _load_from_bytes(b: bytes) -> Any:
    """What a Tensor that PyTorch pickled by itself, outside of ``torch.save``, calls for its elements."""
    return load_part(b)
