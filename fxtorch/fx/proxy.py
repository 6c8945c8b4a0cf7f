"""torch.fx.proxy."""

from fxtorch.fx import Proxy

__all__ = ["Proxy"]
