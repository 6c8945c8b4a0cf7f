"""Batch normalisation folded into the layer before it, for evaluation."""

from __future__ import annotations

import copy
import functools
from typing import Any, TypeVar

from fxtorch.nn._torch import torch
from fxtorch.nn.parameter import Parameter
from fxtorch.tensor import Tensor

C = TypeVar("C")


def fuse_conv_bn_eval(conv: C, bn: Any, transpose: bool = False) -> C:
    """A convolution that computes ``bn(conv(x))`` as both do in evaluation.

    Args:
        conv: the convolution, in evaluation mode.
        bn: the batch normalisation, in evaluation mode.
        transpose: whether ``conv`` is a transposed one.

    Raises:
        AssertionError: one of them is training.

    >>> import fxtorch as torch
    >>> conv, bn = torch.nn.Conv2d(1, 2, 3).eval(), torch.nn.BatchNorm2d(2).eval()
    >>> x = torch.ones(1, 1, 4, 4)
    >>> torch.allclose(fuse_conv_bn_eval(conv, bn)(x), bn(conv(x)), atol=1e-6)
    True
    """
    return _fused(conv, bn, "Conv", functools.partial(fuse_conv_bn_weights, transpose=transpose))


def fuse_linear_bn_eval(linear: C, bn: Any) -> C:
    """A linear layer that computes ``bn(linear(x))`` as both do in evaluation.

    Args:
        linear: the layer, in evaluation mode.
        bn: the batch normalisation, in evaluation mode, of as many features (or of one).

    Raises:
        AssertionError: one of them is training, or their features differ.
    """
    features: int = linear.out_features  # type: ignore[attr-defined]
    if bn.num_features not in (features, 1):
        raise AssertionError("To fuse, linear.out_features == bn.num_features or bn.num_features == 1")
    return _fused(linear, bn, "Linear", fuse_linear_bn_weights)


def _fused(layer: Any, bn: Any, what: str, weights: Any) -> Any:
    if layer.training or bn.training:
        raise AssertionError(f"{what} and BN both must be in eval mode")
    if bn.running_mean is None or bn.running_var is None:
        raise AssertionError("bn.running_mean and bn.running_var must not be None")
    made = copy.deepcopy(layer)
    made.weight, made.bias = weights(
        made.weight, made.bias, bn.running_mean, bn.running_var, bn.eps, bn.weight, bn.bias
    )
    return made


def fuse_conv_bn_weights(
    conv_w: Tensor,
    conv_b: Tensor | None,
    bn_rm: Tensor,
    bn_rv: Tensor,
    bn_eps: float,
    bn_w: Tensor | None,
    bn_b: Tensor | None,
    transpose: bool = False,
) -> tuple[Parameter, Parameter]:
    """Weight and bias of the convolution that :func:`fuse_conv_bn_eval` makes.

    Args:
        conv_w: the weight.
        conv_b: the bias.
        bn_rm: the running mean.
        bn_rv: the running variance.
        bn_eps: what is added to it.
        bn_w: the scale.
        bn_b: the shift.
        transpose: whether the outputs are the second dimension of the weight.
    """
    outputs = (1, -1) if transpose else (-1, 1)
    return _weights(conv_w, conv_b, bn_rm, bn_rv, bn_eps, bn_w, bn_b, (*outputs, *(1,) * (conv_w.ndim - 2)))


def fuse_linear_bn_weights(
    linear_w: Tensor,
    linear_b: Tensor | None,
    bn_rm: Tensor,
    bn_rv: Tensor,
    bn_eps: float,
    bn_w: Tensor | None,
    bn_b: Tensor | None,
) -> tuple[Parameter, Parameter]:
    """Weight and bias of the layer that :func:`fuse_linear_bn_eval` makes; see :func:`fuse_conv_bn_weights`."""
    return _weights(linear_w, linear_b, bn_rm, bn_rv, bn_eps, bn_w, bn_b, (-1, 1))


def _weights(
    w: Tensor,
    b: Tensor | None,
    mean: Tensor,
    variance: Tensor,
    eps: float,
    scale: Tensor | None,
    shift: Tensor | None,
    outputs: tuple[int, ...],
) -> tuple[Parameter, Parameter]:
    bias = torch.zeros_like(mean) if b is None else b
    factor = (variance + eps).rsqrt() if scale is None else scale * (variance + eps).rsqrt()
    fused_b = (bias - mean) * factor
    fused_b = fused_b if shift is None else fused_b + shift
    trained = b.requires_grad if b is not None else w.requires_grad
    return (
        Parameter((w * factor.reshape(outputs)).to(w.dtype), w.requires_grad),
        Parameter(fused_b.to(w.dtype if b is None else b.dtype), trained),
    )
