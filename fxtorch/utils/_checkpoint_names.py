"""The lesser names of ``torch.utils.checkpoint``."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Iterable, Sequence
from typing import Any, ClassVar

from fxtorch import cuda
from fxtorch.tensor import Tensor
from fxtorch.tensor.generator import get_rng_state, set_rng_state


def set_checkpoint_debug_enabled(enabled: bool | None) -> Any:
    """Accepted: a context manager that does nothing; an error names what differs in any case."""
    return contextlib.nullcontext()


def detach_variable(inputs: tuple[Any, ...]) -> tuple[Any, ...]:
    """The Tensors of a tuple outside of their graphs, as leaves that want a gradient if they did.

    Raises:
        RuntimeError: ``inputs`` is no tuple.
    """
    if not isinstance(inputs, tuple):
        raise RuntimeError(f"Only tuple of tensors is supported. Got Unsupported input type: {type(inputs).__name__}")
    return tuple(x.detach().requires_grad_(x.requires_grad) if isinstance(x, Tensor) else x for x in inputs)


def check_backward_validity(inputs: Iterable[Any]) -> None:
    """Warn if no input wants a gradient."""
    if not any(x.requires_grad for x in inputs if isinstance(x, Tensor)):
        warnings.warn("None of the inputs have requires_grad=True. Gradients will be None", stacklevel=2)


class DefaultDeviceType:
    """The kind of device whose random state :func:`get_device_states` is about where no Tensor says."""

    _kind: ClassVar[str | None] = None

    @staticmethod
    def set_device_type(device: str = "cuda") -> None:
        """Set it."""
        DefaultDeviceType._kind = device

    @staticmethod
    def get_device_type() -> str:
        """What it is; by default the accelerator's, where there is one."""
        return DefaultDeviceType._kind or ("cuda" if cuda.is_available() else "cpu")


def get_device_states(*args: Any) -> tuple[list[int], list[Tensor]]:
    """The devices of the Tensors in ``args`` that are not the CPU, and the random state, which all devices share."""
    found = {t.device.index or 0 for t in args if isinstance(t, Tensor) and t.device.type != "cpu"}
    return sorted(found), [get_rng_state()] * len(found)


def set_device_states(devices: Sequence[int], states: Sequence[Tensor], *, device_type: str | None = None) -> None:
    """Set the random state, which all devices share, to the last of ``states``."""
    for state in states[-1:]:
        set_rng_state(state)
