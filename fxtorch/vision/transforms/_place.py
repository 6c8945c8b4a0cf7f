"""Transforms of size and place."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from fxtorch.vision._torch import torch
from fxtorch.vision.transforms import _geometry as F
from fxtorch.vision.transforms import _warp as W
from fxtorch.vision.transforms._base import RandomApplied, Transform, rng
from fxtorch.vision.transforms._color import gaussian_blur
from fxtorch.vision.transforms._inputs import InterpolationMode, get_size, two
from fxtorch.vision.tv_tensors import BoundingBoxes

BILINEAR, NEAREST = InterpolationMode.BILINEAR, InterpolationMode.NEAREST


def _range(value: Any, name: str, centre: float | None = 0.0) -> tuple[float, float]:
    """A number as the range around ``centre``, or a range."""
    if isinstance(value, int | float):
        if value < 0:
            raise ValueError(f"If {name} is a single number, it must be positive.")
        return ((centre or 0.0) - float(value), (centre or 0.0) + float(value))
    if len(value) != 2:
        raise ValueError(f"{name} should be a sequence of length 2.")
    return float(value[0]), float(value[1])


class Resize(Transform):
    """Another size.

    Args:
        size: height and width, or the shorter side alone.
        interpolation: how pictures are resampled.
        max_size: the most that the longer side may have.
        antialias: whether Tensors are smoothed as Pillow's pictures are.
    """

    def __init__(
        self,
        size: int | Sequence[int] | None,
        interpolation: Any = BILINEAR,
        max_size: int | None = None,
        antialias: bool | None = True,
    ) -> None:
        super().__init__()
        self.size = size
        self.interpolation = interpolation
        self.max_size = max_size
        self.antialias = antialias

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        """One part, resized."""
        return F.resize(inpt, self.size, self.interpolation, self.max_size, self.antialias)


class CenterCrop(Transform):
    """The middle, of ``size``."""

    def __init__(self, size: int | Sequence[int]) -> None:
        super().__init__()
        self.size = two(size)

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        """One part, cropped."""
        return F.center_crop(inpt, self.size)


class Pad(Transform):
    """A border.

    Args:
        padding: of all sides; left and right, top and bottom; or left, top, right and bottom.
        fill: the border's value.
        padding_mode: ``"constant"``, ``"edge"``, ``"reflect"`` or ``"symmetric"``.
    """

    def __init__(self, padding: int | Sequence[int], fill: Any = 0, padding_mode: str = "constant") -> None:
        super().__init__()
        F._sides(padding)
        self.padding = padding
        self.fill = fill
        self.padding_mode = padding_mode

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        """One part, padded."""
        return F.pad(inpt, self.padding, self.fill, self.padding_mode)


class RandomCrop(Transform):
    """A part of ``size`` at a random place.

    Args:
        size: height and width.
        padding: a border before.
        pad_if_needed: also pad a picture that is smaller.
        fill: the border's value.
        padding_mode: the border's kind.
    """

    def __init__(
        self,
        size: int | Sequence[int],
        padding: int | Sequence[int] | None = None,
        pad_if_needed: bool = False,
        fill: Any = 0,
        padding_mode: str = "constant",
    ) -> None:
        super().__init__()
        self.size = two(size)
        self.padding = padding
        self.pad_if_needed = pad_if_needed
        self.fill = fill
        self.padding_mode = padding_mode

    @staticmethod
    def get_params(img: Any, output_size: Sequence[int]) -> tuple[int, int, int, int]:
        """Top, left, height and width of a random part."""
        (height, width), (rows, columns) = get_size(img), output_size
        if height < rows or width < columns:
            raise ValueError(f"Required crop size {(rows, columns)} is larger than input image size {(height, width)}")
        draw = rng()
        return int(draw.integers(height - rows + 1)), int(draw.integers(width - columns + 1)), rows, columns

    def _padded(self, inpt: Any) -> Any:
        if self.padding is not None:
            inpt = F.pad(inpt, self.padding, self.fill, self.padding_mode)
        if self.pad_if_needed:
            height, width = get_size(inpt)
            across, down = max(self.size[1] - width, 0), max(self.size[0] - height, 0)
            if across or down:
                inpt = F.pad(inpt, [across, down], self.fill, self.padding_mode)
        return inpt

    def make_params(self, flat_inputs: list[Any]) -> dict[str, Any]:
        """The place."""
        return {"box": self.get_params(self._padded(flat_inputs[0]), self.size)}

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        """One part, cropped."""
        return F.crop(self._padded(inpt), *params["box"])


class RandomResizedCrop(Transform):
    """A random part of random size and shape, resized.

    Args:
        size: height and width of the result.
        scale: range of the part's area, for the picture's.
        ratio: range of its width divided by its height.
        interpolation: how pictures are resampled.
        antialias: whether Tensors are smoothed as Pillow's pictures are.

    Source: Szegedy et al., "Going Deeper with Convolutions" (2015).
    """

    def __init__(
        self,
        size: int | Sequence[int],
        scale: Sequence[float] = (0.08, 1.0),
        ratio: Sequence[float] = (3.0 / 4.0, 4.0 / 3.0),
        interpolation: Any = BILINEAR,
        antialias: bool | None = True,
    ) -> None:
        super().__init__()
        self.size = two(size)
        self.scale = tuple(scale)
        self.ratio = tuple(ratio)
        self.interpolation = interpolation
        self.antialias = antialias

    @staticmethod
    def get_params(img: Any, scale: Sequence[float], ratio: Sequence[float]) -> tuple[int, int, int, int]:
        """Top, left, height and width; the middle where ten draws do not fit."""
        height, width = get_size(img)
        draw = rng()
        for _ in range(10):
            area = height * width * draw.uniform(scale[0], scale[1])
            shape = math.exp(draw.uniform(math.log(ratio[0]), math.log(ratio[1])))
            w, h = round(math.sqrt(area * shape)), round(math.sqrt(area / shape))
            if 0 < w <= width and 0 < h <= height:
                return int(draw.integers(height - h + 1)), int(draw.integers(width - w + 1)), h, w
        w, h = width, height
        if width / height < min(ratio):
            h = round(w / min(ratio))
        elif width / height > max(ratio):
            w = round(h * max(ratio))
        return (height - h) // 2, (width - w) // 2, h, w

    def make_params(self, flat_inputs: list[Any]) -> dict[str, Any]:
        """The part."""
        return {"box": self.get_params(flat_inputs[0], self.scale, self.ratio)}

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        """One part, cropped and resized."""
        part = F.crop(inpt, *params["box"])
        return F.resize(part, self.size, self.interpolation, antialias=self.antialias)


class RandomHorizontalFlip(RandomApplied):
    """Left and right exchanged, with probability ``p``."""

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        """One part, flipped."""
        return F.hflip(inpt)


class RandomVerticalFlip(RandomApplied):
    """Upside down, with probability ``p``."""

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        """One part, flipped."""
        return F.vflip(inpt)


class FiveCrop(Transform):
    """The four corners and the middle, as a tuple."""

    def __init__(self, size: int | Sequence[int]) -> None:
        super().__init__()
        self.size = two(size)

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        """Five parts."""
        return F.five_crop(inpt, self.size)


class TenCrop(Transform):
    """:class:`FiveCrop` of a picture and of its mirror image, as a tuple."""

    def __init__(self, size: int | Sequence[int], vertical_flip: bool = False) -> None:
        super().__init__()
        self.size = two(size)
        self.vertical_flip = vertical_flip

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        """Ten parts."""
        return F.ten_crop(inpt, self.size, self.vertical_flip)


class RandomRotation(Transform):
    """Turned by a random angle.

    Args:
        degrees: range of the angle, or the most to either side.
        interpolation: how pictures are resampled.
        expand: make the result large enough.
        center: the fixed point.
        fill: what lies outside.
    """

    def __init__(
        self,
        degrees: float | Sequence[float],
        interpolation: Any = NEAREST,
        expand: bool = False,
        center: Sequence[float] | None = None,
        fill: Any = 0,
    ) -> None:
        super().__init__()
        self.degrees = _range(degrees, "degrees")
        self.interpolation = interpolation
        self.expand = expand
        self.center = center
        self.fill = fill

    @staticmethod
    def get_params(degrees: Sequence[float]) -> float:
        """The angle."""
        return float(rng().uniform(degrees[0], degrees[1]))

    def make_params(self, flat_inputs: list[Any]) -> dict[str, Any]:
        """The angle."""
        return {"angle": self.get_params(self.degrees)}

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        """One part, turned."""
        return W.rotate(inpt, params["angle"], self.interpolation, self.expand, self.center, self.fill)


class RandomAffine(Transform):
    """Turned, moved, scaled and sheared at random.

    Args:
        degrees: range of the angle, or the most to either side.
        translate: the most across and down, in sizes.
        scale: range of the scale.
        shear: range along x, or ranges along x and y, or the most along x.
        interpolation: how pictures are resampled.
        fill: what lies outside.
        center: the fixed point.
    """

    def __init__(
        self,
        degrees: float | Sequence[float],
        translate: Sequence[float] | None = None,
        scale: Sequence[float] | None = None,
        shear: float | Sequence[float] | None = None,
        interpolation: Any = NEAREST,
        fill: Any = 0,
        center: Sequence[float] | None = None,
    ) -> None:
        super().__init__()
        self.degrees = _range(degrees, "degrees")
        if translate is not None and not all(0.0 <= t <= 1.0 for t in translate):
            raise ValueError("translation values should be between 0 and 1")
        if scale is not None and any(s <= 0 for s in scale):
            raise ValueError("scale values should be positive")
        self.translate = translate
        self.scale = scale
        self.shear = None if shear is None else _range(shear, "shear") if np.size(shear) <= 2 else tuple(shear)  # type: ignore[arg-type]
        self.interpolation = interpolation
        self.fill = fill
        self.center = center

    @staticmethod
    def get_params(
        degrees: Sequence[float],
        translate: Sequence[float] | None,
        scale_ranges: Sequence[float] | None,
        shears: Sequence[float] | None,
        img_size: Sequence[int],
    ) -> tuple[float, tuple[int, int], float, tuple[float, float]]:
        """Angle, translation, scale and shear, for a picture of ``img_size`` (width, height)."""
        draw = rng()
        angle = float(draw.uniform(degrees[0], degrees[1]))
        moved = (0, 0)
        if translate is not None:
            most = (translate[0] * img_size[0], translate[1] * img_size[1])
            moved = (round(draw.uniform(-most[0], most[0])), round(draw.uniform(-most[1], most[1])))
        scale = 1.0 if scale_ranges is None else float(draw.uniform(scale_ranges[0], scale_ranges[1]))
        x = 0.0 if shears is None else float(draw.uniform(shears[0], shears[1]))
        y = 0.0 if shears is None or len(shears) < 4 else float(draw.uniform(shears[2], shears[3]))
        return angle, moved, scale, (x, y)

    def make_params(self, flat_inputs: list[Any]) -> dict[str, Any]:
        """The map."""
        height, width = get_size(flat_inputs[0])
        return {"map": self.get_params(self.degrees, self.translate, self.scale, self.shear, [width, height])}

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        """One part, changed."""
        options = {"interpolation": self.interpolation, "fill": self.fill, "center": self.center}
        return W.affine(inpt, *params["map"], **options)


class RandomPerspective(RandomApplied):
    """Seen from a random place, with probability ``p``.

    Args:
        distortion_scale: how far the corners move, for half the picture.
        p: how likely.
        interpolation: how pictures are resampled.
        fill: what lies outside.
    """

    def __init__(
        self, distortion_scale: float = 0.5, p: float = 0.5, interpolation: Any = BILINEAR, fill: Any = 0
    ) -> None:
        super().__init__(p)
        self.distortion_scale = distortion_scale
        self.interpolation = interpolation
        self.fill = fill

    @staticmethod
    def get_params(width: int, height: int, distortion_scale: float) -> tuple[list[list[int]], list[list[int]]]:
        """Four corners, and where they go."""
        draw = rng()
        across, down = (int(distortion_scale * (size // 2)) + 1 for size in (width, height))
        inward = [(int(draw.integers(across)), int(draw.integers(down))) for _ in range(4)]
        start = [[0, 0], [width - 1, 0], [width - 1, height - 1], [0, height - 1]]
        signs = ((1, 1), (-1, 1), (-1, -1), (1, -1))
        moved = zip(start, inward, signs, strict=True)
        return start, [[x + sx * dx, y + sy * dy] for (x, y), (dx, dy), (sx, sy) in moved]

    def make_params(self, flat_inputs: list[Any]) -> dict[str, Any]:
        """The points."""
        height, width = get_size(flat_inputs[0])
        return {"points": self.get_params(width, height, self.distortion_scale)}

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        """One part, changed."""
        return W.perspective(inpt, *params["points"], interpolation=self.interpolation, fill=self.fill)


class ElasticTransform(Transform):
    """Bent at random: smoothed noise moves the pixels of Tensors.

    Args:
        alpha: how far, in pixels.
        sigma: how smooth.
        interpolation: how pictures are resampled.
        fill: what lies outside.

    Source: Simard et al., "Best Practices for Convolutional Neural Networks" (2003).
    """

    def __init__(
        self,
        alpha: float | Sequence[float] = 50.0,
        sigma: float | Sequence[float] = 5.0,
        interpolation: Any = BILINEAR,
        fill: Any = 0,
    ) -> None:
        super().__init__()
        self.alpha = [float(alpha)] * 2 if isinstance(alpha, int | float) else list(alpha)
        self.sigma = [float(sigma)] * 2 if isinstance(sigma, int | float) else list(sigma)
        self.interpolation = interpolation
        self.fill = fill

    def make_params(self, flat_inputs: list[Any]) -> dict[str, Any]:
        """How far each pixel is moved, ``(1, H, W, 2)``."""
        size = get_size(flat_inputs[0])
        moves = []
        for alpha, sigma, length in zip(self.alpha, self.sigma, (size[1], size[0]), strict=True):
            noise = torch.from_numpy(rng().uniform(-1, 1, (1, 1, *size)).astype(np.float32))
            kernel = int(8 * sigma + 1) | 1
            moves.append(gaussian_blur(noise, [kernel, kernel], sigma) * (alpha / length) if sigma > 0 else noise)
        return {"displacement": torch.cat(moves, 1).permute(0, 2, 3, 1)}

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        """One part, bent."""
        if isinstance(inpt, BoundingBoxes):
            raise NotImplementedError("ElasticTransform does not move boxes")
        return W.elastic(inpt, params["displacement"], self.interpolation, self.fill)
