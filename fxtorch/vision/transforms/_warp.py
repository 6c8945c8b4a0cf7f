"""Turning, shearing and bending pictures."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from fxtorch.nn import functional as F
from fxtorch.tensor import Tensor
from fxtorch.vision._pil import is_pil
from fxtorch.vision._torch import torch
from fxtorch.vision.transforms._conversion import pil_to_tensor, to_pil_image
from fxtorch.vision.transforms._geometry import _corners, clamp_bounding_boxes, corners_to
from fxtorch.vision.transforms._inputs import (
    InterpolationMode,
    as_float,
    back,
    get_dimensions,
    get_size,
    interpolation_mode,
    like,
    pil_number,
    planes,
)
from fxtorch.vision.tv_tensors import BoundingBoxes, Mask

_NEAREST = InterpolationMode.NEAREST


def _inverse_matrix(
    center: Sequence[float], angle: float, translate: Sequence[float], scale: float, shear: Sequence[float]
) -> np.ndarray:
    """From places in the result to places in the picture, ``(2, 3)``.

    The map is ``T C R Sh S C^-1``: moved to ``center``, scaled, sheared, turned, moved back and translated.
    """
    turn, x, y = (math.radians(v) for v in (angle, *shear))
    a, c = math.cos(turn - y) / math.cos(y), math.sin(turn - y) / math.cos(y)
    b = -a * math.tan(x) - math.sin(turn)
    d = -c * math.tan(x) + math.cos(turn)
    inverse = np.array([[d, -b], [-c, a]]) / scale
    middle = np.array(center, np.float64)
    return np.concatenate([inverse, (middle - inverse @ (middle + np.array(translate)))[:, None]], 1)


def _sample(img: Tensor, grid: np.ndarray, mode: InterpolationMode, fill: Any) -> Tensor:
    """``img`` read at ``grid``, ``(H, W, 2)`` between -1 and 1; outside of it is ``fill``."""
    if mode not in (_NEAREST, InterpolationMode.BILINEAR):
        raise ValueError(f"Interpolation mode '{mode.value}' is unsupported with Tensor input")
    flat, shape = planes(img)
    x = as_float(flat)
    places = torch.from_numpy(grid).to(x.dtype).unsqueeze(0).expand(x.shape[0], -1, -1, -1)
    filled = fill is not None and np.any(np.asarray(fill) != 0)
    if filled:
        x = torch.cat([x, torch.ones_like(x[:, :1])], 1)
    out = F.grid_sample(x, places, mode=mode.value, padding_mode="zeros", align_corners=False)
    if filled:
        out, inside = out[:, :-1], out[:, -1:]
        colour = torch.tensor(np.broadcast_to(np.asarray(fill, np.float32), (flat.shape[1],)).tolist(), dtype=x.dtype)
        colour = colour[:, None, None]
        out = torch.where(inside < 0.5, colour, out) if mode is _NEAREST else out * inside + (1 - inside) * colour
    return back(out, img.dtype).reshape(*shape[:-2], *grid.shape[:2])


def _affine_grid(matrix: np.ndarray, size: Sequence[int], out: Sequence[int]) -> np.ndarray:
    """Where the pixels of a result of size ``out`` lie in a picture of ``size``, both around their centres."""
    (height, width), (rows, columns) = size, out
    x, y = np.meshgrid(np.arange(columns) + 0.5 - columns / 2, np.arange(rows) + 0.5 - rows / 2)
    at = np.stack([x, y, np.ones_like(x)], -1) @ matrix.T
    return at / np.array([0.5 * width, 0.5 * height])


def _move_boxes(img: BoundingBoxes, inverse: np.ndarray, canvas: tuple[int, int], shift: Sequence[float]) -> Any:
    """The boxes around the moved corners; ``inverse`` is of coordinates relative to the picture's corner."""
    forward = np.linalg.inv(np.vstack([inverse, [0, 0, 1]]))[:2]
    corners = as_float(_corners(img))
    four = corners[:, [0, 1, 2, 1, 2, 3, 0, 3]].reshape(-1, 4, 2)
    matrix = torch.tensor(forward.tolist(), dtype=corners.dtype)
    moved = four @ matrix[:, :2].T + matrix[:, 2] + torch.tensor(list(shift), dtype=corners.dtype)
    return clamp_bounding_boxes(corners_to(img, torch.cat([moved.amin(1), moved.amax(1)], 1), canvas))


def _fill_for_pil(img: Any, fill: Any) -> dict[str, Any]:
    bands = len(img.getbands())
    if fill is None:
        fill = 0
    if isinstance(fill, int | float) and bands > 1:
        fill = (fill,) * bands
    if not isinstance(fill, int | float):
        fill = tuple(int(v) for v in fill) if img.mode != "F" else tuple(fill)
        fill = fill * bands if len(fill) == 1 and bands > 1 else fill
    return {"fillcolor": fill}


def _mode_for(img: Any, interpolation: Any) -> InterpolationMode:
    return _NEAREST if isinstance(img, Mask) else interpolation_mode(interpolation)


def affine(
    img: Any,
    angle: float,
    translate: Sequence[float],
    scale: float,
    shear: float | Sequence[float],
    interpolation: Any = _NEAREST,
    fill: Any = None,
    center: Sequence[float] | None = None,
) -> Any:
    """A picture turned, moved, scaled and sheared, at its own size.

    Args:
        img: what to change.
        angle: in degrees, clockwise.
        translate: in pixels, across and down.
        scale: above zero.
        shear: in degrees, along x and y; one number for x alone.
        interpolation: how it is resampled.
        fill: what lies outside.
        center: the fixed point, from the upper left corner; the middle unless given.
    """
    if scale <= 0.0:
        raise ValueError("Argument scale should be positive")
    shear = (shear, 0.0) if isinstance(shear, int | float) else shear
    sides = (shear[0], 0.0) if len(shear) == 1 else (shear[0], shear[1])
    height, width = get_size(img)
    middle = (0.5 * width, 0.5 * height)
    if is_pil(img) or isinstance(img, BoundingBoxes):
        matrix = _inverse_matrix(middle if center is None else center, angle, translate, scale, sides)
        if isinstance(img, BoundingBoxes):
            return _move_boxes(img, matrix, (height, width), (0, 0))
        number = pil_number(interpolation_mode(interpolation))
        return img.transform((width, height), 0, matrix.reshape(-1).tolist(), number, **_fill_for_pil(img, fill))
    around = (0.0, 0.0) if center is None else (center[0] - middle[0], center[1] - middle[1])
    matrix = _inverse_matrix(around, angle, translate, scale, sides)
    grid = _affine_grid(matrix, (height, width), (height, width))
    return like(img, _sample(img, grid, _mode_for(img, interpolation), fill))


def _turned_size(matrix: np.ndarray, size: Sequence[int]) -> tuple[int, int]:
    """Height and width that hold the whole turned picture."""
    x, y = 0.5 * size[1], 0.5 * size[0]
    # in 32 bits, where a cosine of 6e-17 is none
    corners = np.array([[-x, -y, 1], [-x, y, 1], [x, y, 1], [x, -y, 1]], np.float32) @ matrix.T.astype(np.float32)
    corners += np.array([x, y], np.float32)
    low, high = corners.min(0), corners.max(0)
    width, height = (np.ceil(np.trunc(high * 1e4) * 1e-4) - np.floor(np.trunc(low * 1e4) * 1e-4)).astype(int)
    return int(height), int(width)


def rotate(
    img: Any,
    angle: float,
    interpolation: Any = _NEAREST,
    expand: bool = False,
    center: Sequence[float] | None = None,
    fill: Any = None,
) -> Any:
    """A picture turned by ``angle`` degrees, counter-clockwise.

    Args:
        img: what to turn.
        angle: in degrees.
        interpolation: how it is resampled.
        expand: make the result large enough for the whole picture (``center`` is then not used).
        center: the fixed point, from the upper left corner; the middle unless given.
        fill: what lies outside.
    """
    if is_pil(img):
        number = pil_number(interpolation_mode(interpolation))
        return img.rotate(angle, number, expand, None if center is None else tuple(center), **_fill_for_pil(img, fill))
    height, width = get_size(img)
    middle = (0.5 * width, 0.5 * height)
    around = (0.0, 0.0) if center is None or expand else (center[0] - middle[0], center[1] - middle[1])
    matrix = _inverse_matrix(around, -angle, (0.0, 0.0), 1.0, (0.0, 0.0))
    out = _turned_size(matrix, (height, width)) if expand else (height, width)
    if isinstance(img, BoundingBoxes):
        matrix = _inverse_matrix(middle if center is None else center, -angle, (0.0, 0.0), 1.0, (0.0, 0.0))
        if not expand:
            return _move_boxes(img, matrix, (height, width), (0, 0))
        frame = np.array([[0, 0, 1], [0, height, 1], [width, height, 1], [width, 0, 1]], np.float64)
        first = (frame @ np.linalg.inv(np.vstack([matrix, [0, 0, 1]])).T).min(0)  # where the turned picture begins
        # torchvision measures it around the fixed point: it may be a pixel smaller than the picture's own
        return _move_boxes(img, matrix, _turned_size(matrix, (height, width)), (-first[0], -first[1]))
    return like(img, _sample(img, _affine_grid(matrix, (height, width), out), _mode_for(img, interpolation), fill))


def _perspective_numbers(startpoints: Sequence[Sequence[int]], endpoints: Sequence[Sequence[int]]) -> list[float]:
    """The eight numbers of the map from ``endpoints`` to ``startpoints``."""
    rows, wanted = [], []
    for (u, v), (x, y) in zip(startpoints, endpoints, strict=True):
        rows += [[x, y, 1, 0, 0, 0, -u * x, -u * y], [0, 0, 0, x, y, 1, -v * x, -v * y]]
        wanted += [u, v]
    found = np.linalg.lstsq(np.array(rows, np.float64), np.array(wanted, np.float64), rcond=None)[0]
    return found.astype(np.float32).tolist()


def perspective(
    img: Any,
    startpoints: Sequence[Sequence[int]] | None,
    endpoints: Sequence[Sequence[int]] | None,
    interpolation: Any = InterpolationMode.BILINEAR,
    fill: Any = None,
    coefficients: Sequence[float] | None = None,
) -> Any:
    """A picture seen from another place: the four ``startpoints`` are moved to the ``endpoints``.

    Args:
        img: what to change.
        startpoints: four places ``(x, y)``, clockwise from the upper left.
        endpoints: where they go.
        interpolation: how it is resampled.
        fill: what lies outside.
        coefficients: the eight numbers of the map instead of the points.
    """
    if coefficients is None:
        if startpoints is None or endpoints is None:
            raise ValueError("Either the startpoints/endpoints or the coefficients must have non `None` values.")
        coefficients = _perspective_numbers(startpoints, endpoints)
    height, width = get_size(img)
    if is_pil(img):
        number = pil_number(interpolation_mode(interpolation))
        return img.transform((width, height), 2, list(coefficients), number, **_fill_for_pil(img, fill))
    matrix = np.append(np.asarray(coefficients, np.float64), 1.0).reshape(3, 3)
    if isinstance(img, BoundingBoxes):
        corners = as_float(_corners(img))
        four = corners[:, [0, 1, 2, 1, 2, 3, 0, 3]].reshape(-1, 4, 2)
        forward = torch.tensor(np.linalg.inv(matrix).tolist(), dtype=corners.dtype)
        moved = four @ forward[:, :2].T + forward[:, 2]
        moved = moved[..., :2] / moved[..., 2:]
        return clamp_bounding_boxes(corners_to(img, torch.cat([moved.amin(1), moved.amax(1)], 1), img.canvas_size))
    kind = np.float64 if img.dtype == torch.float64 else np.float32  # the nearest pixel depends on it
    x, y = np.meshgrid(np.arange(width) + 0.5, np.arange(height) + 0.5)
    at, matrix = np.stack([x, y, np.ones_like(x)], -1).astype(kind), matrix.astype(kind)
    grid = at @ (matrix[:2].T / np.array([0.5 * width, 0.5 * height], kind)) / (at @ matrix[2:].T) - 1
    return like(img, _sample(img, grid, _mode_for(img, interpolation), fill))


def elastic(
    img: Any, displacement: Tensor, interpolation: Any = InterpolationMode.BILINEAR, fill: Any = None
) -> Any:  # fmt: skip
    """A picture whose pixels are read elsewhere.

    Args:
        img: what to change; not boxes.
        displacement: ``(1, H, W, 2)``, across and down, in half sizes.
        interpolation: how it is resampled.
        fill: what lies outside.
    """
    if is_pil(img):
        return to_pil_image(elastic(pil_to_tensor(img), displacement, interpolation, fill), mode=img.mode)
    _, height, width = get_dimensions(img)
    if tuple(displacement.shape) != (1, height, width, 2):
        raise ValueError(f"Argument displacement shape should be {(1, height, width, 2)}, got {displacement.shape}")
    x, y = np.meshgrid((2 * np.arange(width) + 1) / width - 1, (2 * np.arange(height) + 1) / height - 1)
    grid = np.stack([x, y], -1) + displacement.detach().numpy()[0]
    return like(img, _sample(img, grid, _mode_for(img, interpolation), fill))
