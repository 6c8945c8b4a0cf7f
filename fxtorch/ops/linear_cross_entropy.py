"""Cross-entropy of a linear map, in pieces of the batch so that the scores are never all there."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from jax import Array as JaxArray
from jax import lax

from fxtorch.ops.classification_loss import cross_entropy
from fxtorch.ops.dtypes import cast, is_float
from fxtorch.ops.loss_reduction import reduced
from fxtorch.ops.table import Array, op


def rows_at_once(method: str, batch: int, features: int, classes: int) -> int:
    """How many rows of the batch make a piece whose scores are no larger than the whole input.

    That is ``batch / ceil(classes / features)``, rounded up to a power of two, and divided by the number after the
    colon of ``"aspect_ratio:2"``.
    """
    factor = int(method.partition(":")[2] or 1)
    target = -(-batch // -(-classes // features))
    return max(1, min((1 << (target - 1).bit_length()) // factor, batch))


@op(where=("nn.functional",))
def linear_cross_entropy(
    input: Array,
    linear_weight: Array,
    target: Array,
    *,
    linear_bias: Array | None = None,
    weight: Array | None = None,
    reduction: str = "mean",
    ignore_index: int | None = None,
    label_smoothing: float = 0.0,
    options: Any = None,
) -> Array:
    """``cross_entropy(linear(input, linear_weight, linear_bias), target)``.

    With ``options`` the batch is taken in pieces, whose scores are computed again for the gradient: memory for one
    piece of scores, at any order of differentiation.

    Args:
        input: ``(N, F)`` or ``(F,)``.
        linear_weight: ``(C, F)``; ``(C, d1, ..., F)`` for a loss at each of ``(d1, ...)``.
        target: classes ``(N, d1, ...)``, or probabilities ``(N, C, d1, ...)``.
        linear_bias: ``(C, d1, ...)``.
        weight: a factor for each class.
        reduction: ``"none"``, ``"mean"`` or ``"sum"``.
        ignore_index: the class that does not count; -100 by default.
        label_smoothing: see :func:`cross_entropy`.
        options: a ``LinearCrossEntropyOptions``, or None for one piece.

    Raises:
        RuntimeError: shapes do not fit, or ``ignore_index`` is given together with probabilities.
    """
    if input.ndim not in (1, 2):
        raise RuntimeError(f"expected input with dimensionality 1 or 2, got {input.ndim}")
    if linear_weight.ndim < 2:
        raise RuntimeError(f"expected linear_weight with dimensionality at least 2, got {linear_weight.ndim}")
    if input.shape[-1] != linear_weight.shape[-1]:
        raise RuntimeError(
            "expected equal input and linear_weight last dimensions (in_features), got "
            f"{input.shape[-1]} and {linear_weight.shape[-1]}, respectively"
        )
    outputs = tuple(linear_weight.shape)[:-1]
    if linear_bias is not None and linear_bias.shape != outputs:
        raise RuntimeError(f"expected linear_bias shape {outputs}, got {linear_bias.shape}")
    if len(outputs) > 1 and input.ndim == 1:
        raise RuntimeError(
            f"K-dimensional loss defined by linear_weight shape {linear_weight.shape} requires batched input, (N, "
            f"{input.shape[-1]}), got unbatched input with shape {input.shape}"
        )
    probabilities = target.shape == (*input.shape[:-1], *outputs)
    if probabilities and ignore_index is not None:
        raise RuntimeError("ignore_index cannot be specified when target contains probabilities")
    if probabilities and not is_float(target.dtype):
        raise RuntimeError(f"Expected floating point type for target with class probabilities, got {target.dtype}")
    ignored = -100 if ignore_index is None else ignore_index

    chosen = None if options is None or options.acc_dtype is None else options.acc_dtype.np
    kind = chosen or (jnp.float32 if input.dtype.itemsize < 4 else None)  # 16-bit floats are rounded at the end

    def losses(x: JaxArray, y: JaxArray, how: str) -> JaxArray:
        scores = jnp.tensordot(x, linear_weight, (-1, -1), preferred_element_type=kind)
        scores = scores if linear_bias is None else scores + linear_bias
        classes = None if weight is None else cast(weight, scores.dtype)
        return cross_entropy(scores, y, classes, None, ignored, None, how, label_smoothing)

    if options is None or input.ndim == 1:
        return cast(losses(input, target, reduction), input.dtype)
    rows = options.rows(input.shape[0], input.shape[1], linear_weight.shape[0])
    each = _in_pieces(losses, input, target, rows)
    if reduction != "mean":
        return cast(reduced(each, reduction), input.dtype)
    if probabilities:
        return cast(jnp.sum(each) / each.size, input.dtype)
    counted = jnp.ones((), each.dtype) if weight is None else jnp.take(cast(weight, each.dtype), target, mode="clip")
    return cast(jnp.sum(each) / jnp.sum(jnp.where(target != ignored, counted, 0)), input.dtype)


def _in_pieces(losses: Any, x: JaxArray, y: JaxArray, rows: int) -> JaxArray:
    """``losses`` of ``rows`` rows at a time; what is padded to make the last piece whole is cut off again."""
    count = -(-x.shape[0] // rows)
    short = count * rows - x.shape[0]

    def split(a: JaxArray) -> JaxArray:
        padded = jnp.pad(a, [(0, short), *[(0, 0)] * (a.ndim - 1)])
        return padded.reshape(count, rows, *a.shape[1:])

    piece = jax.checkpoint(lambda both: losses(*both, "none"))
    each = lax.map(piece, (split(x), split(y)))
    return each.reshape(count * rows, *each.shape[2:])[: x.shape[0]]
