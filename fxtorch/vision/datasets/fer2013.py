"""Faces and their feelings, from a table of pixels."""

from __future__ import annotations

import csv
import os
from typing import Any

import numpy as np

from fxtorch.vision._pil import pillow
from fxtorch.vision.datasets.vision import Transform, VisionDataset, check_split


class FER2013(VisionDataset):
    """Grey faces with one of seven feelings; ``root`` holds ``fer2013`` with a published table in it.

    Args:
        root: the folder.
        split: ``"train"`` or ``"test"``; the table ``test.csv`` has no feelings, and gives None.
        transform: of the face.
        target_transform: of the feeling's number.

    Raises:
        ValueError: there is no such split.
        RuntimeError: no table is there.

    Source: Goodfellow et al., "Challenges in representation learning" (2013).
    """

    def __init__(
        self,
        root: str | os.PathLike[str],
        split: str = "train",
        transform: Transform = None,
        target_transform: Transform = None,
    ) -> None:
        super().__init__(root, transform=transform, target_transform=target_transform)
        check_split(split, ("train", "test"))
        self._split = split
        names = ("fer2013.csv", "icml_face_data.csv", f"{split}.csv")
        tables = [self.folder / "fer2013" / name for name in names]
        table = next((path for path in tables if path.is_file()), None)
        if table is None:
            raise RuntimeError(
                f"Dataset not found: none of {', '.join(map(str, tables))}; unpack the published archive"
            )
        uses = {"train": ("Training",), "test": ("PublicTest", "PrivateTest")}[split]
        with open(table, newline="") as file:
            rows = [{key.strip(): value for key, value in row.items()} for row in csv.DictReader(file)]
        self._samples = [
            (_pixels(row), int(row["emotion"]) if "emotion" in row else None)
            for row in rows
            if row.get("Usage", uses[0]) in uses
        ]

    def __len__(self) -> int:
        return len(self._samples)

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        pixels, feeling = self._samples[index]
        return self._dressed(pillow().fromarray(pixels), feeling)

    def extra_repr(self) -> str:
        """The split."""
        return f"split={self._split}"


def _pixels(row: dict[str, str]) -> np.ndarray:
    return np.array(row["pixels"].split(), np.uint8).reshape(48, 48)
