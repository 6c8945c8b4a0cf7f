"""Limited-memory BFGS."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from fxtorch.autograd import enable_grad
from fxtorch.ops.checks import ValuesUnknown
from fxtorch.optim.checks import check_lr
from fxtorch.optim.line_search import Point, strong_wolfe
from fxtorch.optim.optimizer import Closure, Optimizer, Params
from fxtorch.tensor import Tensor, is_tracing, unwrap, wrap


class LBFGS(Optimizer):
    """L-BFGS: Newton steps with a Hessian that is estimated from the last ``history_size`` steps.

    One :meth:`step` makes up to ``max_iter`` iterations and calls ``closure`` for each; it decides by the loss, so it
    runs eagerly.  Compile the closure's forward and backward pass instead.

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
        loss, grad = float(first_loss), self._gradient()
        state["func_evals"] += 1
        if float(jnp.max(jnp.abs(grad))) <= group["tolerance_grad"]:
            return first_loss
        memory = _Memory(state, group["history_size"])
        evaluations = 1
        lr = float(group["lr"])
        for n in range(1, group["max_iter"] + 1):
            state["n_iter"] += 1
            memory.turn(grad, first=state["n_iter"] == 1)
            previous_loss = loss
            memory.t = min(1.0, 1.0 / float(jnp.sum(jnp.abs(grad)))) * lr if state["n_iter"] == 1 else lr
            slope = float(jnp.vdot(grad, memory.direction))
            if slope > -group["tolerance_change"]:
                break
            used = 0
            if group["line_search_fn"] is not None:
                loss, grad, used = self._search(closure, memory, Point(0.0, loss, grad, slope))
            else:
                self._move(self._position(), memory.t, memory.direction)
                if n != group["max_iter"]:
                    loss, grad = self._evaluate(closure)
                    used = 1
            evaluations += used
            state["func_evals"] += used
            if n == group["max_iter"] or evaluations >= group["max_eval"]:
                break
            if float(jnp.max(jnp.abs(grad))) <= group["tolerance_grad"]:
                break
            if float(jnp.max(jnp.abs(memory.direction * memory.t))) <= group["tolerance_change"]:
                break
            if abs(loss - previous_loss) < group["tolerance_change"]:
                break
        memory.save(state, previous_loss)
        return first_loss

    def _search(self, closure: Closure, memory: _Memory, start: Point) -> tuple[float, jax.Array, int]:
        position, direction = self._position(), memory.direction

        def evaluate(t: float) -> Point:
            self._move(position, t, direction)
            loss, grad = self._evaluate(closure)
            return Point(t, loss, grad, float(jnp.vdot(grad, direction)))

        found, used = strong_wolfe(evaluate, start, memory.t, float(jnp.max(jnp.abs(direction))))
        self._move(position, found.t, direction)
        memory.t = found.t
        return found.loss, found.grad, used

    def _evaluate(self, closure: Closure) -> tuple[float, jax.Array]:
        with enable_grad():
            loss = float(closure())
        return loss, self._gradient()

    def _params(self) -> list[Tensor]:
        return self.param_groups[0]["params"]

    def _position(self) -> list[jax.Array]:
        return [unwrap(p) for p in self._params()]

    def _gradient(self) -> jax.Array:
        """All gradients as one real vector."""
        params = self._params()
        parts = [jnp.zeros_like(unwrap(p)) if p.grad is None else unwrap(p.grad) for p in params]
        return jnp.concatenate([_flat(part) for part in parts])

    def _move(self, position: list[jax.Array], t: float, direction: jax.Array) -> None:
        """Put the parameters ``t`` along ``direction`` from ``position``."""
        start = 0
        for p, array in zip(self._params(), position, strict=True):
            size = _flat(array).size
            part = direction[start : start + size]
            start += size
            step = jax.lax.complex(part[0::2], part[1::2]) if jnp.iscomplexobj(array) else part
            p._rebind((array + t * step.reshape(array.shape)).astype(array.dtype))


def _flat(array: jax.Array) -> jax.Array:
    return (jnp.stack([array.real, array.imag], -1) if jnp.iscomplexobj(array) else array).ravel()


class _Memory:
    """The last steps and changes of gradient, from which the direction follows; kept in the state by torch's names."""

    def __init__(self, state: dict[str, Any], size: int) -> None:
        self.size = size
        self.t = state.get("t", 1.0)
        self.changes, self.steps = (list(map(unwrap, state.get(name, ()))) for name in ("old_dirs", "old_stps"))
        self.inverse = [unwrap(r) for r in state.get("ro", ())]
        scale = state.get("H_diag", 1)
        self.scale = unwrap(scale) if isinstance(scale, Tensor) else scale
        self.direction = unwrap(state["d"]) if "d" in state else jnp.zeros((), jnp.float32)
        self.grad = unwrap(state["prev_flat_grad"]) if "prev_flat_grad" in state else None

    def turn(self, grad: jax.Array, first: bool) -> None:
        """Take note of the step just made, which led to ``grad``, and find the next direction."""
        if first or self.grad is None:
            self.direction, self.changes, self.steps, self.inverse, self.scale = -grad, [], [], [], 1
        else:
            self._remember(grad - self.grad, self.direction * self.t)
            self.direction = self._direction(grad)
        self.grad = grad

    def _remember(self, change: jax.Array, step: jax.Array) -> None:
        product = jnp.vdot(change, step)
        if float(product) <= 1e-10:
            return
        self.changes.append(change)
        self.steps.append(step)
        self.inverse.append(1.0 / product)
        for history in (self.changes, self.steps, self.inverse):
            del history[: -self.size]
        self.scale = product / jnp.vdot(change, change)

    def _direction(self, grad: jax.Array) -> jax.Array:
        q = -grad
        factors = []
        history = list(zip(self.changes, self.steps, self.inverse, strict=True))
        for change, step, inverse in reversed(history):
            factors.append(jnp.vdot(step, q) * inverse)
            q = q - factors[-1] * change
        r = q * self.scale
        for (change, step, inverse), factor in zip(history, reversed(factors), strict=True):
            r = r + step * (factor - jnp.vdot(change, r) * inverse)
        return r

    def save(self, state: dict[str, Any], loss: float) -> None:
        """Write everything into ``state``."""
        state["d"], state["t"] = wrap(self.direction), self.t
        for name, arrays in (("old_dirs", self.changes), ("old_stps", self.steps), ("ro", self.inverse)):
            state[name] = [wrap(a) for a in arrays]
        state["H_diag"] = wrap(self.scale) if isinstance(self.scale, jax.Array) else self.scale
        state["prev_flat_grad"], state["prev_loss"] = wrap(self.grad), loss
