"""torch.onnx: there is no exporter of TorchScript; a clear error says what to do instead."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn

from fxtorch.tensor.construction import tensor
from fxtorch.tensor.dtype import int64

__all__ = ["ONNXProgram", "OnnxExporterError", "export", "is_in_onnx_export", "register_custom_op_symbolic"]


class OnnxExporterError(RuntimeError):
    """A model cannot be written as ONNX."""


class ONNXProgram:
    """What an export returns in torch; it is never made here."""


def is_in_onnx_export() -> bool:
    """False: nothing is ever exported by tracing in torch's way."""
    return False


def export(model: Any, *args: Any, **kwargs: Any) -> NoReturn:
    """Raise.

    Raises:
        OnnxExporterError: always.
    """
    raise OnnxExporterError(
        "torch.onnx.export is not supported: save the weights by torch.save, or trace the model as a JAX function by "
        "fxtorch.func.functional_call and convert that, for example with jax2onnx"
    )


def parse_args(*arg_descriptors: str) -> Callable[[Any], Any]:
    """Decorates a rule of torch's exporter, which nothing runs."""
    return lambda fn: fn


def shape_as_tensor(x: Any) -> Any:
    """The shape as a Tensor."""
    return tensor(list(x.shape), dtype=int64)


def register_custom_op_symbolic(symbolic_name: str, symbolic_fn: Any, opset_version: int) -> None:
    """Accepted: libraries say at import how their operators would be exported; nothing reads it."""


unregister_custom_op_symbolic = register_custom_op_symbolic
