"""Between pictures, arrays and Tensors, and between types."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from fxtorch.tensor import Tensor
from fxtorch.vision._pil import is_pil, pillow
from fxtorch.vision._torch import torch
from fxtorch.vision.transforms._inputs import largest, like
from fxtorch.vision.tv_tensors import BoundingBoxes, Image, Mask

_TYPES = {"I": np.int32, "I;16": np.uint16, "F": np.float32}


def _pixels(pic: Any) -> np.ndarray:
    """``(C, H, W)`` of a Pillow image."""
    array = np.array(pic, _TYPES.get(pic.mode, np.uint8), copy=True)
    array = 255 * array if pic.mode == "1" else array
    return np.ascontiguousarray(array.reshape(pic.height, pic.width, -1).transpose(2, 0, 1))


def pil_to_tensor(pic: Any) -> Tensor:
    """A Pillow image as a ``(C, H, W)`` Tensor of its own type, unscaled."""
    if not is_pil(pic):
        raise TypeError(f"pic should be PIL Image. Got {type(pic)}")
    return torch.from_numpy(_pixels(pic))


def to_tensor(pic: Any) -> Tensor:
    """A Pillow image or an ``(H, W, C)`` array as a ``(C, H, W)`` Tensor; bytes become floats between 0 and 1.

    >>> import numpy as np
    >>> to_tensor(np.full((1, 2, 1), 255, np.uint8))
    tensor([[[1., 1.]]])
    """
    if is_pil(pic):
        array = _pixels(pic)
    elif isinstance(pic, np.ndarray):
        if pic.ndim not in (2, 3):
            raise ValueError(f"pic should be 2/3 dimensional. Got {pic.ndim} dimensions.")
        array = np.ascontiguousarray(np.atleast_3d(pic).transpose(2, 0, 1))
    else:
        raise TypeError(f"pic should be PIL Image or ndarray. Got {type(pic)}")
    if array.dtype == np.uint8:
        array = array.astype(np.float32) / np.float32(255)
    return torch.from_numpy(array).to(torch.get_default_dtype() if array.dtype == np.float32 else None)


def to_image(inpt: Any) -> Image:
    """A Pillow image, an ``(H, W, C)`` array or a Tensor as an :class:`Image`, unscaled."""
    if isinstance(inpt, np.ndarray):
        return Image(torch.from_numpy(np.ascontiguousarray(np.atleast_3d(inpt).transpose(2, 0, 1))))
    if not (is_pil(inpt) or isinstance(inpt, Tensor)):
        raise TypeError(f"unsupported input type {type(inpt)}")
    return Image(pil_to_tensor(inpt) if is_pil(inpt) else inpt)


def to_pil_image(pic: Any, mode: str | None = None) -> Any:
    """A ``(C, H, W)`` Tensor or an ``(H, W, C)`` array as a Pillow image.

    Args:
        pic: floats count as between 0 and 1.
        mode: Pillow's mode; found from channels and type unless given.

    Raises:
        TypeError: it is neither, or of a type that Pillow does not have.
        ValueError: it has other dimensions, more than 4 channels, or does not fit ``mode``.
    """
    if isinstance(pic, Tensor):
        array = pic.detach().cpu().numpy()
        if array.ndim not in (2, 3):
            raise ValueError(f"pic should be 2/3 dimensional. Got {array.ndim} dimensions.")
        array = array[:, :, None] if array.ndim == 2 else array.transpose(1, 2, 0)
        if np.issubdtype(array.dtype, np.floating) and mode != "F":
            array = (array * 255).astype(np.uint8)
    elif isinstance(pic, np.ndarray):
        array = np.atleast_3d(pic)
    else:
        raise TypeError(f"pic should be Tensor or ndarray. Got {type(pic)}.")
    channels = array.shape[2]
    if channels > 4:
        raise ValueError(f"pic should not have > 4 channels. Got {channels} channels.")
    if channels == 1:
        modes = {"uint8": "L", "int16": "I;16", "uint16": "I;16", "int32": "I", "float32": "F"}
        found = modes.get(array.dtype.name)
        if mode is not None and mode != found:
            raise ValueError(f"Incorrect mode ({mode}) supplied for input type {array.dtype}. Should be {found}")
        if found is None:
            raise TypeError(f"Input type {array.dtype} is not supported")
        return pillow().fromarray(np.ascontiguousarray(array[:, :, 0]))
    allowed = {2: ("LA",), 3: ("RGB", "YCbCr", "HSV"), 4: ("RGBA", "CMYK", "RGBX")}[channels]
    if mode is not None and mode not in allowed:
        raise ValueError(f"Only modes {allowed} are supported for {channels}D inputs")
    if array.dtype != np.uint8:
        raise TypeError(f"Input type {array.dtype} is not supported")
    image = pillow().frombytes(mode or allowed[0], array.shape[1::-1], np.ascontiguousarray(array).tobytes())
    return image


def convert_image_dtype(image: Tensor, dtype: Any = None) -> Any:
    """A picture in another type, its values scaled: floats lie between 0 and 1, integers fill their range.

    Raises:
        RuntimeError: a float type is too coarse for the integers.
    """
    dtype = torch.float32 if dtype is None else dtype
    own = image.dtype
    if own == dtype:
        return image
    if own.is_floating_point:
        if dtype.is_floating_point:
            return image.to(dtype)
        if (own == torch.float32 and dtype in (torch.int32, torch.int64)) or (
            own == torch.float64 and dtype == torch.int64
        ):
            raise RuntimeError(f"The cast from {own} to {dtype} cannot be performed safely.")
        return (image * (largest(dtype) + 1.0 - 1e-3)).to(dtype)
    if dtype.is_floating_point:
        return image.to(dtype) / largest(own)
    before, after = largest(own), largest(dtype)
    if before > after:
        return torch.div(image, (before + 1) // (after + 1), rounding_mode="floor").to(dtype)
    return image.to(dtype) * ((after + 1) // (before + 1))


def to_dtype(inpt: Any, dtype: Any = None, scale: bool = False) -> Any:
    """A Tensor in another type; pictures are scaled where asked, masks and boxes never."""
    dtype = torch.float32 if dtype is None else dtype
    if scale and not isinstance(inpt, Mask | BoundingBoxes):
        return like(inpt, convert_image_dtype(inpt, dtype))
    changed = inpt.to(dtype)
    return changed if isinstance(inpt, BoundingBoxes) else like(inpt, changed)


def normalize(tensor: Any, mean: Sequence[float], std: Sequence[float], inplace: bool = False) -> Any:
    """``(tensor - mean) / std`` for each channel of ``(..., C, H, W)``.

    Raises:
        TypeError: it is no floating Tensor.
        ValueError: it has fewer than 3 dimensions, or ``std`` holds a zero.
    """
    if not isinstance(tensor, Tensor):
        raise TypeError(f"img should be Tensor Image. Got {type(tensor)}")
    if not tensor.is_floating_point():
        raise TypeError(f"Input tensor should be a float tensor. Got {tensor.dtype}.")
    if tensor.ndim < 3:
        raise ValueError(
            f"Expected tensor to be a tensor image of size (..., C, H, W). Got tensor.size() = {tensor.shape}"
        )
    moments = np.asarray([mean if isinstance(mean, Sequence) else [mean], std if isinstance(std, Sequence) else [std]])
    if (moments[1] == 0).any():
        raise ValueError(f"std evaluated to zero after conversion to {tensor.dtype}, leading to division by zero.")
    centre, scale = torch.tensor(moments.tolist(), dtype=tensor.dtype, device=tensor.device)[:, :, None, None]
    if inplace:
        return tensor.sub_(centre).div_(scale)
    return like(tensor, (tensor - centre) / scale)
