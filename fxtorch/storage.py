"""torch.storage: the elements and bytes behind Tensors."""

from fxtorch.tensor.storages import TypedStorage as TypedStorage
from fxtorch.tensor.storages import UntypedStorage as UntypedStorage

_StorageBase = UntypedStorage
