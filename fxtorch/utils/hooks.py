"""torch.utils.hooks: the handle that registering a hook returns."""

from fxtorch.tensor.handles import RemovableHandle

__all__ = ["RemovableHandle"]
