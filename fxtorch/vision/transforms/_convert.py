"""Transforms of types and values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from fxtorch.tensor import Tensor
from fxtorch.vision._pil import is_pil
from fxtorch.vision._torch import torch
from fxtorch.vision.transforms import _conversion as F
from fxtorch.vision.transforms._base import Transform
from fxtorch.vision.transforms._inputs import is_image, like
from fxtorch.vision.tv_tensors import BoundingBoxes, Mask, TVTensor


def _array(value: Any) -> bool:
    return isinstance(value, np.ndarray)


class ToTensor(Transform):
    """A Pillow image or an ``(H, W, C)`` array of bytes as a ``(C, H, W)`` Tensor between 0 and 1."""

    _transformed_types = (is_pil, _array)

    def forward(self, *inputs: Any) -> Any:
        """The Tensor."""
        if len(inputs) == 1 and not isinstance(inputs[0], list | tuple | dict):
            return F.to_tensor(inputs[0])
        return super().forward(*inputs)

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        """The Tensor of a picture."""
        return F.to_tensor(inpt)


class PILToTensor(Transform):
    """A Pillow image as a ``(C, H, W)`` Tensor of its own type."""

    _transformed_types = (is_pil,)

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        """The Tensor of a picture."""
        return F.pil_to_tensor(inpt)


class ToImage(Transform):
    """A Pillow image, an array or a Tensor as a ``tv_tensors.Image``, unscaled."""

    _transformed_types = (is_pil, Tensor, _array)

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        """The picture."""
        return inpt if isinstance(inpt, TVTensor) else F.to_image(inpt)


class ToPILImage(Transform):
    """A Tensor or an array as a Pillow image of ``mode``."""

    _transformed_types = (is_image, _array)

    def __init__(self, mode: str | None = None) -> None:
        super().__init__()
        self.mode = mode

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        """The image."""
        return inpt if is_pil(inpt) else F.to_pil_image(inpt, mode=self.mode)


class ToPureTensor(Transform):
    """Plain Tensors for the kinds of ``tv_tensors``."""

    _transformed_types = (TVTensor,)

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        """The plain Tensor."""
        return torch.as_tensor(inpt).view(inpt.shape)


class ConvertImageDtype(Transform):
    """Pictures in another type, their values scaled."""

    _transformed_types = (lambda x: isinstance(x, Tensor) and is_image(x),)

    def __init__(self, dtype: Any = None) -> None:
        super().__init__()
        self.dtype = torch.float32 if dtype is None else dtype

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        """The picture in the other type."""
        return F.to_dtype(inpt, self.dtype, scale=True)


class ToDtype(Transform):
    """Tensors in another type.

    Args:
        dtype: the type, or a dict of types by kind of ``tv_tensors`` (``"others"`` for the rest; None keeps a type).
        scale: whether pictures are scaled.
    """

    _transformed_types = (Tensor,)

    def __init__(self, dtype: Any, scale: bool = False) -> None:
        super().__init__()
        self.dtype = dtype
        self.scale = scale

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        """One part in its type."""
        if isinstance(self.dtype, dict):
            wanted = self.dtype.get(type(inpt), self.dtype.get("others"))
        else:
            wanted = None if isinstance(inpt, BoundingBoxes | Mask) else self.dtype
        return inpt if wanted is None else F.to_dtype(inpt, wanted, self.scale)


class Normalize(Transform):
    """``(picture - mean) / std`` for each channel.

    Args:
        mean: of each channel.
        std: of each channel.
        inplace: change the picture itself.
    """

    def __init__(self, mean: Sequence[float], std: Sequence[float], inplace: bool = False) -> None:
        super().__init__()
        self.mean = mean
        self.std = std
        self.inplace = inplace

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        """The normalised picture; masks and boxes as they are."""
        return inpt if isinstance(inpt, BoundingBoxes | Mask) else F.normalize(inpt, self.mean, self.std, self.inplace)


class LinearTransformation(Transform):
    """``(picture - mean_vector) @ transformation_matrix``, of flattened pictures; whitening, for one.

    Args:
        transformation_matrix: ``(D, D)``, ``D`` being channels times height times width.
        mean_vector: ``(D,)``.
    """

    _transformed_types = (lambda x: isinstance(x, Tensor) and is_image(x),)

    def __init__(self, transformation_matrix: Tensor, mean_vector: Tensor) -> None:
        super().__init__()
        rows, columns = transformation_matrix.shape
        if rows != columns or mean_vector.shape[0] != rows:
            raise ValueError(
                f"transformation_matrix should be square, and mean_vector as long: {transformation_matrix.shape}, "
                f"{mean_vector.shape}"
            )
        self.transformation_matrix = transformation_matrix
        self.mean_vector = mean_vector

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        """The transformed picture."""
        size = inpt.shape[-3] * inpt.shape[-2] * inpt.shape[-1]
        if size != self.mean_vector.shape[0]:
            raise ValueError(
                f"pictures of {size} numbers do not fit a matrix of {tuple(self.transformation_matrix.shape)}"
            )
        flat = inpt.reshape(-1, size) - self.mean_vector
        return like(inpt, flat.matmul(self.transformation_matrix).reshape(inpt.shape))


class Identity(Transform):
    """The sample as it is."""

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        """The same."""
        return inpt
