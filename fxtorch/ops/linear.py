"""Affine maps."""

from __future__ import annotations

import math

import jax.numpy as jnp

from fxtorch.ops.dtypes import type_name
from fxtorch.ops.table import Array, Strict, op
from fxtorch.ops.views import expanded_shape


@op(where=("nn.functional",), out=True)
def linear(input: Strict, weight: Strict, bias: Strict | None = None) -> Array:
    """``input @ weight.T + bias``.

    Args:
        input: ``(..., in_features)``.
        weight: ``(out_features, in_features)``, or ``(in_features,)`` for a result without the last dimension.
        bias: ``(out_features,)``.

    Raises:
        RuntimeError: features or the bias do not match, or dtypes differ.

    >>> import jax.numpy as jnp
    >>> linear(jnp.array([[1.0, 2.0]]), jnp.array([[3.0, 4.0]]), jnp.array([5.0])).tolist()
    [[16.0]]
    """
    if input.dtype != weight.dtype:
        kinds = f"{type_name(input.dtype)} and {type_name(weight.dtype)}"
        raise RuntimeError(f"mat1 and mat2 must have the same dtype, but got {kinds}")
    if bias is not None and bias.dtype != weight.dtype:
        kinds = f"{type_name(bias.dtype)} and {type_name(weight.dtype)}"
        raise RuntimeError(f"self and mat2 must have the same dtype, but got {kinds}")
    if input.ndim == 0 or weight.ndim == 0:
        raise RuntimeError("both arguments to linear need to be at least 1D")
    if input.shape[-1] != weight.shape[-1]:
        rows, columns = math.prod(input.shape[:-1]), input.shape[-1]
        across = f"{weight.shape[1]}x{weight.shape[0]}" if weight.ndim == 2 else f"{weight.shape[0]}x1"
        raise RuntimeError(f"mat1 and mat2 shapes cannot be multiplied ({rows}x{columns} and {across})")
    if input.ndim > 2:  # two dimensions: else XLA transposes both sides of the weight's gradient, and sums slowly
        out = linear(input.reshape(-1, input.shape[-1]), weight, bias)
        return out.reshape(*input.shape[:-1], *out.shape[1:])
    out = jnp.matmul(input, weight.T)
    if bias is None:
        return out
    if weight.ndim == 2 and bias.ndim < 2 and bias.shape not in ((), (1,), out.shape[-1:]):
        expanded_shape(bias.shape, (math.prod(out.shape[:-1]), *out.shape[-1:]))
    return out + bias


@op(where=("torch", "nn.functional"))
def bilinear(input1: Strict, input2: Strict, weight: Strict, bias: Strict | None = None) -> Array:
    """``out[..., o] = input1^T weight[o] input2 + bias[o]``.

    Args:
        input1: ``(..., in1_features)``.
        input2: ``(..., in2_features)``, of the same leading dimensions.
        weight: ``(out_features, in1_features, in2_features)``.
        bias: ``(out_features,)``.

    Raises:
        RuntimeError: leading dimensions or features do not match.
    """
    if input1.shape[:-1] != input2.shape[:-1]:
        rows = enumerate(zip(input1.shape, input2.shape, strict=False))
        at, (a, b) = next((i, pair) for i, pair in rows if pair[0] != pair[1])
        raise RuntimeError(f"bilinear(): input batch dimensions do not match at dim {at}: got {a} and {b}")
    for i, x in enumerate((input1, input2), 1):
        if x.shape[-1] != weight.shape[i]:
            raise RuntimeError(
                f"bilinear(): input{i} size does not match weight size: "
                f"got {x.shape[-1]} but expected {weight.shape[i]}"
            )
    out = jnp.einsum("...i,oij,...j->...o", input1, weight, input2)
    return out if bias is None else out + bias
