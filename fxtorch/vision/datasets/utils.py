"""Published files: checking, fetching and unpacking them, and reading the formats that data sets come in."""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import pickle
import tarfile
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from fxtorch.vision._download import fetch, matches


def calculate_md5(fpath: str | os.PathLike[str], chunk_size: int = 1024 * 1024) -> str:
    """The MD5 digest of a file, in hexadecimal digits."""
    digest = hashlib.md5(usedforsecurity=False)
    with open(fpath, "rb") as file:
        while chunk := file.read(chunk_size):
            digest.update(chunk)
    return digest.hexdigest()


def check_md5(fpath: str | os.PathLike[str], md5: str) -> bool:
    """Whether a file has the digest."""
    return matches(Path(fpath), md5=md5)


def check_integrity(fpath: str | os.PathLike[str], md5: str | None = None) -> bool:
    """Whether a file exists, and has the digest if one is given."""
    return matches(Path(fpath), md5=md5)


def download_url(
    url: str, root: str | os.PathLike[str], filename: str | None = None, md5: str | None = None
) -> None:  # fmt: skip
    """Fetch a file to a folder unless it is there.

    Raises:
        RuntimeError: it cannot be had; the message says where to put it by hand.
    """
    fetch([url], Path(os.path.expanduser(root)) / (filename or os.path.basename(url)), md5=md5)


def _unpack(archive: tarfile.TarFile, target: Path) -> None:
    if hasattr(tarfile, "data_filter"):
        archive.extractall(target, filter="data")
        return
    for member in archive:  # Python before 3.11.4: only files and folders, and only below the target
        inside = (target / member.name).resolve().is_relative_to(target.resolve())
        if not (inside and (member.isfile() or member.isdir())):
            raise tarfile.ExtractError(f"{member.name!r} would not be a file or a folder inside of {str(target)!r}")
    archive.extractall(target)


def extract_archive(
    from_path: str | os.PathLike[str], to_path: str | os.PathLike[str] | None = None, remove_finished: bool = False
) -> str:
    """Unpack a ``.tar``, ``.tar.gz``, ``.zip`` or ``.gz`` file, and return where to.

    Raises:
        RuntimeError: it is none of these.
    """
    path = Path(from_path)
    target = path.parent if to_path is None else Path(to_path)
    target.mkdir(parents=True, exist_ok=True)
    if tarfile.is_tarfile(path):
        with tarfile.open(path) as archive:
            _unpack(archive, target)
    elif zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            archive.extractall(target)
    elif path.suffix == ".gz":
        target = target / path.stem
        target.write_bytes(plain_bytes(path))
    else:
        raise RuntimeError(f"{path} is no archive that can be unpacked")
    if remove_finished:
        path.unlink()
    return str(target)


def download_and_extract_archive(
    url: str,
    download_root: str | os.PathLike[str],
    extract_root: str | os.PathLike[str] | None = None,
    filename: str | None = None,
    md5: str | None = None,
    remove_finished: bool = False,
) -> None:
    """:func:`download_url`, then :func:`extract_archive`."""
    folder = Path(os.path.expanduser(download_root))
    name = filename or os.path.basename(url)
    download_url(url, folder, name, md5)
    extract_archive(folder / name, extract_root or folder, remove_finished)


def plain_bytes(path: Path) -> bytes:
    """The content of a file, gunzipped where it is gzipped."""
    content = path.read_bytes()
    return gzip.decompress(content) if content[:2] == b"\x1f\x8b" else content


_IDX_TYPES = {8: "u1", 9: "i1", 11: ">i2", 12: ">i4", 13: ">f4", 14: ">f8"}


def read_idx(path: Path) -> np.ndarray:
    """An idx file, gzipped or not: ``00 00 type rank``, the sizes as big-endian int32, the numbers.

    Raises:
        ValueError: it is none, or its length is another one than it says.
    """
    content = plain_bytes(path)
    if content[:2] != b"\x00\x00" or len(content) < 4 or content[2] not in _IDX_TYPES:
        raise ValueError(f"{path.name} does not begin as an idx file does")
    dtype, rank = np.dtype(_IDX_TYPES[content[2]]), content[3]
    shape = tuple(np.frombuffer(content, ">i4", rank, 4).tolist())
    expected, found = int(np.prod(shape)) * dtype.itemsize, len(content) - 4 - 4 * rank
    if expected != found:
        raise ValueError(f"{path.name} announces {expected} bytes and holds {found}")
    return np.frombuffer(content, dtype, offset=4 + 4 * rank).reshape(shape)


class _ArraysOnly(pickle.Unpickler):
    """Unpickles NumPy arrays and nothing that could run code."""

    _ALLOWED = ("_reconstruct", "ndarray", "dtype", "_frombuffer", "scalar", "encode")

    def find_class(self, module: str, name: str) -> Any:
        if module.partition(".")[0] in ("numpy", "_codecs") and name in self._ALLOWED:
            return super().find_class(module, name)
        raise pickle.UnpicklingError(f"a batch of pictures has no use for {module}.{name}")


def read_batch(content: bytes) -> dict[bytes, Any]:
    """A pickled batch of CIFAR's: arrays, lists and strings.

    Raises:
        pickle.UnpicklingError: it holds anything else.
    """
    return _ArraysOnly(io.BytesIO(content), encoding="bytes").load()


def list_dir(root: str | os.PathLike[str], prefix: bool = False) -> list[str]:
    """The folders in a folder, in order; with ``prefix`` as paths."""
    base = os.path.expanduser(root)
    found = sorted(entry.name for entry in os.scandir(base) if entry.is_dir())
    return [os.path.join(base, name) for name in found] if prefix else found


def list_files(root: str | os.PathLike[str], suffix: str | tuple[str, ...], prefix: bool = False) -> list[str]:
    """The files in a folder whose names end as ``suffix``, in order; with ``prefix`` as paths."""
    base = os.path.expanduser(root)
    found = sorted(entry.name for entry in os.scandir(base) if entry.is_file() and entry.name.endswith(suffix))
    return [os.path.join(base, name) for name in found] if prefix else found


def iterable_to_str(iterable: Iterable[Any]) -> str:
    """The items between quotes, after one another.

    >>> iterable_to_str(["train", "test"])
    "'train', 'test'"
    """
    return ", ".join(f"'{item}'" for item in iterable)


def verify_str_arg(
    value: Any, arg: str | None = None, valid_values: Iterable[str] | None = None, custom_msg: str | None = None
) -> Any:
    """``value``, if it is a string, and one of ``valid_values`` where those are given.

    Raises:
        ValueError: it is not; ``custom_msg`` is what is said of a string that is none of them.
    """
    if not isinstance(value, str):
        place = "" if arg is None else f" for argument {arg}"
        raise ValueError(f"Expected type str{place}, but got type {type(value)}.")
    valid = None if valid_values is None else list(valid_values)
    if valid is not None and value not in valid:
        known = f"Unknown value '{value}' for argument {arg}. Valid values are {{{iterable_to_str(valid)}}}."
        raise ValueError(custom_msg or known)
    return value
