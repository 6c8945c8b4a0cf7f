"""What the transforms ask of a picture, whatever it is."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from typing import Any

from fxtorch.tensor import Tensor
from fxtorch.vision._pil import is_pil
from fxtorch.vision._torch import torch
from fxtorch.vision.tv_tensors import BoundingBoxes, Image, Mask, Video, wrap


class InterpolationMode(Enum):
    """How a picture is resampled; the last three are PIL's only."""

    NEAREST = "nearest"
    NEAREST_EXACT = "nearest-exact"
    BILINEAR = "bilinear"
    BICUBIC = "bicubic"
    BOX = "box"
    HAMMING = "hamming"
    LANCZOS = "lanczos"


_PIL_NUMBERS = {
    InterpolationMode.NEAREST: 0,
    InterpolationMode.NEAREST_EXACT: 0,
    InterpolationMode.LANCZOS: 1,
    InterpolationMode.BILINEAR: 2,
    InterpolationMode.BICUBIC: 3,
    InterpolationMode.BOX: 4,
    InterpolationMode.HAMMING: 5,
}
_FROM_NUMBER = {number: mode for mode, number in _PIL_NUMBERS.items() if mode is not InterpolationMode.NEAREST_EXACT}


def interpolation_mode(mode: InterpolationMode | int | str) -> InterpolationMode:
    """A mode from itself, its name or Pillow's number."""
    if isinstance(mode, InterpolationMode):
        return mode
    return InterpolationMode(mode) if isinstance(mode, str) else _FROM_NUMBER[int(mode)]


def pil_number(mode: InterpolationMode) -> int:
    """Pillow's number of a mode."""
    return _PIL_NUMBERS[mode]


def is_image(value: Any) -> bool:
    """Whether it is a picture: of Pillow's, or a Tensor that is neither boxes nor a mask."""
    return is_pil(value) or (isinstance(value, Tensor) and not isinstance(value, BoundingBoxes | Mask))


def check_image(value: Any) -> None:
    """Raise where ``value`` is neither a Pillow image nor a Tensor of at least two dimensions."""
    if not (is_pil(value) or isinstance(value, Tensor)):
        raise TypeError(f"img should be PIL Image or Tensor. Got {type(value)}")
    if isinstance(value, Tensor) and value.ndim < 2:
        raise TypeError("Tensor is not a torch image.")


def get_dimensions(img: Any) -> list[int]:
    """Channels, height and width."""
    if is_pil(img):
        return [len(img.getbands()), img.height, img.width]
    check_image(img)
    return [1 if img.ndim == 2 else int(img.shape[-3]), int(img.shape[-2]), int(img.shape[-1])]


def get_image_size(img: Any) -> list[int]:
    """Width and height."""
    _, height, width = get_dimensions(img)
    return [width, height]


def get_image_num_channels(img: Any) -> int:
    """The number of channels."""
    return get_dimensions(img)[0]


def get_size(img: Any) -> list[int]:
    """Height and width; of boxes those of their picture."""
    return list(img.canvas_size) if isinstance(img, BoundingBoxes) else get_dimensions(img)[1:]


def two(size: int | Sequence[int]) -> tuple[int, int]:
    """Height and width from a number, or from one or two."""
    if isinstance(size, int | float):
        return int(size), int(size)
    return (int(size[0]), int(size[0])) if len(size) == 1 else (int(size[0]), int(size[1]))


def like(img: Any, changed: Tensor) -> Any:
    """``changed`` as the kind of Tensor that ``img`` is."""
    return wrap(changed, like=img) if isinstance(img, Image | Video | Mask) else changed


def largest(dtype: Any) -> int:
    """The largest number of a type of integers, which is white."""
    return 1 if dtype == torch.bool else torch.iinfo(dtype).max


def as_float(img: Tensor) -> Tensor:
    """In a floating type."""
    return img if img.is_floating_point() else img.to(torch.float32)


def back(img: Tensor, dtype: Any) -> Tensor:
    """``img`` rounded to ``dtype`` where that holds integers."""
    if dtype.is_floating_point:
        return img.to(dtype)
    if dtype == torch.bool:
        return img.round().to(dtype)
    info = torch.iinfo(dtype)
    return img.round().clamp(info.min, info.max).to(dtype)


def planes(img: Tensor) -> tuple[Tensor, tuple[int, ...]]:
    """``(..., C, H, W)`` as ``(N, C, H, W)``, and the shape it had."""
    shape = tuple(img.shape)
    return img.reshape(-1, *((1,) if img.ndim == 2 else shape[-3:-2]), *shape[-2:]), shape
