"""Transforms for the training of detectors: crops that keep objects, and pictures made smaller or larger."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fxtorch.vision._torch import torch
from fxtorch.vision.ops.boxes import box_iou
from fxtorch.vision.transforms._base import RandomApplied, Transform, parts, rng, sample_of
from fxtorch.vision.transforms._geometry import convert_bounding_box_format, crop, pad, resize
from fxtorch.vision.transforms._inputs import InterpolationMode, get_size, is_image
from fxtorch.vision.tv_tensors import BoundingBoxes, wrap

_OVERLAPS = (0.0, 0.1, 0.3, 0.5, 0.7, 0.9, 1.0)


class RandomIoUCrop(Transform):
    """A crop that overlaps an object at least as much as drawn; boxes whose centre it leaves become empty.

    Args:
        min_scale: the least share of a side that is kept.
        max_scale: the largest.
        min_aspect_ratio: the least width by height of the crop.
        max_aspect_ratio: the largest.
        sampler_options: the overlaps to draw from; 1 and more leaves the sample as it is.
        trials: crops that are tried for one overlap before another one is drawn.

    Source: Liu et al., "SSD" (2016).
    """

    def __init__(
        self,
        min_scale: float = 0.3,
        max_scale: float = 1.0,
        min_aspect_ratio: float = 0.5,
        max_aspect_ratio: float = 2.0,
        sampler_options: Sequence[float] | None = None,
        trials: int = 40,
    ) -> None:
        super().__init__()
        self.min_scale, self.max_scale = min_scale, max_scale
        self.min_aspect_ratio, self.max_aspect_ratio = min_aspect_ratio, max_aspect_ratio
        self.options = list(_OVERLAPS if sampler_options is None else sampler_options)
        self.trials = trials

    def forward(self, *inputs: Any) -> Any:
        """The sample, cropped.

        Raises:
            TypeError: there is no picture or there are no boxes in it.
        """
        flat = parts(sample_of(inputs))
        if not (any(is_image(x) for x in flat) and any(isinstance(x, BoundingBoxes) for x in flat)):
            raise TypeError(
                f"{type(self).__name__}() requires input sample to contain tensor or PIL images and bounding boxes."
            )
        return super().forward(*inputs)

    def make_params(self, flat_inputs: list[Any]) -> dict[str, Any]:
        """The crop, and which boxes have their centre in it; nothing for the whole picture."""
        height, width = get_size(next(x for x in flat_inputs if is_image(x)))
        boxes = next(x for x in flat_inputs if isinstance(x, BoundingBoxes))
        corners = torch.as_tensor(convert_bounding_box_format(boxes, new_format="XYXY"))
        draw = rng()
        while True:
            least = self.options[int(draw.integers(len(self.options)))]
            if least >= 1.0:
                return {}
            for _ in range(self.trials):
                found = self._crop(height, width, corners, least, draw)
                if found is not None:
                    return found

    def _crop(self, height: int, width: int, corners: Any, least: float, draw: Any) -> dict[str, Any] | None:
        across, down = self.min_scale + (self.max_scale - self.min_scale) * draw.random(2)
        new_width, new_height = int(width * across), int(height * down)
        if not (new_height and self.min_aspect_ratio <= new_width / new_height <= self.max_aspect_ratio):
            return None
        x, y = draw.random(2)
        left, top = int((width - new_width) * x), int((height - new_height) * y)
        right, bottom = left + new_width, top + new_height
        if left == right or top == bottom:
            return None
        centres = 0.5 * (corners[:, :2] + corners[:, 2:])
        within = (left < centres[:, 0]) & (centres[:, 0] < right) & (top < centres[:, 1]) & (centres[:, 1] < bottom)
        if not within.any():
            return None
        region = torch.tensor([[left, top, right, bottom]], dtype=corners.dtype)
        if box_iou(corners[within], region).max() < least:
            return None
        return {"top": top, "left": left, "height": new_height, "width": new_width, "within": within}

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        """One part, cropped."""
        if not params:
            return inpt
        out = crop(inpt, params["top"], params["left"], params["height"], params["width"])
        if isinstance(out, BoundingBoxes):
            return wrap(torch.as_tensor(out).masked_fill(~params["within"][:, None], 0), like=out)
        return out


class RandomZoomOut(RandomApplied):
    """The sample somewhere on a larger canvas.

    Args:
        fill: what lies around it.
        side_range: how many times as long the sides of the canvas are.
        p: the probability of this.

    Source: Liu et al., "SSD" (2016).
    """

    def __init__(self, fill: Any = 0, side_range: Sequence[float] = (1.0, 4.0), p: float = 0.5) -> None:
        super().__init__(p)
        if side_range[0] < 1.0 or side_range[0] > side_range[1]:
            raise ValueError(f"Invalid side range provided {side_range}.")
        self.fill = fill
        self.side_range = side_range

    def make_params(self, flat_inputs: list[Any]) -> dict[str, Any]:
        """How much is added left, above, right and below."""
        height, width = get_size(flat_inputs[0])
        draw = rng()
        times = self.side_range[0] + draw.random() * (self.side_range[1] - self.side_range[0])
        across, down = int(width * times) - width, int(height * times) - height
        left, top = int(across * draw.random()), int(down * draw.random())
        return {"padding": [left, top, across - left, down - top]}

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        """One part, padded."""
        return pad(inpt, params["padding"], self.fill)


class ScaleJitter(Transform):
    """The size that fits into ``target_size``, times a random factor.

    Args:
        target_size: height and width.
        scale_range: from where the factor is drawn.
        interpolation: how pictures are resampled.
        antialias: whether Tensors are smoothed as Pillow's pictures are.
    """

    def __init__(
        self,
        target_size: tuple[int, int],
        scale_range: tuple[float, float] = (0.1, 2.0),
        interpolation: Any = InterpolationMode.BILINEAR,
        antialias: bool | None = True,
    ) -> None:
        super().__init__()
        self.target_size = target_size
        self.scale_range = scale_range
        self.interpolation = interpolation
        self.antialias = antialias

    def make_params(self, flat_inputs: list[Any]) -> dict[str, Any]:
        """The size."""
        height, width = get_size(flat_inputs[0])
        scale = self.scale_range[0] + rng().random() * (self.scale_range[1] - self.scale_range[0])
        times = min(self.target_size[1] / height, self.target_size[0] / width) * scale
        return {"size": (int(height * times), int(width * times))}

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        """One part, resized."""
        return resize(inpt, params["size"], self.interpolation, antialias=self.antialias)


class RandomResize(Transform):
    """The shorter side brought to a length from ``min_size`` to below ``max_size``.

    Args:
        min_size: the shortest.
        max_size: one more than the longest.
        interpolation: how pictures are resampled.
        antialias: whether Tensors are smoothed as Pillow's pictures are.
    """

    def __init__(
        self,
        min_size: int,
        max_size: int,
        interpolation: Any = InterpolationMode.BILINEAR,
        antialias: bool | None = True,
    ) -> None:
        super().__init__()
        self.min_size, self.max_size = min_size, max_size
        self.interpolation = interpolation
        self.antialias = antialias

    def make_params(self, flat_inputs: list[Any]) -> dict[str, Any]:
        """The size."""
        return {"size": [int(rng().integers(self.min_size, self.max_size))]}

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        """One part, resized."""
        return resize(inpt, params["size"], self.interpolation, antialias=self.antialias)
