"""Sizes and places: resizing, padding, cropping, flipping."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from fxtorch.nn import functional as F
from fxtorch.tensor import Tensor
from fxtorch.vision._pil import is_pil, pillow_module
from fxtorch.vision._torch import torch
from fxtorch.vision.ops.boxes import box_convert
from fxtorch.vision.transforms._inputs import (
    InterpolationMode,
    as_float,
    back,
    check_image,
    get_dimensions,
    get_size,
    interpolation_mode,
    like,
    pil_number,
    planes,
    two,
)
from fxtorch.vision.tv_tensors import BoundingBoxes, BoundingBoxFormat, Mask, wrap


def convert_bounding_box_format(inpt: Tensor, old_format: Any = None, new_format: Any = None) -> Any:
    """Boxes written in another way; plain Tensors need ``old_format``."""
    old = inpt.format if isinstance(inpt, BoundingBoxes) else _format(old_format)
    new = _format(new_format)
    changed = box_convert(torch.as_tensor(inpt), old.value.lower(), new.value.lower())
    return wrap(changed, like=inpt, format=new)


def _format(value: Any) -> BoundingBoxFormat:
    return value if isinstance(value, BoundingBoxFormat) else BoundingBoxFormat[str(value).upper()]


def clamp_bounding_boxes(inpt: BoundingBoxes) -> BoundingBoxes:
    """Boxes with their corners moved into their picture."""
    corners = convert_bounding_box_format(inpt, new_format="XYXY")
    height, width = inpt.canvas_size
    x, y = corners[:, 0::2].clamp(0, width), corners[:, 1::2].clamp(0, height)
    return corners_to(inpt, torch.stack([x, y], -1).reshape(-1, 4), inpt.canvas_size)


def corners_to(inpt: BoundingBoxes, corners: Tensor, canvas: tuple[int, int]) -> BoundingBoxes:
    """Boxes of ``corners`` in another canvas, written as ``inpt`` is."""
    made = box_convert(corners, "xyxy", inpt.format.value.lower()).to(inpt.dtype)
    return wrap(made, like=inpt, canvas_size=canvas)


def _corners(inpt: BoundingBoxes) -> Tensor:
    return box_convert(torch.as_tensor(inpt), inpt.format.value.lower(), "xyxy")


def _resized(size: Any, current: Sequence[int], max_size: int | None) -> tuple[int, int]:
    """Height and width, from one number for the shorter side or from both."""
    height, width = current
    if size is None:
        if max_size is None:
            raise ValueError("max_size must be an integer when size is None")
        scale = max_size / max(height, width)
        return (max_size, int(width * scale)) if height > width else (int(height * scale), max_size)
    if isinstance(size, int) or len(size) == 1:
        wanted = size if isinstance(size, int) else int(size[0])
        short, long = (width, height) if width <= height else (height, width)
        new_short, new_long = wanted, int(wanted * long / short)
        if max_size is not None:
            if max_size <= wanted:
                raise ValueError(
                    f"max_size = {max_size} must be strictly greater than the requested size for the smaller edge "
                    f"size = {size}"
                )
            if new_long > max_size:
                new_short, new_long = int(max_size * new_short / new_long), max_size
        return (new_long, new_short) if width <= height else (new_short, new_long)
    if max_size is not None:
        raise ValueError("max_size should only be passed if size specifies the length of the smaller edge")
    return int(size[0]), int(size[1])


def resize(
    img: Any,
    size: int | Sequence[int] | None,
    interpolation: Any = InterpolationMode.BILINEAR,
    max_size: int | None = None,
    antialias: bool | None = True,
) -> Any:
    """A picture (or mask, or boxes) at another size.

    Args:
        img: what to resize.
        size: height and width, or the shorter side alone.
        interpolation: how it is resampled; masks by nearest neighbours.
        max_size: the most that the longer side may have.
        antialias: widen the kernel when scaling down (bilinear and bicubic Tensors; Pillow always does).
    """
    current = get_size(img)
    height, width = _resized(size, current, max_size)
    mode = interpolation_mode(interpolation)
    if isinstance(img, BoundingBoxes):
        scale = torch.tensor([width / current[1], height / current[0]] * 2, dtype=torch.float32)
        return corners_to(img, as_float(_corners(img)) * scale, (height, width))
    check_image(img)
    if [height, width] == current:
        return img
    if is_pil(img):
        return img.resize((width, height), pil_number(mode))
    if isinstance(img, Mask) and mode is not InterpolationMode.NEAREST_EXACT:
        mode = InterpolationMode.NEAREST
    flat, shape = planes(img)
    if mode in (InterpolationMode.NEAREST, InterpolationMode.NEAREST_EXACT):
        changed = F.interpolate(as_float(flat), size=(height, width), mode=mode.value).to(img.dtype)
    else:
        smooth = bool(antialias) and mode in (InterpolationMode.BILINEAR, InterpolationMode.BICUBIC)
        changed = F.interpolate(
            as_float(flat), size=(height, width), mode=mode.value, align_corners=False, antialias=smooth
        )
        changed = back(changed, img.dtype)
    return like(img, changed.reshape(*shape[:-2], height, width))


def _sides(padding: Any) -> tuple[int, int, int, int]:
    """Left, top, right and bottom."""
    given = [padding] if isinstance(padding, int) else list(padding)
    if len(given) not in (1, 2, 4):
        raise ValueError(f"Padding must be an int or a 1, 2, or 4 element tuple, not a {len(given)} element tuple")
    left, top, right, bottom = given * (4 // len(given))
    return left, top, right, bottom


def _pad_pil(img: Any, sides: tuple[int, int, int, int], fill: Any, mode: str) -> Any:
    image_ops = pillow_module("ImageOps")
    left, top, right, bottom = sides
    if mode == "constant":
        if isinstance(fill, int | float) and len(img.getbands()) > 1:
            fill = (int(fill),) * len(img.getbands())
        if isinstance(fill, list | tuple):
            fill = tuple(fill) if img.mode == "F" else tuple(int(value) for value in fill)
        return image_ops.expand(img, border=sides, fill=fill)
    array = np.asarray(img)
    width = ((top, bottom), (left, right)) + ((0, 0),) * (array.ndim - 2)
    padded = np.pad(array, width, mode=mode)  # type: ignore[call-overload]
    made = pillow_module("Image").fromarray(padded)
    if img.mode == "P":
        made.putpalette(img.getpalette())
    return made


def pad(img: Any, padding: int | Sequence[int], fill: Any = 0, padding_mode: str = "constant") -> Any:
    """A picture with a border.

    Args:
        img: what to pad.
        padding: of all sides; left and right, top and bottom; or left, top, right and bottom.
        fill: the border's value, or one for each channel.
        padding_mode: ``"constant"``, ``"edge"``, ``"reflect"`` or ``"symmetric"``.
    """
    if padding_mode not in ("constant", "edge", "reflect", "symmetric"):
        raise ValueError("Padding mode should be either constant, edge, reflect or symmetric")
    left, top, right, bottom = _sides(padding)
    height, width = get_size(img)
    if isinstance(img, BoundingBoxes):
        if padding_mode != "constant":
            raise ValueError(f"Padding mode '{padding_mode}' is not supported with bounding boxes")
        shift = torch.tensor([left, top, left, top], dtype=img.dtype)
        return corners_to(img, _corners(img) + shift, (height + top + bottom, width + left + right))
    fill = 0 if fill is None else fill
    if is_pil(img):
        return _pad_pil(img, (left, top, right, bottom), fill, padding_mode)
    if padding_mode == "constant":
        if not isinstance(fill, int | float):
            inner = torch.ones_like(img[..., :1, :, :], dtype=torch.bool)
            inner = F.pad(inner, (left, right, top, bottom), value=0)
            colour = torch.tensor(list(fill), dtype=img.dtype)[:, None, None]
            return like(img, torch.where(inner, F.pad(img, (left, right, top, bottom)), colour))
        return like(img, F.pad(img, (left, right, top, bottom), value=fill))
    changed: Any = img
    for dim, size, before, after in ((-2, height, top, bottom), (-1, width, left, right)):
        at = np.pad(np.arange(size), (max(before, 0), max(after, 0)), mode=padding_mode)  # type: ignore[call-overload]
        at = at[max(-before, 0) : len(at) - max(-after, 0)]
        changed = changed.index_select(dim, torch.from_numpy(at))
    return like(img, changed)


def crop(img: Any, top: int, left: int, height: int, width: int) -> Any:
    """A part of a picture; what lies outside of it is zero."""
    if isinstance(img, BoundingBoxes):
        shift = torch.tensor([left, top, left, top], dtype=img.dtype)
        return clamp_bounding_boxes(corners_to(img, _corners(img) - shift, (height, width)))
    if is_pil(img):
        return img.crop((left, top, left + width, top + height))
    own_height, own_width = get_size(img)
    bottom, right = top + height, left + width
    inside = img[..., max(top, 0) : max(bottom, 0), max(left, 0) : max(right, 0)]
    if left < 0 or top < 0 or right > own_width or bottom > own_height:
        over = [max(min(right, 0) - left, 0), max(right - max(own_width, left), 0)]
        over += [max(min(bottom, 0) - top, 0), max(bottom - max(own_height, top), 0)]
        inside = F.pad(inside, tuple(over))
    return like(img, inside)


def center_crop(img: Any, output_size: int | Sequence[int]) -> Any:
    """The middle of a picture, padded with zeros where it is smaller."""
    new_height, new_width = two(output_size)
    height, width = get_size(img)
    # torchvision moves boxes of a picture that is padded by the rounded half of what is missing
    if not isinstance(img, BoundingBoxes) and (new_width > width or new_height > height):
        left, top = max(new_width - width, 0) // 2, max(new_height - height, 0) // 2
        right, bottom = (max(new_width - width, 0) + 1) // 2, (max(new_height - height, 0) + 1) // 2
        img = pad(img, [left, top, right, bottom], fill=0)
        height, width = get_size(img)
    return crop(img, round((height - new_height) / 2.0), round((width - new_width) / 2.0), new_height, new_width)


def resized_crop(
    img: Any,
    top: int,
    left: int,
    height: int,
    width: int,
    size: int | Sequence[int],
    interpolation: Any = InterpolationMode.BILINEAR,
    antialias: bool | None = True,
) -> Any:
    """:func:`crop`, then :func:`resize`."""
    return resize(crop(img, top, left, height, width), size, interpolation, antialias=antialias)


def hflip(img: Any) -> Any:
    """A picture with left and right exchanged."""
    if isinstance(img, BoundingBoxes):
        x1, y1, x2, y2 = _corners(img).unbind(-1)
        width = img.canvas_size[1]
        return corners_to(img, torch.stack([width - x2, y1, width - x1, y2], -1), img.canvas_size)
    check_image(img)
    return img.transpose(0) if is_pil(img) else like(img, img.flip(-1))


def vflip(img: Any) -> Any:
    """A picture upside down."""
    if isinstance(img, BoundingBoxes):
        x1, y1, x2, y2 = _corners(img).unbind(-1)
        height = img.canvas_size[0]
        return corners_to(img, torch.stack([x1, height - y2, x2, height - y1], -1), img.canvas_size)
    check_image(img)
    return img.transpose(1) if is_pil(img) else like(img, img.flip(-2))


def five_crop(img: Any, size: int | Sequence[int]) -> tuple[Any, ...]:
    """The four corners and the middle."""
    height, width = two(size)
    _, own_height, own_width = get_dimensions(img)
    if width > own_width or height > own_height:
        raise ValueError(f"Requested crop size {size} is bigger than input size {(own_height, own_width)}")
    low, right = own_height - height, own_width - width
    corners = [crop(img, y, x, height, width) for y, x in ((0, 0), (0, right), (low, 0), (low, right))]
    return (*corners, center_crop(img, [height, width]))


def ten_crop(img: Any, size: int | Sequence[int], vertical_flip: bool = False) -> tuple[Any, ...]:
    """:func:`five_crop` of a picture and of its mirror image."""
    return five_crop(img, size) + five_crop(vflip(img) if vertical_flip else hflip(img), size)
