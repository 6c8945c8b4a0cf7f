"""torch.ao: where torch keeps quantisation."""

from fxtorch import quantization as quantization
from fxtorch.nn import quantized as _quantized

nn = type("nn", (), {"quantized": _quantized, "__doc__": "torch.ao.nn."})
