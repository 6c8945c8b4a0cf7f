"""Adafactor."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, NamedTuple

import jax
import jax.numpy as jnp
import optax

from fxtorch.optim.compiled import CompiledOptimizer
from fxtorch.optim.optimizer import Params
from fxtorch.optim.update import Flags
from fxtorch.tensor import Tensor


class FactoredState(NamedTuple):
    """The number of steps, and the means of the squared gradient over each row and each column."""

    count: jax.Array
    row_var: Any
    col_var: Any


class VarianceState(NamedTuple):
    """The number of steps, and the mean of the squared gradient of each element."""

    count: jax.Array
    variance: Any


def scale_by_adafactor(
    lr: Any, beta2_decay: Any, eps: tuple[Any, Any], d: Any, weight_decay: Any, factored: bool
) -> optax.GradientTransformation:
    """The whole step of Adafactor on one array; see :class:`Adafactor` for the formula."""

    def init(p: jax.Array) -> FactoredState | VarianceState:
        zero = jnp.zeros((), jnp.int32)
        if not factored:
            return VarianceState(zero, jnp.zeros_like(p))
        *_, rows, columns = (1, 1, *p.shape)
        batch = p.shape[:-2]
        return FactoredState(zero, jnp.zeros((*batch, rows, 1), p.dtype), jnp.zeros((*batch, 1, columns), p.dtype))

    def update(g: jax.Array, state: Any, p: jax.Array | None = None) -> tuple[jax.Array, Any]:
        assert p is not None
        eps1 = jnp.finfo(p.dtype).eps if eps[0] is None else eps[0]
        t = state.count + 1
        new = (t * 1.0) ** beta2_decay
        size = jnp.maximum(eps[1], jnp.linalg.norm(p.ravel()) / p.size**0.5)
        step = size * jnp.minimum(lr, 1 / jnp.sqrt(t * 1.0))

        def mix(old: jax.Array, now: jax.Array) -> jax.Array:
            return old + jnp.asarray(new, old.dtype) * (now - old)

        if factored:
            row = mix(state.row_var, jnp.mean(g * g, -1, keepdims=True))
            column = mix(state.col_var, jnp.mean(g * g, -2, keepdims=True))
            variance = row @ column / jnp.maximum(jnp.mean(row, -2, keepdims=True), eps1)
            state = FactoredState(t, row, column)
        else:
            variance = mix(state.variance, g * g)
            state = VarianceState(t, variance)
        u = g * jax.lax.rsqrt(jnp.maximum(variance, jnp.asarray(eps1 * eps1, p.dtype)))
        clipped = jnp.maximum(1.0, jnp.linalg.norm(u.ravel()) / (u.size**0.5 * d))
        return -jnp.asarray(lr * weight_decay, p.dtype) * p - jnp.asarray(step / clipped, p.dtype) * u, state

    return optax.GradientTransformation(init, update)  # type: ignore[arg-type]


class Adafactor(CompiledOptimizer):
    """Steps relative to the size of the parameter, divided by a second moment that is kept by rows and columns.

    With ``b = 1 - t**beta2_decay``: ``R = b * R + (1 - b) * mean(g**2, columns)``, ``C`` likewise over the rows;
    ``V = R C / max(mean(R), eps1)`` (for vectors ``V`` itself is the moving mean); ``u = g / sqrt(max(V, eps1**2))``;
    ``p = p * (1 - lr * weight_decay) - max(eps2, rms(p)) * min(lr, 1 / sqrt(t)) * u / max(1, rms(u) / d)``.

    Args:
        params: Tensors or parameter groups.
        lr: the largest relative step, and the factor of the decay.
        beta2_decay: how fast the moments' decay rate approaches 1.
        eps: ``(eps1, eps2)``: ``eps1`` keeps the denominators away from 0 (that of the type if None), ``eps2`` the
            step size.
        d: the root mean square that updates are clipped to.
        weight_decay: factor of the decoupled decay.
        foreach: accepted; every step is one compiled call.
        maximize: ascend instead of descend.

    Raises:
        ValueError: an option is out of range.
        RuntimeError: a parameter is complex, or a gradient sparse.

    Source: Shazeer and Stern, "Adafactor: adaptive learning rates with sublinear memory cost", 2018.
    """

    hypers = ("lr", "beta2_decay", "eps", "d", "weight_decay")
    elementwise = False
    names: ClassVar[Mapping[str, str]] = {
        "count": "step",
        "row_var": "row_var",
        "col_var": "col_var",
        "variance": "variance",
    }

    def __init__(
        self,
        params: Params,
        lr: Any = 1e-2,
        beta2_decay: float = -0.8,
        eps: tuple[float | None, float] = (None, 1e-3),
        d: float = 1.0,
        weight_decay: float = 0.0,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
    ) -> None:
        if isinstance(lr, Tensor) and lr.numel() != 1:
            raise ValueError("Tensor lr must be 1-element")
        checks = {
            f"Learning rate should be >= 0 but is: {lr}": lr >= 0.0,
            f"beta2_decay should be <= 0 but is: {beta2_decay}": beta2_decay <= 0.0,
            f"epsilon1 should be >= 0 but is: {eps[0]}": eps[0] is None or eps[0] >= 0.0,
            f"epsilon2 should be >= 0 but is: {eps[1]}": eps[1] >= 0.0,
            f"Clipping threshold d should be >= 1 but is: {d}": d >= 1.0,
            f"weight_decay should be >= 0 but is: {weight_decay}": weight_decay >= 0.0,
        }
        for message, holds in checks.items():
            if not holds:
                raise ValueError(message)
        options = {"lr": lr, "beta2_decay": beta2_decay, "eps": eps, "d": d, "weight_decay": weight_decay}
        super().__init__(params, {**options, "foreach": foreach, "maximize": maximize})

    @classmethod
    def kind(cls, param: Tensor) -> Flags:
        """Whether the second moment is kept by rows and columns.

        Raises:
            RuntimeError: the parameter is complex.
        """
        if param.is_complex():
            raise RuntimeError("Adafactor does not support complex parameters")
        return (("factored", param.ndim > 1),)

    @classmethod
    def rule(cls, o: Mapping[str, Any]) -> optax.GradientTransformation:
        """The one transformation."""
        return scale_by_adafactor(o["lr"], o["beta2_decay"], o["eps"], o["d"], o["weight_decay"], o["factored"])
