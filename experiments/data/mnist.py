"""MNIST: 70,000 handwritten digits of 28 by 28 pixels (LeCun, Cortes and Burges, 1998)."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from experiments.data.cache import Arrays
from experiments.data.collection import Collection, Form
from experiments.data.embedded import digits
from fxtorch.vision.datasets.utils import read_idx

_FILES = (
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
)
_KEYS = ("train_images", "train_labels", "test_images", "test_labels")


def _read(*paths: Path) -> Arrays:
    return dict(zip(_KEYS, map(read_idx, paths), strict=True))


def _from_records(splits: dict) -> Arrays:
    arrays = {}
    for split, records in splits.items():
        pairs = [(np.asarray(r["image"]).squeeze(-1), int(r["label"])) for r in records]
        arrays[f"{split}_images"] = np.stack([image for image, _ in pairs]).astype(np.uint8)
        arrays[f"{split}_labels"] = np.array([label for _, label in pairs], np.uint8)
    return arrays


MNIST = Collection(
    name="MNIST",
    folders=("", "mnist", "MNIST/raw"),
    forms=(Form(tuple(f"{name}.gz" for name in _FILES), _read), Form(_FILES, _read)),
    urls=tuple(f"https://storage.googleapis.com/cvdf-datasets/mnist/{name}.gz" for name in _FILES),
    tfds="mnist",
    splits=("train", "test"),
    from_records=_from_records,
    stand_in=lambda: digits(28),
)
"""``train_images`` uint8 ``(60000, 28, 28)``, ``train_labels`` uint8 ``(60000,)``, and the same for ``test``."""
