"""Augmentations that were found by search, or drawn from a list."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from typing import Any

import numpy as np

from fxtorch.vision.transforms import _color as C
from fxtorch.vision.transforms import _warp as W
from fxtorch.vision.transforms._base import Transform, rng
from fxtorch.vision.transforms._inputs import InterpolationMode, get_size, is_image

_SIGNED = ("ShearX", "ShearY", "TranslateX", "TranslateY", "Rotate", "Brightness", "Color", "Contrast", "Sharpness")


def _apply(img: Any, name: str, magnitude: float, interpolation: Any, fill: Any) -> Any:
    """The operation ``name`` with ``magnitude``."""
    options = {"interpolation": interpolation, "fill": fill}
    if name in ("ShearX", "ShearY"):
        angle = float(np.degrees(np.arctan(magnitude)))
        shear = [angle, 0.0] if name == "ShearX" else [0.0, angle]
        return W.affine(img, 0.0, [0, 0], 1.0, shear, center=[0, 0], **options)
    if name in ("TranslateX", "TranslateY"):
        moved = [int(magnitude), 0] if name == "TranslateX" else [0, int(magnitude)]
        return W.affine(img, 0.0, moved, 1.0, [0.0, 0.0], **options)
    if name == "Rotate":
        return W.rotate(img, magnitude, **options)
    plain = {"AutoContrast": C.autocontrast, "Equalize": C.equalize, "Invert": C.invert, "Identity": lambda x: x}
    if name in plain:
        return plain[name](img)
    if name == "Posterize":
        return C.posterize(img, int(magnitude))
    if name == "Solarize":
        return C.solarize(img, magnitude)
    enhance = {
        "Brightness": C.adjust_brightness,
        "Color": C.adjust_saturation,
        "Contrast": C.adjust_contrast,
        "Sharpness": C.adjust_sharpness,
    }
    return enhance[name](img, 1.0 + magnitude)


class _Augment(Transform):
    """What draws operations and applies them to pictures."""

    _transformed_types = (is_image,)

    def __init__(self, interpolation: Any, fill: Any) -> None:
        super().__init__()
        self.interpolation = interpolation
        self.fill = fill

    def _run(self, img: Any, operations: Sequence[tuple[str, float]]) -> Any:
        for name, magnitude in operations:
            img = _apply(img, name, magnitude, self.interpolation, self.fill)
        return img

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        """The augmented picture."""
        return self._run(inpt, params["operations"])


def _signed(name: str, magnitude: float, draw: np.random.Generator) -> tuple[str, float]:
    return name, -magnitude if name in _SIGNED and draw.random() < 0.5 else magnitude


class RandAugment(_Augment):
    """``num_ops`` operations, drawn from a list, of one strength.

    Args:
        num_ops: how many.
        magnitude: the strength, from 0 to ``num_magnitude_bins - 1``.
        num_magnitude_bins: how many strengths there are.
        interpolation: how pictures are resampled.
        fill: what lies outside.

    Source: Cubuk et al., "RandAugment" (2020).
    """

    def __init__(
        self,
        num_ops: int = 2,
        magnitude: int = 9,
        num_magnitude_bins: int = 31,
        interpolation: Any = InterpolationMode.NEAREST,
        fill: Any = None,
    ) -> None:
        super().__init__(interpolation, fill)
        self.num_ops = num_ops
        self.magnitude = magnitude
        self.num_magnitude_bins = num_magnitude_bins

    def _augmentation_space(self, num_bins: int, image_size: Sequence[int]) -> dict[str, np.ndarray]:
        height, width = image_size
        enhance = np.linspace(0.0, 0.9, num_bins)
        return {
            "Identity": np.zeros(num_bins),
            "ShearX": np.linspace(0.0, 0.3, num_bins),
            "ShearY": np.linspace(0.0, 0.3, num_bins),
            "TranslateX": np.linspace(0.0, 150.0 / 331.0 * width, num_bins),
            "TranslateY": np.linspace(0.0, 150.0 / 331.0 * height, num_bins),
            "Rotate": np.linspace(0.0, 30.0, num_bins),
            "Brightness": enhance,
            "Color": enhance,
            "Contrast": enhance,
            "Sharpness": enhance,
            "Posterize": 8 - np.round(np.arange(num_bins) / ((num_bins - 1) / 4)),
            "Solarize": np.linspace(255.0, 0.0, num_bins),
            "AutoContrast": np.zeros(num_bins),
            "Equalize": np.zeros(num_bins),
        }

    def make_params(self, flat_inputs: list[Any]) -> dict[str, Any]:
        """The operations."""
        space = self._augmentation_space(self.num_magnitude_bins, get_size(flat_inputs[0]))
        draw = rng()
        names = draw.choice(list(space), self.num_ops)
        return {"operations": [_signed(str(n), float(space[n][self.magnitude]), draw) for n in names]}


class TrivialAugmentWide(RandAugment):
    """One operation of random strength, from wide ranges.

    Args:
        num_magnitude_bins: how many strengths there are.
        interpolation: how pictures are resampled.
        fill: what lies outside.

    Source: Müller and Hutter, "TrivialAugment" (2021).
    """

    def __init__(
        self, num_magnitude_bins: int = 31, interpolation: Any = InterpolationMode.NEAREST, fill: Any = None
    ) -> None:
        super().__init__(1, 0, num_magnitude_bins, interpolation, fill)

    def _augmentation_space(self, num_bins: int, image_size: Sequence[int]) -> dict[str, np.ndarray]:
        enhance = np.linspace(0.0, 0.99, num_bins)
        return super()._augmentation_space(num_bins, image_size) | {
            "ShearX": enhance,
            "ShearY": enhance,
            "TranslateX": np.linspace(0.0, 32.0, num_bins),
            "TranslateY": np.linspace(0.0, 32.0, num_bins),
            "Rotate": np.linspace(0.0, 135.0, num_bins),
            "Brightness": enhance,
            "Color": enhance,
            "Contrast": enhance,
            "Sharpness": enhance,
            "Posterize": 8 - np.round(np.arange(num_bins) / ((num_bins - 1) / 6)),
        }

    def make_params(self, flat_inputs: list[Any]) -> dict[str, Any]:
        """The operation."""
        space = self._augmentation_space(self.num_magnitude_bins, get_size(flat_inputs[0]))
        draw = rng()
        name = str(draw.choice(list(space)))
        return {"operations": [_signed(name, float(space[name][draw.integers(self.num_magnitude_bins)]), draw)]}


class AutoAugmentPolicy(Enum):
    """For which data a policy was found."""

    IMAGENET = "imagenet"
    CIFAR10 = "cifar10"
    SVHN = "svhn"


# Each line: operation, probability in tenths, strength out of ten; twice.
_POLICIES = {
    AutoAugmentPolicy.IMAGENET: """
        Posterize 4 8 Rotate 6 9; Solarize 6 5 AutoContrast 6 0; Equalize 8 0 Equalize 6 0; Posterize 6 7 Posterize 6 6;
        Equalize 4 0 Solarize 2 4; Equalize 4 0 Rotate 8 8; Solarize 6 3 Equalize 6 0; Posterize 8 5 Equalize 10 0;
        Rotate 2 3 Solarize 6 8; Equalize 6 0 Posterize 4 6; Rotate 8 8 Color 4 0; Rotate 4 9 Equalize 6 0;
        Equalize 0 0 Equalize 8 0; Invert 6 0 Equalize 10 0; Color 6 4 Contrast 10 8; Rotate 8 8 Color 10 2;
        Color 8 8 Solarize 8 7; Sharpness 4 7 Invert 6 0; ShearX 6 5 Equalize 10 0; Color 4 0 Equalize 6 0;
        Equalize 4 0 Solarize 2 4; Solarize 6 5 AutoContrast 6 0; Invert 6 0 Equalize 10 0; Color 6 4 Contrast 10 8;
        Equalize 8 0 Equalize 6 0""",
    AutoAugmentPolicy.CIFAR10: """
        Invert 1 0 Contrast 2 6; Rotate 7 2 TranslateX 3 9; Sharpness 8 1 Sharpness 9 3; ShearY 5 8 TranslateY 7 9;
        AutoContrast 5 0 Equalize 9 0; ShearY 2 7 Posterize 3 7; Color 4 3 Brightness 6 7; Sharpness 3 9 Brightness 7 9;
        Equalize 6 0 Equalize 5 0; Contrast 6 7 Sharpness 6 5; Color 7 7 TranslateX 5 8; Equalize 3 0 AutoContrast 4 0;
        TranslateY 4 3 Sharpness 2 6; Brightness 9 6 Color 2 8; Solarize 5 2 Invert 0 0; Equalize 2 0 AutoContrast 6 0;
        Equalize 2 0 Equalize 6 0; Color 9 9 Equalize 6 0; AutoContrast 8 0 Solarize 2 8; Brightness 1 3 Color 7 0;
        Solarize 4 5 AutoContrast 9 0; TranslateY 9 9 TranslateY 7 9; AutoContrast 9 0 Solarize 8 3;
        Equalize 8 0 Invert 1 0; TranslateY 7 9 AutoContrast 9 0""",
    AutoAugmentPolicy.SVHN: """
        ShearX 9 4 Invert 2 0; ShearY 9 8 Invert 7 0; Equalize 6 0 Solarize 6 6; Invert 9 0 Equalize 6 0;
        Equalize 6 0 Rotate 9 3; ShearX 9 4 AutoContrast 8 0; ShearY 9 8 Invert 4 0; ShearY 9 5 Solarize 2 6;
        Invert 9 0 AutoContrast 8 0; Equalize 6 0 Rotate 9 3; ShearX 9 4 Solarize 3 3; ShearY 8 8 Invert 7 0;
        Equalize 9 0 TranslateY 6 6; Invert 9 0 Equalize 6 0; Contrast 3 3 Rotate 8 4; Invert 8 0 TranslateY 0 2;
        ShearY 7 6 Solarize 4 8; Invert 6 0 Rotate 8 4; ShearY 3 7 TranslateX 9 3; ShearX 1 6 Invert 6 0;
        Solarize 7 2 TranslateY 6 7; ShearY 8 4 Invert 8 0; ShearX 7 9 TranslateY 8 3; ShearY 8 5 AutoContrast 7 0;
        ShearX 7 2 Invert 1 0""",
}


def _policy(text: str) -> list[list[tuple[str, float, int]]]:
    rows = [row.split() for row in text.split(";")]
    return [[(r[i], int(r[i + 1]) / 10, int(r[i + 2])) for i in (0, 3)] for r in rows]


class AutoAugment(_Augment):
    """One of 25 pairs of operations, found by search.

    Args:
        policy: the data for which they were found.
        interpolation: how pictures are resampled.
        fill: what lies outside.

    Source: Cubuk et al., "AutoAugment" (2019).
    """

    def __init__(
        self,
        policy: AutoAugmentPolicy = AutoAugmentPolicy.IMAGENET,
        interpolation: Any = InterpolationMode.NEAREST,
        fill: Any = None,
    ) -> None:
        super().__init__(interpolation, fill)
        self.policy = policy
        self.policies = _policy(_POLICIES[policy])

    @staticmethod
    def _strength(name: str, level: int, image_size: Sequence[int]) -> float:
        share = level / 9
        height, width = image_size
        ranges = {"ShearX": 0.3, "ShearY": 0.3, "TranslateX": 150 / 331 * width, "TranslateY": 150 / 331 * height}
        ranges |= {"Rotate": 30.0, "Brightness": 0.9, "Color": 0.9, "Contrast": 0.9, "Sharpness": 0.9}
        if name == "Posterize":
            return 8 - round(level / (9 / 4))
        return 255.0 * (1 - share) if name == "Solarize" else ranges.get(name, 0.0) * share

    def make_params(self, flat_inputs: list[Any]) -> dict[str, Any]:
        """The operations."""
        draw, size = rng(), get_size(flat_inputs[0])
        pair = self.policies[int(draw.integers(len(self.policies)))]
        chosen = [(name, level) for name, p, level in pair if draw.random() <= p]
        return {"operations": [_signed(name, self._strength(name, level, size), draw) for name, level in chosen]}
