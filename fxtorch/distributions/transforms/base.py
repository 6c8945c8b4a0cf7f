"""Transforms: invertible functions that know how they change volumes."""

from __future__ import annotations

from typing import Any, Self

from fxtorch.distributions import constraints
from fxtorch.distributions.utils import _sum_rightmost, is_traced
from fxtorch.tensor import Size, Tensor, modes


def _unknown(transform: Any) -> Any:
    """What a class does not say."""
    raise NotImplementedError


class Transform:
    """A function ``y = f(x)`` with its inverse and the logarithm of ``|dy/dx|``.

    A subclass gives ``_call``, ``_inverse`` and ``log_abs_det_jacobian``, ``domain`` and ``codomain``.

    Args:
        cache_size: 1 to remember the last pair, so that the inverse of the last result is exactly its argument.

    Attributes:
        bijective: whether ``t.inv(t(x)) == x`` and ``t(t.inv(y)) == y``.
        sign: 1 or -1 for an increasing or decreasing function of numbers.
        domain: where ``x`` lies.
        codomain: where ``y`` lies.

    Raises:
        ValueError: ``cache_size`` is neither 0 nor 1.
    """

    bijective: Any = False
    sign: Any = property(_unknown)
    domain: Any
    codomain: Any

    def __init__(self, cache_size: int = 0) -> None:
        if cache_size not in (0, 1):
            raise ValueError("cache_size must be 0 or 1")
        self._cache_size = cache_size
        self._inv: Transform | None = None
        self._cached_x_y: tuple[Any, Any] = (None, None)
        # A pair from inside a compiled program may be kept only by a transform that was made there.
        self._made_in = modes.capture
        super().__init__()

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_inv": None, "_made_in": None, "_cached_x_y": (None, None)}

    @property
    def event_dim(self) -> int:
        """How many dimensions a value has that is transformed as one."""
        if self.domain.event_dim == self.codomain.event_dim:
            return self.domain.event_dim
        raise ValueError("Please use either .domain.event_dim or .codomain.event_dim")

    @property
    def inv(self) -> Transform:
        """The inverse; ``t.inv.inv`` is ``t``."""
        if self._inv is None:
            self._inv = _InverseTransform(self)
        return self._inv

    def with_cache(self, cache_size: int = 1) -> Self:
        """The same transform with another cache."""
        if self._cache_size == cache_size:
            return self
        if type(self).__init__ is Transform.__init__:
            return type(self)(cache_size=cache_size)
        raise NotImplementedError(f"{type(self)}.with_cache is not implemented")

    def __eq__(self, other: object) -> bool:
        return self is other

    __hash__ = object.__hash__

    def __call__(self, x: Tensor) -> Tensor:
        """``f(x)``."""
        if self._cache_size == 0:
            return self._call(x)
        x_old, y_old = self._cached_x_y
        if x is x_old:
            return y_old
        y = self._call(x)
        self._remember(x, y)
        return y

    def _inv_call(self, y: Tensor) -> Tensor:
        """The ``x`` with ``f(x) = y``."""
        if self._cache_size == 0:
            return self._inverse(y)
        x_old, y_old = self._cached_x_y
        if y is y_old:
            return x_old
        x = self._inverse(y)
        self._remember(x, y)
        return x

    def _remember(self, x: Tensor, y: Tensor) -> None:
        lasting = not (is_traced(x) or is_traced(y))
        if lasting or (modes.capture is not None and modes.capture is self._made_in):
            self._cached_x_y = x, y

    def _call(self, x: Tensor) -> Tensor:
        """The function."""
        raise NotImplementedError

    def _inverse(self, y: Tensor) -> Tensor:
        """Its inverse."""
        raise NotImplementedError

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        """``log |dy/dx|`` at ``x``, where ``y = f(x)``."""
        raise NotImplementedError

    def __repr__(self) -> str:
        return self.__class__.__name__ + "()"

    def forward_shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """The shape of ``f(x)`` for ``x`` of ``shape``."""
        return shape

    def inverse_shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """The shape of ``x`` for ``f(x)`` of ``shape``."""
        return shape


class Elementwise(Transform):
    """A transform of numbers without parameters: two of them are equal if their class is."""

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self)

    __hash__ = object.__hash__


class _InverseTransform(Transform):
    """``f.inv``; it asks ``f`` for everything."""

    def __init__(self, transform: Transform) -> None:
        super().__init__(cache_size=transform._cache_size)
        self._inv = transform

    def __getstate__(self) -> dict[str, Any]:
        return {**super().__getstate__(), "_inv": self._inv}

    @property
    def _forward(self) -> Transform:
        assert self._inv is not None
        return self._inv

    @constraints.dependent_property(is_discrete=False)
    def domain(self) -> Any:  # pyright: ignore[reportIncompatibleVariableOverride]
        """The codomain of ``f``."""
        return self._forward.codomain

    @constraints.dependent_property(is_discrete=False)
    def codomain(self) -> Any:  # pyright: ignore[reportIncompatibleVariableOverride]
        """The domain of ``f``."""
        return self._forward.domain

    @property
    def bijective(self) -> bool:  # pyright: ignore[reportIncompatibleVariableOverride]
        """As ``f``."""
        return self._forward.bijective

    @property
    def sign(self) -> Any:
        """As ``f``."""
        return self._forward.sign

    @property
    def inv(self) -> Transform:
        """``f`` itself."""
        return self._forward

    def with_cache(self, cache_size: int = 1) -> Any:
        """The inverse of ``f`` with another cache."""
        return self._forward.with_cache(cache_size).inv

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _InverseTransform) and self._inv == other._inv

    __hash__ = object.__hash__

    def __repr__(self) -> str:
        return f"{self.__class__.__name__}({self._inv!r})"

    def __call__(self, x: Tensor) -> Tensor:
        """``f.inv(x)``."""
        return self._forward._inv_call(x)

    def _inv_call(self, y: Tensor) -> Tensor:
        return self._forward(y)

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        """Minus that of ``f``."""
        return -self._forward.log_abs_det_jacobian(y, x)

    def forward_shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """The inverse shape of ``f``."""
        return self._forward.inverse_shape(shape)

    def inverse_shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """The forward shape of ``f``."""
        return self._forward.forward_shape(shape)


class IndependentTransform(Transform):
    """A transform whose values take up ``reinterpreted_batch_ndims`` dimensions more.

    The Jacobian's logarithm is summed over them.

    Args:
        base_transform: what is done to each part.
        reinterpreted_batch_ndims: how many dimensions.
        cache_size: 0 or 1.
    """

    def __init__(self, base_transform: Transform, reinterpreted_batch_ndims: int, cache_size: int = 0) -> None:
        super().__init__(cache_size=cache_size)
        self.base_transform = base_transform.with_cache(cache_size)
        self.reinterpreted_batch_ndims = reinterpreted_batch_ndims

    def with_cache(self, cache_size: int = 1) -> Any:
        """The same transform with another cache."""
        if self._cache_size == cache_size:
            return self
        return IndependentTransform(self.base_transform, self.reinterpreted_batch_ndims, cache_size=cache_size)

    @constraints.dependent_property(is_discrete=False)
    def domain(self) -> Any:  # pyright: ignore[reportIncompatibleVariableOverride]
        """The base's, part by part."""
        return constraints.independent(self.base_transform.domain, self.reinterpreted_batch_ndims)

    @constraints.dependent_property(is_discrete=False)
    def codomain(self) -> Any:  # pyright: ignore[reportIncompatibleVariableOverride]
        """The base's, part by part."""
        return constraints.independent(self.base_transform.codomain, self.reinterpreted_batch_ndims)

    @property
    def bijective(self) -> bool:  # pyright: ignore[reportIncompatibleVariableOverride]
        """As the base."""
        return self.base_transform.bijective

    @property
    def sign(self) -> Any:
        """As the base."""
        return self.base_transform.sign

    def _call(self, x: Tensor) -> Tensor:
        if x.dim() < self.domain.event_dim:
            raise ValueError("Too few dimensions on input")
        return self.base_transform(x)

    def _inverse(self, y: Tensor) -> Tensor:
        if y.dim() < self.codomain.event_dim:
            raise ValueError("Too few dimensions on input")
        return self.base_transform.inv(y)

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        """The sum of the parts'."""
        return _sum_rightmost(self.base_transform.log_abs_det_jacobian(x, y), self.reinterpreted_batch_ndims)

    def __repr__(self) -> str:
        return f"{self.__class__.__name__}({self.base_transform!r}, {self.reinterpreted_batch_ndims})"

    def forward_shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """As the base."""
        return self.base_transform.forward_shape(shape)

    def inverse_shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """As the base."""
        return self.base_transform.inverse_shape(shape)


class ReshapeTransform(Transform):
    """The last dimensions reshaped.

    Args:
        in_shape: what they are.
        out_shape: what they become.
        cache_size: 0 or 1.

    Raises:
        ValueError: the shapes have different numbers of elements.
    """

    bijective = True

    def __init__(self, in_shape: tuple[int, ...], out_shape: tuple[int, ...], cache_size: int = 0) -> None:
        self.in_shape = Size(in_shape)
        self.out_shape = Size(out_shape)
        if self.in_shape.numel() != self.out_shape.numel():
            raise ValueError("in_shape, out_shape have different numbers of elements")
        super().__init__(cache_size=cache_size)

    @constraints.dependent_property
    def domain(self) -> Any:  # pyright: ignore[reportIncompatibleVariableOverride]
        """All real arrays of the shape."""
        return constraints.independent(constraints.real, len(self.in_shape))

    @constraints.dependent_property
    def codomain(self) -> Any:  # pyright: ignore[reportIncompatibleVariableOverride]
        """All real arrays of the shape."""
        return constraints.independent(constraints.real, len(self.out_shape))

    def with_cache(self, cache_size: int = 1) -> Any:
        """The same transform with another cache."""
        if self._cache_size == cache_size:
            return self
        return ReshapeTransform(self.in_shape, self.out_shape, cache_size=cache_size)

    def _batch(self, x: Tensor, event: tuple[int, ...]) -> tuple[int, ...]:
        return tuple(x.shape[: x.dim() - len(event)])

    def _call(self, x: Tensor) -> Tensor:
        return x.reshape(self._batch(x, self.in_shape) + self.out_shape)

    def _inverse(self, y: Tensor) -> Tensor:
        return y.reshape(self._batch(y, self.out_shape) + self.in_shape)

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        """0: volumes stay."""
        return x.new_zeros(self._batch(x, self.in_shape))

    def forward_shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """``shape`` with its last part replaced."""
        return _replaced(shape, self.in_shape, self.out_shape)

    def inverse_shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """``shape`` with its last part replaced."""
        return _replaced(shape, self.out_shape, self.in_shape)


def _replaced(shape: tuple[int, ...], old: tuple[int, ...], new: tuple[int, ...]) -> tuple[int, ...]:
    if len(shape) < len(old):
        raise ValueError("Too few dimensions on input")
    cut = len(shape) - len(old)
    if tuple(shape[cut:]) != tuple(old):
        raise ValueError(f"Shape mismatch: expected {shape[cut:]} but got {old}")
    return shape[:cut] + tuple(new)
