"""torch.ao.quantization: the markers that quantisable models carry, which change nothing in floating point."""

from __future__ import annotations

from typing import Any, NoReturn

from fxtorch.nn import Module


class QuantStub(Module):
    """Where a quantised model would round its input: the input itself."""

    def __init__(self, qconfig: Any = None) -> None:
        super().__init__()

    def forward(self, x: Any) -> Any:
        """``x``."""
        return x


class DeQuantStub(QuantStub):
    """Where a quantised model would return to floating point: the input itself."""


class QuantWrapper(Module):
    """A module between the two markers."""

    def __init__(self, module: Module) -> None:
        super().__init__()
        self.quant, self.dequant, self.module = QuantStub(), DeQuantStub(), module

    def forward(self, x: Any) -> Any:
        """The module's result."""
        return self.dequant(self.module(self.quant(x)))


def _refuse(*args: Any, **kwargs: Any) -> NoReturn:
    """Raise.

    Raises:
        NotImplementedError: always.
    """
    raise NotImplementedError("fxtorch does not quantise: Tensors of 8-bit integers with a scale are not there")


prepare = convert = prepare_qat = quantize = quantize_dynamic = fuse_modules = fuse_modules_qat = _refuse
QConfig = get_default_qconfig = get_default_qat_qconfig = default_observer = _refuse
