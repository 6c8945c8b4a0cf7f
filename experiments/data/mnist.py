"""MNIST: 70,000 handwritten digits of 28 by 28 pixels (LeCun, Cortes and Burges, 1998)."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from experiments.data.archives import plain_bytes
from experiments.data.cache import Arrays
from experiments.data.collection import Collection, Form
from experiments.data.embedded import digits

_FILES = (
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
)
_KEYS = ("train_images", "train_labels", "test_images", "test_labels")


def read_idx(path: Path) -> np.ndarray:
    """An idx file of bytes, gzipped or not: ``00 00 08 rank``, the sizes as big-endian int32, the bytes."""
    content = plain_bytes(path)
    if content[:3] != b"\x00\x00\x08":
        raise ValueError(f"{path.name} does not begin as an idx file of bytes does")
    rank = content[3]
    shape = tuple(np.frombuffer(content, ">i4", rank, 4))
    expected, found = int(np.prod(shape)), len(content) - 4 - 4 * rank
    if expected != found:
        raise ValueError(f"{path.name} announces {expected} bytes and holds {found}")
    return np.frombuffer(content, np.uint8, offset=4 + 4 * rank).reshape(shape)


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
