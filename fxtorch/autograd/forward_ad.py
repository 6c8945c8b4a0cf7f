"""torch.autograd.forward_ad: derivatives along one direction, found while the function itself is computed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from fxtorch.ops.dtypes import is_inexact
from fxtorch.tensor.dual import Level
from fxtorch.tensor.modes import modes
from fxtorch.tensor.tensor import Tensor, unwrap_aval

__all__ = ["UnpackedDualTensor", "dual_level", "enter_dual_level", "exit_dual_level", "make_dual", "unpack_dual"]


class UnpackedDualTensor(NamedTuple):
    """The result of :func:`unpack_dual`."""

    primal: Tensor
    tangent: Tensor | None


def enter_dual_level() -> int:
    """Begin a level; Tensors may then carry tangents.

    Raises:
        RuntimeError: there is one already.
    """
    if modes.forward is not None:
        raise RuntimeError("Nested forward mode AD is not supported at the moment")
    modes.forward = Level()
    return 0


def exit_dual_level(*, level: int | None = None) -> None:
    """End the level: its tangents are gone.

    Raises:
        RuntimeError: there is none, or not this one.
    """
    if modes.forward is None or level not in (None, 0):
        raise RuntimeError("Trying to exit a forward AD level that was not the last one that was created.")
    modes.forward.close()
    modes.forward = None


@contextmanager
def dual_level() -> Iterator[int]:
    """Within it, :func:`make_dual` gives Tensors tangents, and operators push them on.

    >>> import fxtorch as torch
    >>> with dual_level():
    ...     x = make_dual(torch.tensor([1.0, 2.0]), torch.tensor([1.0, 0.0]))
    ...     unpack_dual(x * x).tangent
    tensor([2., 0.])
    """
    level = enter_dual_level()
    try:
        yield level
    finally:
        exit_dual_level(level=level)


def make_dual(tensor: Tensor, tangent: Tensor, *, level: int | None = None) -> Tensor:
    """A view of ``tensor`` that carries ``tangent``.

    Args:
        tensor: floating or complex.
        tangent: of the same shape and type; it may require a gradient.
        level: the number of the level; there is one.

    Raises:
        RuntimeError: no level was entered, or the shapes or types differ.
        ValueError: one of the two is neither floating nor complex.
    """
    if modes.forward is None:
        raise RuntimeError(
            "Trying to create a dual Tensor for forward AD but no level exists, make sure to enter_dual_level() first."
        )
    for name, t in (("primal", tensor), ("tangent", tangent)):
        if not is_inexact(unwrap_aval(t).dtype):
            raise ValueError(f"Expected {name} to be floating point or complex, but got: {t.dtype}")
    if tensor.shape != tangent.shape:
        raise RuntimeError(
            f"Expected tangent to have the same size as the primal, but got {list(tangent.shape)} and "
            f"{list(tensor.shape)}"
        )
    if tensor.dtype != tangent.dtype:
        raise RuntimeError(f"Expected tangent to have the type {tensor.dtype} of the primal, but got {tangent.dtype}")
    if "_tangent" in tensor.__dict__:
        raise RuntimeError("Expected this tensor to have no tangent yet: nested forward mode AD is not supported")
    dual = tensor.view_as(tensor)
    modes.forward.give(dual, tangent)
    return dual


def unpack_dual(tensor: Tensor, *, level: int | None = None) -> UnpackedDualTensor:
    """A Tensor without its tangent, and the tangent, or None.

    Args:
        tensor: what an operator or :func:`make_dual` gave.
        level: the number of the level; there is one.
    """
    tangent = tensor.__dict__.get("_tangent")
    if modes.forward is None or tangent is None:
        return UnpackedDualTensor(tensor, None)
    primal = tensor.view_as(tensor)
    modes.forward.give(primal, None)
    return UnpackedDualTensor(primal, tangent)
