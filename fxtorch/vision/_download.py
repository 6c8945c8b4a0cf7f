"""Fetching published files, or saying why that did not work and where to put the file by hand."""

from __future__ import annotations

import hashlib
import os
import tempfile
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterable
from pathlib import Path

TIMEOUT = 10.0


def matches(path: Path, md5: str | None = None, sha256: str | None = None) -> bool:
    """Whether a file exists and has the digest (of which ``sha256`` may be the beginning)."""
    if not path.is_file():
        return False
    for wanted, name in ((md5, "md5"), (sha256, "sha256")):
        if wanted is not None:
            with path.open("rb") as file:
                if not hashlib.file_digest(file, lambda name=name: hashlib.new(name)).hexdigest().startswith(wanted):
                    return False
    return True


def fetch(urls: Iterable[str], path: Path, md5: str | None = None, sha256: str | None = None) -> None:
    """Download the first of ``urls`` that answers to ``path``; nothing is left behind where it fails.

    Args:
        urls: the same file at several places.
        path: where it goes; it appears only when it is whole.
        md5: its digest, where known.
        sha256: its digest or the beginning of it, where known.

    Raises:
        RuntimeError: no place answers, or what came has another digest.
    """
    if matches(path, md5, sha256):
        return
    failures = []
    for url in urls:
        if urllib.parse.urlsplit(url).scheme not in ("http", "https"):
            raise ValueError(f"{url} is no web address")
        try:
            _fetch_one(url, path, md5, sha256)
            return
        except (OSError, ValueError) as error:
            failures.append(f"{url}: {getattr(error, 'reason', None) or error}")
    tried = "; ".join(failures)
    raise RuntimeError(
        f"{path.name} cannot be downloaded ({tried}). Without a network, fetch the file elsewhere and put it at {path}."
    )


def _fetch_one(url: str, path: Path, md5: str | None, sha256: str | None) -> None:
    request = urllib.request.Request(url, headers={"User-Agent": "fxtorch"})
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, suffix=".part")
    try:
        with os.fdopen(handle, "wb") as file, urllib.request.urlopen(request, timeout=TIMEOUT) as answer:
            while block := answer.read(1 << 20):
                file.write(block)
        if not matches(Path(temporary), md5, sha256):
            raise ValueError("what came is damaged: its digest is another one than was published")
        os.replace(temporary, path)
    finally:
        Path(temporary).unlink(missing_ok=True)
