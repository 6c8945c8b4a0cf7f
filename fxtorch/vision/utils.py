"""Pictures to look at: grids, files, boxes and masks drawn into them: torchvision.utils."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from fxtorch.tensor import Tensor
from fxtorch.vision._pil import pillow_module
from fxtorch.vision._torch import torch
from fxtorch.vision.transforms.functional import to_pil_image

Colour = str | tuple[int, int, int]


def make_grid(
    tensor: Tensor | list[Tensor],
    nrow: int = 8,
    padding: int = 2,
    normalize: bool = False,
    value_range: tuple[float, float] | None = None,
    scale_each: bool = False,
    pad_value: float = 0.0,
) -> Tensor:
    """Pictures side by side in one: ``(3, H, W)``.

    Args:
        tensor: ``(N, C, H, W)``, one picture, or a list of them.
        nrow: pictures in a row.
        padding: pixels between them.
        normalize: bring values to between 0 and 1.
        value_range: what becomes 0 and 1; the least and greatest value unless given.
        scale_each: look for them in each picture by itself.
        pad_value: what lies between the pictures.

    >>> import fxtorch as torch
    >>> make_grid(torch.zeros(5, 1, 4, 4), nrow=3).shape
    torch.Size([3, 14, 20])
    """
    with torch.no_grad():
        pictures = torch.stack(list(tensor), 0) if isinstance(tensor, list | tuple) else tensor
        if pictures.ndim == 2:
            pictures = pictures.unsqueeze(0)
        if pictures.ndim == 3:
            pictures = pictures.unsqueeze(0)
        if pictures.shape[1] == 1:
            pictures = torch.cat([pictures] * 3, 1)
        if normalize:
            groups = pictures.unbind(0) if scale_each else (pictures,)
            scaled = []
            for group in groups:
                low, high = value_range or (float(group.min()), float(group.max()))
                scaled.append((group.clamp(low, high) - low) / max(high - low, 1e-5))
            pictures = torch.stack(scaled) if scale_each else scaled[0]
        if pictures.shape[0] == 1:
            return pictures.squeeze(0)
        count, channels, height, width = pictures.shape
        columns = min(nrow, count)
        rows = math.ceil(count / columns)
        height, width = height + padding, width + padding
        grid = torch.full(
            (channels, height * rows + padding, width * columns + padding), pad_value, dtype=pictures.dtype
        )
        for i in range(count):
            top, left = i // columns * height + padding, i % columns * width + padding
            grid[:, top : top + height - padding, left : left + width - padding] = pictures[i]
        return grid


def save_image(tensor: Tensor | list[Tensor], fp: Any, format: str | None = None, **kwargs: Any) -> None:
    """A picture file of :func:`make_grid`'s result.

    Args:
        tensor: pictures, values between 0 and 1.
        fp: a path or a file.
        format: Pillow's format; by default the path's ending says it.
        **kwargs: for :func:`make_grid`.
    """
    grid = make_grid(tensor, **kwargs)
    bytes_ = (grid * 255 + 0.5).clamp(0, 255).permute(1, 2, 0).to(torch.uint8).numpy()
    pillow_module("Image").fromarray(np.ascontiguousarray(bytes_)).save(fp, format=format)


def _palette(n: int) -> list[tuple[int, int, int]]:
    """Colours that are easy to tell apart."""
    return [((i * 32767) % 255, (i * 1023) % 255, (i * 32767 * 31) % 255) for i in range(n)]


def _colours(given: Any, n: int) -> list[Any]:
    """One colour for each of ``n`` objects."""
    if given is None:
        found: list[Any] = _palette(n)
    elif isinstance(given, list):
        if len(given) < n:
            raise ValueError(
                f"Number of colors must be equal or larger than the number of objects, but got {len(given)} < {n}."
            )
        found = given[:n]
    else:
        found = [given] * n
    image_color = pillow_module("ImageColor")
    return [image_color.getrgb(c) if isinstance(c, str) else tuple(c) for c in found]


def _drawable(image: Tensor) -> Tensor:
    """An RGB picture; raise where ``image`` is none."""
    if not isinstance(image, Tensor):
        raise TypeError(f"Tensor expected, got {type(image)}")
    if not (image.dtype == torch.uint8 or image.is_floating_point()):
        raise ValueError(f"The image dtype must be uint8 or float, got {image.dtype}")
    if image.ndim != 3 or image.shape[0] not in (1, 3):
        raise ValueError("Pass individual images, not batches, and only grayscale and RGB images are supported")
    return torch.cat([image] * 3, 0) if image.shape[0] == 1 else image


def _back(drawn: np.ndarray, image: Tensor) -> Tensor:
    made = torch.from_numpy(np.ascontiguousarray(drawn.transpose(2, 0, 1)))
    return made.to(image.dtype) / 255 if image.is_floating_point() else made


def draw_bounding_boxes(
    image: Tensor,
    boxes: Tensor,
    labels: Sequence[str | None] | None = None,
    colors: list[Colour] | Colour | None = None,
    fill: bool = False,
    width: int = 1,
    font: str | None = None,
    font_size: int | None = None,
) -> Tensor:
    """A picture with boxes drawn into it.

    Args:
        image: ``(C, H, W)``, bytes or floats between 0 and 1.
        boxes: ``(N, 4)`` corners.
        labels: a text for each box.
        colors: one for all boxes, or one for each.
        fill: also tint the inside.
        width: of the lines.
        font: a TrueType file; Pillow's own unless given.
        font_size: its size.
    """
    rgb = _drawable(image)
    if boxes.numel() and ((boxes[:, 0] > boxes[:, 2]) | (boxes[:, 1] > boxes[:, 3])).any():
        raise ValueError(
            "Boxes need to be in (xmin, ymin, xmax, ymax) format. Use torchvision.ops.box_convert to convert them"
        )
    if labels is not None and len(labels) != boxes.shape[0]:
        raise ValueError(f"Number of boxes ({boxes.shape[0]}) and labels ({len(labels)}) mismatch.")
    picture = to_pil_image(rgb)
    draw = pillow_module("ImageDraw").Draw(picture, "RGBA" if fill else "RGB")
    fonts = pillow_module("ImageFont")
    letters = fonts.load_default() if font is None else fonts.truetype(font, font_size or 10)
    for i, (box, colour) in enumerate(
        zip(boxes.to(torch.int64).tolist(), _colours(colors, boxes.shape[0]), strict=True)
    ):
        draw.rectangle(box, width=width, outline=colour, fill=(*colour, 100) if fill else None)
        text = labels[i] if labels is not None else None
        if text is not None:
            draw.text((box[0] + width + 1, box[1] + width + 1), text, fill=colour, font=letters)
    return _back(np.array(picture), rgb)


def draw_segmentation_masks(
    image: Tensor, masks: Tensor, alpha: float = 0.8, colors: list[Colour] | Colour | None = None
) -> Tensor:
    """A picture with masks laid over it.

    Args:
        image: ``(C, H, W)``, bytes or floats between 0 and 1.
        masks: ``(N, H, W)`` or ``(H, W)``, bool.
        alpha: how opaque they are.
        colors: one for all masks, or one for each.
    """
    rgb = _drawable(image)
    masks = masks[None] if masks.ndim == 2 else masks
    if masks.dtype != torch.bool:
        raise ValueError(f"The masks must be of dtype bool. Got {masks.dtype}")
    if masks.shape[-2:] != rgb.shape[-2:]:
        raise ValueError("The image and the masks must have the same height and width")
    on = masks.numpy()
    pixels = rgb.numpy()
    bound = 1.0 if rgb.is_floating_point() else 255.0
    layer = pixels.astype(np.float32).copy()
    for mask, colour in zip(on, _colours(colors, len(on)), strict=True):
        layer[:, mask] = np.array(colour, np.float32)[:, None] * (bound / 255)
    mixed = pixels * (1 - alpha) + layer * alpha
    result = np.where(on.any(0), mixed, pixels)
    return torch.from_numpy(result.astype(pixels.dtype))


def draw_keypoints(
    image: Tensor,
    keypoints: Tensor,
    connectivity: Sequence[tuple[int, int]] | None = None,
    colors: Colour | None = None,
    radius: int = 2,
    width: int = 3,
) -> Tensor:
    """A picture with points drawn into it, and lines between them.

    Args:
        image: ``(C, H, W)``, bytes or floats between 0 and 1.
        keypoints: ``(N, K, 2)`` places of ``N`` objects.
        connectivity: pairs of points to join.
        colors: of all points.
        radius: of a point.
        width: of the lines.
    """
    rgb = _drawable(image)
    if keypoints.ndim != 3:
        raise ValueError("keypoints must be of shape (num_instances, K, 2)")
    picture = to_pil_image(rgb)
    draw = pillow_module("ImageDraw").Draw(picture)
    colour = None if colors is None else _colours(colors, 1)[0]
    for points in keypoints.to(torch.int64).tolist():
        for x, y, *_ in points:
            draw.ellipse([x - radius, y - radius, x + radius, y + radius], fill=colour, outline=None, width=0)
        for start, end in connectivity or ():
            draw.line((*points[start][:2], *points[end][:2]), width=width, fill=colour)
    return _back(np.array(picture), rgb)
