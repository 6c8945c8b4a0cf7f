"""What importing fxtorch sets in JAX and in the process, once, before anything runs."""

from __future__ import annotations

import ctypes
import os
import time
from pathlib import Path

import jax


def _switch_64_bit_types() -> None:
    """torch has int64 indexes and honours float64; JAX's own flag and ``FXTORCH_X64=0`` win."""
    if "JAX_ENABLE_X64" not in os.environ:
        jax.config.update("jax_enable_x64", os.environ.get("FXTORCH_X64", "1") != "0")


MOST_BYTES_ON_DISK = 2 << 30
A_DAY = 24 * 3600


def trim(folder: Path, most: int) -> None:
    """Once a day, delete the files that were not read for longest until ``folder`` holds at most ``most`` bytes.

    JAX's own limit (``jax_compilation_cache_max_size``) reads the whole folder under a lock for each new program
    (0.2 s at 4,000 of them) and needs a package that is not among the dependencies.
    """
    stamp = folder / "trimmed"
    if stamp.exists() and time.time() - stamp.stat().st_mtime < A_DAY:
        return
    folder.mkdir(parents=True, exist_ok=True)
    stamp.touch()
    files = sorted((entry.stat().st_atime, entry.stat().st_size, entry.path) for entry in os.scandir(folder))
    held = sum(size for _, size, _ in files)
    for _, size, path in files:
        if held <= most:
            break
        Path(path).unlink(missing_ok=True)  # another process may be at it too
        held -= size


def _keep_programs_on_disk() -> None:
    """Compiled programs outlive the process; JAX's own settings and ``FXTORCH_CACHE_PROGRAMS=0`` win."""
    if jax.config.values["jax_compilation_cache_dir"] or os.environ.get("FXTORCH_CACHE_PROGRAMS", "1") == "0":
        return
    folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "fxtorch" / "programs"
    try:
        trim(folder, MOST_BYTES_ON_DISK)
    except OSError:
        return  # a home that cannot be written to
    jax.config.update("jax_compilation_cache_dir", str(folder))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
    jax.config.update("jax_persistent_cache_min_entry_size_bytes", 0)


MOST_BYTES_KEPT = 1 << 30
_TRIM_THRESHOLD, _TOP_PAD, _MMAP_MAX = -1, -2, -4  # of mallopt(3)


def _keep_memory() -> bool:
    """Memory that is freed stays with the process, up to ``MOST_BYTES_KEPT``, and is not mapped anew for each program.

    XLA asks for the working memory of a program as one block at each call.  glibc maps a large block from the system
    and gives it back at once, so that every page of it is zeroed again in the next call: 12 % of a DCGAN's step on 2
    cores.  Blocks above 64 MB that XLA's own threads ask for are mapped all the same, since their arenas are no larger:
    ``compiler/pieces.py`` avoids them.  Settings of one's own, another malloc and ``FXTORCH_KEEP_MEMORY=0`` win.

    Returns:
        Whether it was done.
    """
    own = any(name.startswith("MALLOC_") for name in os.environ) or "glibc.malloc" in os.environ.get(
        "GLIBC_TUNABLES", ""
    )
    if own or os.environ.get("LD_PRELOAD") or os.environ.get("FXTORCH_KEEP_MEMORY", "1") == "0":
        return False
    process = ctypes.CDLL(None)
    if not hasattr(process, "gnu_get_libc_version"):
        return False
    process.mallopt(_MMAP_MAX, 0)
    process.mallopt(_TRIM_THRESHOLD, MOST_BYTES_KEPT)
    process.mallopt(_TOP_PAD, 64 << 20)  # the size of a thread's heap: glibc then gives none back
    return True


_switch_64_bit_types()
_keep_programs_on_disk()
keeps_memory = _keep_memory()
