"""Transforms of colours, and random erasing."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from fxtorch.tensor import Tensor
from fxtorch.vision._pil import is_pil
from fxtorch.vision._torch import torch
from fxtorch.vision.transforms import _color as F
from fxtorch.vision.transforms._base import RandomApplied, Transform, rng
from fxtorch.vision.transforms._inputs import get_dimensions, get_image_num_channels, is_image, like


def _factors(value: Any, name: str, centre: float = 1.0, bound: tuple[float, float] = (0.0, math.inf)) -> Any:
    """A number as the range around ``centre``, cut at ``bound``; None where nothing changes."""
    if isinstance(value, int | float):
        if value < 0:
            raise ValueError(f"If {name} is a single number, it must be non negative.")
        low, high = centre - value, centre + value
        low = max(low, 0.0) if centre == 1.0 else low
    else:
        low, high = value
    if not bound[0] <= low <= high <= bound[1]:
        raise ValueError(f"{name} values should be between {bound}, but got {[low, high]}.")
    return None if low == high == centre else (float(low), float(high))


class ColorJitter(Transform):
    """Brightness, contrast, saturation and hue changed at random, in random order.

    Args:
        brightness: range of the factor, or how far from 1.
        contrast: the same.
        saturation: the same.
        hue: range between -0.5 and 0.5, or how far from 0.
    """

    def __init__(self, brightness: Any = 0, contrast: Any = 0, saturation: Any = 0, hue: Any = 0) -> None:
        super().__init__()
        self.brightness = _factors(brightness, "brightness")
        self.contrast = _factors(contrast, "contrast")
        self.saturation = _factors(saturation, "saturation")
        self.hue = _factors(hue, "hue", 0.0, (-0.5, 0.5))

    @staticmethod
    def get_params(brightness: Any, contrast: Any, saturation: Any, hue: Any) -> tuple[Any, ...]:
        """The order, and the four factors (None for no change)."""
        draw = rng()
        order = torch.from_numpy(draw.permutation(4))
        values = (brightness, contrast, saturation, hue)
        return order, *(None if v is None else float(draw.uniform(v[0], v[1])) for v in values)

    def make_params(self, flat_inputs: list[Any]) -> dict[str, Any]:
        """The order and the factors."""
        order, *factors = self.get_params(self.brightness, self.contrast, self.saturation, self.hue)
        return {"order": order.tolist(), "factors": factors}

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        """One part, changed."""
        adjust = (F.adjust_brightness, F.adjust_contrast, F.adjust_saturation, F.adjust_hue)
        for i in params["order"]:
            if params["factors"][i] is not None:
                inpt = adjust[i](inpt, params["factors"][i])
        return inpt


class Grayscale(Transform):
    """Without colours, in one channel or in three equal ones."""

    _transformed_types = (is_image,)

    def __init__(self, num_output_channels: int = 1) -> None:
        super().__init__()
        self.num_output_channels = num_output_channels

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        """The grey picture."""
        return F.rgb_to_grayscale(inpt, self.num_output_channels)


class RandomGrayscale(RandomApplied):
    """Without colours, with probability ``p``; channels stay as many."""

    _transformed_types = (is_image,)

    def __init__(self, p: float = 0.1) -> None:
        super().__init__(p)

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        """The grey picture."""
        return F.rgb_to_grayscale(inpt, get_image_num_channels(inpt))


class GaussianBlur(Transform):
    """Blurred by a random amount.

    Args:
        kernel_size: odd sizes across and down.
        sigma: range of the deviation, or the deviation.
    """

    def __init__(self, kernel_size: int | Sequence[int], sigma: float | Sequence[float] = (0.1, 2.0)) -> None:
        super().__init__()
        self.kernel_size = [kernel_size] * 2 if isinstance(kernel_size, int) else list(kernel_size)
        if any(k <= 0 or k % 2 == 0 for k in self.kernel_size):
            raise ValueError("Kernel size value should be an odd and positive number.")
        self.sigma = (float(sigma),) * 2 if isinstance(sigma, int | float) else tuple(sigma)
        if not 0.0 < self.sigma[0] <= self.sigma[1]:
            raise ValueError(f"sigma values should be positive and of the form (min, max). Got {self.sigma}")

    @staticmethod
    def get_params(sigma_min: float, sigma_max: float) -> float:
        """The deviation."""
        return float(rng().uniform(sigma_min, sigma_max))

    def make_params(self, flat_inputs: list[Any]) -> dict[str, Any]:
        """The deviation."""
        return {"sigma": self.get_params(*self.sigma)}

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        """One part, blurred."""
        return F.gaussian_blur(inpt, self.kernel_size, params["sigma"])


class RandomInvert(RandomApplied):
    """White less the picture, with probability ``p``."""

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        """One part, inverted."""
        return F.invert(inpt)


class RandomPosterize(RandomApplied):
    """Only the ``bits`` highest bits, with probability ``p``."""

    def __init__(self, bits: int, p: float = 0.5) -> None:
        super().__init__(p)
        self.bits = bits

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        """One part, posterized."""
        return F.posterize(inpt, self.bits)


class RandomSolarize(RandomApplied):
    """Values from ``threshold`` on inverted, with probability ``p``."""

    def __init__(self, threshold: float, p: float = 0.5) -> None:
        super().__init__(p)
        self.threshold = threshold

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        """One part, solarized."""
        return F.solarize(inpt, self.threshold)


class RandomAdjustSharpness(RandomApplied):
    """Sharper or softer by ``sharpness_factor``, with probability ``p``."""

    def __init__(self, sharpness_factor: float, p: float = 0.5) -> None:
        super().__init__(p)
        self.sharpness_factor = sharpness_factor

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        """One part, changed."""
        return F.adjust_sharpness(inpt, self.sharpness_factor)


class RandomAutocontrast(RandomApplied):
    """Each channel stretched from black to white, with probability ``p``."""

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        """One part, stretched."""
        return F.autocontrast(inpt)


class RandomEqualize(RandomApplied):
    """Each channel's levels about equally frequent, with probability ``p``."""

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        """One part, equalized."""
        return F.equalize(inpt)


class RandomErasing(RandomApplied):
    """A random rectangle of a Tensor erased, with probability ``p``.

    Args:
        p: how likely.
        scale: range of its area, for the picture's.
        ratio: range of its shape.
        value: what it is filled with: a number, one for each channel, or ``"random"``.
        inplace: change the picture itself.

    Source: Zhong et al., "Random Erasing Data Augmentation" (2020).
    """

    _transformed_types = (Tensor,)

    def __init__(
        self,
        p: float = 0.5,
        scale: Sequence[float] = (0.02, 0.33),
        ratio: Sequence[float] = (0.3, 3.3),
        value: Any = 0,
        inplace: bool = False,
    ) -> None:
        super().__init__(p)
        if isinstance(value, str) and value != "random":
            raise ValueError("If value is str, it should be 'random'")
        if not 0 <= scale[0] <= scale[1] <= 1:
            raise ValueError("Scale should be between 0 and 1")
        self.scale = tuple(scale)
        self.ratio = tuple(ratio)
        self.value = value
        self.inplace = inplace

    @staticmethod
    def get_params(
        img: Tensor, scale: Sequence[float], ratio: Sequence[float], value: Sequence[float] | None = None
    ) -> tuple[int, int, int, int, Any]:
        """Top, left, height, width and content; the whole picture as it is where ten draws do not fit."""
        channels, height, width = get_dimensions(img)
        draw = rng()
        for _ in range(10):
            area = height * width * draw.uniform(scale[0], scale[1])
            shape = math.exp(draw.uniform(math.log(ratio[0]), math.log(ratio[1])))
            h, w = round(math.sqrt(area * shape)), round(math.sqrt(area / shape))
            if h < height and w < width:
                content: Any = draw.standard_normal((channels, h, w)) if value is None else value
                content = torch.tensor(content if value is not None else content.tolist(), dtype=img.dtype)
                content = content if value is None else content[:, None, None]
                top, left = draw.integers(height - h + 1), draw.integers(width - w + 1)
                return int(top), int(left), h, w, content
        return 0, 0, height, width, img

    def make_params(self, flat_inputs: list[Any]) -> dict[str, Any]:
        """The rectangle."""
        value: Any = self.value
        value = None if value == "random" else [float(value)] if isinstance(value, int | float) else list(value)
        channels = get_image_num_channels(flat_inputs[0])
        if value is not None and len(value) not in (1, channels):
            raise ValueError(
                f"If value is a sequence, it should have either a single value or {channels} (number of input channels)"
            )
        return {"box": self.get_params(flat_inputs[0], self.scale, self.ratio, value)}

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        """One part, erased."""
        return F.erase(inpt, *params["box"], inplace=self.inplace)


class RandomChannelPermutation(Transform):
    """The channels in random order."""

    _transformed_types = (is_image,)

    def make_params(self, flat_inputs: list[Any]) -> dict[str, Any]:
        """The order."""
        return {"order": rng().permutation(get_image_num_channels(flat_inputs[0]))}

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        """The picture with its channels in that order."""
        if is_pil(inpt):
            bands = inpt.split()
            return F.pillow_module("Image").merge(inpt.mode, [bands[i] for i in params["order"]])
        return like(inpt, inpt.index_select(-3, torch.from_numpy(params["order"])))
