"""Digits from envelopes, in the text format of LIBSVM."""

from __future__ import annotations

import bz2
import os
from pathlib import Path
from typing import Any

import numpy as np

from fxtorch.vision._pil import pillow
from fxtorch.vision.datasets.listed import Transform, published_file
from fxtorch.vision.datasets.vision import VisionDataset


class USPS(VisionDataset):
    """Digits of 16 by 16 pixels, from ``usps.bz2`` and ``usps.t.bz2`` in ``root``.

    Args:
        root: the folder.
        train: whether the 7,291 for training, else the 2,007 for testing.
        transform: of the digit's picture.
        target_transform: of the digit.

    Attributes:
        data: ``(N, 16, 16)`` uint8.
        targets: the digits.

    Raises:
        RuntimeError: the file is not there.

    Source: Hull, "A database for handwritten text recognition research" (1994).
    """

    def __init__(
        self,
        root: str | os.PathLike[str],
        train: bool = True,
        transform: Transform = None,
        target_transform: Transform = None,
    ) -> None:
        super().__init__(root, transform=transform, target_transform=target_transform)
        self.data, self.targets = _read(published_file(self.folder / ("usps.bz2" if train else "usps.t.bz2")))

    def __len__(self) -> int:
        return len(self.data)

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        return self._dressed(pillow().fromarray(self.data[index]), self.targets[index])


def _read(path: Path) -> tuple[np.ndarray, list[int]]:
    """Pictures and digits: a line is the digit and one, then ``number:value`` from 1 to 256, from -1 to 1."""
    with bz2.open(path, "rt") as file:
        rows = [line.split() for line in file]
    values = np.asarray([[field.partition(":")[2] for field in row[1:]] for row in rows], np.float32)
    data = ((values.reshape(-1, 16, 16) + 1) / 2 * 255).astype(np.uint8)
    return data, [int(row[0]) - 1 for row in rows]
