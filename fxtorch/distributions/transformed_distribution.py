"""What transforms make of a distribution."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fxtorch.autograd import no_grad
from fxtorch.distributions import constraints
from fxtorch.distributions.distribution import Distribution
from fxtorch.distributions.independent import Independent
from fxtorch.distributions.transforms import ComposeTransform, Transform
from fxtorch.distributions.utils import _sum_rightmost
from fxtorch.tensor import Size, Tensor

__all__ = ["TransformedDistribution"]


def _support(distribution: Any) -> Any:
    """The last transform's codomain, in as many dimensions as a value has."""
    if not distribution.transforms:
        return distribution.base_dist.support
    support = distribution.transforms[-1].codomain
    missing = len(distribution.event_shape) - support.event_dim
    return constraints.independent(support, missing) if missing > 0 else support


class TransformedDistribution(Distribution):
    """The distribution of ``f(x)`` where ``x`` follows ``base_distribution``.

    The density is the base's at ``f.inv(y)``, divided by ``|dy/dx|``.

    >>> import fxtorch as torch
    >>> from fxtorch.distributions import Normal
    >>> from fxtorch.distributions.transforms import ExpTransform
    >>> TransformedDistribution(Normal(torch.tensor(0.0), 1.0), ExpTransform()).log_prob(torch.tensor(1.0))
    tensor(-0.9189)

    Args:
        base_distribution: of ``x``.
        transforms: one transform or a list of them, the first one first.
        validate_args: whether to check arguments.

    Raises:
        ValueError: there is something else among the transforms, or a value of the base has too few dimensions.
    """

    arg_constraints = {}
    support: Any = constraints.dependent_property(_support, is_discrete=False)
    has_rsample: Any = property(lambda self: self.base_dist.has_rsample)
    _expanded = {}

    def __init__(
        self,
        base_distribution: Distribution,
        transforms: Transform | Sequence[Transform],
        validate_args: bool | None = None,
    ) -> None:
        if isinstance(transforms, Transform):
            self.transforms = [transforms]
        elif isinstance(transforms, list) and all(isinstance(t, Transform) for t in transforms):
            self.transforms = transforms
        elif isinstance(transforms, list):
            raise ValueError("transforms must be a Transform or a list of Transforms")
        else:
            raise ValueError(f"transforms must be a Transform or list, but was {transforms}")
        shape = base_distribution.batch_shape + base_distribution.event_shape
        base_event_dim = len(base_distribution.event_shape)
        whole = ComposeTransform(self.transforms)
        if len(shape) < whole.domain.event_dim:
            raise ValueError(
                f"base_distribution needs to have shape with size at least {whole.domain.event_dim}, but got {shape}."
            )
        out_shape = whole.forward_shape(shape)
        in_shape = whole.inverse_shape(out_shape)
        if tuple(shape) != tuple(in_shape):  # parameters of the transforms add dimensions
            base_distribution = base_distribution.expand(in_shape[: len(in_shape) - base_event_dim])
        added = whole.domain.event_dim - base_event_dim
        self.base_dist: Any = Independent(base_distribution, added) if added > 0 else base_distribution
        event_dim = whole.codomain.event_dim + max(base_event_dim - whole.domain.event_dim, 0)
        cut = len(out_shape) - event_dim
        super().__init__(out_shape[:cut], out_shape[cut:], validate_args=validate_args)

    def expand(self, batch_shape: tuple[int, ...], _instance: Any = None) -> Any:
        """The same distribution with another batch shape."""
        new = super().expand(batch_shape, _instance)
        shape: tuple[int, ...] = Size(batch_shape) + self.event_shape
        for transform in reversed(self.transforms):
            shape = transform.inverse_shape(shape)
        new.base_dist = self.base_dist.expand(Size(shape[: len(shape) - len(self.base_dist.event_shape)]))
        new.transforms = self.transforms
        return new

    def _forward(self, x: Tensor) -> Tensor:
        for transform in self.transforms:
            x = transform(x)
        return x

    def _backward(self, y: Tensor) -> Tensor:
        for transform in reversed(self.transforms):
            y = transform.inv(y)
        return y

    def sample(self, sample_shape: tuple[int, ...] = Size()) -> Tensor:
        """The base's draws, transformed."""
        with no_grad():
            return self._forward(self.base_dist.sample(sample_shape))

    def rsample(self, sample_shape: tuple[int, ...] = Size()) -> Tensor:
        """The base's draws, transformed, with gradients to the parameters of both."""
        return self._forward(self.base_dist.rsample(sample_shape))

    def log_prob(self, value: Tensor) -> Tensor:
        """``base.log_prob(x) - log |dy/dx|`` at ``x = f.inv(value)``."""
        if self._validate_args:
            self._validate_sample(value)
        event_dim = len(self.event_shape)
        result: Any = 0.0
        y = value
        for transform in reversed(self.transforms):
            x = transform.inv(y)
            event_dim += transform.domain.event_dim - transform.codomain.event_dim
            jacobian = transform.log_abs_det_jacobian(x, y)
            result = result - _sum_rightmost(jacobian, event_dim - transform.domain.event_dim)
            y = x
        return result + _sum_rightmost(self.base_dist.log_prob(y), event_dim - len(self.base_dist.event_shape))

    def _monotonize_cdf(self, value: Tensor) -> Tensor:
        """``value``, or ``1 - value`` where the transforms are decreasing."""
        sign: Any = 1
        for transform in self.transforms:
            sign = sign * transform.sign
        return value if isinstance(sign, int) and sign == 1 else sign * (value - 0.5) + 0.5

    def cdf(self, value: Tensor) -> Tensor:
        """The base's at ``f.inv(value)``."""
        value = self._backward(value)
        if self._validate_args:
            self.base_dist._validate_sample(value)
        return self._monotonize_cdf(self.base_dist.cdf(value))

    def icdf(self, value: Tensor) -> Tensor:
        """``f`` of the base's."""
        return self._forward(self.base_dist.icdf(self._monotonize_cdf(value)))
