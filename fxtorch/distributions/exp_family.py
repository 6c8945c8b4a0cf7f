"""Exponential families: entropy and divergence from the derivatives of one function."""

from __future__ import annotations

from typing import Any

from fxtorch.autograd import enable_grad, grad
from fxtorch.distributions.distribution import Distribution, _unknown
from fxtorch.tensor import Tensor

__all__ = ["ExponentialFamily"]


class ExponentialFamily(Distribution):
    """Distributions with density ``exp(<t(x), theta> - A(theta) + k(x))``.

    A subclass gives theta as ``_natural_params`` (a tuple), A as ``_log_normalizer`` and the expectation of k as
    ``_mean_carrier_measure``; the entropy follows.
    """

    _mean_carrier_measure: Any = property(_unknown)

    @property
    def _natural_params(self) -> tuple[Tensor, ...]:
        """The natural parameters theta, functions of the distribution's own."""
        raise NotImplementedError

    def _log_normalizer(self, *natural_params: Tensor) -> Tensor:
        """A at the natural parameters."""
        raise NotImplementedError

    def entropy(self) -> Tensor:
        """``A(theta) - <theta, grad A(theta)> - E k(x)``.

        Source: Nielsen and Nock, "Entropies and cross-entropies of exponential families" (2010).
        """
        carrier = self._mean_carrier_measure
        params, (normalizer,), gradients = normalizers(self, self._natural_params)
        result = normalizer - carrier
        for theta, g in zip(params, gradients, strict=True):
            result = result - (theta * g).reshape(*self._batch_shape, -1).sum(-1)
        return result


def normalizers(
    family: ExponentialFamily, at: tuple[Tensor, ...], *others: tuple[Tensor, ...]
) -> tuple[tuple[Tensor, ...], tuple[Tensor, ...], tuple[Tensor, ...]]:
    """The parameters ``at``, the values of A at it and at ``others``, and its gradient at ``at``."""
    carries = any(p.requires_grad for p in at)
    with enable_grad():
        params = tuple(p if p.requires_grad else p.detach().requires_grad_() for p in at)
        first = family._log_normalizer(*params)
        gradients = grad(first.sum(), params, create_graph=carries)
    values = (first, *(family._log_normalizer(*other) for other in others))
    if not carries:
        params, values = tuple(p.detach() for p in params), (values[0].detach(), *values[1:])
    return params, values, gradients
