"""Handwritten digits and letters in MNIST's format."""

from __future__ import annotations

import os
import string
from pathlib import Path
from typing import Any, ClassVar

from fxtorch.vision.datasets.mnist import MNIST
from fxtorch.vision.datasets.vision import check_split

_ALIKE = set("cijklmopsuvwxyz")  # lower case looks like upper case
_ALL = sorted(string.digits + string.ascii_letters)
_CLASSES = {
    "byclass": _ALL,
    "bymerge": [c for c in _ALL if c not in _ALIKE],
    "balanced": [c for c in _ALL if c not in _ALIKE],
    "letters": ["N/A", *string.ascii_lowercase],
    "digits": list(string.digits),
    "mnist": list(string.digits),
}


class EMNIST(MNIST):
    """Handwritten digits and letters; the files lie in ``EMNIST/raw``, as ``emnist-letters-train-images-idx3-ubyte``.

    Args:
        root: the folder.
        split: ``"byclass"``, ``"bymerge"``, ``"balanced"``, ``"letters"``, ``"digits"`` or ``"mnist"``.
        kwargs: those of :class:`MNIST`; nothing can be fetched.

    Raises:
        ValueError: there is no such split.
        RuntimeError: files are not there.

    Source: Cohen et al., "EMNIST: an extension of MNIST to handwritten letters" (2017).
    """

    splits: ClassVar[tuple[str, ...]] = tuple(_CLASSES)
    mirrors: ClassVar[tuple[str, ...]] = ()

    def __init__(self, root: str | os.PathLike[str], split: str, **kwargs: Any) -> None:
        check_split(split, self.splits)
        self.split = split
        self.classes = tuple(_CLASSES[split])
        super().__init__(root, **kwargs)

    def _file(self, name: str) -> Path:
        return super()._file(f"emnist-{self.split}-{name.replace('t10k', 'test')}")

    def download(self) -> None:
        """Nothing is fetched: the published archive is one zip of all splits.

        Raises:
            RuntimeError: the files are not there.
        """
        for name, _ in self.resources:
            self._file(name)
