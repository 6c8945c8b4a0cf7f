"""Layers, losses and what goes with them: torch.nn."""

from fxtorch.nn import attention, common_types, functional, init, parallel, quantized, utils
from fxtorch.nn import modules as modules
from fxtorch.nn.modules import *  # noqa: F403
from fxtorch.nn.parallel import DataParallel
from fxtorch.nn.parameter import Buffer, Parameter, UninitializedBuffer, UninitializedParameter, factory_kwargs

__all__ = [
    "Buffer",
    "DataParallel",
    "Parameter",
    "UninitializedBuffer",
    "UninitializedParameter",
    "attention",
    "common_types",
    "factory_kwargs",
    "functional",
    "init",
    "modules",
    "parallel",
    "quantized",
    "utils",
]
__all__ += modules.__all__
