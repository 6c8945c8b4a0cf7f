"""Colours: brightness, contrast, hue, histograms; and sharpness, blur and erasing, which look at pixels too."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from fxtorch.nn import functional as F
from fxtorch.tensor import Tensor
from fxtorch.vision._pil import is_pil, pillow_module
from fxtorch.vision._torch import torch
from fxtorch.vision.transforms._conversion import convert_image_dtype, pil_to_tensor, to_pil_image
from fxtorch.vision.transforms._inputs import as_float, back, check_image, get_image_num_channels, largest, like, planes
from fxtorch.vision.tv_tensors import BoundingBoxes, Mask


def _colours_only(fn: Callable[..., Any]) -> Callable[..., Any]:
    """Masks and boxes have no colours and pass unchanged."""

    def coloured(img: Any, *args: Any, **kwargs: Any) -> Any:
        if isinstance(img, BoundingBoxes | Mask):
            return img
        check_image(img)
        return fn(img, *args, **kwargs) if is_pil(img) else like(img, fn(img, *args, **kwargs))

    coloured.__name__ = coloured.__qualname__ = fn.__name__
    coloured.__doc__, coloured.__module__ = fn.__doc__, fn.__module__
    coloured.__annotations__ = fn.__annotations__
    return coloured


def _bound(img: Tensor) -> float:
    """The value of white."""
    return 1.0 if img.is_floating_point() else float(largest(img.dtype))


def _blend(first: Tensor, second: Tensor, ratio: float) -> Tensor:
    """``ratio`` of the first, the rest of the second."""
    mixed = (as_float(first) * ratio + as_float(second) * (1.0 - ratio)).clamp(0, _bound(first))
    return mixed.to(first.dtype)


def _grey(img: Tensor) -> Tensor:
    r, g, b = as_float(img).unbind(-3)
    return (0.2989 * r + 0.587 * g + 0.114 * b).to(img.dtype).unsqueeze(-3)


def _not_negative(factor: float, name: str) -> float:
    if factor < 0:
        raise ValueError(f"{name} ({factor}) is not non-negative.")
    return float(factor)


def rgb_to_grayscale(img: Any, num_output_channels: int = 1) -> Any:
    """``0.2989 r + 0.587 g + 0.114 b``, in one channel or in three equal ones."""
    if num_output_channels not in (1, 3):
        raise ValueError("num_output_channels should be either 1 or 3")
    if isinstance(img, BoundingBoxes | Mask):
        return img
    if is_pil(img):
        grey = img.convert("L")
        return grey if num_output_channels == 1 else pillow_module("Image").merge("RGB", (grey,) * 3)
    grey = img if get_image_num_channels(img) == 1 else _grey(img)
    return like(img, grey.expand(*grey.shape[:-3], num_output_channels, *grey.shape[-2:]))


to_grayscale = rgb_to_grayscale


@_colours_only
def adjust_brightness(img: Any, brightness_factor: float) -> Any:
    """A picture with its brightness times ``brightness_factor``."""
    factor = _not_negative(brightness_factor, "brightness_factor")
    if is_pil(img):
        return pillow_module("ImageEnhance").Brightness(img).enhance(factor)
    return _blend(img, torch.zeros_like(img), factor)


@_colours_only
def adjust_contrast(img: Any, contrast_factor: float) -> Any:
    """A picture mixed with its mean grey: 0 gives grey, 1 the picture."""
    factor = _not_negative(contrast_factor, "contrast_factor")
    if is_pil(img):
        return pillow_module("ImageEnhance").Contrast(img).enhance(factor)
    grey = _grey(img) if get_image_num_channels(img) == 3 else img
    return _blend(img, as_float(grey).mean(dim=(-3, -2, -1), keepdim=True), factor)


@_colours_only
def adjust_saturation(img: Any, saturation_factor: float) -> Any:
    """A picture mixed with its greys: 0 gives greys, 1 the picture."""
    factor = _not_negative(saturation_factor, "saturation_factor")
    if is_pil(img):
        return pillow_module("ImageEnhance").Color(img).enhance(factor)
    return img if get_image_num_channels(img) == 1 else _blend(img, _grey(img), factor)


def _to_hsv(img: Tensor) -> Tensor:
    r, g, b = img.unbind(-3)
    high, low = img.amax(-3), img.amin(-3)
    spread = high - low
    flat = spread == 0
    divisor = torch.where(flat, torch.ones_like(spread), spread)
    saturation = spread / torch.where(flat, torch.ones_like(high), high)
    to_r, to_g, to_b = ((high - c) / divisor for c in (r, g, b))
    hue = torch.where(high == r, to_b - to_g, torch.where(high == g, 2.0 + to_r - to_b, 4.0 + to_g - to_r))
    return torch.stack([torch.where(flat, torch.zeros_like(hue), hue / 6.0 + 1.0).fmod(1.0), saturation, high], -3)


def _to_rgb(img: Tensor) -> Tensor:
    h, s, v = img.unbind(-3)
    sector = torch.floor(h * 6.0)
    f = h * 6.0 - sector
    p, q, t = (v * (1.0 - s)).clamp(0, 1), (v * (1.0 - s * f)).clamp(0, 1), (v * (1.0 - s * (1.0 - f))).clamp(0, 1)
    sector = sector.to(torch.int32) % 6
    parts = ((v, q, p, p, t, v), (t, v, v, q, p, p), (p, p, t, v, v, q))
    channels = []
    for options in parts:
        chosen = options[0]
        for i in range(1, 6):
            chosen = torch.where(sector == i, options[i], chosen)
        channels.append(chosen)
    return torch.stack(channels, -3)


@_colours_only
def adjust_hue(img: Any, hue_factor: float) -> Any:
    """A picture with its hues turned by ``hue_factor`` of a circle, between -0.5 and 0.5."""
    if not -0.5 <= hue_factor <= 0.5:
        raise ValueError(f"hue_factor ({hue_factor}) is not in [-0.5, 0.5].")
    if is_pil(img):
        if img.mode in ("L", "1", "I", "F"):
            return img
        h, s, v = img.convert("HSV").split()
        turned = (np.asarray(h).astype(np.int32) + int(hue_factor * 255)).astype(np.uint8)
        image = pillow_module("Image")
        return image.merge("HSV", (image.fromarray(turned), s, v)).convert(img.mode)
    if get_image_num_channels(img) == 1 or img.numel() == 0:
        return img
    hsv = _to_hsv(convert_image_dtype(img, torch.float32) if not img.is_floating_point() else img)
    h, s, v = hsv.unbind(-3)
    return convert_image_dtype(_to_rgb(torch.stack([(h + hue_factor) % 1.0, s, v], -3)), img.dtype)


@_colours_only
def adjust_gamma(img: Any, gamma: float, gain: float = 1) -> Any:
    """``gain * picture ** gamma``, for values between 0 and 1."""
    gamma = _not_negative(gamma, "gamma")
    if is_pil(img):
        table = [int((255 + 1 - 1e-3) * gain * pow(value / 255.0, gamma)) for value in range(256)]
        return img.convert("RGB").point(table * 3).convert(img.mode)
    x = img if img.is_floating_point() else convert_image_dtype(img, torch.float32)
    return convert_image_dtype((gain * x**gamma).clamp(0, 1), img.dtype)


@_colours_only
def invert(img: Any) -> Any:
    """White less the picture."""
    return pillow_module("ImageOps").invert(img) if is_pil(img) else back(_bound(img) - as_float(img), img.dtype)


@_colours_only
def posterize(img: Any, bits: int) -> Any:
    """A picture of bytes with only its ``bits`` highest bits."""
    if is_pil(img):
        return pillow_module("ImageOps").posterize(img, bits)
    if img.is_floating_point():
        levels = 1 << bits
        return (img * levels).floor().clamp(0, levels - 1) * (1.0 / levels)
    return img & (256 - (1 << (8 - bits)))


@_colours_only
def solarize(img: Any, threshold: float) -> Any:
    """A picture with all values from ``threshold`` on inverted."""
    if is_pil(img):
        return pillow_module("ImageOps").solarize(img, threshold)
    if threshold > _bound(img):
        raise TypeError(f"Threshold should be less or equal the maximum value of the dtype, but got {threshold}")
    return torch.where(img >= threshold, invert(img), img)


@_colours_only
def autocontrast(img: Any) -> Any:
    """A picture with each channel stretched from black to white."""
    if is_pil(img):
        return pillow_module("ImageOps").autocontrast(img)
    x, bound = as_float(img), _bound(img)
    low, high = x.amin((-2, -1), keepdim=True), x.amax((-2, -1), keepdim=True)
    flat = low == high
    low = torch.where(flat, torch.zeros_like(low), low)
    scale = bound / torch.where(flat, torch.full_like(high, bound), high - low)
    return ((x - low) * scale).clamp(0, bound).to(img.dtype)


def _equalized(channel: np.ndarray) -> np.ndarray:
    """A channel of bytes with each level about as frequent."""
    counts = np.bincount(channel.reshape(-1), minlength=256)
    used = counts[counts > 0]
    step = (used.sum() - used[-1]) // 255
    if step == 0:
        return channel
    table = (np.cumsum(counts) - counts + step // 2) // step
    return np.clip(table, 0, 255).astype(np.uint8)[channel]


@_colours_only
def equalize(img: Any) -> Any:
    """A picture with each channel's levels about equally frequent; its values must be known."""
    if is_pil(img):
        return pillow_module("ImageOps").equalize(img)
    bytes_ = convert_image_dtype(img, torch.uint8)
    array = np.array(bytes_.detach().numpy())
    flat = array.reshape(-1, *array.shape[-2:])
    equal = torch.from_numpy(np.stack([_equalized(c) for c in flat]).reshape(array.shape))
    return convert_image_dtype(equal, img.dtype)


@_colours_only
def adjust_sharpness(img: Any, sharpness_factor: float) -> Any:
    """A picture mixed with its blurred form: 0 gives the blurred one, 1 the picture, 2 a sharper one."""
    factor = _not_negative(sharpness_factor, "sharpness_factor")
    if is_pil(img):
        return pillow_module("ImageEnhance").Sharpness(img).enhance(factor)
    if min(img.shape[-2:]) <= 2:
        return img
    flat, shape = planes(img)
    kernel = torch.tensor([[1.0, 1.0, 1.0], [1.0, 5.0, 1.0], [1.0, 1.0, 1.0]], dtype=as_float(flat).dtype) / 13
    channels = flat.shape[1]
    blurred = F.conv2d(as_float(flat), kernel.expand(channels, 1, 3, 3), groups=channels)
    soft = flat.clone()
    soft[..., 1:-1, 1:-1] = back(blurred, img.dtype)
    return _blend(flat, soft, factor).reshape(shape)


def _blur_kernel(size: int, sigma: float) -> np.ndarray:
    at = np.linspace(-(size - 1) * 0.5, (size - 1) * 0.5, size)
    weights = np.exp(-0.5 * (at / sigma) ** 2)
    return weights / weights.sum()


@_colours_only
def gaussian_blur(img: Any, kernel_size: int | Sequence[int], sigma: float | Sequence[float] | None = None) -> Any:
    """A picture blurred by a normal distribution.

    Args:
        img: what to blur.
        kernel_size: odd sizes across and down.
        sigma: the deviations; ``0.15 size + 0.35`` unless given.
    """
    sizes = [kernel_size] * 2 if isinstance(kernel_size, int) else list(kernel_size)
    if any(k % 2 == 0 or k < 0 for k in sizes):
        raise ValueError(f"kernel_size should have odd and positive integers. Got {kernel_size}")
    sigmas = [0.15 * k + 0.35 for k in sizes] if sigma is None else sigma
    sigmas = [float(sigmas)] * 2 if isinstance(sigmas, int | float) else list(sigmas) * (2 // len(sigmas))
    if any(s <= 0.0 for s in sigmas):
        raise ValueError(f"sigma should have positive values. Got {sigma}")
    tensor = pil_to_tensor(img) if is_pil(img) else img
    flat, shape = planes(tensor)
    x, channels = as_float(flat), flat.shape[1]
    across, down = (_blur_kernel(k, s) for k, s in zip(sizes, sigmas, strict=True))
    kernel = torch.tensor(np.outer(down, across).tolist(), dtype=x.dtype)
    half = [k // 2 for k in sizes]
    padded = F.pad(x, (half[0], half[0], half[1], half[1]), mode="reflect")
    out = F.conv2d(padded, kernel.expand(channels, 1, *kernel.shape), groups=channels)
    out = back(out, tensor.dtype).reshape(shape)
    return to_pil_image(out, img.mode if img.mode != "L" else None) if is_pil(img) else out


def erase(img: Any, i: int, j: int, h: int, w: int, v: Any, inplace: bool = False) -> Any:
    """A Tensor picture with ``h`` rows from ``i`` and ``w`` columns from ``j`` set to ``v``."""
    if isinstance(img, BoundingBoxes | Mask):
        return img
    if not isinstance(img, Tensor):
        raise TypeError(f"img should be Tensor Image. Got {type(img)}")
    changed = img if inplace else img.clone()
    changed[..., i : i + h, j : j + w] = v
    return like(img, changed)
