"""Data sets that are published as files of MATLAB's: SVHN and Oxford's flowers."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from scipy.io import loadmat

from fxtorch.vision.datasets.arrays import LabelledArrays
from fxtorch.vision.datasets.folder import pil_loader
from fxtorch.vision.datasets.listed import published_file
from fxtorch.vision.datasets.vision import Transform, VisionDataset, check_split


def _tables(path: Path, where: str) -> dict[str, Any]:
    return loadmat(published_file(path, where), squeeze_me=True)


class SVHN(LabelledArrays):
    """House numbers: colour pictures of 32 by 32 of one digit, from ``train_32x32.mat`` and so on in ``root``.

    Args:
        root: the folder.
        split: ``"train"``, ``"test"`` or ``"extra"``.
        transform: of the picture.
        target_transform: of the digit.

    Attributes:
        data: ``(N, 3, 32, 32)`` uint8.
        labels: ``(N,)`` int64; the file's 10 is 0.

    Raises:
        ValueError: there is no such split.
        RuntimeError: the file is not there.

    Source: Netzer et al., "Reading Digits in Natural Images" (2011).
    """

    splits: ClassVar[tuple[str, ...]] = ("train", "test", "extra")

    def __init__(
        self,
        root: str | os.PathLike[str],
        split: str = "train",
        transform: Transform = None,
        target_transform: Transform = None,
    ) -> None:
        super().__init__(root, transform=transform, target_transform=target_transform)
        check_split(split, self.splits)
        self.split = split
        tables = _tables(self.folder / f"{split}_32x32.mat", "http://ufldl.stanford.edu/housenumbers")
        self.data = np.ascontiguousarray(tables["X"].reshape(32, 32, 3, -1).transpose(3, 2, 0, 1))
        self.labels = np.atleast_1d(tables["y"]).astype(np.int64) % 10

    def extra_repr(self) -> str:
        """The part."""
        return f"Split: {self.split.capitalize()}"


class Flowers102(VisionDataset):
    """Flowers of 102 kinds, from ``flowers-102/jpg``, ``imagelabels.mat`` and ``setid.mat``.

    Args:
        root: the folder that holds ``flowers-102``.
        split: ``"train"``, ``"val"`` or ``"test"``.
        transform: of the picture.
        target_transform: of the class, 0 to 101.

    Raises:
        ValueError: there is no such split.
        RuntimeError: the files are not there.

    Source: Nilsback and Zisserman, "Automated Flower Classification over a Large Number of Classes" (2008).
    """

    splits: ClassVar[dict[str, str]] = {"train": "trnid", "val": "valid", "test": "tstid"}

    def __init__(
        self,
        root: str | os.PathLike[str],
        split: str = "train",
        transform: Transform = None,
        target_transform: Transform = None,
    ) -> None:
        super().__init__(root, transform=transform, target_transform=target_transform)
        check_split(split, self.splits)
        base, where = self.folder / "flowers-102", "https://www.robots.ox.ac.uk/~vgg/data/flowers/102"
        self._split = split
        self._ids = np.atleast_1d(_tables(base / "setid.mat", where)[self.splits[split]]).tolist()
        labels = np.atleast_1d(_tables(base / "imagelabels.mat", where)["labels"])
        self._labels = [int(labels[i - 1]) - 1 for i in self._ids]
        self._image_files = [base / "jpg" / f"image_{i:05d}.jpg" for i in self._ids]

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        return self._dressed(pil_loader(self._image_files[index]), self._labels[index])

    def __len__(self) -> int:
        return len(self._ids)

    def extra_repr(self) -> str:
        """The part."""
        return f"split={self._split}"
