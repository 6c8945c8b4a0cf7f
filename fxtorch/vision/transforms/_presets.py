"""What the published models want done to a picture first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fxtorch import nn
from fxtorch.tensor import Tensor
from fxtorch.vision._torch import torch
from fxtorch.vision.transforms import functional as F

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def _tensor(img: Any) -> Tensor:
    return F.convert_image_dtype(img if isinstance(img, Tensor) else F.pil_to_tensor(img), torch.float32)


class ObjectDetection(nn.Module):
    """A picture as floats between 0 and 1."""

    def forward(self, img: Any) -> Tensor:
        """The Tensor of a picture."""
        return _tensor(img)


class ImageClassification(nn.Module):
    """Resized, cropped in the middle, and normalised.

    Args:
        crop_size: height and width.
        resize_size: of the shorter side before.
        mean: of each channel.
        std: of each channel.
        interpolation: how it is resized.
        antialias: whether Tensors are smoothed as Pillow's pictures are.
    """

    def __init__(
        self,
        *,
        crop_size: int,
        resize_size: int = 256,
        mean: Sequence[float] = MEAN,
        std: Sequence[float] = STD,
        interpolation: Any = F.InterpolationMode.BILINEAR,
        antialias: bool | None = True,
    ) -> None:
        super().__init__()
        self.crop_size = [crop_size]
        self.resize_size = [resize_size]
        self.mean = list(mean)
        self.std = list(std)
        self.interpolation = interpolation
        self.antialias = antialias

    def forward(self, img: Any) -> Tensor:
        """The Tensor of a picture."""
        img = F.resize(img, self.resize_size, self.interpolation, antialias=self.antialias)
        return F.normalize(_tensor(F.center_crop(img, self.crop_size)), self.mean, self.std)


class SemanticSegmentation(nn.Module):
    """Resized and normalised.

    Args:
        resize_size: of the shorter side; None for the picture's own.
        mean: of each channel.
        std: of each channel.
        interpolation: how it is resized.
        antialias: whether Tensors are smoothed as Pillow's pictures are.
    """

    def __init__(
        self,
        *,
        resize_size: int | None,
        mean: Sequence[float] = MEAN,
        std: Sequence[float] = STD,
        interpolation: Any = F.InterpolationMode.BILINEAR,
        antialias: bool | None = True,
    ) -> None:
        super().__init__()
        self.resize_size = None if resize_size is None else [resize_size]
        self.mean = list(mean)
        self.std = list(std)
        self.interpolation = interpolation
        self.antialias = antialias

    def forward(self, img: Any) -> Tensor:
        """The Tensor of a picture."""
        if self.resize_size is not None:
            img = F.resize(img, self.resize_size, self.interpolation, antialias=self.antialias)
        return F.normalize(_tensor(img), self.mean, self.std)


class VideoClassification(nn.Module):
    """The frames of a film resized, cropped in the middle and normalised, with time after the channels.

    Args:
        crop_size: height and width.
        resize_size: of a frame before.
        mean: of each channel.
        std: of each channel.
        interpolation: how frames are resized.
    """

    def __init__(
        self,
        *,
        crop_size: Sequence[int],
        resize_size: Sequence[int],
        mean: Sequence[float] = (0.43216, 0.394666, 0.37645),
        std: Sequence[float] = (0.22803, 0.22145, 0.216989),
        interpolation: Any = F.InterpolationMode.BILINEAR,
    ) -> None:
        super().__init__()
        self.crop_size = list(crop_size)
        self.resize_size = list(resize_size)
        self.mean = list(mean)
        self.std = list(std)
        self.interpolation = interpolation

    def forward(self, vid: Tensor) -> Tensor:
        """``(..., T, C, H, W)`` frames as ``(..., C, T, height, width)`` floats."""
        frames = F.resize(vid, self.resize_size, self.interpolation, antialias=False)
        frames = F.convert_image_dtype(F.center_crop(frames, self.crop_size), torch.float32)
        mean, std = (torch.tensor(v)[:, None, None] for v in (self.mean, self.std))
        return ((frames - mean) / std).transpose(-4, -3)
