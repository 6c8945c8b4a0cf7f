"""Tensors that know what they are: pictures, videos, masks, boxes.  The transforms treat each kind as it needs."""

from __future__ import annotations

from enum import Enum
from typing import Any

import numpy as np

from fxtorch.tensor import Tensor
from fxtorch.tensor.overriding import no_overrides
from fxtorch.tensor.pytree import user_attributes
from fxtorch.vision._pil import is_pil
from fxtorch.vision._torch import torch

_KEEPING = frozenset({"clone", "detach", "pin_memory", "requires_grad_", "to"})
_keep_all = False


class set_return_type:
    """Whether operators on the kinds give Tensors of the kind, from now on or within a ``with`` block.

    Args:
        return_type: ``"TVTensor"``, or ``"Tensor"``, as it is at first.

    Raises:
        ValueError: it is neither.

    >>> import fxtorch as torch
    >>> picture = Image(torch.zeros(1, 2, 2))
    >>> with set_return_type("TVTensor"):
    ...     kept = picture + 1
    >>> type(kept).__name__, type(picture + 1).__name__
    ('Image', 'Tensor')
    """

    def __init__(self, return_type: str) -> None:
        global _keep_all
        if return_type.lower() not in ("tensor", "tvtensor"):
            raise ValueError(f"return_type must be 'TVTensor' or 'Tensor', got {return_type}")
        self._before = _keep_all
        _keep_all = return_type.lower() == "tvtensor"

    def __enter__(self) -> None:
        pass

    def __exit__(self, *exc: object) -> None:
        global _keep_all
        _keep_all = self._before


class TVTensor(Tensor):
    """The base of the kinds.  An operator gives a plain Tensor; :func:`wrap` makes it one of a kind again.

    Copies by ``clone``, ``detach``, ``to``, ``requires_grad_`` and ``pin_memory`` stay what they were.
    """

    @classmethod
    def __torch_function__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Run an operator on plain Tensors."""
        if not all(issubclass(cls, kind) for kind in types):
            return NotImplemented
        with no_overrides():
            out = func(*args, **(kwargs or {}))
        first = next((a for a in args if isinstance(a, TVTensor)), None)
        kept = _keep_all or (getattr(func, "__name__", "") in _KEEPING and first is not None and first is args[0])
        return _kind_of(out, first if kept else None)

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

    def __repr__(self, **kwargs: Any) -> str:
        return f"{super().__repr__(**kwargs)[:-1]}, format={self.format}, canvas_size={self.canvas_size})"


def _kind_of(out: Any, like: TVTensor | None) -> Any:
    """``out`` and what is in it as ``like`` is, with what it knows; as plain Tensors where that is None."""
    if isinstance(out, Tensor):
        if like is None:
            return out.as_subclass(Tensor) if isinstance(out, TVTensor) else out
        kind = out if type(out) is type(like) else out.as_subclass(type(like))
        kind.__dict__.update(user_attributes(like))
        return kind
    if isinstance(out, tuple | list) and not hasattr(out, "_fields"):
        return type(out)(_kind_of(x, like) for x in out)
    return out


def wrap(wrappee: Tensor, *, like: Any, **kwargs: Any) -> Any:
    """``wrappee`` as what ``like`` is; for boxes ``format`` and ``canvas_size`` may be given."""
    if isinstance(like, BoundingBoxes):
        format, canvas = kwargs.get("format", like.format), kwargs.get("canvas_size", like.canvas_size)
        return BoundingBoxes(wrappee, format=format, canvas_size=canvas)
    if isinstance(like, TVTensor):
        return type(like)._of(wrappee)
    return wrappee
