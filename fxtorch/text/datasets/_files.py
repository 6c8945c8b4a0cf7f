"""Where published files are looked for, and datasets that read them anew for each loop."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from fxtorch.utils.data import IterableDataset

Items = Callable[[], Iterator[Any]]


class Read(IterableDataset[Any]):
    """The items that ``read`` yields, anew for each loop."""

    def __init__(self, read: Items) -> None:
        self._read = read

    def __iter__(self) -> Iterator[Any]:
        return self._read()


def splits(split: str | tuple[str, ...], one: Callable[[str], Read], known: tuple[str, ...]) -> Any:
    """The dataset of a split, or those of several.

    Raises:
        ValueError: there is no such split.
    """
    wanted = (split,) if isinstance(split, str) else tuple(split)
    for name in wanted:
        if name not in known:
            raise ValueError(f"split {name!r} not found; supported: {', '.join(known)}")
    made = tuple(one(name) for name in wanted)
    return made[0] if isinstance(split, str) else made


def by_split(
    name: str, parts: tuple[str, ...], one: Callable[[str | Path, str], Read], what: str, source: str
) -> Callable[..., Any]:
    """A public dataset ``name(root, split)``, of which ``one(root, part)`` is a split."""

    def dataset(root: str | Path = ".data", split: str | tuple[str, ...] = parts) -> Any:
        return splits(split, lambda part: one(root, part), parts)

    dataset.__name__ = dataset.__qualname__ = name
    dataset.__doc__ = f"""{what}.

    Args:
        root: the folder that holds the files.
        split: {", ".join(f'``"{p}"``' for p in parts)} or several of them.

    Raises:
        FileNotFoundError: the files are not there.
        ValueError: there is no such split.

    Source: {source}.
    """
    return dataset


def find(root: str | Path, name: str, *files: str) -> Path:
    """The first of ``files`` that is there.

    Raises:
        FileNotFoundError: none is.
    """
    for folder in (Path(root), Path(root) / name, Path(root) / "datasets" / name):
        for file in files:
            if (folder / file).exists():
                return folder / file
    raise FileNotFoundError(
        f"{name}: none of {', '.join(files)} is in {Path(root).absolute()} or its folder {name}: unpack the "
        "publisher's archive there"
    )


def rows(path: Path, delimiter: str = ",", *, header: bool = False, quotes: bool = True) -> Iterator[list[str]]:
    """The rows of a table; ``header``: without the first; without ``quotes`` a quotation mark is a character."""
    csv.field_size_limit(sys.maxsize)
    with path.open(encoding="utf-8", newline="") as file:
        table = csv.reader(file, delimiter=delimiter, quoting=csv.QUOTE_MINIMAL if quotes else csv.QUOTE_NONE)
        if header:
            next(table, None)
        yield from table


def tree(path: Path) -> Any:
    """What a JSON file holds."""
    with path.open(encoding="utf-8") as file:
        return json.load(file)
