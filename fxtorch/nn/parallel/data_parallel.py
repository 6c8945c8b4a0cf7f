"""DataParallel: the wrapper that programs put around a model, so that its weights are named ``module.*``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fxtorch.nn.modules.module import Module
from fxtorch.tensor import device as devices


class DataParallel(Module):
    """The module, called as it is; its parameters are named ``module.*``.

    One process computes on one device here.  To spread a batch over several, compile the step over a mesh
    (``fxtorch.distributed``).

    Args:
        module: the module.
        device_ids: the devices; with more than one that is there, an error says what to use.
        output_device: accepted.
        dim: accepted.

    Raises:
        RuntimeError: more than one accelerator is asked for by name.

    >>> [name for name, _ in DataParallel(nn.Linear(2, 1)).named_parameters()]
    ['module.weight', 'module.bias']
    """

    def __init__(
        self, module: Module, device_ids: Sequence[Any] | None = None, output_device: Any = None, dim: int = 0
    ) -> None:
        super().__init__()
        self.module = module
        self.dim = dim
        self.device_ids = list(device_ids or ([0] if devices.is_there("cuda") else []))
        if len(self.device_ids) > 1 and devices.is_there("cuda"):
            raise RuntimeError(
                "DataParallel works on one device: use fxtorch.distributed to spread a batch over several"
            )
        self.output_device = output_device

    def forward(self, *inputs: Any, **kwargs: Any) -> Any:
        """The module's result."""
        return self.module(*inputs, **kwargs)


def data_parallel(
    module: Module,
    inputs: Any,
    device_ids: Sequence[Any] | None = None,
    output_device: Any = None,
    dim: int = 0,
    module_kwargs: dict[str, Any] | None = None,
) -> Any:
    """The module's result on ``inputs``."""
    inputs = inputs if isinstance(inputs, tuple) else (inputs,)
    return module(*inputs, **(module_kwargs or {}))
