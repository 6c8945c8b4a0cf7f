"""torch.autograd: what a user calls on the tape."""

from fxtorch.autograd import anomaly_mode, function, functional, grad_mode, graph
from fxtorch.autograd.anomaly_mode import (
    detect_anomaly,
    is_anomaly_check_nan_enabled,
    is_anomaly_enabled,
    set_anomaly_enabled,
    set_detect_anomaly,
)
from fxtorch.autograd.api import backward, grad
from fxtorch.autograd.function import Function
from fxtorch.autograd.grad_mode import (
    enable_grad,
    inference_mode,
    is_grad_enabled,
    is_inference_mode_enabled,
    no_grad,
    set_grad_enabled,
)
from fxtorch.autograd.gradcheck import GradcheckError, gradcheck, gradgradcheck
from fxtorch.tensor import Tensor as Variable

__all__ = [
    "Function",
    "GradcheckError",
    "Variable",
    "anomaly_mode",
    "backward",
    "detect_anomaly",
    "enable_grad",
    "function",
    "functional",
    "grad",
    "grad_mode",
    "gradcheck",
    "gradgradcheck",
    "graph",
    "inference_mode",
    "is_anomaly_check_nan_enabled",
    "is_anomaly_enabled",
    "is_grad_enabled",
    "is_inference_mode_enabled",
    "no_grad",
    "set_anomaly_enabled",
    "set_detect_anomaly",
    "set_grad_enabled",
]
