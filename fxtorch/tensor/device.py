"""torch.device, mapped to JAX's devices."""

from __future__ import annotations

from typing import Any

import jax
from jax.core import Tracer

_PLATFORM = {"gpu": "cuda", "rocm": "cuda"}
_KNOWN = ("cpu", "cuda", "tpu", "meta", "mps", "xpu")


class device:
    """Where a Tensor lives: ``device("cpu")``, ``device("cuda:1")``, ``device("tpu", 0)``.

    >>> device("cuda:1").index
    1

    Raises:
        RuntimeError: the kind is unknown.
    """

    __slots__ = ("index", "type")

    def __init__(self, type: str | int | device, index: int | None = None) -> None:
        if isinstance(type, device):
            kind, index = type.type, type.index
        elif isinstance(type, int):
            kind, index = "cuda", type
        else:
            kind, colon, number = type.partition(":")
            if colon and not number.isdigit():
                raise RuntimeError(f"Invalid device string: '{type}'")
            index = int(number) if colon else index
        if kind not in _KNOWN:
            raise RuntimeError(f"Expected one of {', '.join(_KNOWN)} device type at start of device string: {kind}")
        self.type: str = kind
        self.index: int | None = index

    def __repr__(self) -> str:
        return f"device(type='{self.type}'" + (f", index={self.index})" if self.index is not None else ")")

    def __str__(self) -> str:
        return self.type if self.index is None else f"{self.type}:{self.index}"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, device) and (self.type, self.index) == (other.type, other.index)

    def __hash__(self) -> int:
        return hash((self.type, self.index))

    def __enter__(self) -> device:
        _stack.append(get_default_device())
        set_default_device(self)
        return self

    def __exit__(self, *exc: object) -> None:
        set_default_device(_stack.pop())


_stack: list[device] = []
_default = device("cpu")
CPU, META = device("cpu"), device("meta")


def get_default_device() -> device:
    """Where new Tensors are made."""
    return _default


def set_default_device(value: device | str | None) -> None:
    """Set where new Tensors are made; None means the CPU."""
    global _default
    _default = CPU if value is None else device(value)


def is_meta(value: Any) -> bool:
    """Whether a new Tensor for which ``value`` was given as the device has no values."""
    return (_default if value is None else value if isinstance(value, device) else device(value)).type == "meta"


def of(array: Any) -> device:
    """The device of a jax.Array; a traced one counts as on the default device."""
    if isinstance(array, Tracer):
        return _default
    jax_device = next(iter(array.devices()))
    kind = str(_PLATFORM.get(jax_device.platform, jax_device.platform))
    if jax_device.id == 0 and kind in ("cpu", "meta"):
        return CPU if kind == "cpu" else META
    return device(kind, jax_device.id)


def to_jax(value: device | str | int) -> Any:
    """The JAX device that ``value`` names.

    Raises:
        RuntimeError: JAX sees no such device.
    """
    wanted = device(value)
    try:
        found = jax.devices("gpu" if wanted.type == "cuda" else wanted.type)
    except RuntimeError:
        if wanted.type == "cuda":
            raise RuntimeError("No CUDA GPUs are available: JAX sees none; install a jaxlib built for CUDA") from None
        raise RuntimeError(f"No {wanted.type} device is available: JAX sees none") from None
    index = current_index(wanted.type) if wanted.index is None else wanted.index
    if index >= len(found):
        raise RuntimeError(f"{wanted.type} error: invalid device ordinal: {index} of {len(found)}")
    return found[index]


_current: dict[str, int] = {}


def current_index(kind: str) -> int:
    """Which device of a kind is meant where none is named."""
    return _current.get(kind, 0)


def set_current_index(kind: str, index: int) -> None:
    """Set which device of a kind is meant where none is named."""
    _current[kind] = index


def is_there(kind: str) -> bool:
    """Whether JAX sees a device of that kind."""
    try:
        return bool(jax.devices("gpu" if kind == "cuda" else kind))
    except RuntimeError:
        return False


def default_jax_device() -> Any:
    """The JAX device for new arrays, or None where JAX's own default is the one wanted."""
    if _default.type == jax.default_backend() and _default.index is None:
        return None
    return to_jax(_default)
