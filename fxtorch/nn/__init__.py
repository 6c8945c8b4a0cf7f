"""Layers, losses and what goes with them: torch.nn."""

from fxtorch.nn import functional, init, utils
from fxtorch.nn import modules as modules
from fxtorch.nn.modules import *  # noqa: F403
from fxtorch.nn.parameter import Buffer, Parameter, UninitializedBuffer, UninitializedParameter

__all__ = [
    "Buffer",
    "Parameter",
    "UninitializedBuffer",
    "UninitializedParameter",
    "functional",
    "init",
    "modules",
    "utils",
]
__all__ += modules.__all__
