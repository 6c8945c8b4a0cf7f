"""STL-10."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import numpy as np

from fxtorch.vision.datasets.arrays import LabelledArrays
from fxtorch.vision.datasets.utils import download_and_extract_archive
from fxtorch.vision.datasets.vision import check_split

_URL = "http://ai.stanford.edu/~acoates/stl10/stl10_binary.tar.gz"
_MD5 = "91f7769df0f17e558f3565bffb0c7dfb"


class STL10(LabelledArrays):
    """Colour pictures of 96 by 96 in ten classes, and more without classes.

    Args:
        root: a folder with ``stl10_binary``, the unpacked archive.
        split: ``"train"``, ``"test"``, ``"unlabeled"`` or ``"train+unlabeled"``; without a class the label is -1.
        transform: of the picture.
        target_transform: of the class.
        download: fetch and unpack the archive where it is not there.

    Source: Coates et al., "An Analysis of Single Layer Networks" (2011).
    """

    base_folder = "stl10_binary"
    splits = ("train", "train+unlabeled", "unlabeled", "test")

    def __init__(
        self,
        root: str | os.PathLike[str],
        split: str = "train",
        transform: Callable[..., Any] | None = None,
        target_transform: Callable[..., Any] | None = None,
        download: bool = False,
    ) -> None:
        super().__init__(root, transform=transform, target_transform=target_transform)
        check_split(split, self.splits)
        self.split = split
        base = self.folder / self.base_folder
        if download and not base.is_dir():
            download_and_extract_archive(_URL, self.folder, md5=_MD5)
        if not (base / "class_names.txt").is_file():
            raise RuntimeError(f"Dataset not found: no {base}. You can use download=True to download it")
        parts = [self._part(part) for part in split.split("+")]
        self.data = np.concatenate([pictures for pictures, _ in parts])
        self.labels = np.concatenate([labels for _, labels in parts])
        self.classes = (base / "class_names.txt").read_text().split()

    def _part(self, part: str) -> tuple[np.ndarray, np.ndarray]:
        base = self.folder / self.base_folder
        pixels = np.fromfile(base / f"{part}_X.bin", np.uint8).reshape(-1, 3, 96, 96).transpose(0, 1, 3, 2)
        if part == "unlabeled":
            return pixels, np.full(len(pixels), -1)
        return pixels, np.fromfile(base / f"{part}_y.bin", np.uint8).astype(np.int64) - 1

    def extra_repr(self) -> str:
        """The part."""
        return f"Split: {self.split}"
