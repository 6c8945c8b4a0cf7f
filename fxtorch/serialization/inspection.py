"""What a file names that weights do not need, without loading it."""

from __future__ import annotations

import pickletools
from pathlib import Path
from typing import Any

from fxtorch.serialization.archive import Reader
from fxtorch.serialization.legacy import LegacyReader, is_legacy
from fxtorch.serialization.machine import full_name
from fxtorch.serialization.rebuild import ADMITTED
from fxtorch.serialization.safe_globals import by_name

_TEXTS = ("SHORT_BINUNICODE", "BINUNICODE", "UNICODE")
_KEEPS = ("MEMOIZE", "BINPUT", "LONG_BINPUT", "PUT")
_RECALLS = ("BINGET", "LONG_BINGET", "GET")


def get_unsafe_globals_in_checkpoint(f: Any) -> list[str]:
    """The dotted names in a file that ``load`` would refuse, each of which :func:`add_safe_globals` could let in.

    Args:
        f: a path, or a binary stream that can seek; nothing of it is run.

    >>> import io
    >>> import fxtorch as torch
    >>> file = io.BytesIO()
    >>> torch.save({"w": torch.ones(2), "model": torch.nn.ReLU()}, file)
    >>> torch.serialization.get_unsafe_globals_in_checkpoint(file)
    ['torch.nn.modules.activation.ReLU']
    """
    if isinstance(f, str | Path):
        with open(f, "rb") as file:
            return get_unsafe_globals_in_checkpoint(file)
    f.seek(0)
    reader = LegacyReader(f, "the file") if is_legacy(f) else Reader(f, "the file")
    known = {*ADMITTED, *by_name()}
    return [name for name in dict.fromkeys(_names(reader.read("data.pkl"))) if name not in known]


def _names(data: bytes) -> list[str]:
    """The classes and functions that a pickle names, in order."""
    found: list[str] = []
    texts: list[str | None] = []  # those last put on the stack
    memo: dict[int, str | None] = {}
    code: Any
    argument: Any
    for code, argument, _ in pickletools.genops(data):
        if code.name == "GLOBAL":
            found.append(full_name(*argument.split(" ", 1)))
        elif code.name == "STACK_GLOBAL":
            found.append(full_name(*(text or "?" for text in texts[-2:])))
        if code.name in _KEEPS:
            memo[len(memo) if argument is None else int(argument)] = texts[-1] if texts else None
        elif code.name in _RECALLS:
            texts.append(memo.get(int(argument)))
        else:
            texts.append(argument if code.name in _TEXTS else None)
        texts = texts[-2:]
    return found
