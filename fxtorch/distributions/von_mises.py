"""The von Mises distribution of angles."""

from __future__ import annotations

import math
from typing import Any

from fxtorch import special
from fxtorch.autograd import no_grad
from fxtorch.distributions import constraints
from fxtorch.distributions.distribution import Distribution
from fxtorch.distributions.utils import broadcast_all
from fxtorch.nn._torch import torch
from fxtorch.tensor import Size, Tensor
from fxtorch.tensor.dispatch import namespace

__all__ = ["VonMises"]

_draw = namespace("distributions")["_von_mises"]


class VonMises(Distribution):
    """The density ``exp(concentration cos(x - loc)) / (2 pi I0(concentration))`` of an angle.

    >>> import fxtorch as torch
    >>> VonMises(torch.tensor(1.0), torch.tensor(4.0)).mean
    tensor(1.)

    Args:
        loc: the mean angle in radians.
        concentration: how far it is from uniform.
        validate_args: whether to check arguments.
    """

    arg_constraints = {"loc": constraints.real, "concentration": constraints.positive}
    support = constraints.real
    _expanded = {"loc": 0, "concentration": 0}

    def __init__(self, loc: Any, concentration: Any, validate_args: bool | None = None) -> None:
        self.loc, self.concentration = broadcast_all(loc, concentration)
        super().__init__(self.loc.shape, validate_args=validate_args)

    @property
    def mean(self) -> Tensor:
        """``loc``."""
        return self.loc

    @property
    def mode(self) -> Tensor:
        """``loc``."""
        return self.loc

    @property
    def variance(self) -> Tensor:
        """The circular variance, ``1 - I1 / I0``."""
        return 1 - special.i1e(self.concentration) / special.i0e(self.concentration)

    def sample(self, sample_shape: tuple[int, ...] = Size()) -> Tensor:
        """Angles in [-pi, pi)."""
        with no_grad():
            return _draw(self.loc, self.concentration, tuple(self._extended_shape(sample_shape)))

    def log_prob(self, value: Tensor) -> Tensor:
        """The logarithm of the density."""
        if self._validate_args:
            self._validate_sample(value)
        k = self.concentration
        return k * (torch.cos(value - self.loc) - 1) - math.log(2 * math.pi) - special.i0e(k).log()
