"""Tensors that know what they are: pictures, videos, masks, boxes.  The transforms treat each kind as it needs."""

from __future__ import annotations

from enum import Enum
from typing import Any

import numpy as np

from fxtorch.tensor import Tensor
from fxtorch.vision._pil import is_pil
from fxtorch.vision._torch import torch


class TVTensor(Tensor):
    """The base of the kinds.  An operator gives a plain Tensor; :func:`wrap` makes it one of a kind again."""

    @classmethod
    def _of(cls, data: Any, dtype: Any = None, device: Any = None, requires_grad: bool | None = None) -> Any:
        if is_pil(data):
            array = np.atleast_3d(np.asarray(data)).transpose(2, 0, 1)
            data = torch.from_numpy(np.ascontiguousarray(array))
        tensor = torch.as_tensor(data, dtype=dtype, device=device)
        wanted = data.requires_grad if requires_grad is None and isinstance(data, Tensor) else bool(requires_grad)
        return Tensor._make_subclass(cls, tensor.detach(), wanted)


class Image(TVTensor):
    """A picture, ``(..., C, H, W)``; from a PIL image, a Tensor or an array."""

    def __new__(cls, data: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool | None = None) -> Image:
        """One of ``data``; a ``(H, W)`` picture gets a dimension of channels."""
        made = cls._of(data, dtype, device, requires_grad)
        if made.ndim < 2:
            raise ValueError(f"an Image has at least 2 dimensions, got {made.ndim}")
        return cls._of(made.unsqueeze(0)) if made.ndim == 2 else made

    def __init__(self, data: Any, **kwargs: Any) -> None:
        pass


class Video(TVTensor):
    """A video, ``(..., T, C, H, W)``."""

    def __new__(cls, data: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool | None = None) -> Video:
        """One of ``data``."""
        made = cls._of(data, dtype, device, requires_grad)
        if made.ndim < 4:
            raise ValueError(f"a Video has at least 4 dimensions, got {made.ndim}")
        return made

    def __init__(self, data: Any, **kwargs: Any) -> None:
        pass


class Mask(TVTensor):
    """A mask, ``(..., H, W)``; it is moved with its picture, by nearest neighbours."""

    def __new__(cls, data: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool | None = None) -> Mask:
        """One of ``data``."""
        if is_pil(data):
            data = np.array(data)
        return cls._of(data, dtype, device, requires_grad)

    def __init__(self, data: Any, **kwargs: Any) -> None:
        pass


class BoundingBoxFormat(Enum):
    """How boxes are written: two corners, a corner and sizes, or the centre and sizes."""

    XYXY = "XYXY"
    XYWH = "XYWH"
    CXCYWH = "CXCYWH"


class BoundingBoxes(TVTensor):
    """Boxes in a picture, ``(N, 4)``.

    Args:
        data: the boxes; one box may be ``(4,)``.
        format: how they are written.
        canvas_size: height and width of the picture.
        dtype: their type.
        device: where they lie.
        requires_grad: whether ``backward()`` will reach them.
    """

    format: BoundingBoxFormat
    canvas_size: tuple[int, int]

    def __new__(
        cls,
        data: Any,
        *,
        format: BoundingBoxFormat | str,
        canvas_size: tuple[int, int],
        dtype: Any = None,
        device: Any = None,
        requires_grad: bool | None = None,
    ) -> BoundingBoxes:
        """Those of ``data``."""
        made = cls._of(data, dtype, device, requires_grad)
        if made.ndim == 1:
            made = cls._of(made.unsqueeze(0))
        elif made.ndim != 2:
            raise ValueError(f"Expected a 1D or 2D tensor, got {made.ndim}D")
        made.format = BoundingBoxFormat[format.upper()] if isinstance(format, str) else format
        made.canvas_size = (int(canvas_size[0]), int(canvas_size[1]))
        return made

    def __init__(self, data: Any, **kwargs: Any) -> None:
        pass


def wrap(wrappee: Tensor, *, like: Any, **kwargs: Any) -> Any:
    """``wrappee`` as what ``like`` is; for boxes ``format`` and ``canvas_size`` may be given."""
    if isinstance(like, BoundingBoxes):
        format, canvas = kwargs.get("format", like.format), kwargs.get("canvas_size", like.canvas_size)
        return BoundingBoxes(wrappee, format=format, canvas_size=canvas)
    if isinstance(like, TVTensor):
        return type(like)._of(wrappee)
    return wrappee
