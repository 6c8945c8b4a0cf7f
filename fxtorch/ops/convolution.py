"""Convolution and its transpose, in one to three dimensions.

Source of the index arithmetic: Dumoulin and Visin, "A guide to convolution arithmetic for deep learning" (2016).
"""

from __future__ import annotations

from jax import Array as JaxArray

from fxtorch.ops.channels import add_to_channels
from fxtorch.ops.conv_kernels import Geometry, forward, input_gradient
from fxtorch.ops.table import Array, Strict, op
from fxtorch.ops.windows import Sizes, batched, expand, times


def _check_numbers(stride: tuple[int, ...], padding: tuple[int, ...], dilation: tuple[int, ...], groups: int) -> None:
    if groups <= 0:
        raise RuntimeError("non-positive groups is not supported")
    if min(padding) < 0:
        raise RuntimeError("negative padding is not supported")
    if min(stride) <= 0:
        raise RuntimeError("non-positive stride is not supported")
    if min(dilation) <= 0:
        raise RuntimeError("dilation should be greater than zero")


def _check_bias(weight: JaxArray, bias: JaxArray | None, channels: int, transposed: bool) -> None:
    if bias is not None and bias.shape != (channels,):
        kind = "transposed=1, weight" if transposed else "weight"
        raise RuntimeError(
            f"Given {kind} of size {list(weight.shape)}, expected bias to be 1-dimensional with {channels} elements, "
            f"but got bias of size {list(bias.shape)} instead"
        )


def _check_rank(x: JaxArray, weight: JaxArray, n: int, name: str) -> None:
    if x.ndim not in (n + 1, n + 2):
        raise RuntimeError(
            f"Expected {n + 1}D (unbatched) or {n + 2}D (batched) input to {name}, "
            f"but got input of size: {list(x.shape)}"
        )
    if weight.ndim != n + 2:
        raise RuntimeError(
            f"weight should have {n + 2} dimensions for {name}, but got weight of size: {list(weight.shape)}"
        )
    if x.dtype != weight.dtype:
        raise RuntimeError(f"Input type ({x.dtype}) and weight type ({weight.dtype}) should be the same")


def _add_bias(y: JaxArray, bias: JaxArray | None) -> JaxArray:
    if bias is not None and bias.dtype != y.dtype:
        raise RuntimeError(f"Input type ({y.dtype}) and bias type ({bias.dtype}) should be the same")
    return y if bias is None else add_to_channels(y, bias)


def _convolve(
    x: JaxArray,
    weight: JaxArray,
    bias: JaxArray | None,
    stride: Sizes,
    padding: Sizes | str,
    dilation: Sizes,
    groups: int,
    n: int,
) -> JaxArray:
    name = f"conv{n}d"
    _check_rank(x, weight, n, name)
    x, unbatched = batched(x, n)
    kernel = weight.shape[2:]
    stride, dilation = expand(stride, n, "stride"), expand(dilation, n, "dilation")
    if isinstance(padding, str):
        pads = _named_padding(padding, kernel, stride, dilation)
    else:
        pads = tuple((p, p) for p in expand(padding, n, "padding"))
    _check_numbers(stride, tuple(p for pair in pads for p in pair), dilation, groups)
    out, per_group = weight.shape[:2]
    if out < groups:
        raise RuntimeError(
            f"Given groups={groups}, expected weight to be at least {groups} at dimension 0, "
            f"but got weight of size {list(weight.shape)} instead"
        )
    if out % groups:
        raise RuntimeError(
            f"Given groups={groups}, expected weight to be divisible by {groups} at dimension 0, "
            f"but got weight of size {list(weight.shape)} instead"
        )
    if x.shape[1] != per_group * groups:
        raise RuntimeError(
            f"Given groups={groups}, weight of size {list(weight.shape)}, expected input{list(x.shape)} to have "
            f"{per_group * groups} channels, but got {x.shape[1]} channels instead"
        )
    _check_bias(weight, bias, out, transposed=False)
    padded = [s + lo + hi for s, (lo, hi) in zip(x.shape[2:], pads, strict=True)]
    reach = [d * (k - 1) + 1 for k, d in zip(kernel, dilation, strict=True)]
    if any(p < r for p, r in zip(padded, reach, strict=True)):
        raise RuntimeError(
            f"Calculated padded input size per channel: ({times(padded)}). Kernel size: ({times(reach)}). "
            "Kernel size can't be greater than actual input size"
        )
    y = _add_bias(forward(x, weight, Geometry(stride, pads, dilation, groups)), bias)
    return y[0] if unbatched else y


def _named_padding(
    padding: str, kernel: tuple[int, ...], stride: tuple[int, ...], dilation: tuple[int, ...]
) -> tuple[tuple[int, int], ...]:
    """``"valid"`` pads nothing; ``"same"`` keeps the size, an odd total putting the extra one at the end."""
    if padding == "valid":
        return ((0, 0),) * len(kernel)
    if padding != "same":
        raise RuntimeError(f"Invalid padding string: '{padding}'")
    if any(s != 1 for s in stride):
        raise RuntimeError("padding='same' is not supported for strided convolutions")
    totals = [d * (k - 1) for k, d in zip(kernel, dilation, strict=True)]
    return tuple((t // 2, t - t // 2) for t in totals)


@op(where=("torch", "nn.functional"))
def conv1d(
    input: Strict,
    weight: Strict,
    bias: Strict | None = None,
    stride: Sizes = 1,
    padding: Sizes | str = 0,
    dilation: Sizes = 1,
    groups: int = 1,
) -> Array:
    """Cross-correlation of ``(N, C, L)`` with ``weight`` of ``(O, C / groups, K)``; see :func:`conv2d`."""
    return _convolve(input, weight, bias, stride, padding, dilation, groups, 1)


@op(where=("torch", "nn.functional"))
def conv2d(
    input: Strict,
    weight: Strict,
    bias: Strict | None = None,
    stride: Sizes = 1,
    padding: Sizes | str = 0,
    dilation: Sizes = 1,
    groups: int = 1,
) -> Array:
    """Cross-correlation.

    ``out[n, o, p] = bias[o] + sum_{c, k} input[n, c, stride p + dilation k - padding] weight[o, c, k]``.

    Args:
        input: ``(N, C, H, W)`` or ``(C, H, W)``.
        weight: ``(O, C / groups, KH, KW)``.
        bias: ``(O,)``.
        stride: the step of the window, one number or one a dimension.
        padding: zeros on both sides, or ``"valid"`` (none) or ``"same"`` (the size stays; stride 1 only).
        dilation: the step between the elements of the kernel.
        groups: channels are split into so many groups that do not see each other.

    Raises:
        RuntimeError: ranks, channels, bias or kernel size do not fit.

    >>> import jax.numpy as jnp
    >>> conv2d(jnp.ones((1, 1, 3, 3), "float32"), jnp.ones((1, 1, 2, 2), "float32")).tolist()
    [[[[4.0, 4.0], [4.0, 4.0]]]]
    """
    return _convolve(input, weight, bias, stride, padding, dilation, groups, 2)


@op(where=("torch", "nn.functional"))
def conv3d(
    input: Strict,
    weight: Strict,
    bias: Strict | None = None,
    stride: Sizes = 1,
    padding: Sizes | str = 0,
    dilation: Sizes = 1,
    groups: int = 1,
) -> Array:
    """Cross-correlation of ``(N, C, D, H, W)`` with ``(O, C / groups, KD, KH, KW)``; see :func:`conv2d`."""
    return _convolve(input, weight, bias, stride, padding, dilation, groups, 3)


def _convolve_transposed(
    x: JaxArray,
    weight: JaxArray,
    bias: JaxArray | None,
    stride: Sizes,
    padding: Sizes,
    output_padding: Sizes,
    groups: int,
    dilation: Sizes,
    n: int,
) -> JaxArray:
    _check_rank(x, weight, n, f"conv_transpose{n}d")
    x, unbatched = batched(x, n)
    kernel = weight.shape[2:]
    stride, dilation = expand(stride, n, "stride"), expand(dilation, n, "dilation")
    padding, extra = expand(padding, n, "padding"), expand(output_padding, n, "output_padding")
    _check_numbers(stride, padding, dilation, groups)
    if x.shape[1] != weight.shape[0]:
        raise RuntimeError(
            f"Given transposed=1, weight of size {list(weight.shape)}, expected input{list(x.shape)} to have "
            f"{weight.shape[0]} channels, but got {x.shape[1]} channels instead"
        )
    out = weight.shape[1] * groups
    _check_bias(weight, bias, out, transposed=True)
    if any(e >= s and e >= d for e, s, d in zip(extra, stride, dilation, strict=True)):
        raise RuntimeError(
            f"output padding must be smaller than either stride or dilation, but got output_padding: {list(extra)}, "
            f"stride: {list(stride)}, dilation: {list(dilation)}"
        )
    sizes = tuple(
        (s - 1) * t - 2 * p + d * (k - 1) + e + 1
        for s, t, p, d, k, e in zip(x.shape[2:], stride, padding, dilation, kernel, extra, strict=True)
    )
    if min(sizes) <= 0:
        raise RuntimeError(
            f"Given input size per channel: ({times(x.shape[2:])}). Calculated output size per channel: "
            f"({times(sizes)}). Output size is too small"
        )
    geometry = Geometry(stride, tuple((p, p) for p in padding), dilation, groups)
    y = _add_bias(input_gradient(x, weight, sizes, geometry), bias)
    return y[0] if unbatched else y


@op(where=("torch", "nn.functional"))
def conv_transpose1d(
    input: Strict,
    weight: Strict,
    bias: Strict | None = None,
    stride: Sizes = 1,
    padding: Sizes = 0,
    output_padding: Sizes = 0,
    groups: int = 1,
    dilation: Sizes = 1,
) -> Array:
    """The transpose of :func:`conv1d`; ``weight`` is ``(C, O / groups, K)``; see :func:`conv_transpose2d`."""
    return _convolve_transposed(input, weight, bias, stride, padding, output_padding, groups, dilation, 1)


@op(where=("torch", "nn.functional"))
def conv_transpose2d(
    input: Strict,
    weight: Strict,
    bias: Strict | None = None,
    stride: Sizes = 1,
    padding: Sizes = 0,
    output_padding: Sizes = 0,
    groups: int = 1,
    dilation: Sizes = 1,
) -> Array:
    """The transpose of :func:`conv2d` as a linear map: what its gradient with respect to the input is.

    The result has ``(H - 1) stride - 2 padding + dilation (K - 1) + output_padding + 1`` rows.

    Args:
        input: ``(N, C, H, W)`` or ``(C, H, W)``.
        weight: ``(C, O / groups, KH, KW)``.
        bias: ``(O,)``.
        stride: the step of the window in the result.
        padding: rows and columns cut off on every side of the result.
        output_padding: rows and columns added at its end.
        groups: channels are split into so many groups that do not see each other.
        dilation: the step between the elements of the kernel.

    Raises:
        RuntimeError: ranks, channels or bias do not fit, or nothing is left of the result.
    """
    return _convolve_transposed(input, weight, bias, stride, padding, output_padding, groups, dilation, 2)


@op(where=("torch", "nn.functional"))
def conv_transpose3d(
    input: Strict,
    weight: Strict,
    bias: Strict | None = None,
    stride: Sizes = 1,
    padding: Sizes = 0,
    output_padding: Sizes = 0,
    groups: int = 1,
    dilation: Sizes = 1,
) -> Array:
    """The transpose of :func:`conv3d`; ``weight`` is ``(C, O / groups, KD, KH, KW)``; see :func:`conv_transpose2d`."""
    return _convolve_transposed(input, weight, bias, stride, padding, output_padding, groups, dilation, 3)
