"""Reading the members of a tar, a zip or a folder alike, and saying which file is damaged."""

from __future__ import annotations

import pickle
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from experiments.running.errors import Refused

_DAMAGE = (
    OSError,
    EOFError,
    ValueError,
    LookupError,
    zlib.error,
    tarfile.TarError,
    zipfile.BadZipFile,
    pickle.UnpicklingError,
)


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Turn whatever a damaged file provokes into one line that names the file."""
    try:
        yield
    except _DAMAGE as error:
        raise Refused(f"{path} is damaged or not in the published format: {error or type(error).__name__}") from error


def members(path: Path) -> Iterator[tuple[str, bytes]]:
    """``(name, content)`` of each file in a ``.tar``, ``.tar.gz``, ``.zip`` or folder, in the archive's order.

    Names are relative and use ``/``; a folder's begin with its own name, as an archive's do.
    """
    if path.is_dir():
        for file in sorted(p for p in path.rglob("*") if p.is_file()):
            yield f"{path.name}/{file.relative_to(path).as_posix()}", file.read_bytes()
    elif zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            for name in archive.namelist():
                if not name.endswith("/"):
                    yield name, archive.read(name)
    else:
        with tarfile.open(path, "r|*") as archive:
            for member in archive:
                file = archive.extractfile(member) if member.isfile() else None
                if file is not None:
                    yield member.name.removeprefix("./"), file.read()
