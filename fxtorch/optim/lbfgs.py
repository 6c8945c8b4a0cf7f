"""Limited-memory BFGS."""

from __future__ import annotations

import functools
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from fxtorch.autograd import enable_grad
from fxtorch.ops.checks import ValuesUnknown
from fxtorch.optim.checks import check_lr
from fxtorch.optim.lbfgs_layout import restored, saved, with_room
from fxtorch.optim.lbfgs_memory import LBFGSState, scale_by_lbfgs
from fxtorch.optim.line_search import Point, strong_wolfe
from fxtorch.optim.optimizer import Closure, Optimizer, Params
from fxtorch.optim.update import as_real
from fxtorch.tensor import is_tracing, unwrap
from fxtorch.tensor.sparse import Stored


class LBFGS(Optimizer):
    """L-BFGS: Newton steps with a Hessian that is estimated from the last ``history_size`` steps.

    One :meth:`step` makes up to ``max_iter`` iterations and calls ``closure`` for each; it decides by the loss, so it
    runs eagerly.  Compile the closure's forward and backward pass instead; each direction is one compiled call.

    Args:
        params: Tensors, in one group.
        lr: the step along each direction, or the first one that the line search tries.
        max_iter: iterations of one step.
        max_eval: evaluations of ``closure`` of one step; 1.25 times ``max_iter`` if not given.
        tolerance_grad: the largest gradient element at which it stops.
        tolerance_change: the change of loss or parameters at which it stops.
        history_size: how many steps the estimate remembers.
        line_search_fn: ``"strong_wolfe"`` or ``None``.

    Raises:
        ValueError: ``lr`` is negative, or there are several groups.

    Example:
        >>> import fxtorch as torch
        >>> x = torch.tensor([-1.0, 2.0], requires_grad=True)
        >>> opt = torch.optim.LBFGS([x], line_search_fn="strong_wolfe")
        >>> def closure():
        ...     opt.zero_grad()
        ...     loss = 100 * (x[1] - x[0] ** 2) ** 2 + (1 - x[0]) ** 2
        ...     loss.backward()
        ...     return loss
        >>> for _ in range(3):
        ...     loss = opt.step(closure)
        >>> [round(v, 4) for v in x.tolist()]
        [1.0, 1.0]

    Source: Liu and Nocedal, "On the limited memory BFGS method for large scale optimization", 1989.
    """

    def __init__(
        self,
        params: Params,
        lr: Any = 1,
        max_iter: int = 20,
        max_eval: int | None = None,
        tolerance_grad: float = 1e-7,
        tolerance_change: float = 1e-9,
        history_size: int = 100,
        line_search_fn: str | None = None,
    ) -> None:
        check_lr(lr)
        budget = {"max_iter": max_iter, "max_eval": max_iter * 5 // 4 if max_eval is None else max_eval}
        limits = {"tolerance_grad": tolerance_grad, "tolerance_change": tolerance_change}
        rest = {"history_size": history_size, "line_search_fn": line_search_fn}
        super().__init__(params, {"lr": lr, **budget, **limits, **rest})
        if len(self.param_groups) != 1:
            raise ValueError("LBFGS doesn't support per-parameter options (parameter groups)")
        if line_search_fn not in (None, "strong_wolfe"):
            raise RuntimeError("only 'strong_wolfe' is supported")

    def step(self, closure: Closure) -> Any:  # type: ignore[override]
        """Make up to ``max_iter`` iterations.

        Args:
            closure: clears the gradients, reevaluates the model, calls ``backward()`` and returns the loss.

        Returns:
            the loss before the step.

        Raises:
            ValuesUnknown: it is called inside a compiled step.
        """
        if is_tracing():
            raise ValuesUnknown(
                "LBFGS.step decides by the value of the loss and cannot be compiled: call it outside of the compiled "
                "function, with a compiled closure"
            )
        group = self.param_groups[0]
        state = self.state[group["params"][0]]
        state.setdefault("func_evals", 0)
        state.setdefault("n_iter", 0)
        with enable_grad():
            first_loss = closure()
        state["func_evals"] += 1
        here = self._point(0.0, first_loss)
        if here.largest <= group["tolerance_grad"]:
            return first_loss
        memory = restored(state, here.grad, group["history_size"])
        count, t, evaluations = int(memory.count), float(state.get("t", 0.0)), 1
        lr, negligible = float(group["lr"]), group["tolerance_change"]
        for n in range(1, group["max_iter"] + 1):
            state["n_iter"] += 1
            memory, found = _turned(with_room(memory, count, group["history_size"]), here.grad, t)
            turn = jax.device_get(found)
            count, slope, previous = int(turn.count), float(turn.slope), here
            t = min(1.0, 1.0 / float(turn.total)) * lr if state["n_iter"] == 1 else lr
            if slope > -negligible:
                break
            used = 0
            walk = _Walk(self, closure, memory.direction)
            if group["line_search_fn"] is not None:
                start, budget = here._replace(t=0.0, slope=slope), group["max_eval"] - evaluations
                here, used = strong_wolfe(walk, start, t, float(turn.longest), max_iter=budget)
                t = here.t
                walk.to(t)
            elif n != group["max_iter"]:
                here, used = walk(t), 1
            else:
                walk.to(t)
            evaluations += used
            state["func_evals"] += used
            if n == group["max_iter"] or evaluations >= group["max_eval"] or here.largest <= group["tolerance_grad"]:
                break
            if float(turn.longest) * abs(t) <= negligible or abs(here.loss - previous.loss) < negligible:
                break
        state.update(saved(memory), t=t, prev_loss=previous.loss)
        return first_loss

    def _point(self, t: float, loss: Any, direction: jax.Array | None = None) -> Point:
        """What the parameters' gradients say now."""
        params = self.param_groups[0]["params"]
        grads = [jnp.zeros_like(unwrap(p)) if p.grad is None else unwrap(p.grad) for p in params]
        grad, *numbers = _gathered([g.dense() if isinstance(g, Stored) else g for g in grads], direction)
        largest, slope = (x.item() for x in jax.device_get(numbers))
        return Point(t, float(loss), grad, slope, largest)


class _Walk:
    """The loss along one direction from where the parameters are now."""

    def __init__(self, optimizer: LBFGS, closure: Closure, direction: jax.Array) -> None:
        self.optimizer, self.closure, self.direction = optimizer, closure, direction
        self.params = optimizer.param_groups[0]["params"]
        self.start = [unwrap(p) for p in self.params]

    def to(self, t: float) -> None:
        """Put the parameters ``t`` along the direction."""
        for p, array in zip(self.params, _moved(self.start, self.direction, t), strict=True):
            p._rebind(array)

    def __call__(self, t: float) -> Point:
        self.to(t)
        with enable_grad():
            loss = self.closure()
        return self.optimizer._point(t, loss, self.direction)


class _Turn(NamedTuple):
    """Of a new direction: the pairs taken so far, the gradient's sum of sizes and slope along it, its largest part."""

    count: jax.Array
    total: jax.Array
    slope: jax.Array
    longest: jax.Array


@functools.partial(jax.jit, donate_argnums=0)
def _turned(memory: Any, grad: jax.Array, t: float) -> tuple[LBFGSState, _Turn]:
    """Take note of the step just made, which led to ``grad``, and find the next direction."""
    _, memory = scale_by_lbfgs(memory.inverse.size).update(grad, memory, step_size=t)
    d = memory.direction
    return memory, _Turn(memory.count, jnp.sum(jnp.abs(grad)), jnp.vdot(grad, d), jnp.max(jnp.abs(d)))


@jax.jit
def _gathered(grads: list[jax.Array], direction: jax.Array | None) -> tuple[jax.Array, jax.Array, jax.Array]:
    """All gradients as one real vector, its largest part, and its slope along ``direction``."""
    grad = jnp.concatenate([as_real(g).ravel() for g in grads])
    slope = jnp.zeros((), grad.dtype) if direction is None else jnp.vdot(grad, direction)
    return grad, jnp.max(jnp.abs(grad)), slope


@jax.jit
def _moved(start: list[jax.Array], direction: jax.Array, t: float) -> list[jax.Array]:
    """The parameters ``t`` along ``direction`` from ``start``."""
    moved, begin = [], 0
    for array in start:
        size = array.size * (2 if jnp.iscomplexobj(array) else 1)
        part = direction[begin : begin + size]
        begin += size
        step = jax.lax.complex(part[0::2], part[1::2]) if jnp.iscomplexobj(array) else part
        moved.append((array + t * step.reshape(array.shape)).astype(array.dtype))
    return moved
