"""Captions of pictures in two languages."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from fxtorch.text.datasets._files import Read, find, splits

URL = {  # where programs say that the files are published; nothing is downloaded from there
    "train": "training.tar.gz",
    "valid": "validation.tar.gz",
    "test": "mmt16_task1_test.tar.gz",
}
MD5: dict[str, str] = {}  # the sums that programs note for them


def Multi30k(
    root: str | Path = ".data",
    split: str | tuple[str, ...] = ("train", "valid", "test"),
    language_pair: tuple[str, str] = ("de", "en"),
) -> Any:
    """``(text, translation)`` of captions of pictures, from ``train.de``, ``train.en`` and so on.

    Args:
        root: the folder that holds the files.
        split: ``"train"``, ``"valid"``, ``"test"`` or several of them.
        language_pair: from which language to which.

    Raises:
        FileNotFoundError: the files are not there.
        ValueError: there is no such split.

    Source: Elliott et al., "Multi30K" (2016).
    """
    stems = {"train": ("train",), "valid": ("val", "valid"), "test": ("test", "test2016", "test_2016_flickr")}

    def one(part: str) -> Read:
        paths = [find(root, "Multi30k", *(f"{stem}.{lang}" for stem in stems[part])) for lang in language_pair]

        def read() -> Iterator[tuple[str, str]]:
            with paths[0].open(encoding="utf-8") as source, paths[1].open(encoding="utf-8") as target:
                for a, b in zip(source, target, strict=True):
                    yield a.strip(), b.strip()

        return Read(read)

    return splits(split, one, ("train", "valid", "test"))
