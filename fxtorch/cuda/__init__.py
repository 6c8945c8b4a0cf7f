"""torch.cuda: the GPUs that JAX sees."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from fxtorch.cuda import amp as amp
from fxtorch.cuda import nvtx as nvtx
from fxtorch.tensor import Tensor
from fxtorch.tensor import device as devices
from fxtorch.tensor.dispatch import no_such_name as _no_such_name
from fxtorch.tensor.generator import default_generator
from fxtorch.tensor.typed import ON_CUDA as _ON_CUDA

globals().update(_ON_CUDA)  # FloatTensor, LongTensor ...


def __getattr__(name: str) -> Any:  # also tells type checkers that they are there
    raise _no_such_name(__name__, name)


OutOfMemoryError = jax.errors.JaxRuntimeError  # what JAX raises when memory is exhausted


def _gpus() -> list[Any]:
    try:
        return jax.devices("gpu")
    except RuntimeError:
        return []


def _gpu(device: Any = None) -> Any:
    """JAX's device for what callers name: an index, a device, or None for the current one."""
    return devices.to_jax(devices.device("cuda" if device is None else device))


def is_available() -> bool:
    """Whether JAX sees a GPU.

    >>> isinstance(torch.cuda.is_available(), bool)
    True
    """
    return bool(_gpus())


def device_count() -> int:
    """How many GPUs JAX sees."""
    return len(_gpus())


_initialized = False  # as programs ask before they keep CUDA's random state: ours is every device's, kept already


def is_initialized() -> bool:
    """Whether there is a GPU to use: JAX starts it with its first computation."""
    return is_available()


def init() -> None:
    """Nothing: JAX starts the GPU with its first computation."""


def current_device() -> int:
    """The index of the GPU that ``"cuda"`` means.

    Raises:
        RuntimeError: there is none.
    """
    _gpu()
    return devices.current_index("cuda")


def set_device(device: Any) -> None:
    """Let ``"cuda"`` mean this GPU.

    Raises:
        RuntimeError: there is no such GPU.
    """
    _gpu(device)
    devices.set_current_index("cuda", devices.device(device).index or 0)


@contextlib.contextmanager
def device(device: Any) -> Iterator[None]:
    """Within it, ``"cuda"`` means this GPU."""
    before = devices.current_index("cuda")
    set_device(device)
    try:
        yield
    finally:
        devices.set_current_index("cuda", before)


class DeviceProperties(NamedTuple):
    """What is known of a GPU; numbers that JAX does not tell are 0."""

    name: str
    total_memory: int
    major: int
    minor: int
    multi_processor_count: int


def get_device_capability(device: Any = None) -> tuple[int, int]:
    """The compute capability: ``(9, 0)``."""
    major, _, minor = str(getattr(_gpu(device), "compute_capability", "0.0")).partition(".")
    return int(major), int(minor or 0)


def get_device_name(device: Any = None) -> str:
    """The model of the GPU."""
    return _gpu(device).device_kind


def get_device_properties(device: Any = None) -> DeviceProperties:
    """Name, memory and capability of the GPU."""
    gpu = _gpu(device)
    cores = int(getattr(gpu, "core_count", 0) or 0)
    return DeviceProperties(
        gpu.device_kind, _memory(device).get("bytes_limit", 0), *get_device_capability(device), cores
    )


def _memory(device: Any) -> dict[str, int]:
    return _gpu(device).memory_stats() or {}


def memory_stats(device: Any = None) -> dict[str, int]:
    """What JAX's allocator counts, under its own names."""
    return dict(_memory(device)) if is_available() else {}


def memory_allocated(device: Any = None) -> int:
    """Bytes in use; 0 without a GPU."""
    return memory_stats(device).get("bytes_in_use", 0)


def max_memory_allocated(device: Any = None) -> int:
    """The most bytes that were in use; 0 without a GPU."""
    return memory_stats(device).get("peak_bytes_in_use", 0)


def memory_reserved(device: Any = None) -> int:
    """Bytes that JAX holds of the GPU's memory; 0 without a GPU."""
    stats = memory_stats(device)
    return stats.get("pool_bytes", stats.get("bytes_reserved", 0))


def max_memory_reserved(device: Any = None) -> int:
    """The most bytes that JAX held; 0 without a GPU."""
    return memory_stats(device).get("peak_pool_bytes", memory_reserved(device))


def mem_get_info(device: Any = None) -> tuple[int, int]:
    """Free and total bytes that JAX may use."""
    stats = _memory(device)
    total = stats.get("bytes_limit", 0)
    return total - stats.get("bytes_in_use", 0), total


def empty_cache() -> None:
    """Nothing: JAX keeps the memory it has taken (see ``XLA_PYTHON_CLIENT_PREALLOCATE``)."""


def reset_peak_memory_stats(device: Any = None) -> None:
    """Nothing: JAX's peak is that of the process."""


reset_max_memory_allocated = reset_peak_memory_stats


def synchronize(device: Any = None) -> None:
    """Wait until the GPU has done all that it was given.

    Raises:
        RuntimeError: there is no GPU.
    """
    jax.block_until_ready(jax.device_put(jnp.zeros((), jnp.float32), _gpu(device)) + 1)


def manual_seed(seed: int) -> None:
    """Seed the generator, which serves all devices; without a GPU, nothing, as in torch."""
    if is_available():
        default_generator.manual_seed(seed)


def manual_seed_all(seed: int) -> None:
    """:func:`manual_seed`."""
    manual_seed(seed)


def seed() -> None:
    """Seed the generator at random; without a GPU, nothing."""
    if is_available():
        default_generator.seed()


seed_all = seed


def initial_seed() -> int:
    """The seed of the generator."""
    return default_generator.initial_seed()


def get_rng_state(device: Any = None) -> Tensor:
    """The state of the generator."""
    return default_generator.get_state()


def set_rng_state(new_state: Tensor, device: Any = None) -> None:
    """Set the state of the generator."""
    default_generator.set_state(new_state)


def get_rng_state_all() -> list[Tensor]:
    """The state of the generator, once a GPU."""
    return [default_generator.get_state() for _ in _gpus()]


def set_rng_state_all(new_states: list[Tensor]) -> None:
    """Set the state of the generator to the first of these."""
    for state in new_states[:1]:
        default_generator.set_state(state)


def is_bf16_supported(including_emulation: bool = True) -> bool:
    """Whether there is a GPU: XLA computes in bfloat16 on all of them."""
    return is_available()


class Stream:
    """An order of work on a GPU; XLA keeps its own, so that a Stream is one in name."""

    def __init__(self, device: Any = None, priority: int = 0) -> None:
        self.device = devices.device("cuda")

    def synchronize(self) -> None:
        """Wait for the GPU."""
        synchronize()

    def wait_stream(self, stream: Stream) -> None:
        """Nothing: there is one order."""

    wait_event = wait_stream

    def record_event(self, event: Event | None = None) -> Event:
        """Record an event now."""
        event = event or Event()
        event.record()
        return event

    def query(self) -> bool:
        """True, once the GPU has done its work."""
        synchronize()
        return True

    def __enter__(self) -> Stream:
        return self

    def __exit__(self, *exc: object) -> None:
        pass


def stream(stream: Stream | None) -> Any:
    """The Stream as a context manager."""
    return stream or contextlib.nullcontext()


def current_stream(device: Any = None) -> Stream:
    """The one order of work."""
    return Stream(device)


default_stream = current_stream


class Event:
    """A point in the GPU's work, and when it was reached: recording waits for it."""

    def __init__(self, enable_timing: bool = False, blocking: bool = False, interprocess: bool = False) -> None:
        self.time: float | None = None

    def record(self, stream: Stream | None = None) -> None:
        """Wait for the GPU and note the time."""
        synchronize()
        self.time = time.perf_counter()

    def elapsed_time(self, end_event: Event) -> float:
        """Milliseconds from this event to the other.

        Raises:
            RuntimeError: one was not recorded.
        """
        if self.time is None or end_event.time is None:
            raise RuntimeError("Both events must be recorded before calculating elapsed time.")
        return (end_event.time - self.time) * 1e3

    def synchronize(self) -> None:
        """Nothing: recording has waited."""

    def query(self) -> bool:
        """True: recording has waited."""
        return True

    def wait(self, stream: Stream | None = None) -> None:
        """Nothing: recording has waited."""


def is_current_stream_capturing() -> bool:
    """False: nothing is captured as a CUDA graph."""
    return False


class CUDAGraph:
    """Recorded work on a GPU; ``fxtorch.jit`` is what makes one program of many operators here.

    Raises:
        RuntimeError: always.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        raise RuntimeError("there are no CUDA graphs: fxtorch.jit makes one program of a step, and replays it")


class graph(CUDAGraph):
    """A block whose work would be recorded."""
