"""Muon."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, ClassVar, NamedTuple

import jax
import jax.numpy as jnp
import optax

from fxtorch.optim.compiled import CompiledOptimizer
from fxtorch.optim.optimizer import Params
from fxtorch.optim.update import Flags
from fxtorch.tensor import Tensor


class MomentumState(NamedTuple):
    """The running mean of the gradient."""

    momentum: Any


def orthogonalized(x: jax.Array, coefficients: tuple[Any, Any, Any], steps: int, eps: Any) -> jax.Array:
    """A matrix with the singular vectors of ``x`` and singular values near 1, in bfloat16.

    Newton-Schulz: ``X = a X + (b A + c A A) X`` with ``A = X X^T``, from ``X = x / |x|``.  Products are added up in
    float32, and every result is rounded once.
    """
    a, b, c = coefficients
    tall = x.shape[0] > x.shape[1]

    def rounded(value: jax.Array) -> jax.Array:
        return value.astype(jnp.bfloat16)

    def times(left: jax.Array, right: jax.Array) -> jax.Array:
        return jnp.matmul(left, right, preferred_element_type=jnp.float32)

    o = rounded(x.T if tall else x)
    norm = rounded(jnp.sqrt(jnp.sum(jnp.square(o.astype(jnp.float32)))))
    o = rounded(o.astype(jnp.float32) / jnp.maximum(norm, rounded(jnp.asarray(eps))).astype(jnp.float32))
    for _ in range(steps):
        gram = rounded(times(o, o.T))
        change = rounded(b * gram.astype(jnp.float32) + c * times(gram, gram))
        o = rounded(a * o.astype(jnp.float32) + times(change, o))
    return o.T if tall else o


def _lerp(start: jax.Array, end: jax.Array, weight: Any) -> jax.Array:
    weight = jnp.asarray(weight, start.dtype)
    return jnp.where(weight < 0.5, start + weight * (end - start), end - (end - start) * (1 - weight))


def scale_by_muon(o: Mapping[str, Any]) -> optax.GradientTransformation:
    """The whole step of Muon on one matrix; ``o`` are its options."""

    def update(g: jax.Array, state: Any, p: jax.Array | None = None) -> tuple[jax.Array, MomentumState]:
        assert p is not None
        mean = _lerp(state.momentum, g, 1 - o["momentum"])
        towards = _lerp(g, mean, o["momentum"]) if o["nesterov"] else mean
        way = orthogonalized(towards, o["ns_coefficients"], o["ns_steps"], o["eps"]).astype(p.dtype)
        rows, columns = p.shape
        if o["adjust_lr_fn"] == "match_rms_adamw":
            ratio = 0.2 * math.sqrt(max(rows, columns))
        else:
            ratio = math.sqrt(max(1, rows / columns))
        decay, step = (jnp.asarray(x, p.dtype) for x in (o["lr"] * o["weight_decay"], o["lr"] * ratio))
        return -decay * p - step * way, MomentumState(mean)

    return optax.GradientTransformation(lambda p: MomentumState(jnp.zeros_like(p)), update)  # type: ignore[arg-type]


class Muon(CompiledOptimizer):
    """Steps along the orthogonalised momentum of each matrix.

    ``m = momentum * m + (1 - momentum) * g``; ``u = g + momentum * (m - g)`` with ``nesterov``, else ``m``;
    ``p = p * (1 - lr * weight_decay) - lr * ratio * O(u)``, where ``O`` makes all singular values near 1
    (:func:`orthogonalized`) and ``ratio`` is ``sqrt(max(1, rows / columns))``.

    Args:
        params: matrices, or parameter groups of them; biases and embeddings want another optimizer.
        lr: learning rate.
        weight_decay: factor of the decoupled decay.
        momentum: decay rate of the running mean.
        nesterov: look ahead along the momentum.
        ns_coefficients: ``(a, b, c)`` of the Newton-Schulz iteration.
        eps: keeps its norm away from 0.
        ns_steps: how often it is iterated, less than 100.
        adjust_lr_fn: ``"original"`` (as above), or ``"match_rms_adamw"``: ``ratio = 0.2 sqrt(max(rows, columns))``.

    Raises:
        ValueError: an option is out of range, or a parameter is no matrix.

    Source: Jordan et al., "Muon: an optimizer for hidden layers in neural networks", 2024; Liu et al., "Muon is
    scalable for LLM training", 2025.
    """

    hypers = ("lr", "weight_decay", "momentum", "ns_coefficients", "eps")
    elementwise = False
    names: ClassVar[Mapping[str, str]] = {"momentum": "momentum_buffer"}

    def __init__(
        self,
        params: Params,
        lr: Any = 1e-3,
        weight_decay: float = 0.1,
        momentum: float = 0.95,
        nesterov: bool = True,
        ns_coefficients: tuple[float, float, float] = (3.4445, -4.7750, 2.0315),
        eps: float = 1e-7,
        ns_steps: int = 5,
        adjust_lr_fn: str | None = None,
    ) -> None:
        if isinstance(lr, Tensor) and lr.numel() != 1:
            raise ValueError("Tensor lr must be 1-element")
        for name, value in (("Learning rate", lr), ("momentum", momentum), ("weight decay", weight_decay)):
            if not value >= 0.0:
                raise ValueError(f"{name} should be >= 0 but is: {value}")
        if adjust_lr_fn not in (None, "original", "match_rms_adamw"):
            raise ValueError(f"Adjust learning rate function {adjust_lr_fn} is not supported")
        if ns_steps >= 100:
            raise ValueError("Number of steps must be less than 100 for computational efficiency")
        if len(ns_coefficients) != 3:
            raise ValueError("Coefficients must be a tuple of exactly 3 values")
        options = {"lr": lr, "weight_decay": weight_decay, "momentum": momentum, "nesterov": nesterov}
        iteration = {"ns_coefficients": ns_coefficients, "eps": eps, "ns_steps": ns_steps}
        super().__init__(params, {**options, **iteration, "adjust_lr_fn": adjust_lr_fn})
        for p in (p for group in self.param_groups for p in group["params"]):
            if p.ndim != 2:
                raise ValueError(f"Muon only supports 2D parameters whereas we found a parameter with size: {p.shape}")

    @classmethod
    def flags(cls, group: Mapping[str, Any]) -> dict[str, Any]:
        """Whether it looks ahead, how often it iterates, and which ratio."""
        return {name: group[name] for name in ("nesterov", "ns_steps", "adjust_lr_fn")}

    @classmethod
    def kind(cls, param: Tensor) -> Flags:
        """Nothing; it raises for a complex parameter.

        Raises:
            RuntimeError: the parameter is complex.
        """
        if param.is_complex():
            raise RuntimeError("Muon does not support complex parameters")
        return ()

    @classmethod
    def rule(cls, o: Mapping[str, Any]) -> optax.GradientTransformation:
        """The one transformation."""
        return scale_by_muon(o)
