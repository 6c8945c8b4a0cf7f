"""``torch.nn.functional``: the operators of the table, and the few functions that change a Tensor besides."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from fxtorch.autograd import is_grad_enabled, no_grad
from fxtorch.nn._attention import multi_head_attention_forward as multi_head_attention_forward
from fxtorch.nn._attention import scaled_dot_product_attention as scaled_dot_product_attention
from fxtorch.nn._functional_names import forms
from fxtorch.nn._scaled import ScalingType as ScalingType
from fxtorch.nn._scaled import SwizzleType as SwizzleType
from fxtorch.nn._scaled import scaled_grouped_mm as scaled_grouped_mm
from fxtorch.nn._scaled import scaled_mm as scaled_mm
from fxtorch.tensor import Tensor
from fxtorch.tensor.dispatch import namespace, no_such_name
from fxtorch.tensor.sparse import rows_of

_table = namespace("nn.functional")
globals().update(_table)

_torch = namespace("torch")
sigmoid, tanh = _torch["sigmoid"], _torch["tanh"]


def batch_norm(
    input: Tensor,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-05,
) -> Tensor:
    """``(input - mean) / sqrt(variance + eps) * weight + bias`` for each channel of ``(N, C, ...)``.

    While ``training`` the moments are the batch's, and the running ones move towards them by ``momentum`` (the variance
    unbiased); otherwise the moments are the running ones.

    Args:
        input: ``(N, C, ...)``.
        running_mean: ``(C,)``, changed in place while training.
        running_var: ``(C,)``, changed in place while training.
        weight: ``(C,)``.
        bias: ``(C,)``.
        training: whether to normalise by the batch.
        momentum: how far the running moments move.
        eps: added to the variance.

    Raises:
        ValueError: one value a channel while training, or an ``eps`` that is not positive.
        RuntimeError: an argument does not have one entry a channel.

    Source: Ioffe and Szegedy, "Batch Normalization" (2015).
    """
    if eps <= 0.0:
        raise ValueError(f"batch_norm eps must be positive, but got {eps}")
    if not training:
        if running_mean is None or running_var is None:
            raise RuntimeError("Expected running_mean and running_var to be defined when training=False")
        return _table["_batch_norm_eval"](input, running_mean, running_var, weight, bias, eps)
    channels = input.shape[1] if input.ndim > 1 else 0
    for name, running in (("running_mean", running_mean), ("running_var", running_var)):
        if running is not None and running.shape != (channels,):
            raise RuntimeError(f"{name} should contain {channels} elements not {running.numel()}")
    output, mean, variance = _table["_batch_norm_train"](input, weight, bias, eps)
    if input.numel():  # of nothing there are no moments
        _move(running_mean, running_var, mean, variance, momentum, input.numel() // channels)
    return output


def _move(
    running_mean: Tensor | None,
    running_var: Tensor | None,
    mean: Tensor,
    variance: Tensor,
    momentum: float,
    count: int,
) -> None:
    """Move the running moments towards ``mean`` and the unbiased ``variance`` of ``count`` values."""
    with no_grad():
        if running_mean is not None:
            running_mean.copy_(_table["_moved"](running_mean, mean, momentum))
        if running_var is not None:
            running_var.copy_(_table["_moved"](running_var, variance * (count / (count - 1)), momentum))


def instance_norm(
    input: Tensor,
    running_mean: Tensor | None = None,
    running_var: Tensor | None = None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    use_input_stats: bool = True,
    momentum: float = 0.1,
    eps: float = 1e-05,
) -> Tensor:
    """Normalisation of every channel of every sample of ``(N, C, ...)`` by its own moments.

    Args:
        input: ``(N, C, ...)``.
        running_mean: ``(C,)``, moved towards the batch's average while ``use_input_stats``, else used.
        running_var: ``(C,)``, likewise.
        weight: ``(C,)``.
        bias: ``(C,)``.
        use_input_stats: whether to normalise by the input's own moments.
        momentum: how far the running moments move.
        eps: added to the variance.

    Raises:
        ValueError: one value a channel.
    """
    if not use_input_stats:
        if running_mean is None or running_var is None:
            raise RuntimeError("Expected running_mean and running_var to be defined when use_input_stats=False")
        return _table["_batch_norm_eval"](input, running_mean, running_var, weight, bias, eps)
    output, mean, variance = _table["_instance_norm_train"](input, weight, bias, eps)
    if running_mean is not None or running_var is not None:
        count = input.numel() // (input.shape[0] * input.shape[1])
        _move(running_mean, running_var, mean, variance, momentum, count)
    return output


def embedding(
    input: Tensor,
    weight: Tensor,
    padding_idx: int | None = None,
    max_norm: float | None = None,
    norm_type: float = 2.0,
    scale_grad_by_freq: bool = False,
    sparse: bool = False,
) -> Tensor:
    """``weight[input]``; with ``max_norm`` the rows used are first scaled down to that norm, in place.

    With ``sparse`` the gradient of ``weight`` is a sparse Tensor: the rows that were used, and their indexes.
    """
    if max_norm is not None:
        with no_grad():
            weight.copy_(_table["_embedding_renorm"](weight, input, max_norm, norm_type))
    if sparse and is_grad_enabled() and weight.requires_grad:
        return _sparse_rows(input, weight, padding_idx, scale_grad_by_freq).reshape(*input.shape, -1)
    return _table["embedding"](input, weight, padding_idx, None, norm_type, scale_grad_by_freq, sparse)


def _sparse_rows(input: Tensor, weight: Tensor, padding_idx: int | None, by_frequency: bool) -> Tensor:
    """``weight[input.reshape(-1)]``, whose gradient with respect to ``weight`` is sparse."""
    if by_frequency:
        raise RuntimeError("embedding_backward: scale_grad_by_freq not supported with sparse gradients")
    with no_grad():
        _table["embedding"](input, weight)  # the checks
    skip = None if padding_idx is None else padding_idx % weight.shape[0]
    return rows_of(weight, input.reshape(-1), skip)


def embedding_bag(
    input: Tensor,
    weight: Tensor,
    offsets: Tensor | None = None,
    max_norm: float | None = None,
    norm_type: float = 2.0,
    scale_grad_by_freq: bool = False,
    mode: str = "mean",
    sparse: bool = False,
    per_sample_weights: Tensor | None = None,
    include_last_offset: bool = False,
    padding_idx: int | None = None,
) -> Tensor:
    """The sum, mean or maximum over bags of rows; with ``max_norm`` rows are first scaled down to it, in place.

    With ``sparse`` the gradient of ``weight`` is a sparse Tensor, as for :func:`embedding`; not in mode ``"max"``.
    """
    if max_norm is not None:
        with no_grad():
            weight.copy_(_table["_embedding_renorm"](weight, input, max_norm, norm_type))
    if sparse and is_grad_enabled() and weight.requires_grad:
        if mode == "max":
            raise ValueError("max mode does not support sparse weights")
        rows = _sparse_rows(input, weight, padding_idx, scale_grad_by_freq)
        place = _torch["arange"](rows.shape[0]).reshape(input.shape)
        if padding_idx is not None:  # one more row stands for those that do not count
            place = place.masked_fill(input == padding_idx % weight.shape[0], rows.shape[0])
            rows, padding_idx = _torch["cat"]([rows, rows.new_zeros(1, rows.shape[1])]), rows.shape[0]
        input, weight = place, rows
    return _table["embedding_bag"](
        input, weight, offsets, None, norm_type, scale_grad_by_freq, mode, sparse, per_sample_weights,
        include_last_offset, padding_idx,
    )  # fmt: skip


def gumbel_softmax(logits: Tensor, tau: float = 1, hard: bool = False, eps: float = 1e-10, dim: int = -1) -> Tensor:
    """A sample of the relaxed categorical distribution: ``softmax((logits + gumbel) / tau)``.

    With ``hard`` the value is the one-hot of its maximum and the gradient that of the soft sample.

    Source: Jang et al. (2017); Maddison et al. (2017).
    """
    soft = _table["_gumbel_softmax"](logits, tau, dim)
    if not hard:
        return soft
    one = _torch["zeros_like"](logits).scatter(dim, soft.argmax(dim, keepdim=True), 1.0)
    return one - soft.detach() + soft


def fractional_max_pool2d(
    input: Tensor,
    kernel_size: int | Sequence[int],
    output_size: int | Sequence[int] | None = None,
    output_ratio: float | Sequence[float] | None = None,
    return_indices: bool = False,
    _random_samples: Tensor | None = None,
) -> Any:
    """Maxima of ``(N, C, H, W)`` or ``(C, H, W)`` over windows at random places, so that any size may come out.

    Args:
        input: the images.
        kernel_size: the size of a window.
        output_size: the size of the output.
        output_ratio: or, its size as a fraction of the input's.
        return_indices: whether the places of the maxima in the flattened image are returned too.
        _random_samples: ``(N, C, 2)``, numbers in [0, 1) that say where the windows are; drawn by default.

    Raises:
        ValueError: neither ``output_size`` nor ``output_ratio`` is given.
        RuntimeError: the windows do not fit the input.

    Source: Graham, "Fractional Max-Pooling" (2014).
    """
    return _fractional(2, input, kernel_size, output_size, output_ratio, return_indices, _random_samples)


def fractional_max_pool3d(
    input: Tensor,
    kernel_size: int | Sequence[int],
    output_size: int | Sequence[int] | None = None,
    output_ratio: float | Sequence[float] | None = None,
    return_indices: bool = False,
    _random_samples: Tensor | None = None,
) -> Any:
    """:func:`fractional_max_pool2d` of volumes, ``(N, C, D, H, W)`` or ``(C, D, H, W)``."""
    return _fractional(3, input, kernel_size, output_size, output_ratio, return_indices, _random_samples)


def _fractional(
    n: int, input: Tensor, kernel: Any, output_size: Any, output_ratio: Any, return_indices: bool, samples: Any
) -> Any:
    """Fractional max pooling over ``n`` dimensions."""
    if output_size is None and output_ratio is None:
        raise ValueError(f"fractional_max_pool{n}d requires specifying either an output_size or an output_ratio")
    kernel = (kernel,) * n if isinstance(kernel, int) else tuple(kernel)
    if output_size is None:
        ratios = (output_ratio,) * n if isinstance(output_ratio, float) else output_ratio
        output_size = tuple(int(s * r) for s, r in zip(input.shape[-n:], ratios, strict=True))
    output_size = (output_size,) * n if isinstance(output_size, int) else tuple(output_size)
    if samples is None:
        planes = (1, *input.shape)[-n - 2 : -n]
        samples = _torch["rand"](*planes, n, dtype=input.dtype, device=input.device)
    values, indices = _table["_fractional_max_pool"](input, samples, kernel, output_size)
    return (values, indices) if return_indices else values


def triplet_margin_with_distance_loss(
    anchor: Tensor,
    positive: Tensor,
    negative: Tensor,
    *,
    distance_function: Callable[[Tensor, Tensor], Tensor] | None = None,
    margin: float = 1.0,
    swap: bool = False,
    reduction: str = "mean",
) -> Tensor:
    """``max(0, d(anchor, positive) - d(anchor, negative) + margin)`` for any distance ``d``.

    Args:
        anchor: a batch.
        positive: what should be near to it.
        negative: what should be far from it.
        distance_function: ``d``; the Euclidean distance by default.
        margin: by how much farther.
        swap: take ``d(positive, negative)`` where that is less than ``d(anchor, negative)``.
        reduction: ``"mean"``, ``"sum"`` or ``"none"``.

    Raises:
        ValueError: ``margin`` is not positive, or the reduction is unknown.
    """
    if margin <= 0:
        raise ValueError(f"margin must be greater than 0, got {margin}")
    if reduction not in ("mean", "sum", "none"):
        raise ValueError(f"{reduction} is not a valid value for reduction")
    distance = _table["pairwise_distance"] if distance_function is None else distance_function
    far = distance(anchor, negative)
    if swap:
        far = _torch["minimum"](far, distance(positive, negative))
    loss = (distance(anchor, positive) - far + margin).clamp(min=0)
    return loss if reduction == "none" else getattr(loss, reduction)()


globals().update(
    forms({"fractional_max_pool2d": fractional_max_pool2d, "fractional_max_pool3d": fractional_max_pool3d})
)


def __getattr__(name: str) -> Any:  # also tells type checkers that the generated names are there
    raise no_such_name(__name__, name)
