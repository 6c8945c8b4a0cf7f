"""torch's functions that are made of several operators, or choose one by what they are given."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from fxtorch.ops import return_types
from fxtorch.tensor import dispatch
from fxtorch.tensor.dispatch import namespace
from fxtorch.tensor.overriding import asking
from fxtorch.tensor.tensor import Tensor, method

_torch = namespace("torch")


class _HistogramDD(NamedTuple):
    """The result of :func:`histogramdd`."""

    hist: Tensor
    bin_edges: tuple[Tensor, ...]


_Histogram = return_types.of(_HistogramDD, "histogramdd")


@asking
def gradient(input: Tensor, *, spacing: Any = 1, dim: Any = None, edge_order: int = 1) -> tuple[Tensor, ...]:
    """The derivatives of a sampled function along each of ``dim``, by central differences, one-sided at the ends.

    >>> from fxtorch import tensor
    >>> gradient(tensor([1.0, 2.0, 4.0, 7.0]))
    (tensor([1.0000, 1.5000, 2.5000, 3.0000]),)

    Args:
        input: the samples.
        spacing: how far apart they are: a number, one for each of ``dim``, or for each a Tensor of coordinates.
        dim: the dimensions; by default all.
        edge_order: of the formula at the ends: 1 or 2.

    Raises:
        RuntimeError: a dimension has fewer than ``edge_order + 1`` samples, or the arguments do not fit.
    """
    dim = tuple(dim) if isinstance(dim, list) else dim
    if isinstance(spacing, list | tuple) and spacing and all(isinstance(s, Tensor) for s in spacing):
        return _torch["_gradient_at"](input, spacing, dim, edge_order)
    if isinstance(spacing, Tensor):
        spacing = spacing.item()
    return _torch["_gradient_spaced"](input, spacing, dim, edge_order)


@asking
def histogramdd(
    input: Tensor, bins: Any, *, range: Sequence[float] | None = None, weight: Tensor | None = None,
    density: bool = False, out: tuple[Tensor, Sequence[Tensor]] | None = None,
) -> Any:  # fmt: skip
    """How many points lie in each cell of a grid.

    Args:
        input: (..., N): points with N coordinates, floating.
        bins: how many for all coordinates, how many for each, or for each a Tensor of edges.
        range: the first and last edge for each coordinate, ``2 * N`` numbers; by default those of the points.
        weight: what each point counts.
        density: divide by the sum and the size of the cells.
        out: where to store the counts and the edges.

    Returns:
        ``torch.return_types.histogramdd``: the counts ``hist`` and a tuple ``bin_edges``.
    """
    if isinstance(bins, int):
        bins = (bins,) * input.shape[-1]
    if all(isinstance(b, Tensor) for b in bins):
        edges = tuple(bins)
    else:
        edges = _torch["_histogramdd_bin_edges"](input, tuple(bins), range=range, weight=weight, density=density)
    hist = _torch["_histogramdd_from_bin_tensors"](input, edges, weight=weight, density=density)
    if out is not None:
        for target, value in zip((out[0], *out[1]), (hist, *edges), strict=True):
            target.data = value
        hist, edges = out[0], tuple(out[1])
    return _Histogram(hist, edges)


_row_strided = _torch["as_strided"]


@method
def as_strided(input: Tensor, size: Sequence[int], stride: Sequence[int], storage_offset: int | None = None) -> Tensor:
    """The elements of the memory behind ``input`` at ``storage_offset + index . stride``.

    That memory is its base's where ``input`` is a view, and the offset then by default that of the view.

    >>> from fxtorch import tensor
    >>> tensor([[1, 2], [3, 4]]).T[1].as_strided((2,), (1,))
    tensor([2, 3])

    Raises:
        RuntimeError: it reaches beyond the last element.
    """
    base, gradient = input, input.requires_grad
    while base._link is not None and (not gradient or (base._link.operator is not None and not base.is_leaf)):
        base = base._link.parent
    if base is input or base.dtype is not input.dtype or not base.is_contiguous() or base.storage_offset():
        return _row_strided(input, size, stride, storage_offset)
    offset = input.storage_offset() if storage_offset is None else storage_offset
    return _row_strided(base if gradient else base.detach(), size, stride, offset)


dispatch.replace("torch.as_strided", as_strided)
_broadcast, _grid = _torch["broadcast_tensors"], _torch["meshgrid"]


def _listed(tensors: tuple[Any, ...]) -> Sequence[Tensor]:
    """Tensors that are given one by one, or as one list."""
    return tensors[0] if len(tensors) == 1 and isinstance(tensors[0], list | tuple) else tensors


@asking
def broadcast_tensors(*tensors: Any) -> tuple[Tensor, ...]:
    """The Tensors, each expanded to the shape to which all broadcast: views of them.

    >>> from fxtorch import tensor
    >>> broadcast_tensors(tensor([[1], [2]]), tensor([3, 4]))
    (tensor([[1, 1],
            [2, 2]]), tensor([[3, 4],
            [3, 4]]))

    Raises:
        RuntimeError: the shapes do not fit.
    """
    given = _listed(tensors)
    try:
        size = np.broadcast_shapes(*(t.shape for t in given))
    except ValueError:
        return _broadcast(*given)  # which says what does not fit
    return tuple(t.expand(size) for t in given)


@asking
def meshgrid(*tensors: Any, indexing: str | None = None) -> tuple[Tensor, ...]:
    """For each 1-dim Tensor its values all over the grid of them all: views; ``"xy"`` has the second one first.

    >>> from fxtorch import tensor
    >>> meshgrid(tensor([1, 2]), tensor([3, 4]), indexing="ij")
    (tensor([[1, 1],
            [2, 2]]), tensor([[3, 4],
            [3, 4]]))

    Raises:
        RuntimeError: a Tensor has two dimensions or more, or ``indexing`` is neither ``"ij"`` nor ``"xy"``.
    """
    given = _listed(tensors)
    if not given or indexing not in (None, "ij", "xy") or any(t.ndim > 1 for t in given):
        return _grid(*given, indexing=indexing)  # which says what is wrong
    size = tuple(t.numel() for t in given)
    grid = [t.reshape(-1, *[1] * (len(size) - 1 - i)).expand(size) for i, t in enumerate(given)]
    return tuple(g.transpose(0, 1) for g in grid) if indexing == "xy" and len(size) > 1 else tuple(grid)


dispatch.replace("torch.broadcast_tensors", broadcast_tensors)
dispatch.replace("torch.meshgrid", meshgrid)


def empty_strided(size: Sequence[int], stride: Sequence[int], **options: Any) -> Tensor:
    """A Tensor whose values do not matter, laid out in memory as ``stride`` says.

    >>> empty_strided((2, 3), (1, 2)).stride()
    (1, 2)
    """
    if len(size) != len(stride):
        raise RuntimeError(
            f"dimensionality of sizes ({len(size)}) must match dimensionality of strides ({len(stride)})"
        )
    wanted = options.pop("requires_grad", False)
    extent = 0 if 0 in size else 1 + sum((n - 1) * s for n, s in zip(size, stride, strict=True))
    if 0 in size:
        return _torch["empty"](tuple(size), requires_grad=wanted, **options)
    made = _torch["empty"]((extent,), **options).as_strided(tuple(size), tuple(stride)).detach()
    return made.requires_grad_() if wanted else made


def empty_permuted(size: Sequence[int], physical_layout: Sequence[int], **options: Any) -> Tensor:
    """A Tensor whose values do not matter, its dimensions lying in memory in the order ``physical_layout``.

    >>> empty_permuted((2, 3), (1, 0)).stride()
    (1, 2)

    Raises:
        RuntimeError: ``physical_layout`` is not a permutation of the dimensions.
    """
    if len(size) != len(physical_layout):
        raise RuntimeError(
            f"Number of dimensions in size does not match the length of the physical_layout; i.e. len(size) = "
            f"{len(size)} is not equal to len(physical_layout) = {len(physical_layout)}"
        )
    for d in physical_layout:
        if not 0 <= d < len(size):
            raise RuntimeError(f"Dimension out of range (expected to be between 0 and {len(size) - 1}, but got {d})")
        if list(physical_layout).count(d) > 1:
            raise RuntimeError("Duplicate dim not allowed")
    stride = [0] * len(size)
    step = 1
    for d in reversed(physical_layout):
        stride[d], step = step, step * max(size[d], 1)
    return empty_strided(size, stride, **options)


@method
def new_empty_strided(self: Tensor, size: Sequence[int], stride: Sequence[int], **options: Any) -> Tensor:
    """:func:`empty_strided` of this type and on this device."""
    return empty_strided(size, stride, **{"dtype": self.dtype, "device": self.device} | options)
