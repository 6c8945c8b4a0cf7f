"""Pictures of noise."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from fxtorch.vision._torch import torch
from fxtorch.vision.datasets.vision import VisionDataset
from fxtorch.vision.transforms.functional import to_pil_image


class FakeData(VisionDataset):
    """Pillow images of noise with random classes; each index gives the same one always.

    Args:
        size: how many there are.
        image_size: channels, height and width.
        num_classes: classes.
        transform: of the picture.
        target_transform: of the class.
        random_offset: added to the index to seed the noise.
    """

    def __init__(
        self,
        size: int = 1000,
        image_size: tuple[int, int, int] = (3, 224, 224),
        num_classes: int = 10,
        transform: Callable[..., Any] | None = None,
        target_transform: Callable[..., Any] | None = None,
        random_offset: int = 0,
    ) -> None:
        super().__init__(None, transform=transform, target_transform=target_transform)
        self.size = size
        self.image_size = image_size
        self.num_classes = num_classes
        self.random_offset = random_offset

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        if index >= len(self):
            raise IndexError(f"{type(self).__name__} index out of range")
        draw = np.random.default_rng(index + self.random_offset)
        noise = np.clip(draw.standard_normal(self.image_size), 0, 1).astype(np.float32)
        return self._dressed(to_pil_image(torch.from_numpy(noise)), int(draw.integers(self.num_classes)))

    def __len__(self) -> int:
        return self.size
