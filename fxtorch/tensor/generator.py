"""Random state: a Generator is a key that each draw replaces."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Any

import jax
import numpy as np
from jax.core import Tracer

from fxtorch.ops import random as ops
from fxtorch.tensor import device as devices
from fxtorch.tensor.modes import modes
from fxtorch.tensor.tensor import Tensor, state, unwrap, wrap
from fxtorch.tensor.tracing import rely_on

_split = jax.jit(lambda key: tuple(ops.split(key)))


class Generator:
    """A source of random numbers.

    Its key is a Tensor: eager draws split it, and a compiled step carries it as state, so that each call draws anew.

    >>> g = Generator().manual_seed(0)
    >>> g.initial_seed()
    0
    """

    def __init__(self, device: devices.device | str = "cpu") -> None:
        self.device = devices.device(device)
        self._seed = 67280421310721
        self._key: Tensor | None = None

    def manual_seed(self, seed: int) -> Generator:
        """Start again from ``seed``, which below 0 counts from 2**64.

        Raises:
            ValueError: it has more than 64 bits.
        """
        if not -(1 << 63) <= int(seed) < 1 << 64:
            raise ValueError("Overflow when unpacking long long")
        self._seed = int(seed) % (1 << 64)
        if self._key is not None:
            self._replace(self._start())
        return self

    def seed(self) -> int:
        """Start again from a seed that nobody can guess, and return it."""
        self.manual_seed(secrets.randbits(63))
        return self._seed

    def initial_seed(self) -> int:
        """The seed it was last started from."""
        return rely_on("the seed of a generator", lambda: self._seed)

    def get_state(self) -> Tensor:
        """The state, as a uint8 Tensor."""
        return wrap(jax.numpy.asarray(np.frombuffer(np.asarray(unwrap(self.key)).tobytes(), np.uint8)))

    def set_state(self, state: Tensor) -> Generator:
        """Continue from a state that :meth:`get_state` gave.

        Raises:
            TypeError: ``state`` is no uint8 Tensor.
            RuntimeError: it is not as long as a state.
        """
        if not isinstance(state, Tensor):
            raise TypeError(f"expected a torch.ByteTensor, but got {type(state).__name__}")
        if unwrap(state).dtype != np.uint8:
            raise TypeError("RNG state must be a torch.ByteTensor")
        expected = unwrap(self.key).nbytes
        if state.numel() != expected:
            raise RuntimeError(f"RNG state is wrong size: {state.numel()} bytes where {expected} are expected")
        raw = np.frombuffer(np.asarray(unwrap(state)).tobytes(), np.uint32)
        self._replace(jax.numpy.asarray(raw))
        return self

    def _replace(self, key: Any) -> None:
        """Take another key, tied to a device as the one before was: a compiled step then stays the same program."""
        before = unwrap(self.key)
        if isinstance(before, jax.Array) and not isinstance(before, Tracer) and before.committed:
            key = jax.device_put(key, before.sharding)
        self.key._rebind(key)

    def clone_state(self) -> Generator:
        """A Generator in the same state."""
        twin = Generator(self.device)
        twin._seed = self._seed
        twin._key = state(unwrap(self.key))
        return twin

    def _start(self) -> Any:
        with jax.ensure_compile_time_eval():
            return ops.make_key(self._seed)

    @property
    def key(self) -> Tensor:
        """The key, made at first use so that importing fxtorch and seeding start no backend."""
        if self._key is None:
            self._key = state(self._start())
        return self._key

    def draw(self) -> Any:
        """A fresh raw key; the state moves on."""
        before = unwrap(self.key)
        kept, drawn = _split(before)
        if isinstance(kept, Tracer) and not isinstance(before, Tracer) and modes.capture is None:
            raise RuntimeError(
                "a random draw inside a function that JAX compiles would be the same at every call; use fxtorch.jit, "
                "which carries the generator's state, or draw outside of the function"
            )
        self.key._rebind(kept)
        return drawn if modes.on_draw is None else modes.on_draw(drawn)


default_generator = Generator()


def key_source(generator: Generator | None) -> Callable[[], Any]:
    """What the dispatcher calls to get the key of one random operator."""
    return (default_generator if generator is None else generator).draw


def manual_seed(seed: int) -> Generator:
    """Start the default Generator from ``seed``."""
    return default_generator.manual_seed(seed)


def seed() -> int:
    """Start the default Generator from a random seed, and return it."""
    return default_generator.seed()


def initial_seed() -> int:
    """The seed of the default Generator."""
    return default_generator.initial_seed()


def get_rng_state() -> Tensor:
    """The state of the default Generator."""
    return default_generator.get_state()


def set_rng_state(state: Tensor) -> None:
    """Set the state of the default Generator."""
    default_generator.set_state(state)
