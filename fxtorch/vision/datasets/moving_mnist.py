"""Films of digits that move."""

from __future__ import annotations

import os
from typing import Any

import numpy as np

from fxtorch.tensor import Tensor
from fxtorch.vision._torch import torch
from fxtorch.vision.datasets.listed import published_file
from fxtorch.vision.datasets.vision import Transform, VisionDataset, check_split


class MovingMNIST(VisionDataset):
    """Films of two digits that move; ``root`` holds ``MovingMNIST/mnist_test_seq.npy``.

    An item is a film, ``(T, 1, 64, 64)`` uint8.

    Args:
        root: the folder.
        split: ``"train"`` for the first ``split_ratio`` frames of each film, ``"test"`` for the rest, None for all.
        split_ratio: where a film is cut.
        download: accepted as False only; put the published file there.
        transform: of the film.

    Raises:
        ValueError: there is no such split, or the cut is outside of the film.
        RuntimeError: the file is not there.

    Source: Srivastava et al., "Unsupervised Learning of Video Representations using LSTMs" (2015).
    """

    def __init__(
        self,
        root: str | os.PathLike[str],
        split: str | None = None,
        split_ratio: int = 10,
        download: bool = False,
        transform: Transform = None,
    ) -> None:
        super().__init__(root, transform=transform)
        films = torch.from_numpy(np.load(published_file(self.folder / "MovingMNIST" / "mnist_test_seq.npy")))
        if split is not None:
            check_split(split, ("train", "test"))
            if not 1 <= split_ratio <= 19:
                raise ValueError(f"`split_ratio` should be in the range [1, 19], but got {split_ratio} instead.")
            films = films[:split_ratio] if split == "train" else films[split_ratio:]
        self.split, self.split_ratio = split, split_ratio
        self.data: Tensor = films.transpose(0, 1).unsqueeze(2)

    def __len__(self) -> int:
        return len(self.data)

    def __getitem__(self, index: int) -> Any:
        return self.data[index] if self.transform is None else self.transform(self.data[index])
