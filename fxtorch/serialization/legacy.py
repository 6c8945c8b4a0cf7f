"""Reading the files that PyTorch wrote before version 1.6: pickles one after the other, and then the storages.

The layout: a magic number, the version of the protocol, facts of the machine, the object, the list of the storages'
keys (each a pickle), and for each key the count of its elements (8 bytes) and the elements.  How large an element is
stands in the object's own references to storages.
"""

from __future__ import annotations

import io
import pickle
import pickletools
import struct
from typing import IO, Any

from fxtorch.serialization.storages import BY_NAME, StorageClass

START = b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19."  # the magic number as a pickle
_PICKLES = 5


class _Inert:
    """Stands for what the object names while only its references are looked at: it takes all, and does nothing."""

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        """An object, whatever the arguments."""
        return object.__new__(cls)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        pass

    def __setstate__(self, state: Any) -> None:
        pass

    def __setitem__(self, key: Any, value: Any) -> None:
        pass

    def __call__(self, *args: Any, **kwargs: Any) -> _Inert:
        """Another one."""
        return self

    def append(self, item: Any) -> None:
        """Nothing."""

    def extend(self, items: Any) -> None:
        """Nothing."""

    add = append


class _References(pickle.Unpickler):
    """Collects the references to storages, and makes nothing of what the file names."""

    def __init__(self, data: bytes) -> None:
        super().__init__(io.BytesIO(data))
        self.itemsizes: dict[str, int] = {}

    def persistent_load(self, pid: Any) -> Any:
        if pid[0] == "storage" and isinstance(pid[1], StorageClass) and isinstance(pid[2], str):
            self.itemsizes[pid[2]] = 1 if pid[1].dtype is None else pid[1].dtype.itemsize
        return _Inert if pid[0] == "module" else _Inert()  # a class, with its source beside it

    def find_class(self, module: str, name: str) -> Any:
        return BY_NAME.get(f"{module}.{name}", _Inert)


def is_legacy(file: IO[bytes]) -> bool:
    """Whether a file is of this kind; its position stays."""
    start = file.read(len(START))
    file.seek(-len(start), io.SEEK_CUR)
    return start == START


class LegacyReader:
    """Reads a file of this kind under the names that the records of the zip format have.

    Args:
        file: a binary stream.
        name: what to call it in errors.

    Raises:
        RuntimeError: the file is cut short or damaged.
    """

    def __init__(self, file: IO[bytes], name: str) -> None:
        try:
            content = file.read()
            self._records = self._split(content)
        except (
            ValueError,
            LookupError,
            EOFError,
            struct.error,
            pickle.UnpicklingError,
            AttributeError,
            TypeError,
        ) as e:
            raise RuntimeError(f"{name} is cut short or damaged: {e}") from None

    def _split(self, content: bytes) -> dict[str, bytes]:
        stream, ends = io.BytesIO(content), [0]
        for _ in range(_PICKLES):
            for _ in pickletools.genops(stream):
                pass
            ends.append(stream.tell())
        data = content[ends[3] : ends[4]]
        keys = _References(content[ends[4] : ends[5]]).load()
        references = _References(data)
        references.load()
        records, at = {"data.pkl": data}, ends[5]
        for key in keys:
            (count,) = struct.unpack_from("<q", content, at)
            size = count * references.itemsizes[key]
            if count < 0 or at + 8 + size > len(content):
                raise ValueError(f"storage {key} reaches beyond the end")
            records[f"data/{key}"] = content[at + 8 : at + 8 + size]
            at += 8 + size
        return records

    def read(self, name: str) -> bytes:
        """The bytes of a record.

        Raises:
            RuntimeError: there is none of that name.
        """
        if name not in self._records:
            raise RuntimeError(f"the file has no record {name}")
        return self._records[name]

    def byte_order(self) -> str:
        """Little-endian: this format knows no other."""
        return "<"
