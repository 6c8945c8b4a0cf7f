"""Prepared arrays, kept on disk so that an archive is unpacked once."""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
import zipfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np

Arrays = Mapping[str, np.ndarray]

_LAYOUT = 1  # raised when what is prepared from the same files changes


def cache_folder() -> Path:
    """``$FXTORCH_CACHE``, else ``$XDG_CACHE_HOME/fxtorch``, else ``~/.cache/fxtorch``; data lies in ``experiments``."""
    home = os.environ.get("FXTORCH_CACHE")
    if home is None:
        home = os.path.join(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "fxtorch")
    return Path(home) / "experiments"


def cached(name: str, files: Sequence[Path], prepare: Callable[[], Arrays]) -> Arrays:
    """The arrays prepared from ``files``, from disk where these very files were prepared before.

    A file counts as the same while its path, size and time of change are.  A cache that cannot be read is made
    again, and one that cannot be written is done without.
    """
    stamp = repr([_LAYOUT, [(str(f.resolve()), f.stat().st_size, f.stat().st_mtime_ns) for f in files]])
    path = cache_folder() / f"{name}-{hashlib.sha256(stamp.encode()).hexdigest()[:16]}.npz"
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
            return {key: stored[key] for key in stored.files}
    except (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile):
        pass
    arrays = prepare()
    with contextlib.suppress(OSError):
        _write(path, arrays)
    return arrays


def _write(path: Path, arrays: Arrays) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, suffix=".part")
    try:
        with os.fdopen(handle, "wb") as file:
            np.savez(file, **arrays)  # pyright: ignore[reportArgumentType]  (it reads any name as allow_pickle)
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise
