"""The base of all distributions: shapes, checks of arguments, and what follows from the rest."""

from __future__ import annotations

from typing import Any, ClassVar, Self

from fxtorch.autograd import no_grad
from fxtorch.distributions import constraints
from fxtorch.distributions.constraints import Constraint
from fxtorch.distributions.utils import is_traced, lazy_property
from fxtorch.nn._torch import torch
from fxtorch.tensor import Size, Tensor

__all__ = ["Distribution"]


def _unknown(distribution: Any) -> Any:
    """What a class does not say."""
    raise NotImplementedError


class Distribution:
    """A distribution of ``batch_shape`` independent values, each of ``event_shape``.

    Draws come from the default Generator (``manual_seed``).  Arguments are checked where ``validate_args`` says so,
    by their values; within a compiled program values are not known, and only shapes are checked.

    Args:
        batch_shape: the shape of the parameters.
        event_shape: the shape of one value.
        validate_args: whether to check parameters and values; by default as :meth:`set_default_validate_args` says.

    Attributes:
        arg_constraints: the set that each parameter lies in.
        support: the set of all values.
        has_rsample: whether :meth:`rsample` gives samples that carry gradients to the parameters.
        has_enumerate_support: whether :meth:`enumerate_support` lists all values.

    Raises:
        ValueError: a parameter lies outside of its set.
    """

    has_rsample: Any = False
    has_enumerate_support: Any = False
    arg_constraints: Any
    support: Any = constraints.dependent_property(_unknown)
    _validate_args = __debug__
    # The parameters that expand() expands, and how many dimensions of an event each has.
    _expanded: ClassVar[dict[str, int]]

    @staticmethod
    def set_default_validate_args(value: bool) -> None:
        """Whether arguments are checked where a constructor is not told."""
        if value not in (True, False):
            raise ValueError
        Distribution._validate_args = value

    def __init__(
        self,
        batch_shape: tuple[int, ...] = Size(),
        event_shape: tuple[int, ...] = Size(),
        validate_args: bool | None = None,
    ) -> None:
        self._batch_shape = Size(batch_shape)
        self._event_shape = Size(event_shape)
        if validate_args is not None:
            self._validate_args = validate_args
        if self._validate_args:
            self._check_parameters()

    def _check_parameters(self) -> None:
        for name, constraint in (getattr(self, "arg_constraints", None) or {}).items():
            derived = name not in self.__dict__ and isinstance(getattr(type(self), name, None), lazy_property)
            if not constraints.is_dependent(constraint) and not derived:
                self._check_parameter(name, getattr(self, name))

    def _check_parameter(self, name: str, value: Tensor) -> None:
        constraint = self.arg_constraints[name]
        if not _holds(constraint, value):
            raise ValueError(
                f"Expected parameter {name} ({type(value).__name__} of shape {tuple(value.shape)}) of distribution "
                f"{self!r} to satisfy the constraint {constraint!r}, but found invalid values:\n{value}"
            )

    def expand(self, batch_shape: tuple[int, ...], _instance: Any = None) -> Self:
        """The same distribution with its parameters expanded to ``batch_shape``.

        Raises:
            NotImplementedError: a subclass has a constructor of its own and no ``expand``.
        """
        new = self._expanded_instance(batch_shape, _instance)
        Distribution.__init__(new, batch_shape, self.event_shape, validate_args=False)
        new._validate_args = self._validate_args
        return new

    def _expanded_instance(self, batch_shape: tuple[int, ...], _instance: Any = None) -> Any:
        """A new object with the parameters that the class declares as ``_expanded``; the rest is the caller's."""
        home = next((c for c in type(self).__mro__ if "_expanded" in c.__dict__), None)
        if home is None:
            raise NotImplementedError
        new = self._get_checked_instance(home, _instance)
        for name, event_dim in home._expanded.items():
            if name in self.__dict__:
                value = self.__dict__[name]
                setattr(new, name, value.expand(*batch_shape, *value.shape[value.dim() - event_dim :]))
        return new

    @property
    def batch_shape(self) -> Size:
        """The shape of the parameters."""
        return self._batch_shape

    @property
    def event_shape(self) -> Size:
        """The shape of one value."""
        return self._event_shape

    @property
    def mean(self) -> Tensor:
        """The expectation."""
        raise NotImplementedError

    @property
    def mode(self) -> Tensor:
        """The most probable value."""
        raise NotImplementedError(f"{self.__class__} does not implement mode")

    @property
    def variance(self) -> Tensor:
        """The expected square of the distance from the mean."""
        raise NotImplementedError

    @property
    def stddev(self) -> Tensor:
        """The square root of the variance."""
        return self.variance.sqrt()

    def sample(self, sample_shape: tuple[int, ...] = Size()) -> Tensor:
        """Values of shape ``sample_shape + batch_shape + event_shape``, without gradients."""
        with no_grad():
            return self.rsample(sample_shape)

    def rsample(self, sample_shape: tuple[int, ...] = Size()) -> Tensor:
        """Values of shape ``sample_shape + batch_shape + event_shape`` that carry gradients to the parameters."""
        raise NotImplementedError

    def sample_n(self, n: int) -> Tensor:
        """``n`` samples; :meth:`sample` of ``(n,)``."""
        return self.sample((n,))

    def log_prob(self, value: Tensor) -> Tensor:
        """The logarithm of the density, or of the probability, at ``value``; of the batch's shape."""
        raise NotImplementedError

    def cdf(self, value: Tensor) -> Tensor:
        """The probability of what is at most ``value``."""
        raise NotImplementedError

    def icdf(self, value: Tensor) -> Tensor:
        """The value that :meth:`cdf` maps to ``value``."""
        raise NotImplementedError

    def enumerate_support(self, expand: bool = True) -> Tensor:
        """All values, along a new first dimension; ``expand`` repeats them over the batch.

        Raises:
            NotImplementedError: there are not finitely many.
        """
        raise NotImplementedError

    def entropy(self) -> Tensor:
        """The expected ``-log_prob``."""
        raise NotImplementedError

    def perplexity(self) -> Tensor:
        """``exp(entropy)``."""
        return torch.exp(self.entropy())

    def _extended_shape(self, sample_shape: tuple[int, ...] = Size()) -> Size:
        """The shape of ``sample_shape`` draws."""
        return Size(sample_shape) + self._batch_shape + self._event_shape

    def _validate_sample(self, value: Any) -> None:
        """Raise unless ``value`` may be an argument of :meth:`log_prob`.

        Raises:
            ValueError: it is no Tensor, its shape does not fit, or it lies outside of the support.
        """
        if not isinstance(value, Tensor):
            raise ValueError("The value argument to log_prob must be a Tensor")
        event_start = value.dim() - len(self._event_shape)
        if value.shape[event_start:] != self._event_shape:
            raise ValueError(
                "The right-most size of value must match event_shape: "
                f"{value.shape} vs {self._event_shape}."
            )  # fmt: skip
        expected = self._batch_shape + self._event_shape
        for i, j in zip(reversed(value.shape), reversed(expected), strict=False):
            if i != 1 and j != 1 and i != j:
                raise ValueError(
                    f"Value is not broadcastable with batch_shape+event_shape: {value.shape} vs {expected}."
                )
        try:
            support = self.support
        except NotImplementedError:
            return
        if not _holds(support, value):
            raise ValueError(
                f"Expected value argument ({type(value).__name__} of shape {tuple(value.shape)}) to be within the "
                f"support ({support!r}) of the distribution {self!r}, but found invalid values:\n{value}"
            )

    def _get_checked_instance(self, cls: type, _instance: Any = None) -> Any:
        """An empty object of this class for :meth:`expand` to fill.

        Raises:
            NotImplementedError: the class has a constructor of its own, which its ``expand`` would have to follow.
        """
        if _instance is None and type(self).__init__ is not cls.__init__:  # type: ignore[misc]
            raise NotImplementedError(
                f"Subclass {self.__class__.__name__} of {cls.__name__} that defines a custom __init__ method must also "
                "define a custom .expand() method."
            )
        return self.__new__(type(self)) if _instance is None else _instance

    def __repr__(self) -> str:
        shown = []
        for name in getattr(self, "arg_constraints", None) or {}:
            value = self.__dict__.get(name)
            if isinstance(value, Tensor):
                single = value.numel() == 1 and not is_traced(value)
                shown.append(f"{name}: {value if single else value.shape}")
            elif name in self.__dict__:
                shown.append(f"{name}: {value}")
        return f"{self.__class__.__name__}({', '.join(shown)})"


def _holds(constraint: Constraint, value: Tensor) -> bool:
    """Whether all values lie in a set; True where they are not known because a program is being compiled."""
    if is_traced(value):
        return True
    valid = constraint.check(value)
    return is_traced(valid) or bool(valid.all())
