"""What importing fxtorch sets in JAX, once, before anything runs."""

from __future__ import annotations

import os
from pathlib import Path

import jax


def _switch_64_bit_types() -> None:
    """torch has int64 indexes and honours float64; JAX's own flag and ``FXTORCH_X64=0`` win."""
    if "JAX_ENABLE_X64" not in os.environ:
        jax.config.update("jax_enable_x64", os.environ.get("FXTORCH_X64", "1") != "0")


def _keep_programs_on_disk() -> None:
    """Compiled programs outlive the process; JAX's own settings and ``FXTORCH_CACHE_PROGRAMS=0`` win."""
    if jax.config.jax_compilation_cache_dir or os.environ.get("FXTORCH_CACHE_PROGRAMS", "1") == "0":
        return
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    jax.config.update("jax_compilation_cache_dir", str(Path(home) / "fxtorch" / "programs"))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
    jax.config.update("jax_persistent_cache_min_entry_size_bytes", 0)
    jax.config.update("jax_compilation_cache_max_size", 2 << 30)


_switch_64_bit_types()
_keep_programs_on_disk()
