"""Adam for sparse gradients."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import optax

from fxtorch.optim.checks import check_betas
from fxtorch.optim.compiled import CompiledOptimizer
from fxtorch.optim.optimizer import Params
from fxtorch.tensor import Tensor, wrap
from fxtorch.tensor.inquiry import is_complex
from fxtorch.tensor.sparse import Stored, is_sparse


def scale_by_sparse_adam(lr: Any, b1: Any, b2: Any, eps: Any) -> optax.GradientTransformation:
    """Adam on the places of a sparse gradient: neither moments nor parameters elsewhere are touched, or read."""

    def init(p: jax.Array) -> Any:
        return optax.ScaleByAdamState(jnp.zeros((), jnp.int32), jnp.zeros_like(p), jnp.zeros_like(p))

    def update(g: Stored, state: Any, p: Any = None) -> tuple[Stored, Any]:
        shape, index = g.shape, g.indices[0]
        if index.shape[1] == 0:
            return g, state._replace(count=state.count + 1)
        total = math.prod(shape[: index.shape[0]])
        flat = jnp.ravel_multi_index(tuple(index), shape[: index.shape[0]], mode="clip")
        places, at = jnp.unique(flat, size=flat.size, fill_value=total, return_inverse=True)
        values = jnp.zeros_like(g.values).at[at.reshape(-1)].add(g.values)  # places may occur more than once

        def moved(moment: jax.Array, rate: Any, towards: jax.Array) -> tuple[jax.Array, jax.Array]:
            rows = moment.reshape(total, *values.shape[1:])
            old = rows.at[places].get(mode="clip")
            new = old + jnp.asarray(1 - rate, old.dtype) * (towards - old)
            return rows.at[places].set(new, mode="drop").reshape(shape), new

        count = state.count + 1
        mu, m = moved(state.mu, b1, values)
        nu, v = moved(state.nu, b2, values * values)
        size = lr * jnp.sqrt(1 - b2**count) / (1 - b1**count)
        step = -jnp.asarray(size, m.dtype) * (m / (jnp.sqrt(v) + eps))
        places = jnp.stack(jnp.unravel_index(places, shape[: index.shape[0]]))
        inside = (jnp.arange(flat.size) <= at.max(initial=-1)).reshape(-1, *(1,) * (values.ndim - 1))
        return Stored(jnp.where(inside, step, 0), (places,), shape), optax.ScaleByAdamState(count, mu, nu)

    return optax.GradientTransformation(init, update)  # type: ignore[arg-type]


class SparseAdam(CompiledOptimizer):
    """Adam that moves only what a sparse gradient names, such as the rows of a ``sparse=True`` embedding.

    Args:
        params: dense Tensors or parameter groups; their gradients are sparse.
        lr: learning rate.
        betas: the decay rates of the moments.
        eps: keeps the denominator away from 0.
        maximize: ascend instead of descend.

    Raises:
        ValueError: an option is out of range, or a parameter is sparse or complex.
        RuntimeError: at a step, a gradient is dense.

    >>> import fxtorch as torch
    >>> table = torch.nn.Embedding(4, 2, sparse=True)
    >>> before = table.weight.detach().clone()
    >>> opt = torch.optim.SparseAdam(table.parameters(), lr=0.1)
    >>> table(torch.tensor([2])).sum().backward()
    >>> opt.step()
    >>> (table.weight != before).any(1)
    tensor([False, False,  True, False])
    """

    hypers = ("lr", "betas", "eps")
    names: ClassVar[Mapping[str, str]] = {"count": "step", "mu": "exp_avg", "nu": "exp_avg_sq"}
    gradients = "sparse"

    def __init__(
        self,
        params: Params,
        lr: Any = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        maximize: bool = False,
    ) -> None:
        if isinstance(lr, Tensor) and lr.numel() != 1:
            raise ValueError("Tensor lr must be 1-element")
        if not lr > 0.0:
            raise ValueError(f"Invalid learning rate: {lr}")
        if not eps > 0.0:
            raise ValueError(f"Invalid epsilon value: {eps}")
        check_betas(betas)
        super().__init__(params, {"lr": lr, "betas": betas, "eps": eps, "maximize": maximize})
        for what, wrong in (("Sparse", is_sparse), ("Complex", is_complex)):
            found = [[i, j] for i, g in enumerate(self.param_groups) for j, p in enumerate(g["params"]) if wrong(p)]
            if found:
                reason = (
                    "requires dense parameter tensors" if what == "Sparse" else "does not support complex parameters"
                )
                raise ValueError(f"{what} params at indices {found}: SparseAdam {reason}")

    @classmethod
    def rule(cls, o: Mapping[str, Any]) -> optax.GradientTransformation:
        """The one transformation."""
        b1, b2 = o["betas"]
        return scale_by_sparse_adam(o["lr"], b1, b2, o["eps"])

    def state_dict(self) -> dict[str, Any]:
        """The state in torch's layout, where the count of steps is a Python number."""
        result = super().state_dict()
        counted = {i: {**s, "step": int(s["step"])} if "step" in s else s for i, s in result["state"].items()}
        return {**result, "state": counted}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over a state."""
        super().load_state_dict(state_dict)
        for state in self.state.values():
            if not isinstance(state.get("step", 0.0), Tensor):
                state["step"] = wrap(jnp.asarray(state["step"], jnp.float32))
