"""Transforms that change what pictures look like: their colours, their compression, their frames."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fxtorch.tensor import Tensor
from fxtorch.vision._pil import is_pil
from fxtorch.vision._torch import torch
from fxtorch.vision.io import decode_jpeg, encode_jpeg
from fxtorch.vision.transforms import _color as C
from fxtorch.vision.transforms._base import Transform, rng
from fxtorch.vision.transforms._conversion import pil_to_tensor, to_pil_image
from fxtorch.vision.transforms._inputs import get_image_num_channels, is_image, like
from fxtorch.vision.tv_tensors import TVTensor, Video


def permute_channels(inpt: Any, permutation: Sequence[int]) -> Any:
    """A picture with its channels in another order; of each frame of a video."""
    if is_pil(inpt):
        return to_pil_image(permute_channels(pil_to_tensor(inpt), permutation))
    if len(permutation) != inpt.shape[-3]:
        raise ValueError(
            f"Length of permutation does not match number of channels: {len(permutation)} != {inpt.shape[-3]}"
        )
    return like(inpt, torch.as_tensor(inpt)[..., list(permutation), :, :])


def grayscale_to_rgb(inpt: Any) -> Any:
    """A picture of one channel as one of three; others stay as they are."""
    if is_pil(inpt):
        return inpt.convert("RGB")
    if inpt.shape[-3] >= 3:
        return inpt
    return like(inpt, C.rgb_to_grayscale(torch.as_tensor(inpt), 3))


def jpeg(inpt: Any, quality: int) -> Any:
    """A picture after it was a JPEG file; of each frame of a video."""
    if is_pil(inpt):
        return to_pil_image(jpeg(pil_to_tensor(inpt), quality))
    if inpt.ndim > 3:
        frames = torch.as_tensor(inpt).reshape(-1, *inpt.shape[-3:])
        return like(inpt, torch.stack([jpeg(frame, quality) for frame in frames]).reshape(inpt.shape))
    return like(inpt, decode_jpeg(encode_jpeg(torch.as_tensor(inpt), quality)))


def erase(inpt: Any, i: int, j: int, h: int, w: int, v: Any, inplace: bool = False) -> Any:
    """A picture with ``h`` rows from ``i`` and ``w`` columns from ``j`` set to ``v``; Pillow's are never changed."""
    if is_pil(inpt):
        return to_pil_image(C.erase(pil_to_tensor(inpt), i, j, h, w, v), mode=inpt.mode)
    return C.erase(inpt, i, j, h, w, v, inplace)


def uniform_temporal_subsample(inpt: Tensor, num_samples: int) -> Any:
    """``num_samples`` frames of a video ``(..., T, C, H, W)``, evenly spaced."""
    last = inpt.shape[-4] - 1
    return like(inpt, torch.as_tensor(inpt)[..., torch.linspace(0, last, num_samples).long(), :, :, :])


class RGB(Transform):
    """Pictures of three channels."""

    _transformed_types = (is_image,)

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        """The picture."""
        return grayscale_to_rgb(inpt)


class JPEG(Transform):
    """Pictures with the traces of JPEG's compression.

    Args:
        quality: from 1 to 100, or a range of them to draw from.
    """

    _transformed_types = (is_image,)

    def __init__(self, quality: int | Sequence[int]) -> None:
        super().__init__()
        low, high = (quality, quality) if isinstance(quality, int) else quality
        if not (1 <= low <= high <= 100):
            raise ValueError("quality must be an integer from 1 to 100, or a sequence of two in this order")
        self.quality = (low, high)

    def make_params(self, flat_inputs: list[Any]) -> dict[str, Any]:
        """The quality."""
        return {"quality": int(rng().integers(self.quality[0], self.quality[1] + 1))}

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        """The picture."""
        return jpeg(inpt, params["quality"])


class RandomPhotometricDistort(Transform):
    """Brightness, contrast, saturation, hue and the order of channels changed, each with probability ``p``.

    Args:
        brightness: the range of the factor.
        contrast: the range of the factor.
        saturation: the range of the factor.
        hue: the range of the shift.
        p: the probability of each.

    Source: Liu et al., "SSD" (2016).
    """

    _transformed_types = (is_image,)

    def __init__(
        self,
        brightness: tuple[float, float] = (0.875, 1.125),
        contrast: tuple[float, float] = (0.5, 1.5),
        saturation: tuple[float, float] = (0.5, 1.5),
        hue: tuple[float, float] = (-0.05, 0.05),
        p: float = 0.5,
    ) -> None:
        super().__init__()
        self.brightness, self.contrast, self.saturation, self.hue = brightness, contrast, saturation, hue
        self.p = p

    def make_params(self, flat_inputs: list[Any]) -> dict[str, Any]:
        """The factors and the order; None for what stays."""
        draw = rng()
        channels = get_image_num_channels(flat_inputs[0])

        def chosen(bounds: tuple[float, float]) -> float | None:
            return float(draw.uniform(*bounds)) if draw.random() < self.p else None

        return {
            "brightness": chosen(self.brightness),
            "contrast": chosen(self.contrast),
            "early": bool(draw.random() < 0.5),
            "saturation": chosen(self.saturation),
            "hue": chosen(self.hue),
            "order": draw.permutation(channels).tolist() if draw.random() < self.p else None,
        }

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        """The picture; its contrast is changed before or after saturation and hue."""
        contrast = ("contrast", C.adjust_contrast)
        steps = [("saturation", C.adjust_saturation), ("hue", C.adjust_hue)]
        steps = [contrast, *steps] if params["early"] else [*steps, contrast]
        for name, change in [("brightness", C.adjust_brightness), *steps, ("order", permute_channels)]:
            if params[name] is not None:
                inpt = change(inpt, params[name])
        return inpt


class UniformTemporalSubsample(Transform):
    """Videos with fewer frames, evenly spaced.

    Args:
        num_samples: how many.
    """

    _transformed_types = (lambda x: isinstance(x, Video) or (isinstance(x, Tensor) and not isinstance(x, TVTensor)),)

    def __init__(self, num_samples: int) -> None:
        super().__init__()
        self.num_samples = num_samples

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        """The frames."""
        return uniform_temporal_subsample(inpt, self.num_samples)
