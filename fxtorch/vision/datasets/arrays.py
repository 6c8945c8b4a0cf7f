"""Labelled pictures that lie in one array, channels first."""

from __future__ import annotations

from typing import Any

import numpy as np

from fxtorch.vision._pil import pillow
from fxtorch.vision.datasets.vision import VisionDataset


class LabelledArrays(VisionDataset):
    """Pictures ``data``, ``(N, 3, H, W)`` uint8, with ``labels``, ``(N,)``; whoever derives from it reads both."""

    data: np.ndarray
    labels: np.ndarray

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        picture = pillow().fromarray(np.ascontiguousarray(self.data[index].transpose(1, 2, 0)))
        return self._dressed(picture, int(self.labels[index]))

    def __len__(self) -> int:
        return len(self.data)
