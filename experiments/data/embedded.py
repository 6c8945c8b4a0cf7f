"""Real sets that come inside scikit-learn: what the regressions are about, and stand-ins for pictures."""

from __future__ import annotations

from typing import Any

import numpy as np
from PIL import Image
from sklearn import datasets

from experiments.data.cache import Arrays


def split(inputs: np.ndarray, targets: np.ndarray, test: float = 0.2) -> Arrays:
    """A fixed random split into train and test, both standardised by the training part."""
    order = np.random.default_rng(0).permutation(len(inputs))
    inputs, targets = inputs[order], targets[order]
    train = len(inputs) - int(test * len(inputs))
    inputs = (inputs - inputs[:train].mean(0)) / inputs[:train].std(0)
    return {
        "train_inputs": inputs[:train],
        "train_targets": targets[:train],
        "test_inputs": inputs[train:],
        "test_targets": targets[train:],
    }


def diabetes() -> tuple[Arrays, str]:
    """442 patients, ten measurements, the progression of the disease a year later (Efron et al., 2004)."""
    data: Any = datasets.load_diabetes()
    return split(data.data, data.target), "diabetes, embedded in scikit-learn"


def breast_cancer() -> tuple[Arrays, str]:
    """569 tumours, eight mean measurements of the nuclei, malignant or benign (Wolberg et al., 1995).

    All thirty measurements separate the two classes without error, so that no finite maximum of the likelihood
    exists; of the ten means, radius and perimeter say what area says.
    """
    data: Any = datasets.load_breast_cancer()
    return split(data.data[:, [1, 3, 4, 5, 6, 7, 8, 9]], data.target), "breast cancer, embedded in scikit-learn"


def digits(side: int, colours: bool = False) -> tuple[Arrays, str]:
    """1,797 handwritten digits of 8 by 8 pixels (Alpaydin and Kaynak, 1998), enlarged to ``side`` pixels."""
    small, labels = datasets.load_digits(return_X_y=True)
    enlarged = [
        np.asarray(
            Image.fromarray(np.uint8(image.reshape(8, 8) * 255 / 16)).resize((side, side), Image.Resampling.BILINEAR)
        )
        for image in small
    ]
    images, labels = np.stack(enlarged), labels.astype(np.uint8)
    if colours:
        images = np.repeat(images[:, None], 3, axis=1)
    order = np.random.default_rng(0).permutation(len(images))
    train, test = order[:1437], order[1437:]
    arrays = {"train_images": images[train], "train_labels": labels[train]}
    arrays |= {"test_images": images[test], "test_labels": labels[test]}
    return arrays, "scikit-learn's digits"
