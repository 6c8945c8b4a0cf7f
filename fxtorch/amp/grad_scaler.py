"""The scaling of losses, so that small gradients do not vanish in float16."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from typing import Any, Literal

import jax
import jax.numpy as jnp

from fxtorch.tensor import Tensor, is_tracing, materialize, unwrap, wrap
from fxtorch.tensor import device as devices
from fxtorch.tensor import dtype as types
from fxtorch.tensor.sparse import Stored
from fxtorch.tensor.tensor import state as lasting

Stage = Literal["ready", "unscaled", "stepped"]


class _PerOptimizer:
    """How far an optimizer is since the last update, and whether its gradients overflowed (a 0-dim Tensor)."""

    __slots__ = ("found_inf", "stage")

    def __init__(self) -> None:
        self.stage: Stage = "ready"
        self.found_inf: Tensor | None = None


class GradScaler:
    """Scales a loss so that small gradients do not vanish, and skips steps whose gradients overflow.

    ``scaler.scale(loss).backward()``, ``scaler.step(optimizer)``, ``scaler.update()``; to look at the gradients or clip
    them in between, call ``scaler.unscale_(optimizer)`` first.  Inside :data:`fxtorch.jit` the same calls work: the
    step is computed, and what it changes is kept where the gradients are finite.

    Args:
        device: what it is for; for ``"cuda"`` without a GPU it is switched off with a warning.
        init_scale: the factor to begin with.
        growth_factor: what it is multiplied by after ``growth_interval`` steps in a row without overflow.
        backoff_factor: what it is multiplied by after a step with.
        growth_interval: see there.
        enabled: False makes all methods do nothing of their own.

    Raises:
        AssertionError: ``growth_factor`` is not above 1, or ``backoff_factor`` not below.

    >>> import fxtorch as torch
    >>> w = torch.tensor([1.0], requires_grad=True)
    >>> opt, scaler = torch.optim.SGD([w], lr=0.25), torch.amp.GradScaler("cpu", init_scale=4.0)
    >>> scaler.scale((w * w).sum()).backward()
    >>> scaler.step(opt)
    >>> scaler.update()
    >>> w.item(), scaler.get_scale()
    (0.5, 4.0)
    """

    def __init__(
        self,
        device: str = "cuda",
        init_scale: float = 2.0**16,
        growth_factor: float = 2.0,
        backoff_factor: float = 0.5,
        growth_interval: int = 2000,
        enabled: bool = True,
    ) -> None:
        self._device = device
        if enabled and device == "cuda" and not devices.is_there("cuda"):
            warnings.warn("torch.cuda.amp.GradScaler is enabled, but CUDA is not available.  Disabling.", stacklevel=2)
            enabled = False
        self._enabled = enabled
        if not enabled:
            return
        if growth_factor <= 1.0:
            raise AssertionError("The growth factor must be > 1.0.")
        if backoff_factor >= 1.0:
            raise AssertionError("The backoff factor must be < 1.0.")
        self._init_scale, self._init_growth_tracker = init_scale, 0
        self._scale: Tensor | None = None
        self._growth_tracker: Tensor | None = None
        self._growth_factor, self._backoff_factor = growth_factor, backoff_factor
        self._growth_interval = growth_interval
        self._optimizers: dict[int, _PerOptimizer] = {}

    # --- one step ---------------------------------------------------------------------------------------------------

    def scale(self, outputs: Any) -> Any:
        """``outputs`` (a Tensor, or several) times the factor.

        Raises:
            ValueError: there is something else among them.
        """
        if not self._enabled:
            return outputs
        if isinstance(outputs, Tensor):
            return outputs * self._factor()
        if not isinstance(outputs, Iterable):
            raise ValueError("outputs must be a Tensor or an iterable of Tensors")
        scaled = [self.scale(t) for t in outputs]
        return type(outputs)(scaled) if isinstance(outputs, list | tuple) else scaled

    def _factor(self) -> Tensor:
        if self._scale is None:

            def build() -> None:
                self._scale = lasting(jnp.asarray(self._init_scale, jnp.float32))
                self._growth_tracker = lasting(jnp.asarray(self._init_growth_tracker, jnp.int32))

            materialize(build, self._forget)
        assert self._scale is not None
        return self._scale

    def _forget(self) -> None:
        self._scale = self._growth_tracker = None

    def _check_scale(self, name: str) -> tuple[Tensor, Tensor]:
        if self._scale is None or self._growth_tracker is None:
            raise AssertionError(
                f"Attempted {name} but _scale is None.  This may indicate your script did not use scaler.scale(loss or "
                "outputs) earlier in the iteration."
            )
        return self._scale, self._growth_tracker

    def _of(self, optimizer: Any) -> _PerOptimizer:
        return self._optimizers.setdefault(id(optimizer), _PerOptimizer())

    def unscale_(self, optimizer: Any) -> None:
        """Divide the gradients of the optimizer's parameters by the factor, and see whether all are finite.

        Raises:
            RuntimeError: that was done already since the last :meth:`update`, or the step was taken.
            ValueError: a gradient is float16: then the parameters are, and scaling cannot help.
        """
        if not self._enabled:
            return
        scale, _ = self._check_scale("unscale_")
        mine = self._of(optimizer)
        if mine.stage == "unscaled":
            raise RuntimeError("unscale_() has already been called on this optimizer since the last update().")
        if mine.stage == "stepped":
            raise RuntimeError("unscale_() is being called after step().")
        grads = [p.grad for group in optimizer.param_groups for p in group["params"] if p.grad is not None]
        if any(g.dtype is types.float16 for g in grads):
            raise ValueError("Attempting to unscale FP16 gradients.")
        run = _unscaled if is_tracing() else _compiled_unscaled
        new, overflow = run([unwrap(g) for g in grads], unwrap(scale))
        for g, array in zip(grads, new, strict=True):
            g._rebind(array)
        mine.found_inf = wrap(overflow) if grads else None
        mine.stage = "unscaled"

    def step(self, optimizer: Any, *args: Any, **kwargs: Any) -> Any:
        """``optimizer.step()``, unless its gradients overflowed.

        Returns:
            what the optimizer's step returned, or None.

        Raises:
            RuntimeError: it was called already since the last :meth:`update`, or a closure was given.
        """
        if not self._enabled:
            return optimizer.step(*args, **kwargs)
        if "closure" in kwargs:
            raise RuntimeError("Closure use is not currently supported if GradScaler is enabled.")
        self._check_scale("step")
        mine = self._of(optimizer)
        if mine.stage == "stepped":
            raise RuntimeError("step() has already been called since the last update().")
        if mine.stage == "ready":
            self.unscale_(optimizer)
        if mine.found_inf is None:
            raise AssertionError("No inf checks were recorded for this optimizer.")
        mine.stage = "stepped"
        if is_tracing():
            return _step_where_finite(optimizer, mine.found_inf, args, kwargs)
        return None if mine.found_inf.item() else optimizer.step(*args, **kwargs)

    def update(self, new_scale: Any = None) -> None:
        """Adapt the factor to how the steps since the last update went.

        Args:
            new_scale: take this factor instead: a number, or a Tensor of one element.
        """
        if not self._enabled:
            return
        scale, tracker = self._check_scale("update")
        if new_scale is not None:
            value = unwrap(new_scale).reshape(()) if isinstance(new_scale, Tensor) else jnp.asarray(new_scale)
            scale._rebind(value.astype(jnp.float32))
        else:
            found = [mine.found_inf for mine in self._optimizers.values() if mine.found_inf is not None]
            if not found:
                raise AssertionError("No inf checks were recorded prior to update.")
            overflow = sum((unwrap(f) for f in found[1:]), unwrap(found[0])) > 0
            factors = (self._growth_factor, self._backoff_factor, self._growth_interval)
            run = _adapted if is_tracing() else _compiled_adapted
            new, count = run(unwrap(scale), unwrap(tracker), overflow, *factors)
            scale._rebind(new)
            tracker._rebind(count)
        self._optimizers.clear()

    # --- what it is set to ------------------------------------------------------------------------------------------

    def is_enabled(self) -> bool:
        """Whether it does anything."""
        return self._enabled

    def get_scale(self) -> float:
        """The factor."""
        if not self._enabled:
            return 1.0
        return self._init_scale if self._scale is None else self._scale.item()

    def get_growth_factor(self) -> float:
        """What the factor grows by."""
        return self._growth_factor

    def set_growth_factor(self, new_factor: float) -> None:
        """Set what the factor grows by."""
        self._growth_factor = new_factor

    def get_backoff_factor(self) -> float:
        """What the factor shrinks by."""
        return self._backoff_factor

    def set_backoff_factor(self, new_factor: float) -> None:
        """Set what the factor shrinks by."""
        self._backoff_factor = new_factor

    def get_growth_interval(self) -> int:
        """After how many good steps in a row the factor grows."""
        return self._growth_interval

    def set_growth_interval(self, new_interval: int) -> None:
        """Set after how many good steps in a row the factor grows."""
        self._growth_interval = new_interval

    def _get_growth_tracker(self) -> int:
        if not self._enabled:
            return 0
        return self._init_growth_tracker if self._growth_tracker is None else int(self._growth_tracker.item())

    def state_dict(self) -> dict[str, Any]:
        """What is needed to go on later, in torch's layout; empty if it is not enabled."""
        if not self._enabled:
            return {}
        return {
            "scale": self.get_scale(),
            "growth_factor": self._growth_factor,
            "backoff_factor": self._backoff_factor,
            "growth_interval": self._growth_interval,
            "_growth_tracker": self._get_growth_tracker(),
        }

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on from what :meth:`state_dict` returned.

        Raises:
            RuntimeError: it is empty.
        """
        if not self._enabled:
            return
        if not state_dict:
            raise RuntimeError(
                "The source state dict is empty, possibly because it was saved from a disabled instance of GradScaler."
            )
        self._init_scale, self._init_growth_tracker = state_dict["scale"], state_dict["_growth_tracker"]
        if self._scale is not None and self._growth_tracker is not None:
            self._scale.fill_(self._init_scale)
            self._growth_tracker.fill_(self._init_growth_tracker)
        self._growth_factor, self._backoff_factor = state_dict["growth_factor"], state_dict["backoff_factor"]
        self._growth_interval = state_dict["growth_interval"]

    def __getstate__(self) -> dict[str, Any]:
        state = dict(self.__dict__)
        if self._enabled:
            if self._optimizers:
                raise AssertionError("A GradScaler may be pickled at the beginning of an iteration or after update().")
            state["_init_scale"], state["_init_growth_tracker"] = self.get_scale(), self._get_growth_tracker()
            state["_scale"] = state["_growth_tracker"] = None
        return state


def _unscaled(grads: list[Any], scale: Any) -> tuple[list[Any], Any]:
    """The gradients over the factor, and 1.0 if one of them is not finite."""
    inverse = 1 / scale
    new: list[Any] = []
    overflow = jnp.zeros((), jnp.float32)
    for g in grads:
        values = g.values if isinstance(g, Stored) else g
        overflow = jnp.maximum(overflow, jnp.any(~jnp.isfinite(values)).astype(jnp.float32))
        values = (values * inverse).astype(values.dtype)
        new.append(g.with_values(values) if isinstance(g, Stored) else values)
    return new, overflow


def _adapted(scale: Any, tracker: Any, overflow: Any, growth: Any, backoff: Any, interval: Any) -> tuple[Any, Any]:
    """The next factor and the next count of good steps."""
    count = tracker + 1
    full = count == interval
    grown = (scale * growth).astype(scale.dtype)
    better = jnp.where(full & jnp.isfinite(grown), grown, scale)
    new = jnp.where(overflow, (scale * backoff).astype(scale.dtype), better)
    return new, jnp.where(overflow | full, 0, count).astype(tracker.dtype)


_compiled_unscaled, _compiled_adapted = jax.jit(_unscaled), jax.jit(_adapted)


def _step_where_finite(optimizer: Any, found_inf: Tensor, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """The optimizer's step, and then what was there before wherever a gradient overflowed."""

    def tensors() -> dict[int, Tensor]:
        params = [p for group in optimizer.param_groups for p in group["params"] if p.grad is not None]
        states = [v for p in params for v in optimizer.state.get(p, {}).values() if isinstance(v, Tensor)]
        return {id(t): t for t in (*params, *states)}

    before = {key: (t, unwrap(t)) for key, t in tensors().items()}
    result = optimizer.step(*args, **kwargs)
    bad = unwrap(found_inf) > 0
    for t, old in before.values():
        t._rebind(jnp.where(bad, old, unwrap(t)))
    return result
