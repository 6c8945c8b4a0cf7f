"""torch.amp: the scaling of losses for small floating types, and autocast's name."""

from __future__ import annotations

import contextlib
import functools
import warnings
from collections.abc import Callable
from typing import Any

import jax.numpy as jnp

from fxtorch.autograd import no_grad
from fxtorch.tensor import Tensor, unwrap, wrap
from fxtorch.tensor import device as devices

__all__ = ["GradScaler", "autocast", "custom_bwd", "custom_fwd", "is_autocast_available", "is_autocast_enabled"]


class autocast(contextlib.ContextDecorator):
    """Accepted, and without effect but for one warning: everything is computed in the types that it has.

    Bring the model and its inputs to ``bfloat16`` with ``.to(torch.bfloat16)`` for what autocast is used for.
    """

    def __init__(
        self, device_type: str = "cuda", dtype: Any = None, enabled: bool = True, cache_enabled: bool | None = None
    ) -> None:
        self.device_type, self.dtype, self.enabled = device_type, dtype, enabled

    def __enter__(self) -> autocast:
        if self.enabled:
            warnings.warn("autocast is not there yet: everything is computed in the types that it has", stacklevel=2)
        return self

    def __exit__(self, *exc: object) -> None:
        pass


def is_autocast_enabled(device_type: str = "cuda") -> bool:
    """False: see :class:`autocast`."""
    return False


def is_autocast_available(device_type: str) -> bool:
    """False: see :class:`autocast`."""
    return False


def custom_fwd(fwd: Callable[..., Any] | None = None, *, device_type: str = "cuda", cast_inputs: Any = None) -> Any:
    """Decorates the forward of a Function: the forward itself."""
    return functools.partial(custom_fwd, device_type=device_type) if fwd is None else fwd


def custom_bwd(bwd: Callable[..., Any] | None = None, *, device_type: str = "cuda") -> Any:
    """Decorates the backward of a Function: the backward itself."""
    return functools.partial(custom_bwd, device_type=device_type) if bwd is None else bwd


class GradScaler:
    """Scales a loss so that small gradients do not vanish in float16, and skips steps whose gradients overflow.

    Args:
        device: the device it is for; for ``"cuda"`` without a GPU it is switched off, as in torch.
        init_scale: the factor to begin with.
        growth_factor: what it is multiplied by after ``growth_interval`` good steps.
        backoff_factor: what it is multiplied by after a bad one.
        growth_interval: see there.
        enabled: False makes all methods do nothing of their own.

    >>> import fxtorch as torch
    >>> scaler = torch.amp.GradScaler("cpu", init_scale=4.0)
    >>> scaler.scale(torch.tensor(2.0))
    tensor(8.)
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
        self._enabled = enabled and (device != "cuda" or devices.is_there("cuda"))
        self._scale = wrap(jnp.asarray(init_scale, jnp.float32))
        self._growth_factor, self._backoff_factor = growth_factor, backoff_factor
        self._growth_interval, self._good_steps = growth_interval, 0
        self._found: dict[int, bool] = {}  # whether the gradients of an optimizer overflowed, once unscaled

    def is_enabled(self) -> bool:
        """Whether it does anything."""
        return self._enabled

    def get_scale(self) -> float:
        """The factor."""
        return self._scale.item() if self._enabled else 1.0

    def scale(self, outputs: Any) -> Any:
        """``outputs`` (a Tensor, or several) times the factor."""
        if not self._enabled:
            return outputs
        if isinstance(outputs, Tensor):
            return outputs * self._scale.to(outputs.dtype)
        return type(outputs)(self.scale(t) for t in outputs)

    def unscale_(self, optimizer: Any) -> None:
        """Divide the gradients of the optimizer's parameters by the factor.

        Raises:
            RuntimeError: that was done already since the last :meth:`update`.
        """
        if not self._enabled:
            return
        if id(optimizer) in self._found:
            raise RuntimeError("unscale_() has already been called on this optimizer since the last update().")
        grads = [p.grad for group in optimizer.param_groups for p in group["params"] if p.grad is not None]
        finite = jnp.asarray(True)
        with no_grad():
            for g in grads:
                g.copy_(g / self._scale.to(g.dtype))
                finite = finite & jnp.all(jnp.isfinite(unwrap(g)))
        self._found[id(optimizer)] = not wrap(finite).item()

    def step(self, optimizer: Any, *args: Any, **kwargs: Any) -> Any:
        """``optimizer.step()``, unless its gradients overflowed."""
        if not self._enabled:
            return optimizer.step(*args, **kwargs)
        if id(optimizer) not in self._found:
            self.unscale_(optimizer)
        return None if self._found[id(optimizer)] else optimizer.step(*args, **kwargs)

    def update(self, new_scale: Any = None) -> None:
        """Adapt the factor to how the steps since the last update went."""
        if not self._enabled:
            return
        bad = any(self._found.values())
        if new_scale is not None:
            scale = float(new_scale)
        elif bad:
            scale, self._good_steps = self.get_scale() * self._backoff_factor, 0
        else:
            self._good_steps += 1
            scale = self.get_scale()
            if self._good_steps == self._growth_interval:
                scale, self._good_steps = scale * self._growth_factor, 0
        self._scale.fill_(scale)
        self._found.clear()

    def state_dict(self) -> dict[str, Any]:
        """What is needed to go on later."""
        if not self._enabled:
            return {}
        return {
            "scale": self.get_scale(),
            "growth_factor": self._growth_factor,
            "backoff_factor": self._backoff_factor,
            "growth_interval": self._growth_interval,
            "_growth_tracker": self._good_steps,
        }

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on from what :meth:`state_dict` returned."""
        if not self._enabled:
            return
        if not state_dict:
            raise RuntimeError(
                "The source state dict is empty, possibly because it was saved from a disabled instance of GradScaler."
            )
        self._scale.fill_(state_dict["scale"])
        self._growth_factor, self._backoff_factor = state_dict["growth_factor"], state_dict["backoff_factor"]
        self._growth_interval, self._good_steps = state_dict["growth_interval"], state_dict["_growth_tracker"]
