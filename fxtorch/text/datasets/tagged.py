"""Sentences with a tag for each word."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from fxtorch.text.datasets._files import Read, find, splits


def _tagged(path: Path, separator: str) -> Iterator[list[list[str]]]:
    """Sentences of one word a line, with its tags: the words, then each column of tags."""
    columns: list[list[str]] = []
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            parts = line.strip().split(separator) if line.strip() else []
            if not parts and columns:
                yield columns
                columns = []
            elif parts:
                columns = columns or [[] for _ in parts]
                for column, part in zip(columns, parts, strict=True):
                    column.append(part)
    if columns:
        yield columns


def UDPOS(root: str | Path = ".data", split: str | tuple[str, ...] = ("train", "valid", "test")) -> Any:
    """``[words, universal tags, Penn tags]`` of each sentence, from ``en-ud-tag.v2.train.txt`` and so on.

    Args:
        root: the folder that holds the files.
        split: ``"train"``, ``"valid"``, ``"test"`` or several of them.

    Raises:
        FileNotFoundError: the files are not there.
        ValueError: there is no such split.
    """

    def one(part: str) -> Read:
        file = f"en-ud-tag.v2.{'dev' if part == 'valid' else part}.txt"
        path = find(root, "UDPOS", file, f"en-ud-v2/{file}")
        return Read(lambda: _tagged(path, "\t"))

    return splits(split, one, ("train", "valid", "test"))


def CoNLL2000Chunking(root: str | Path = ".data", split: str | tuple[str, ...] = ("train", "test")) -> Any:
    """``[words, tags, chunks]`` of each sentence, from ``train.txt`` and ``test.txt``.

    Args:
        root: the folder that holds the files.
        split: ``"train"``, ``"test"`` or both.

    Raises:
        FileNotFoundError: the files are not there.
        ValueError: there is no such split.

    Source: Tjong Kim Sang and Buchholz (2000).
    """

    def one(part: str) -> Read:
        path = find(root, "CoNLL2000Chunking", f"{part}.txt")
        return Read(lambda: _tagged(path, " "))

    return splits(split, one, ("train", "test"))
