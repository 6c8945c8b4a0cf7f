"""The input pipeline: pictures, cropped and flipped one by one, put into batches by either DataLoader."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from benchmarks.systems import Library

BATCH, COUNT = 128, 6400


class Pictures:
    """32x32 pictures of bytes, augmented in NumPy as they are read."""

    def __init__(self) -> None:
        self.pictures = np.random.default_rng(0).integers(0, 256, (COUNT, 3, 40, 40), np.uint8)

    def __len__(self) -> int:
        return COUNT

    def __getitem__(self, i: int) -> tuple[Any, int]:
        top, left = i * 7 % 8, i * 5 % 8
        picture = self.pictures[i, :, top : top + 32, left : left + 32]
        picture = picture[:, :, ::-1] if i % 2 else picture
        return np.ascontiguousarray(picture, np.float32) / 255, i % 10


def rate(torch: Library, workers: int) -> float:
    """Samples a second over the second epoch: workers have started in the first."""
    pictures, kept = Pictures(), workers > 0
    loader = torch.utils.data.DataLoader(
        pictures, batch_size=BATCH, num_workers=workers, shuffle=True, persistent_workers=kept
    )
    seen, start = 0, 0.0
    for _ in range(2):
        start = time.perf_counter()
        seen = sum(len(x) for x, _ in loader)
    return seen / (time.perf_counter() - start)
