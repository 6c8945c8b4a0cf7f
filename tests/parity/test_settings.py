"""Settings of the process, and what a program asks of them, against PyTorch's; each call puts back what it changed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

pytest.importorskip("torch", reason="compares with PyTorch")

from tests.parity.calls import assert_same

Calls = dict[str, Callable[[Any], Any]]


def held(get: Callable[[], Any], put: Callable[[Any], Any], *values: Any) -> list[Any]:
    """What is read after each value was set; the first value is put back."""
    first, seen = get(), []
    try:
        for value in values:
            put(value)
            seen.append(get())
    finally:
        put(first)
    return [first, *seen, get()]


SETTINGS: Calls = {
    "default dtype": lambda t: held(t.get_default_dtype, t.set_default_dtype, t.float64, t.float16),
    "default dtype of integers": lambda t: t.set_default_dtype(t.int64),
    "default dtype at work": lambda t: at_double(t),
    "default tensor type": lambda t: held(
        t.get_default_dtype,
        lambda v: t.set_default_tensor_type(t.DoubleTensor if v == "double" else t.FloatTensor),
        "double",
        "float",
    ),
    "default device": lambda t: [t.get_default_device(), t.set_default_device("cpu"), t.get_default_device()],
    "default device with": lambda t: on_cpu(t),
    "grad mode": lambda t: held(t.is_grad_enabled, t.set_grad_enabled, False, True),
    "grad mode as a context": lambda t: nested_modes(t),
    "inference mode": lambda t: inference(t),
    "warn always": lambda t: held(t.is_warn_always_enabled, t.set_warn_always, True, False),
    "deterministic": lambda t: held(
        t.are_deterministic_algorithms_enabled, lambda v: t.use_deterministic_algorithms(v), True, False
    ),
    "deterministic, warning": lambda t: warned_only(t),
    "deterministic debug mode": lambda t: held(
        t.get_deterministic_debug_mode, t.set_deterministic_debug_mode, "warn", "error", 1, 0
    ),
    "deterministic debug mode, wrong": lambda t: t.set_deterministic_debug_mode("loud"),
    "matmul precision": lambda t: held(
        t.get_float32_matmul_precision, t.set_float32_matmul_precision, "high", "medium", "highest"
    ),
    "threads": lambda t: [type(t.get_num_threads()), t.get_num_threads() > 0, t.set_num_threads(0)],
    "threads between operators": lambda t: [type(t.get_num_interop_threads()), t.get_num_interop_threads() > 0],
    "no threads between operators": lambda t: t.set_num_interop_threads(0),
    "denormals": lambda t: type(t.set_flush_denormal(False)),  # whether it can be set is the machine's to say
    "anomaly": lambda t: [
        held(t.is_anomaly_enabled, t.set_anomaly_enabled, True, False),
        t.is_anomaly_check_nan_enabled(),
    ],
    "anomaly without nan": lambda t: without_nan(t),
    "detect_anomaly": lambda t: watched(t),
    "set_detect_anomaly": lambda t: watched(t, setting=True),
    "multithreading": lambda t: threaded(t),
    "autocast of a device": lambda t: held(
        lambda: t.is_autocast_enabled("cpu"), lambda v: t.set_autocast_enabled("cpu", v), True, False
    ),
    "autocast on the cpu": lambda t: held(t.is_autocast_cpu_enabled, t.set_autocast_cpu_enabled, True, False),
    "autocast dtype": lambda t: held(
        lambda: t.get_autocast_dtype("cpu"), lambda v: t.set_autocast_dtype("cpu", v), t.float16, t.bfloat16
    ),
    "autocast dtype on the cpu": lambda t: held(
        t.get_autocast_cpu_dtype, t.set_autocast_cpu_dtype, t.float16, t.bfloat16
    ),
    "autocast dtype on the gpu": lambda t: held(
        t.get_autocast_gpu_dtype, t.set_autocast_gpu_dtype, t.bfloat16, t.float16
    ),
    "autocast cache": lambda t: [
        held(t.is_autocast_cache_enabled, t.set_autocast_cache_enabled, False, True),
        t.clear_autocast_cache(),
    ],
    "autocast nesting": lambda t: [
        t.autocast_increment_nesting(),
        t.autocast_increment_nesting(),
        t.autocast_decrement_nesting(),
        t.autocast_decrement_nesting(),
    ],
    "autocast available": lambda t: [t.amp.is_autocast_available("cpu")],
    "printing": lambda t: printed(t),
    "printing profiles": lambda t: [printed(t, profile=p) for p in ("short", "full", "default")],
    "random state": lambda t: drawn_again(t),
    "random state of a wrong type": lambda t: t.set_rng_state(t.zeros(3)),
    "seed": lambda t: [type(t.seed()), t.manual_seed(7).initial_seed(), t.initial_seed()],
    "negative seed": lambda t: [t.manual_seed(-1).initial_seed(), t.initial_seed()],
    "default generator": lambda t: [t.manual_seed(11) is t.default_generator, t.default_generator.initial_seed()],
    "forked randomness": lambda t: forked(t),
    "random.set_rng_state": lambda t: drawn_again(t.random, t),
}


def at_double(t: Any) -> Any:
    t.set_default_dtype(t.float64)
    try:
        return t.zeros(1), t.tensor([1.5]), t.tensor(1j), t.arange(1, 2, 0.5), t.ones(1, dtype=t.int64) / 2
    finally:
        t.set_default_dtype(t.float32)


def on_cpu(t: Any) -> Any:
    with t.device("cpu"):
        return t.get_default_device(), t.zeros(1).device


def nested_modes(t: Any) -> Any:
    seen = [t.is_grad_enabled()]
    with t.set_grad_enabled(False):
        seen.append(t.is_grad_enabled())
        with t.enable_grad():
            seen.append((t.ones(1, requires_grad=True) * 2).requires_grad)
        with t.autograd.enable_grad(), t.autograd.set_grad_enabled(False):
            seen.append(t.is_grad_enabled())
    return [*seen, t.is_grad_enabled()]


def inference(t: Any) -> Any:
    seen = [t.is_inference_mode_enabled()]
    with t.inference_mode():
        seen.append(t.is_inference_mode_enabled())
        with t.inference_mode(False):
            seen.append(t.is_inference_mode_enabled())
    return seen


def warned_only(t: Any) -> Any:
    try:
        t.use_deterministic_algorithms(True, warn_only=True)
        return t.are_deterministic_algorithms_enabled(), t.is_deterministic_algorithms_warn_only_enabled()
    finally:
        t.use_deterministic_algorithms(False)


def without_nan(t: Any) -> Any:
    try:
        t.set_anomaly_enabled(True, False)
        return t.is_anomaly_enabled(), t.is_anomaly_check_nan_enabled()
    finally:
        t.set_anomaly_enabled(False)


def watched(t: Any, *, setting: bool = False) -> Any:
    context = t.autograd.set_detect_anomaly(True) if setting else t.autograd.detect_anomaly()
    with context:
        inside = t.is_anomaly_enabled()
        x = t.zeros(1, requires_grad=True)
        with pytest.raises(RuntimeError, match="returned nan values"):
            (t.sqrt(x) * 0).backward()
    return inside, t.is_anomaly_enabled()


def threaded(t: Any) -> Any:
    with t.autograd.set_multithreading_enabled(False):
        x = t.ones(2, requires_grad=True)
        (x * 3).sum().backward()
    return x.grad


def printed(t: Any, **options: Any) -> Any:
    try:
        t.set_printoptions(**(options or {"precision": 2, "linewidth": 40, "threshold": 5, "edgeitems": 1}))
        return str(t.arange(12.0) / 7), str(t.tensor([1e-7, 3.0])), str(t.ones(2, 2))
    finally:
        t.set_printoptions(profile="default")


def drawn_again(random: Any, t: Any = None) -> Any:
    t = t or random
    state = random.get_rng_state()
    first = t.rand(3)
    random.set_rng_state(state)
    return state.dtype, bool((t.rand(3) == first).all()), bool((t.rand(3) == first).all())


def forked(t: Any) -> Any:
    t.manual_seed(3)
    with t.random.fork_rng():
        t.rand(5)
    inside = t.rand(2)
    t.manual_seed(3)
    return bool((t.rand(2) == inside).all())


@pytest.mark.parametrize("name", SETTINGS)
def test_a_setting_holds_until_it_is_put_back(name):
    assert_same(SETTINGS[name])
