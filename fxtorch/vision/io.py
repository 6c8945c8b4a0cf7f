"""Picture files and Tensors: torchvision.io, by Pillow."""

from __future__ import annotations

import io
import os
from enum import Enum
from typing import Any

import numpy as np

from fxtorch.tensor import Tensor
from fxtorch.vision._pil import pillow, pillow_module
from fxtorch.vision._torch import torch
from fxtorch.vision.transforms.functional import pil_to_tensor, to_pil_image


class ImageReadMode(Enum):
    """The channels to read a picture with."""

    UNCHANGED = 0
    GRAY = 1
    GRAY_ALPHA = 2
    RGB = 3
    RGB_ALPHA = 4


_MODES = {1: "L", 2: "LA", 3: "RGB", 4: "RGBA"}


def read_file(path: str | os.PathLike[str]) -> Tensor:
    """The bytes of a file, uint8."""
    with open(path, "rb") as file:
        return torch.from_numpy(np.frombuffer(file.read(), np.uint8).copy())


def write_file(filename: str | os.PathLike[str], data: Tensor) -> None:
    """A file of the bytes."""
    with open(filename, "wb") as file:
        file.write(data.numpy().tobytes())


def decode_image(
    input: Tensor | str | os.PathLike[str],
    mode: ImageReadMode | str = ImageReadMode.UNCHANGED,
    apply_exif_orientation: bool = False,
) -> Tensor:
    """A picture, ``(C, H, W)`` uint8, from its bytes or its path.

    Args:
        input: the encoded picture: PNG, JPEG or whatever Pillow reads.
        mode: the channels.
        apply_exif_orientation: turn it as it says it should be.
    """
    content = (input if isinstance(input, Tensor) else read_file(input)).numpy().tobytes()
    picture = pillow().open(io.BytesIO(content))
    if apply_exif_orientation:
        picture = pillow_module("ImageOps").exif_transpose(picture)
    wanted = ImageReadMode[mode.upper()] if isinstance(mode, str) else mode
    if wanted is not ImageReadMode.UNCHANGED:
        picture = picture.convert(_MODES[wanted.value])
    elif picture.mode in ("P", "1"):
        picture = picture.convert("RGB" if picture.mode == "P" else "L")
    return pil_to_tensor(picture)


read_image = decode_image
decode_png = decode_jpeg = decode_image


def _encoded(input: Tensor, format: str, **options: Any) -> bytes:
    if input.dtype != torch.uint8:
        raise RuntimeError("Input tensor dtype should be uint8")
    if input.ndim != 3 or input.shape[0] not in (1, 3):
        raise RuntimeError("The number of channels should be 1 or 3, got: " + str(tuple(input.shape)))
    buffer = io.BytesIO()
    to_pil_image(input).save(buffer, format=format, **options)
    return buffer.getvalue()


def encode_png(input: Tensor, compression_level: int = 6) -> Tensor:
    """A ``(C, H, W)`` uint8 picture as the bytes of a PNG file."""
    return torch.from_numpy(np.frombuffer(_encoded(input, "PNG", compress_level=compression_level), np.uint8).copy())


def encode_jpeg(input: Tensor, quality: int = 75) -> Tensor:
    """A ``(C, H, W)`` uint8 picture as the bytes of a JPEG file."""
    return torch.from_numpy(np.frombuffer(_encoded(input, "JPEG", quality=quality), np.uint8).copy())


def write_png(input: Tensor, filename: str | os.PathLike[str], compression_level: int = 6) -> None:
    """A PNG file of a ``(C, H, W)`` uint8 picture."""
    write_file(filename, encode_png(input, compression_level))


def write_jpeg(input: Tensor, filename: str | os.PathLike[str], quality: int = 75) -> None:
    """A JPEG file of a ``(C, H, W)`` uint8 picture."""
    write_file(filename, encode_jpeg(input, quality))
