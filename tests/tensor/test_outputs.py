"""``out=``: what an operator wants of the Tensor that it is given."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import fxtorch as torch

X = torch.arange(6.0)
INDEX = torch.tensor([0, 2, 4])
APART: dict[str, Callable[[Any], Any]] = {
    "cat": lambda x: torch.cat([x[:3], x[3:]], out=x),
    "stack": lambda x: torch.stack([x], out=x),
    "gather": lambda x: torch.gather(x, 0, INDEX, out=x),
    "take": lambda x: torch.take(x, INDEX, out=x),
    "index_select": lambda x: torch.index_select(x, 0, INDEX, out=x),
    "masked_select": lambda x: torch.masked_select(x, x > 2, out=x),
    "a view of the argument": lambda x: torch.take(x, INDEX, out=x[1:4]),
}


@pytest.mark.parametrize("name", APART)
def test_a_result_is_not_written_over_what_it_is_read_from(name: str) -> None:
    with pytest.raises(RuntimeError, match="refer to a single memory location"):
        APART[name](X.clone())


def test_parts_of_one_tensor_that_do_not_overlap_are_taken() -> None:
    x = X.clone()
    torch.cat([x[:1], x[1:2]], out=x[4:])
    assert x.tolist() == [0, 1, 2, 3, 0, 1]
    assert torch.add(x, 1, out=x) is x


@pytest.mark.parametrize(
    "call",
    [
        lambda out: torch.gather(X, 0, INDEX, out=out),
        lambda out: torch.sort(X, out=(out, torch.empty(0, dtype=torch.int64))),
        lambda out: torch.argmax(X, out=out),
        lambda out: torch.complex(X, X, out=out),
        lambda out: torch.multinomial(X, 2, out=out),
        lambda out: torch.index_add(X, 0, INDEX, X[:3], out=out),
    ],
    ids=["gather", "sort", "argmax", "complex", "multinomial", "index_add"],
)
def test_a_result_that_is_written_in_place_keeps_its_type(call: Callable[[Any], Any]) -> None:
    with pytest.raises(RuntimeError, match="Expected out tensor to have dtype"):
        call(torch.empty(0, dtype=torch.float64))


def test_a_factory_counts_in_the_type_of_out() -> None:
    out = torch.empty(0, dtype=torch.int64)
    assert torch.arange(0, 5.5, out=out).tolist() == [0, 1, 2, 3, 4]
    with pytest.raises(ValueError, match="step must be nonzero"):
        torch.arange(0, 3, 0.5, out=out)
