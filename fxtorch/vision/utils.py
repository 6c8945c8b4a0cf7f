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
    listed = isinstance(tensor, list | tuple)
    stranger = next((t for t in tensor if not isinstance(t, Tensor)), None) if listed else None
    if stranger is not None or not (listed or isinstance(tensor, Tensor)):
        given = f"a list containing {type(stranger)}" if listed else str(type(tensor))
        raise TypeError(f"tensor or list of tensors expected, got {given}")
    if normalize and value_range is not None and not isinstance(value_range, tuple):
        raise TypeError("value_range has to be a tuple (min, max) if specified. min and max are numbers")
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
    """Colours that are easy to tell apart, torchvision's own."""
    return [((i * (2**25 - 1)) % 255, (i * (2**15 - 1)) % 255, (i * (2**21 - 1)) % 255) for i in range(n)]


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


def _drawable(image: Tensor, gray: bool = False) -> Tensor:
    """An RGB picture, also of a gray one where that is let in; raise where ``image`` is none."""
    if not isinstance(image, Tensor):
        raise TypeError(f"Tensor expected, got {type(image)}")
    if not (image.dtype == torch.uint8 or image.is_floating_point()):
        raise ValueError(f"The image dtype must be uint8 or float, got {image.dtype}")
    if image.ndim != 3:
        raise ValueError("Pass individual images, not batches")
    if gray and image.shape[0] not in (1, 3):
        raise ValueError("Only grayscale and RGB images are supported")
    if not gray and image.shape[0] != 3:
        raise ValueError("Pass an RGB image. Other Image formats are not supported")
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
    label_colors: list[Colour] | Colour | None = None,
    label_background_colors: list[Colour] | Colour | None = None,
    fill_labels: bool = False,
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
        label_colors: of the texts, as ``colors``; as the boxes, or black on a background.
        label_background_colors: of what lies behind the texts, as ``colors``; as the boxes.
        fill_labels: whether something lies behind them.
    """
    rgb = _drawable(image, gray=True)
    if boxes.numel() and ((boxes[:, 0] > boxes[:, 2]) | (boxes[:, 1] > boxes[:, 3])).any():
        raise ValueError(
            "Boxes need to be in (xmin, ymin, xmax, ymax) format. Use torchvision.ops.box_convert to convert them"
        )
    if labels is not None and len(labels) != boxes.shape[0]:
        raise ValueError(
            f"Number of boxes ({boxes.shape[0]}) and labels ({len(labels)}) mismatch. "
            "Please specify labels for each box."
        )
    picture = to_pil_image(rgb)
    draw = pillow_module("ImageDraw").Draw(picture, "RGBA" if fill else "RGB")
    fonts = pillow_module("ImageFont")
    letters = fonts.load_default() if font is None else fonts.truetype(font, font_size or 10)
    count = boxes.shape[0]
    own = _colours(colors, count)
    texts = _colours(label_colors or "black", count) if label_colors or fill_labels else own
    behind = _colours(label_background_colors, count) if fill_labels and label_background_colors else own
    for i, (box, colour) in enumerate(zip(boxes.to(torch.int64).tolist(), own, strict=True)):
        draw.rectangle(box, width=width, outline=colour, fill=(*colour, 100) if fill else None)
        text = labels[i] if labels is not None else None
        if text is not None:
            at = box[0] + width + 1, box[1] + width + 1
            if fill_labels:
                left, top, right, bottom = draw.textbbox(at, text, font=letters)
                draw.rectangle((left - 1, top - 1, right + 1, bottom + 1), fill=behind[i])
            draw.text(at, text, fill=texts[i], font=letters)
    return _back(np.array(picture), rgb)


def draw_segmentation_masks(
    image: Tensor, masks: Tensor, alpha: float = 0.8, colors: list[Colour] | Colour | None = None
) -> Tensor:
    """A picture with masks laid over it; where several overlap, black.

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
    layer[:, on.sum(0) > 1] = 0
    mixed = pixels * np.float32(1 - alpha) + layer * np.float32(alpha)
    result = np.where(on.any(0), mixed, pixels)
    return torch.from_numpy(result.astype(pixels.dtype))


def draw_keypoints(
    image: Tensor,
    keypoints: Tensor,
    connectivity: Sequence[tuple[int, int]] | None = None,
    colors: Colour | None = None,
    radius: int = 2,
    width: int = 3,
    visibility: Tensor | None = None,
) -> Tensor:
    """A picture with points drawn into it, and lines between them.

    Args:
        image: ``(C, H, W)``, bytes or floats between 0 and 1.
        keypoints: ``(N, K, 2)`` places of ``N`` objects.
        connectivity: pairs of points to join.
        colors: of all points; the lines are white.
        radius: of a point.
        width: of the lines.
        visibility: ``(N, K)``, which points are drawn, and the lines between them; all unless given.
    """
    rgb = _drawable(image)
    if keypoints.ndim != 3:
        raise ValueError("keypoints must be of shape (num_instances, K, 2)")
    seen = torch.ones(keypoints.shape[:-1], dtype=torch.bool) if visibility is None else visibility
    seen = seen.squeeze(-1) if seen.ndim == 3 else seen
    if seen.ndim != 2:
        raise ValueError(f"visibility must be of shape (num_instances, K). Got ndim={seen.ndim}")
    if seen.shape != keypoints.shape[:-1]:
        raise ValueError(
            "keypoints and visibility must have the same dimensionality for num_instances and K. "
            f"Got visibility.shape={seen.shape} and keypoints.shape={keypoints.shape}"
        )
    picture = to_pil_image(rgb)
    draw = pillow_module("ImageDraw").Draw(picture)
    colour = None if colors is None else _colours(colors, 1)[0]
    for points, shown in zip(keypoints.to(torch.int64).tolist(), seen.bool().tolist(), strict=True):
        for (x, y, *_), is_shown in zip(points, shown, strict=True):
            if is_shown:
                draw.ellipse([x - radius, y - radius, x + radius, y + radius], fill=colour, outline=None, width=0)
        for start, end in connectivity or ():
            if shown[start] and shown[end]:
                draw.line((*points[start][:2], *points[end][:2]), width=width)
    return _back(np.array(picture), rgb)


_WHEEL = (15, 6, 4, 11, 13, 6)  # steps from red to yellow, green, cyan, blue, magenta and red


def _wheel() -> np.ndarray:
    """The colours of the directions, ``(55, 3)``: by turns one channel rises and another one falls."""
    parts = []
    for i, steps in enumerate(_WHEEL):
        part = np.zeros((steps, 3), np.float32)
        part[:, (i + 1) // 2 % 3] = 255
        ramp = np.floor(np.float32(255) * np.arange(steps, dtype=np.float32) / steps)
        part[:, (1 - i) % 3] = ramp if i % 2 == 0 else 255 - ramp
        parts.append(part)
    return np.concatenate(parts)


def flow_to_image(flow: Tensor) -> Tensor:
    """A flow as a picture: the direction as a colour, the speed, relative to the greatest, as its strength.

    Args:
        flow: ``(2, H, W)`` or ``(N, 2, H, W)``, float32: movement across and down.

    Returns:
        ``(3, H, W)`` or ``(N, 3, H, W)``, uint8.

    Raises:
        ValueError: it has another type or shape.

    Source: Baker et al., "A Database and Evaluation Methodology for Optical Flow" (2007).

    >>> import fxtorch as torch
    >>> flow_to_image(torch.zeros(2, 1, 1)).flatten().tolist()
    [255, 255, 255]
    """
    if flow.dtype != torch.float32:
        raise ValueError(f"Flow should be of dtype torch.float, got {flow.dtype}.")
    batch = flow[None] if flow.ndim == 3 else flow
    if batch.ndim != 4 or batch.shape[1] != 2:
        raise ValueError(f"Input flow should have shape (2, H, W) or (N, 2, H, W), got {flow.shape}.")
    with torch.no_grad():
        wheel = torch.from_numpy(_wheel())
        scaled = batch / ((batch**2).sum(1).sqrt().max() + float(np.finfo(np.float32).eps))
        speed = (scaled**2).sum(1).sqrt()
        place = (torch.atan2(-scaled[:, 1], -scaled[:, 0]) / math.pi + 1) / 2 * (len(wheel) - 1)
        low = place.floor().long()
        part = (place - low)[:, None]
        before, after = (wheel[at % len(wheel)].permute(0, 3, 1, 2) / 255.0 for at in (low, low + 1))
        colour = 1 - speed[:, None] * (1 - ((1 - part) * before + part * after))
        picture = (255 * colour).floor().to(torch.uint8)
    return picture[0] if flow.ndim == 3 else picture
