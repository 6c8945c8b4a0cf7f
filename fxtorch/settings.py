"""Settings of the whole process: determinism, threads, precision of matrix products."""

from __future__ import annotations

import os

import jax

_state = {
    "deterministic": False,
    "warn_only": False,
    "threads": os.cpu_count() or 1,
    "interop": 1,
    "warn_always": False,
}
_PRECISIONS = {"highest": "highest", "high": "high", "medium": "default"}
_precision = "highest"


def use_deterministic_algorithms(mode: bool, *, warn_only: bool = False) -> None:
    """Ask for results that are the same at every run.

    XLA's are on a CPU; on a GPU, start the process with ``XLA_FLAGS=--xla_gpu_deterministic_ops=true``.
    """
    _state["deterministic"], _state["warn_only"] = bool(mode), bool(warn_only)


def are_deterministic_algorithms_enabled() -> bool:
    """What :func:`use_deterministic_algorithms` was told."""
    return bool(_state["deterministic"])


def is_deterministic_algorithms_warn_only_enabled() -> bool:
    """What :func:`use_deterministic_algorithms` was told of warnings."""
    return bool(_state["warn_only"])


def set_deterministic_debug_mode(debug_mode: int | str) -> None:
    """0 or ``"default"``, 1 or ``"warn"``, 2 or ``"error"``."""
    names: dict[int | str, int] = {"default": 0, "warn": 1, "error": 2, 0: 0, 1: 1, 2: 2}
    if debug_mode not in names:
        raise RuntimeError(
            f"invalid value of debug_mode, expected one of `default`, `warn`, `error`, but got {debug_mode}"
        )
    use_deterministic_algorithms(names[debug_mode] > 0, warn_only=names[debug_mode] == 1)


def get_deterministic_debug_mode() -> int:
    """0, 1 or 2, as :func:`set_deterministic_debug_mode` has it."""
    return 0 if not _state["deterministic"] else 1 if _state["warn_only"] else 2


def set_float32_matmul_precision(precision: str) -> None:
    """How exact products of float32 matrices are on an accelerator: ``"highest"``, ``"high"`` or ``"medium"``.

    Raises:
        RuntimeError: it is none of these.
    """
    global _precision
    if precision not in _PRECISIONS:
        raise RuntimeError(
            f"{precision} is not one of 'highest', 'high', or 'medium'; the current choice is {_precision}"
        )
    _precision = precision
    jax.config.update("jax_default_matmul_precision", _PRECISIONS[precision])


def get_float32_matmul_precision() -> str:
    """What :func:`set_float32_matmul_precision` was told."""
    return _precision


def set_num_threads(number: int) -> None:
    """Remember a number of threads: XLA's pool is as large as the machine and is set before the process starts.

    Raises:
        RuntimeError: the number is not positive.
    """
    if number <= 0:
        raise RuntimeError("set_num_threads expects a positive integer")
    _state["threads"] = int(number)


def get_num_threads() -> int:
    """The number of threads that was asked for, or the machine's processors."""
    return int(_state["threads"])


def set_num_interop_threads(number: int) -> None:
    """Remember a number of threads between operators; XLA decides."""
    if number <= 0:
        raise RuntimeError("set_num_interop_threads expects a positive integer")
    _state["interop"] = int(number)


def get_num_interop_threads() -> int:
    """What :func:`set_num_interop_threads` was told."""
    return int(_state["interop"])


def set_flush_denormal(mode: bool) -> bool:
    """False: XLA handles denormal numbers as it does, and cannot be told otherwise."""
    return False


def set_warn_always(b: bool) -> None:
    """Whether warnings that are given once are given always."""
    _state["warn_always"] = bool(b)


def is_warn_always_enabled() -> bool:
    """What :func:`set_warn_always` was told."""
    return bool(_state["warn_always"])


def compiled_with_cxx11_abi() -> bool:
    """True, as in all of today's builds."""
    return True
