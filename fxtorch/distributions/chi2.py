"""The chi-squared distribution."""

from __future__ import annotations

from typing import Any

from fxtorch.distributions import constraints
from fxtorch.distributions.gamma import Gamma
from fxtorch.tensor import Tensor

__all__ = ["Chi2"]


class Chi2(Gamma):
    """The sum of ``df`` squared standard normal variables: ``Gamma(df / 2, 1 / 2)``.

    >>> import fxtorch as torch
    >>> Chi2(torch.tensor(3.0)).variance
    tensor(6.)

    Args:
        df: the degrees of freedom.
        validate_args: whether to check arguments.
    """

    arg_constraints = {"df": constraints.positive}
    _expanded = {"concentration": 0, "rate": 0}

    def __init__(self, df: Any, validate_args: bool | None = None) -> None:
        super().__init__(0.5 * df, 0.5, validate_args=validate_args)

    @property
    def df(self) -> Tensor:
        """The degrees of freedom."""
        return self.concentration * 2
