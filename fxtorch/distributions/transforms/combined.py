"""Transforms made of transforms: one after the other, or side by side."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from functools import reduce
from typing import Any

from fxtorch.distributions import constraints
from fxtorch.distributions.transforms.base import Transform
from fxtorch.distributions.utils import _sum_rightmost
from fxtorch.nn._torch import torch
from fxtorch.tensor import Tensor


class ComposeTransform(Transform):
    """``y = f_n(... f_1(x))``.

    Args:
        parts: the transforms, the first one first.
        cache_size: 0 or 1.
    """

    def __init__(self, parts: Sequence[Transform], cache_size: int = 0) -> None:
        super().__init__(cache_size=cache_size)
        self.parts = [part.with_cache(cache_size) for part in parts] if cache_size else list(parts)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ComposeTransform) and self.parts == other.parts

    __hash__ = object.__hash__

    @constraints.dependent_property(is_discrete=False)
    def domain(self) -> Any:  # pyright: ignore[reportIncompatibleVariableOverride]
        """The first one's, with the dimensions that any of them needs."""
        if not self.parts:
            return constraints.real
        event_dim = self.parts[-1].codomain.event_dim
        for part in reversed(self.parts):
            event_dim = max(event_dim + part.domain.event_dim - part.codomain.event_dim, part.domain.event_dim)
        return _with_event_dim(self.parts[0].domain, event_dim)

    @constraints.dependent_property(is_discrete=False)
    def codomain(self) -> Any:  # pyright: ignore[reportIncompatibleVariableOverride]
        """The last one's, with the dimensions that any of them needs."""
        if not self.parts:
            return constraints.real
        event_dim = self.parts[0].domain.event_dim
        for part in self.parts:
            event_dim = max(event_dim + part.codomain.event_dim - part.domain.event_dim, part.codomain.event_dim)
        return _with_event_dim(self.parts[-1].codomain, event_dim)

    @property
    def bijective(self) -> bool:  # pyright: ignore[reportIncompatibleVariableOverride]
        """Whether all are."""
        return all(p.bijective for p in self.parts)

    @property
    def sign(self) -> Any:
        """The product of theirs."""
        return reduce(operator.mul, (p.sign for p in self.parts), 1)

    @property
    def inv(self) -> Transform:
        """The inverses in opposite order."""
        if self._inv is None:
            self._inv = ComposeTransform([p.inv for p in reversed(self.parts)])
            self._inv._inv = self
        return self._inv

    def with_cache(self, cache_size: int = 1) -> Any:
        """The same transform with another cache."""
        return self if self._cache_size == cache_size else ComposeTransform(self.parts, cache_size=cache_size)

    def __call__(self, x: Tensor) -> Tensor:
        """One after the other."""
        for part in self.parts:
            x = part(x)
        return x

    def _inv_call(self, y: Tensor) -> Tensor:
        return self.inv(y)

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        """The sum of theirs, each along the way."""
        if not self.parts:
            return torch.zeros_like(x)
        way = [x]
        for part in self.parts[:-1]:
            way.append(part(way[-1]))
        way.append(y)
        event_dim = self.domain.event_dim
        terms = []
        for part, before, after in zip(self.parts, way[:-1], way[1:], strict=True):
            jacobian = part.log_abs_det_jacobian(before, after)
            terms.append(_sum_rightmost(jacobian, event_dim - part.domain.event_dim))
            event_dim += part.codomain.event_dim - part.domain.event_dim
        return reduce(operator.add, terms)

    def forward_shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """One after the other."""
        for part in self.parts:
            shape = part.forward_shape(shape)
        return shape

    def inverse_shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """One after the other, backwards."""
        for part in reversed(self.parts):
            shape = part.inverse_shape(shape)
        return shape

    def __repr__(self) -> str:
        inside = ",\n    ".join(repr(p) for p in self.parts)
        return f"{self.__class__.__name__}(\n    {inside}\n)"


def _with_event_dim(constraint: Any, event_dim: int) -> Any:
    """A constraint with dimensions added until it has ``event_dim``."""
    missing = event_dim - constraint.event_dim
    return constraints.independent(constraint, missing) if missing > 0 else constraint


class _Parallel(Transform):
    """Transforms of pieces of a Tensor: what :class:`CatTransform` and :class:`StackTransform` share."""

    transforms: list[Transform]
    dim: int

    def _pieces(self, x: Tensor) -> Sequence[Tensor]:
        raise NotImplementedError

    def _joined(self, pieces: list[Tensor]) -> Tensor:
        raise NotImplementedError

    def _mapped(self, apply: Callable[[Transform, Tensor], Tensor], x: Tensor) -> Tensor:
        pairs = zip(self.transforms, self._pieces(x), strict=True)
        return self._joined([apply(t, piece) for t, piece in pairs])

    def _call(self, x: Tensor) -> Tensor:
        return self._mapped(lambda t, piece: t(piece), x)

    def _inverse(self, y: Tensor) -> Tensor:
        return self._mapped(lambda t, piece: t.inv(piece), y)

    @property
    def bijective(self) -> bool:  # pyright: ignore[reportIncompatibleVariableOverride]
        """Whether all are."""
        return all(t.bijective for t in self.transforms)


class CatTransform(_Parallel):
    """Each transform applied to its own piece along ``dim``.

    Args:
        tseq: the transforms.
        dim: along which dimension.
        lengths: how long each piece is; 1 by default.
        cache_size: 0 or 1.
    """

    def __init__(
        self, tseq: Sequence[Transform], dim: int = 0, lengths: Sequence[int] | None = None, cache_size: int = 0
    ) -> None:
        assert all(isinstance(t, Transform) for t in tseq)
        super().__init__(cache_size=cache_size)
        self.transforms = [t.with_cache(cache_size) for t in tseq] if cache_size else list(tseq)
        self.lengths = [1] * len(self.transforms) if lengths is None else list(lengths)
        assert len(self.lengths) == len(self.transforms)
        self.dim = dim

    @property
    def event_dim(self) -> int:
        """The most that one of them has."""
        return max(t.event_dim for t in self.transforms)

    @property
    def length(self) -> int:
        """The length of all pieces."""
        return sum(self.lengths)

    def with_cache(self, cache_size: int = 1) -> Any:
        """The same transform with another cache."""
        if self._cache_size == cache_size:
            return self
        return CatTransform(self.transforms, self.dim, self.lengths, cache_size)

    def _pieces(self, x: Tensor) -> Sequence[Tensor]:
        assert -x.dim() <= self.dim < x.dim()
        assert x.shape[self.dim] == self.length
        return torch.split(x, self.lengths, self.dim)

    def _joined(self, pieces: list[Tensor]) -> Tensor:
        return torch.cat(pieces, self.dim)

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        """Those of the pieces: joined, or summed where ``dim`` belongs to a value."""
        pieces = []
        for t, a, b in zip(self.transforms, self._pieces(x), self._pieces(y), strict=True):
            jacobian = t.log_abs_det_jacobian(a, b)
            if t.event_dim < self.event_dim:
                jacobian = _sum_rightmost(jacobian, self.event_dim - t.event_dim)
            pieces.append(jacobian)
        dim = self.dim - x.dim() if self.dim >= 0 else self.dim
        dim += self.event_dim
        return torch.cat(pieces, dim) if dim < 0 else reduce(operator.add, pieces)

    @constraints.dependent_property
    def domain(self) -> Any:  # pyright: ignore[reportIncompatibleVariableOverride]
        """Theirs, piece by piece."""
        return constraints.cat([t.domain for t in self.transforms], self.dim, self.lengths)

    @constraints.dependent_property
    def codomain(self) -> Any:  # pyright: ignore[reportIncompatibleVariableOverride]
        """Theirs, piece by piece."""
        return constraints.cat([t.codomain for t in self.transforms], self.dim, self.lengths)


class StackTransform(_Parallel):
    """Each transform applied to its own slice along ``dim``.

    Args:
        tseq: the transforms.
        dim: along which dimension.
        cache_size: 0 or 1.
    """

    def __init__(self, tseq: Sequence[Transform], dim: int = 0, cache_size: int = 0) -> None:
        assert all(isinstance(t, Transform) for t in tseq)
        super().__init__(cache_size=cache_size)
        self.transforms = [t.with_cache(cache_size) for t in tseq] if cache_size else list(tseq)
        self.dim = dim

    def with_cache(self, cache_size: int = 1) -> Any:
        """The same transform with another cache."""
        return self if self._cache_size == cache_size else StackTransform(self.transforms, self.dim, cache_size)

    def _pieces(self, x: Tensor) -> Sequence[Tensor]:
        assert -x.dim() <= self.dim < x.dim()
        assert x.shape[self.dim] == len(self.transforms)
        return x.unbind(self.dim)

    def _joined(self, pieces: list[Tensor]) -> Tensor:
        return torch.stack(pieces, self.dim)

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        """Those of the slices, stacked."""
        slices = zip(self.transforms, self._pieces(x), self._pieces(y), strict=True)
        return torch.stack([t.log_abs_det_jacobian(a, b) for t, a, b in slices], dim=self.dim)

    @constraints.dependent_property
    def domain(self) -> Any:  # pyright: ignore[reportIncompatibleVariableOverride]
        """Theirs, slice by slice."""
        return constraints.stack([t.domain for t in self.transforms], self.dim)

    @constraints.dependent_property
    def codomain(self) -> Any:  # pyright: ignore[reportIncompatibleVariableOverride]
        """Theirs, slice by slice."""
        return constraints.stack([t.codomain for t in self.transforms], self.dim)


identity_transform = ComposeTransform([])
