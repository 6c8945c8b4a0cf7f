"""Second derivatives of operators whose first needs more than the inputs: masks, places, eigenvectors."""

from __future__ import annotations

from collections.abc import Callable

import pytest

import fxtorch as torch
from fxtorch import Tensor

MASK = torch.tensor([[True, False, True], [True, True, False]])
PLACES = torch.tensor([0, 2, 0])
CASES: dict[str, Callable[[Tensor], Tensor]] = {
    "masked_select": lambda x: x.masked_select(MASK).pow(3).sum(),
    "a mask as index": lambda x: x[MASK].pow(3).sum(),
    "scatter_reduce": lambda x: x[0].scatter_reduce(0, PLACES, x[1], "prod").sum(),
    "index_reduce": lambda x: x.T.index_reduce(0, PLACES, x.T + 2, "prod", include_self=False).square().sum(),
    "eigvals": lambda x: torch.linalg.eigvals(x @ x.T + x[:, :2]).abs().sum(),
    "eig": lambda x: torch.linalg.eig(x @ x.T + x[:, :2])[1].abs().square()[0].sum(),
}


@pytest.mark.parametrize("name", CASES)
def test_the_second_derivative_is_that_of_finite_differences(name: str) -> None:
    torch.manual_seed(0)
    x = torch.rand(2, 3, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradgradcheck(CASES[name], (x,))
