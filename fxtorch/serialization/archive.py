"""The zip archive of a PyTorch file: uncompressed records under one folder, storages on 64-byte boundaries."""

from __future__ import annotations

import contextlib
import os
import secrets
import struct
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

ALIGNMENT = 64
_PADDING_ID = b"FB"
_LOCAL_HEADER = 30
_ZIP64_EXTRA = 20


class Writer:
    """Writes records; :meth:`close` adds what makes it a PyTorch file.

    Args:
        file: a binary stream.
        folder: the name that all records lie under.
    """

    def __init__(self, file: IO[bytes], folder: str) -> None:
        self._zip = zipfile.ZipFile(file, "w", zipfile.ZIP_STORED)
        self._folder = folder

    def write(self, name: str, data: bytes | memoryview) -> None:
        """Add a record whose content begins on a 64-byte boundary."""
        info = zipfile.ZipInfo(f"{self._folder}/{name}")
        info.file_size = len(data)
        header = _LOCAL_HEADER + len(info.filename.encode()) + len(_PADDING_ID) + 2
        if info.file_size * 1.05 > zipfile.ZIP64_LIMIT:
            header += _ZIP64_EXTRA
        assert self._zip.fp is not None
        padding = -(self._zip.fp.tell() + header) % ALIGNMENT
        info.extra = _PADDING_ID + struct.pack("<H", padding) + b"Z" * padding
        self._zip.writestr(info, data)

    def __enter__(self) -> Writer:
        return self

    def __exit__(self, kind: object, *rest: object) -> None:
        """Finish the file, or after an exception leave it: the zip archive would go on writing when it is collected."""
        if kind is None:
            self.close()
        else:
            self._zip.fp = None

    def close(self) -> None:
        """Add the closing records and the directory."""
        checksums = "".join(f"{info.CRC:010d}" for info in self._zip.infolist())
        self.write("version", b"3\n")
        self.write(".data/serialization_id", checksums[-40:].zfill(40).encode())
        self._zip.close()


class Reader:
    """Reads the records of a PyTorch file.

    Args:
        file: a binary stream that can seek.
        name: what to call it in errors.

    Raises:
        EOFError: it is empty.
        RuntimeError: it is not a PyTorch file, or is cut short.
    """

    def __init__(self, file: IO[bytes], name: str) -> None:
        self._name = name
        start = file.read(4)
        file.seek(0)
        if not start:
            raise EOFError(f"{name} is empty")
        if start[:1] == b"\x80":
            raise RuntimeError(f"{name} is a pickle but not a PyTorch file: Invalid magic number; corrupt file?")
        if start != b"PK\x03\x04":
            raise RuntimeError(f"{name} is not a PyTorch file: it is no zip archive")
        try:
            self._zip = zipfile.ZipFile(file)
        except zipfile.BadZipFile:
            raise RuntimeError(f"{name} is cut short or damaged: the archive has no directory at its end") from None
        self._folder = self._find_folder()

    def _find_folder(self) -> str:
        for record in self._zip.namelist():
            folder, slash, rest = record.partition("/")
            if slash and rest == "data.pkl":
                if f"{folder}/constants.pkl" in self._zip.namelist():
                    raise RuntimeError(f"{self._name} is a TorchScript archive, not a file of torch.save")
                return folder
        raise RuntimeError(f"{self._name} is a zip archive but not a PyTorch file: it has no data.pkl")

    def size(self, name: str) -> int:
        """The length of a record in bytes.

        Raises:
            RuntimeError: there is none of that name.
        """
        try:
            return self._zip.getinfo(f"{self._folder}/{name}").file_size
        except KeyError:
            raise RuntimeError(f"{self._name} is damaged: it has no record {name}") from None

    def read(self, name: str) -> bytes:
        """A record; its checksum is verified.

        Raises:
            RuntimeError: it is missing or damaged.
        """
        self.size(name)
        try:
            return self._zip.read(f"{self._folder}/{name}")
        except (zipfile.BadZipFile, EOFError, OSError, NotImplementedError, ValueError) as error:
            raise RuntimeError(f"{self._name} is damaged: record {name} cannot be read ({error})") from None

    def byte_order(self) -> str:
        """``"<"`` or ``">"``: how the storages' numbers are laid out."""
        if f"{self._folder}/byteorder" not in self._zip.namelist():
            return "<"
        return ">" if self.read("byteorder") == b"big" else "<"


@contextlib.contextmanager
def atomic_write(path: str | os.PathLike[str]) -> Iterator[IO[Any]]:
    """A stream whose content takes the place of ``path`` when the block ends well; otherwise nothing changes.

    The content is on the disk before the name is, so that a crash leaves the old file or the new one, whole.
    """
    target = Path(os.path.realpath(path))
    if not target.parent.is_dir():
        raise RuntimeError(f"Parent directory {os.path.dirname(os.fspath(path)) or target.parent} does not exist.")
    temporary = target.with_name(f".{target.name}.{secrets.token_hex(6)}.tmp")
    try:
        with open(temporary, "xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        if target.exists():
            temporary.chmod(target.stat().st_mode & 0o777)
        os.replace(temporary, target)
    finally:
        temporary.unlink(missing_ok=True)
    _sync_folder(target.parent)


def _sync_folder(folder: Path) -> None:
    if os.name != "posix":  # elsewhere a folder cannot be opened
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
