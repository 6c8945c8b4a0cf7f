"""What torch calls below ``nn.functional``: the same computations, with the arguments in the order of torch's core.

Programs meet these names as ``torch.batch_norm``, ``torch.embedding`` ...; modes and reductions are numbers here, in
the order in which ``nn.functional`` lists their names.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fxtorch.nn import functional
from fxtorch.tensor.dispatch import namespace
from fxtorch.tensor.tensor import Tensor

__all__ = [
    "adaptive_max_pool1d",
    "affine_grid_generator",
    "batch_norm",
    "binary_cross_entropy_with_logits",
    "convolution",
    "embedding",
    "embedding_bag",
    "feature_dropout",
    "frobenius_norm",
    "instance_norm",
    "kl_div",
    "max_pool1d_with_indices",
    "native_batch_norm",
    "native_dropout",
    "native_group_norm",
    "native_layer_norm",
    "norm_except_dim",
    "nuclear_norm",
    "poisson_nll_loss",
]

F: Any = functional
_torch = namespace("torch")
_linalg = namespace("linalg")

REDUCTIONS = ("none", "mean", "sum")
BAGS = ("sum", "mean", "max")

Sizes = int | Sequence[int]


def batch_norm(
    input: Tensor, weight: Tensor | None, bias: Tensor | None, running_mean: Tensor | None,
    running_var: Tensor | None, training: bool, momentum: float, eps: float, cudnn_enabled: bool = False,
) -> Tensor:  # fmt: skip
    """``nn.functional.batch_norm``."""
    return F.batch_norm(input, running_mean, running_var, weight, bias, training, momentum, eps)


def instance_norm(
    input: Tensor, weight: Tensor | None, bias: Tensor | None, running_mean: Tensor | None,
    running_var: Tensor | None, use_input_stats: bool, momentum: float, eps: float, cudnn_enabled: bool = False,
) -> Tensor:  # fmt: skip
    """``nn.functional.instance_norm``."""
    return F.instance_norm(input, running_mean, running_var, weight, bias, use_input_stats, momentum, eps)


def native_batch_norm(
    input: Tensor, weight: Tensor | None, bias: Tensor | None, running_mean: Tensor | None,
    running_var: Tensor | None, training: bool, momentum: float, eps: float,
) -> tuple[Tensor, Tensor, Tensor]:  # fmt: skip
    """:func:`batch_norm`, and the means and inverse deviations that it used; empty ones unless ``training``."""
    out = F.batch_norm(input, running_mean, running_var, weight, bias, training, momentum, eps)
    if not training:
        return out, input.new_empty(0), input.new_empty(0)
    dims = [d for d in range(input.ndim) if d != 1]
    var, mean = _torch["var_mean"](input, dims, correction=0)
    return out, mean, (var + eps).rsqrt()


def native_layer_norm(
    input: Tensor, normalized_shape: Sequence[int], weight: Tensor | None, bias: Tensor | None, eps: float
) -> tuple[Tensor, Tensor, Tensor]:
    """``nn.functional.layer_norm``, and the means and inverse deviations that it used."""
    out = F.layer_norm(input, tuple(normalized_shape), weight, bias, eps)
    dims = list(range(-len(normalized_shape), 0))
    var, mean = _torch["var_mean"](input, dims, correction=0, keepdim=True)
    return out, mean, (var + eps).rsqrt()


def native_group_norm(
    input: Tensor, weight: Tensor | None, bias: Tensor | None, N: int, C: int, HxW: int, group: int, eps: float
) -> tuple[Tensor, Tensor, Tensor]:
    """``nn.functional.group_norm``, and the means and inverse deviations that it used, (N, group)."""
    out = F.group_norm(input, group, weight, bias, eps)
    var, mean = _torch["var_mean"](input.reshape(N, group, -1), 2, correction=0)
    return out, mean, (var + eps).rsqrt()


def native_dropout(input: Tensor, p: float, train: bool | None) -> tuple[Tensor, Tensor]:
    """``nn.functional.dropout``, and the mask of what was kept."""
    if train is False:
        return input.clone(), _torch["ones_like"](input) > 0
    kept = _torch["rand_like"](input) >= p
    return input * kept / (1 - p) if p < 1 else input * 0, kept


def feature_dropout(input: Tensor, p: float, train: bool) -> Tensor:
    """Dropout of whole channels: ``nn.functional.dropout2d`` for an input of any number of dimensions."""
    if not train:
        return input
    channels = _torch["ones_like"](input[(slice(None), slice(None), *[slice(0, 1)] * (input.ndim - 2))])
    return input * F.dropout(channels, p, True)


def embedding(
    weight: Tensor, indices: Tensor, padding_idx: int = -1, scale_grad_by_freq: bool = False, sparse: bool = False
) -> Tensor:
    """``nn.functional.embedding``; -1 is no padding."""
    padding = None if padding_idx < 0 else padding_idx
    return F.embedding(indices, weight, padding, scale_grad_by_freq=scale_grad_by_freq, sparse=sparse)


def embedding_bag(
    weight: Tensor, indices: Tensor, offsets: Tensor, scale_grad_by_freq: bool = False, mode: int = 0,
    sparse: bool = False, per_sample_weights: Tensor | None = None, include_last_offset: bool = False,
    padding_idx: int | None = None,
) -> tuple[Tensor, Tensor, Tensor, Tensor]:  # fmt: skip
    """``nn.functional.embedding_bag``, and for each index its bag, the sizes of the bags, and an empty Tensor.

    torch's last result holds where the maxima of ``mode`` 2 lie; here the gradient does not need it.
    """
    out = F.embedding_bag(
        indices, weight, offsets, mode=BAGS[mode], scale_grad_by_freq=scale_grad_by_freq, sparse=sparse,
        per_sample_weights=per_sample_weights, include_last_offset=include_last_offset, padding_idx=padding_idx,
    )  # fmt: skip
    starts = offsets[:-1] if include_last_offset else offsets
    places = _torch["arange"](indices.shape[0], dtype=starts.dtype)
    bag = _torch["searchsorted"](starts, places, right=True) - 1
    size = _torch["zeros_like"](starts).scatter_add(0, bag, _torch["ones_like"](bag).to(starts.dtype))
    return out, bag.to(indices.dtype), size, indices.new_empty(0)


def convolution(
    input: Tensor, weight: Tensor, bias: Tensor | None, stride: Sizes, padding: Sizes, dilation: Sizes,
    transposed: bool, output_padding: Sizes, groups: int,
) -> Tensor:  # fmt: skip
    """The convolution, or its transpose, in as many dimensions as ``weight`` has beyond two."""
    n = weight.ndim - 2
    if transposed:
        fn = getattr(F, f"conv_transpose{n}d")
        return fn(input, weight, bias, stride, padding, output_padding, groups, dilation)
    return getattr(F, f"conv{n}d")(input, weight, bias, stride, padding, dilation, groups)


def max_pool1d_with_indices(
    input: Tensor, kernel_size: Sizes, stride: Sizes = (), padding: Sizes = 0, dilation: Sizes = 1,
    ceil_mode: bool = False,
) -> tuple[Tensor, Tensor]:  # fmt: skip
    """``nn.functional.max_pool1d`` with its indices."""
    return F.max_pool1d(input, kernel_size, stride or None, padding, dilation, ceil_mode, return_indices=True)


def adaptive_max_pool1d(input: Tensor, output_size: Sizes) -> tuple[Tensor, Tensor]:
    """``nn.functional.adaptive_max_pool1d`` with its indices."""
    return F.adaptive_max_pool1d(input, output_size, return_indices=True)


def affine_grid_generator(theta: Tensor, size: Sequence[int], align_corners: bool) -> Tensor:
    """``nn.functional.affine_grid``."""
    return F.affine_grid(theta, tuple(size), align_corners)


def binary_cross_entropy_with_logits(
    input: Tensor, target: Tensor, weight: Tensor | None = None, pos_weight: Tensor | None = None, reduction: int = 1
) -> Tensor:
    """``nn.functional.binary_cross_entropy_with_logits``."""
    return F.binary_cross_entropy_with_logits(
        input, target, weight, reduction=REDUCTIONS[reduction], pos_weight=pos_weight
    )


def kl_div(input: Tensor, target: Tensor, reduction: int = 1, *, log_target: bool = False) -> Tensor:
    """``nn.functional.kl_div``, which alone warns of what ``"mean"`` divides by."""
    out = F.kl_div(input, target, reduction="none", log_target=log_target)
    return out if reduction == 0 else out.mean() if reduction == 1 else out.sum()


def poisson_nll_loss(input: Tensor, target: Tensor, log_input: bool, full: bool, eps: float, reduction: int) -> Tensor:
    """``nn.functional.poisson_nll_loss``."""
    return F.poisson_nll_loss(input, target, log_input=log_input, full=full, eps=eps, reduction=REDUCTIONS[reduction])


def frobenius_norm(input: Tensor, dim: Any, keepdim: bool = False) -> Tensor:
    """The root of the sum of squares over ``dim``."""
    return _linalg["vector_norm"](input, 2, dim, keepdim)


def nuclear_norm(input: Tensor, dim: Any = (-2, -1), keepdim: bool = False) -> Tensor:
    """The sum of the singular values of the matrices in ``dim``."""
    return _linalg["matrix_norm"](input, "nuc", tuple(dim), keepdim)


def norm_except_dim(v: Tensor, pow: int = 2, dim: int = 0) -> Tensor:
    """The norm over all dimensions but ``dim`` (over all for -1), which stay with size 1."""
    if dim == -1:
        return _linalg["vector_norm"](v, pow)
    dims = [d for d in range(v.ndim) if d != dim % v.ndim]
    return _linalg["vector_norm"](v, pow, dims, True)
