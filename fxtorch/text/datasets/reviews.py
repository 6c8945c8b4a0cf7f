"""Film reviews and whether they praise."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from fxtorch.text.datasets._files import Read, find, splits


def IMDB(root: str | Path = ".data", split: str | tuple[str, ...] = ("train", "test")) -> Any:
    """``(class, text)`` of film reviews, 1 negative and 2 positive, from the folders ``aclImdb/train/neg`` and so on.

    Args:
        root: the folder that holds ``aclImdb``.
        split: ``"train"``, ``"test"`` or both.

    Raises:
        FileNotFoundError: the folders are not there.
        ValueError: there is no such split.

    Source: Maas et al., "Learning Word Vectors for Sentiment Analysis" (2011).
    """

    def one(part: str) -> Read:
        folder = find(root, "IMDB", f"aclImdb/{part}", part)

        def read() -> Iterator[tuple[int, str]]:
            for label, kind in ((1, "neg"), (2, "pos")):
                for path in sorted((folder / kind).glob("*.txt")):
                    yield label, path.read_text(encoding="utf-8")

        return Read(read)

    return splits(split, one, ("train", "test"))


def SST2(root: str | Path = ".data", split: str | tuple[str, ...] = ("train", "dev", "test")) -> Any:
    """``(text, class)`` of film reviews, 0 negative and 1 positive, from ``train.tsv`` and so on;
    of the test, ``(text,)``.

    Args:
        root: the folder that holds the files.
        split: ``"train"``, ``"dev"``, ``"test"`` or several of them.

    Raises:
        FileNotFoundError: the files are not there.
        ValueError: there is no such split.

    Source: Socher et al. (2013).
    """

    def one(part: str) -> Read:
        path = find(root, "SST2", f"{part}.tsv", f"SST-2/{part}.tsv")

        def read() -> Iterator[Any]:
            with path.open(encoding="utf-8") as lines:
                next(lines)
                for line in lines:
                    first, second = line.rstrip("\n").split("\t")
                    yield (second.strip(),) if part == "test" else (first.strip(), int(second))

        return Read(read)

    return splits(split, one, ("train", "dev", "test"))
