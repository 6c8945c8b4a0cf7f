"""Connectionist temporal classification, by optax."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax import Array as JaxArray
from jax import lax

from fxtorch.ops.bounds import CHECKS, Arguments, on_host
from fxtorch.ops.loss_reduction import chosen_reduction
from fxtorch.ops.table import Array, op


def _padded(targets: JaxArray, lengths: JaxArray) -> JaxArray:
    """Targets that follow one another in one dimension as one row a sequence."""
    width = targets.shape[0]
    starts = jnp.cumsum(lengths) - lengths
    return jnp.take(targets, starts[:, None] + jnp.arange(width, dtype=starts.dtype), mode="clip")


@op(where=("torch", "nn.functional"), saves="residuals", real=True)
def ctc_loss(
    log_probs: Array,
    targets: Array,
    input_lengths: Array | tuple[int, ...],
    target_lengths: Array | tuple[int, ...],
    blank: int = 0,
    reduction: str = "mean",
    zero_infinity: bool = False,
) -> Array:
    """``-log`` of the probability of all alignments of ``targets`` with the frames.

    Args:
        log_probs: ``(T, N, C)`` or ``(T, C)``, logarithms of probabilities (of :func:`log_softmax`).
        targets: ``(N, S)``, or all targets one after the other.
        input_lengths: ``(N,)``, frames of each sequence.
        target_lengths: ``(N,)``, labels of each sequence.
        blank: the label that stands for nothing.
        reduction: ``"none"``, ``"sum"``, or ``"mean"``, which first divides by the target lengths.
        zero_infinity: 0 instead of infinity (and no gradient) where the labels do not fit in the frames.

    Raises:
        RuntimeError: not one length a sequence, or ``blank`` is no label; in eager mode also where a length is negative
            or says more than ``log_probs`` or ``targets`` hold.

    Source: Graves et al., "Connectionist Temporal Classification" (2006).
    """
    reduction = chosen_reduction(None, None, reduction)
    alone = log_probs.ndim == 2
    x = log_probs[:, None] if alone else log_probs
    frames = jnp.reshape(jnp.asarray(input_lengths, np.int64), -1)
    labels = jnp.reshape(jnp.asarray(target_lengths, np.int64), -1)
    flat = targets.reshape(-1) if alone else targets
    for name, lengths in (("input", frames), ("target", labels)):
        if lengths.shape[0] != x.shape[1]:
            raise RuntimeError(f"{name}_lengths must be of size batch_size")
    if not 0 <= blank < x.shape[2]:
        raise RuntimeError("blank must be in label range")
    rows = _padded(flat, labels) if flat.ndim == 1 else flat
    absent = jnp.arange(rows.shape[1], dtype=np.int64) >= labels[:, None]
    late = jnp.arange(x.shape[0], dtype=np.int64) >= frames[:, None]
    scores = jnp.swapaxes(x, 0, 1)
    same = (rows[:, 1:] == rows[:, :-1]) & ~absent[:, 1:]
    fits = frames >= labels + jnp.sum(same, 1)
    losses = optax.ctc_loss(
        scores, late.astype(x.dtype), rows, absent.astype(x.dtype), blank_id=blank, log_epsilon=-1e30
    )
    # optax normalises the scores; torch takes them as they are, and a probability for the gradient of log_softmax too.
    losses = losses - jnp.sum(jnp.where(late, 0, jax.nn.logsumexp(scores, axis=-1)), 1)
    sure = jnp.sum(jnp.where(late[..., None], 0, jnp.exp(jnp.minimum(scores, 80))), (1, 2))  # 80: no overflow
    losses = losses + (sure - lax.stop_gradient(sure))
    losses = jnp.where(fits, losses, 0 if zero_infinity else jnp.inf).astype(x.dtype)
    if reduction == "mean":
        return jnp.mean(losses / jnp.maximum(labels, 1).astype(x.dtype))
    if reduction == "sum":
        return jnp.sum(losses)
    return losses[0] if alone else losses


def _lengths(a: Arguments) -> None:
    """Raise torch's error where a length says more frames or labels than there are."""
    where = "(while checking arguments for ctc_loss_allocate_outputs)"
    frames, labels, targets = on_host(a["input_lengths"]), on_host(a["target_lengths"]), a["targets"]
    if labels is not None and labels.size:
        if labels.min() < 0:
            raise RuntimeError(
                f"Expected target_lengths to have value at least 0, but got value {labels.min()} {where}"
            )
        flat = targets.ndim == 1
        need, has = (int(labels.sum()), targets.shape[0]) if flat else (int(labels.max()), targets.shape[1])
        if has != need if flat else has < need:
            raise RuntimeError(
                f"Expected tensor to have size {'' if flat else 'at least '}{need} at dimension {0 if flat else 1}, "
                f"but got size {has} for argument #2 'targets' {where}"
            )
    if frames is not None and frames.size:
        most = a["log_probs"].shape[0]
        for bad, bound in ((frames.min() < 0, "at least 0"), (frames.max() > most, f"at most {most}")):
            if bad:
                value = frames.min() if bound == "at least 0" else frames.max()
                raise RuntimeError(f"Expected input_lengths to have value {bound}, but got value {value} {where}")


CHECKS["ctc_loss"] = _lengths
