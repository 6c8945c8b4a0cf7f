"""Constructors of one type each, from torch's early days: ``FloatTensor``, ``LongTensor`` ..."""

from __future__ import annotations

from typing import Any

from fxtorch.tensor import construction
from fxtorch.tensor import dtype as types
from fxtorch.tensor.conversion import TYPE_NAMES
from fxtorch.tensor.size import Size
from fxtorch.tensor.tensor import Tensor


class _Typed(type):
    """``isinstance(x, FloatTensor)`` asks for the type of the elements, and where they are."""

    dtype: types.dtype
    place: str | None

    def __instancecheck__(cls, instance: Any) -> bool:
        if not (isinstance(instance, Tensor) and instance.dtype == cls.dtype):
            return False
        return instance.device.type == cls.place if cls.place else True

    def __call__(cls, *args: Any, device: Any = None) -> Tensor:
        device = cls.place if device is None else device
        if len(args) == 1 and not isinstance(args[0], int | Size):
            return construction.tensor(args[0], dtype=cls.dtype, device=device)
        shape = args[0] if args and isinstance(args[0], Size) else args or (0,)
        return construction.scalar_tensor(0, dtype=cls.dtype, device=device).expand(tuple(shape)).clone()


def _make(name: str, dtype: types.dtype, place: str | None) -> type:
    doc = f"A Tensor of {dtype}{' on a GPU' if place else ''}: of a size, or of values."
    module = "fxtorch.cuda" if place else "fxtorch"
    return _Typed(name, (), {"__doc__": doc, "dtype": dtype, "place": place, "__module__": module})


def _all(place: str | None) -> dict[str, type]:
    return {
        f"{name}Tensor": _make(f"{name}Tensor", types.ALL[dtype], place)
        for name, dtype in TYPE_NAMES.items()
        if not name.startswith("Complex")
    }


TYPED, ON_CUDA = _all(None), _all("cuda")


def set_default_tensor_type(t: Any) -> None:
    """Set the default floating type by the name or class of a typed constructor."""
    name = t if isinstance(t, str) else t.__name__
    typed = TYPED[name.rpartition(".")[2]]
    construction.set_default_dtype(typed.dtype)  # type: ignore[attr-defined]
