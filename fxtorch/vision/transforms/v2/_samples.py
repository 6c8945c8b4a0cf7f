"""Transforms that only samples with boxes or labels, or whole batches, have a use for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fxtorch.nn import functional as F
from fxtorch.tensor import Tensor
from fxtorch.vision._torch import torch
from fxtorch.vision.transforms._base import Transform, map_parts, parts, rng, sample_of
from fxtorch.vision.transforms._geometry import clamp_bounding_boxes, convert_bounding_box_format, resize
from fxtorch.vision.transforms._inputs import InterpolationMode, as_float, is_image
from fxtorch.vision.tv_tensors import BoundingBoxes, Mask, wrap


class Lambda(Transform):
    """A function as a transform of each part of a sample, or of the parts of ``types``."""

    def __init__(self, lambd: Callable[..., Any], *types: type) -> None:
        super().__init__()
        self.lambd = lambd
        self._types = types

    def forward(self, *inputs: Any) -> Any:
        """The sample, changed."""
        sample = sample_of(inputs)
        wanted = self._types or (object,)
        return map_parts(lambda x: self.lambd(x) if isinstance(x, wanted) else x, sample)


class ConvertBoundingBoxFormat(Transform):
    """Boxes written in another way."""

    _transformed_types = (BoundingBoxes,)

    def __init__(self, format: Any) -> None:
        super().__init__()
        self.format = format

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        """The boxes."""
        return convert_bounding_box_format(inpt, new_format=self.format)


class ClampBoundingBoxes(Transform):
    """Boxes with their corners moved into their picture."""

    _transformed_types = (BoundingBoxes,)

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        """The boxes."""
        return clamp_bounding_boxes(inpt)


def sanitize_bounding_boxes(
    bounding_boxes: Tensor,
    format: Any = None,
    canvas_size: tuple[int, int] | None = None,
    min_size: float = 1.0,
    min_area: float = 1.0,
) -> tuple[Tensor, Tensor]:
    """The boxes that are large enough and inside of their picture, and which of all those are.

    Args:
        bounding_boxes: the boxes; plain Tensors need the next two.
        format: how they are written.
        canvas_size: height and width of their picture.
        min_size: the least side.
        min_area: the least area.

    Raises:
        ValueError: ``format`` and ``canvas_size`` are missing, or given for what knows them.
    """
    known = isinstance(bounding_boxes, BoundingBoxes)
    if known != (format is None) or known != (canvas_size is None):
        raise ValueError("bounding_boxes must be tv_tensors.BoundingBoxes, or format and canvas_size must be given")
    boxes: Any = bounding_boxes
    if not known:
        boxes = BoundingBoxes(bounding_boxes, format=format, canvas_size=canvas_size)  # type: ignore[arg-type]
    corners = torch.as_tensor(convert_bounding_box_format(boxes, new_format="XYXY"))
    height, width = boxes.canvas_size
    sides = corners[:, 2:] - corners[:, :2]
    good = (sides >= min_size).all(dim=1) & (sides[:, 0] * sides[:, 1] >= min_area)
    limit = torch.tensor([width, height, width, height], dtype=corners.dtype)
    good = good & (corners >= 0).all(dim=1) & (corners <= limit).all(dim=1)
    return wrap(torch.as_tensor(bounding_boxes)[good], like=bounding_boxes), good


class SanitizeBoundingBoxes(Transform):
    """Boxes that are too small or leave their picture are dropped, with their labels and masks.

    Args:
        min_size: the least side.
        min_area: the least area.
        labels_getter: finds the labels in a sample: ``"default"`` looks for a key that says so, None for none.
    """

    def __init__(
        self, min_size: float = 1.0, min_area: float = 1.0, labels_getter: Callable[[Any], Any] | str | None = "default"
    ) -> None:
        super().__init__()
        self.min_size = min_size
        self.min_area = min_area
        self.labels_getter = labels_getter

    def _labels(self, sample: Any) -> Tensor | None:
        if callable(self.labels_getter):
            return self.labels_getter(sample)
        if self.labels_getter is None:
            return None
        holders = sample if isinstance(sample, tuple | list) else (sample,)
        keys = {k.lower(): v for holder in holders if isinstance(holder, dict) for k, v in holder.items()}
        found = next(
            (v for k, v in keys.items() if k == "labels"), next((v for k, v in keys.items() if "label" in k), None)
        )
        if not isinstance(found, Tensor):
            raise ValueError("could not infer where the labels are in the sample; pass labels_getter")
        return found

    def forward(self, *inputs: Any) -> Any:
        """The sample without the bad boxes."""
        sample = sample_of(inputs)
        boxes = next((x for x in parts(sample) if isinstance(x, BoundingBoxes)), None)
        if boxes is None:
            raise ValueError("No bounding boxes were found in the sample")
        at = torch.where(sanitize_bounding_boxes(boxes, min_size=self.min_size, min_area=self.min_area)[1])[0]
        labels = self._labels(sample)

        def kept(x: Any) -> Any:
            belongs = x is labels or isinstance(x, BoundingBoxes | Mask)
            return wrap(torch.as_tensor(x)[at], like=x) if belongs else x

        return map_parts(kept, sample)


class RandomShortestSize(Transform):
    """The shorter side brought to one of several sizes.

    Args:
        min_size: the sizes.
        max_size: the most that the longer side may have.
        interpolation: how pictures are resampled.
        antialias: whether Tensors are smoothed as Pillow's pictures are.
    """

    def __init__(
        self,
        min_size: list[int] | tuple[int, ...] | int,
        max_size: int | None = None,
        interpolation: Any = InterpolationMode.BILINEAR,
        antialias: bool | None = True,
    ) -> None:
        super().__init__()
        self.min_size = [min_size] if isinstance(min_size, int) else list(min_size)
        self.max_size = max_size
        self.interpolation = interpolation
        self.antialias = antialias

    def make_params(self, flat_inputs: list[Any]) -> dict[str, Any]:
        """The size."""
        return {"size": int(rng().choice(self.min_size))}

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        """One part, resized."""
        return resize(inpt, params["size"], self.interpolation, self.max_size, self.antialias)


def gaussian_noise(inpt: Tensor, mean: float = 0.0, sigma: float = 0.1, clip: bool = True) -> Any:
    """A picture with normally distributed noise, kept in its range where ``clip``: 0 to 1, or 0 to 255 for bytes.

    ``mean`` and ``sigma`` are shares of the range.

    Raises:
        TypeError: it is no Tensor.
        ValueError: it holds other integers than bytes, or ``sigma`` is negative.
    """
    if not isinstance(inpt, Tensor):
        raise TypeError(f"Input tensor is expected to be a Tensor, got {type(inpt)}")
    if sigma < 0:
        raise ValueError(f"sigma shouldn't be negative. Got {sigma}")
    if inpt.is_floating_point():
        noisy = inpt + mean + torch.randn_like(inpt) * sigma
        return wrap(noisy.clamp(0, 1) if clip else noisy, like=inpt)
    if inpt.dtype != torch.uint8:
        raise ValueError(f"Input tensor is expected to be in uint8 or float dtype, got dtype={inpt.dtype}")
    noise = 255 * (mean + torch.randn_like(inpt, dtype=torch.float32) * sigma)
    noisy = inpt + noise.to(torch.int16)
    return wrap((noisy.clamp(0, 255) if clip else noisy).to(torch.uint8), like=inpt)


class GaussianNoise(Transform):
    """Normally distributed noise, added to pictures.

    Args:
        mean: of the noise.
        sigma: its deviation.
        clip: whether values stay between 0 and 1.
    """

    _transformed_types = (lambda x: isinstance(x, Tensor) and is_image(x),)

    def __init__(self, mean: float = 0.0, sigma: float = 0.1, clip: bool = True) -> None:
        super().__init__()
        self.mean = mean
        self.sigma = sigma
        self.clip = clip

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        """The noisy picture."""
        return gaussian_noise(inpt, self.mean, self.sigma, self.clip)


class _Mixing(Transform):
    """Each sample of a batch mixed with another one, and the labels alike.

    Args:
        alpha: the mixing share is drawn from Beta(alpha, alpha).
        num_classes: to make one-hot labels; not needed for labels that are so already.
    """

    def __init__(self, *, alpha: float = 1.0, num_classes: int | None = None) -> None:
        super().__init__()
        self.alpha = alpha
        self.num_classes = num_classes

    def _mix(self, batch: Tensor, share: float) -> tuple[Tensor, float]:
        """The mixed pictures, and the share of the first ones."""
        raise NotImplementedError

    def forward(self, *inputs: Any) -> Any:
        """The batch ``(pictures, labels)``, mixed."""
        images, labels = sample_of(inputs)
        if not images.is_floating_point() and labels.ndim not in (1, 2):
            raise ValueError(f"labels should be index based with shape (batch_size,), got {labels.shape}")
        if labels.ndim == 1:
            if self.num_classes is None:
                raise ValueError("num_classes must be passed if the labels are index-based")
            labels = F.one_hot(labels, self.num_classes)
        labels = as_float(labels)
        images, share = self._mix(images, float(rng().beta(self.alpha, self.alpha)))
        return images, share * labels + (1.0 - share) * labels.roll(1, 0)


class MixUp(_Mixing):
    """Weighted means of pairs of pictures; arguments as in :class:`_Mixing`.

    Source: Zhang et al., "mixup" (2018).
    """

    def _mix(self, batch: Tensor, share: float) -> tuple[Tensor, float]:
        return share * batch + (1.0 - share) * batch.roll(1, 0), share


class CutMix(_Mixing):
    """Pictures with a rectangle of another one.

    Source: Yun et al., "CutMix" (2019).
    """

    def _mix(self, batch: Tensor, share: float) -> tuple[Tensor, float]:
        height, width = batch.shape[-2:]
        draw, side = rng(), 0.5 * (1.0 - share) ** 0.5
        y, x = int(draw.integers(height)), int(draw.integers(width))
        down, across = int(side * height), int(side * width)
        top, bottom = max(y - down, 0), min(y + down, height)
        left, right = max(x - across, 0), min(x + across, width)
        mixed = batch.clone()
        mixed[..., top:bottom, left:right] = batch.roll(1, 0)[..., top:bottom, left:right]
        return mixed, 1.0 - (bottom - top) * (right - left) / (height * width)
