"""torch.storage: the elements and bytes behind Tensors."""

from fxtorch.tensor.traits import TypedStorage as TypedStorage
from fxtorch.tensor.traits import UntypedStorage as UntypedStorage

_StorageBase = UntypedStorage
