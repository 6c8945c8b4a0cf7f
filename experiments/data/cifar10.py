"""CIFAR-10: 60,000 colour pictures of 32 by 32 pixels in ten classes (Krizhevsky, 2009)."""

from __future__ import annotations

import io
import re
from pathlib import Path

import numpy as np
from PIL import Image

from experiments.data.archives import members
from experiments.data.cache import Arrays
from experiments.data.collection import Collection, Form
from experiments.data.embedded import digits
from fxtorch.vision.datasets.utils import read_batch

CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")

_BATCH = re.compile(r"(?:^|/)(data_batch_\d|test_batch)(\.bin)?$")
_PICTURE = re.compile(r"(?:^|/)(train|test)/(\w+)/[^/]+\.(?:jpg|png)$")


def _python_batch(content: bytes) -> tuple[np.ndarray, np.ndarray]:
    batch = read_batch(content)
    return np.asarray(batch[b"data"], np.uint8), np.asarray(batch[b"labels"], np.uint8)


def _binary_batch(content: bytes) -> tuple[np.ndarray, np.ndarray]:
    rows = np.frombuffer(content, np.uint8).reshape(-1, 1 + 3 * 32 * 32)
    return rows[:, 1:], rows[:, 0]


def _picture(content: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(content)).convert("RGB")).transpose(2, 0, 1)


def read(path: Path) -> Arrays:
    """An archive or a folder in any published form: python batches, binary batches, or a picture a file.

    Pictures lie in ``train/CLASS`` and ``test/CLASS``.
    """
    images: dict[str, list[np.ndarray]] = {"train": [], "test": []}
    labels: dict[str, list[np.ndarray]] = {"train": [], "test": []}
    for name, content in members(path):
        if batch := _BATCH.search(name):
            part = "test" if batch[1] == "test_batch" else "train"
            pixels, classes = (_binary_batch if batch[2] else _python_batch)(content)
            images[part].append(pixels.reshape(-1, 3, 32, 32))
            labels[part].append(classes)
        elif picture := _PICTURE.search(name):
            images[picture[1]].append(_picture(content)[None])
            labels[picture[1]].append(np.array([CLASSES.index(picture[2])], np.uint8))
    return {
        f"{part}_{what}": np.concatenate(kept[part])
        for part in ("train", "test")
        for what, kept in (("images", images), ("labels", labels))
    }


def _from_records(splits: dict) -> Arrays:
    arrays = {}
    for split, records in splits.items():
        pairs = [(np.asarray(r["image"]).transpose(2, 0, 1), int(r["label"])) for r in records]
        arrays[f"{split}_images"] = np.stack([image for image, _ in pairs]).astype(np.uint8)
        arrays[f"{split}_labels"] = np.array([label for _, label in pairs], np.uint8)
    return arrays


CIFAR10 = Collection(
    name="CIFAR-10",
    folders=("", "cifar10"),
    forms=tuple(
        Form((name,), read)
        for name in (
            "cifar-10-binary.tar.gz",
            "cifar-10-python.tar.gz",
            "cifar-10-batches-bin",
            "cifar-10-batches-py",
            "CIFAR-10-images.tar.gz",
            "CIFAR-10-images",
        )
    ),
    urls=("https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",),
    tfds="cifar10",
    splits=("train", "test"),
    from_records=_from_records,
    stand_in=lambda: digits(32, colours=True),
)
"""``train_images`` uint8 ``(50000, 3, 32, 32)``, ``train_labels`` uint8 ``(50000,)``, and the same for ``test``."""
