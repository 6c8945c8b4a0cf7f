"""Which writes are refused because elements share memory, and what the allowed ones do.  Seen in PyTorch 2.13."""

from __future__ import annotations

from collections.abc import Callable

import pytest

import fxtorch as torch
from fxtorch.tensor import Tensor

AMONG = "more than one element of the written-to tensor refers to a single memory location"
WITH = "some elements of the input tensor and the written-to tensor refer to a single memory location"


def repeated() -> tuple[Tensor, Tensor]:
    base = torch.ones(1)
    return base, base.expand(3)


ALLOWED: dict[str, tuple[Callable[[Tensor], object], float]] = {
    "fill_": (lambda e: e.fill_(2), 2.0),
    "zero_": (lambda e: e.zero_(), 0.0),
    "masked_fill_": (lambda e: e.masked_fill_(torch.tensor([False, True, False]), 3.0), 3.0),
    "index_fill_": (lambda e: e.index_fill_(0, torch.tensor([2]), 4.0), 4.0),
    "an element": (lambda e: e.__setitem__(0, 5.0), 5.0),
    "positions": (lambda e: e.__setitem__(torch.tensor([0, 1]), 6.0), 6.0),
    "a mask": (lambda e: e.__setitem__(torch.tensor([True, False, True]), 7.0), 7.0),
    "adding to an element": (lambda e: e[1].add_(1), 2.0),
}


@pytest.mark.parametrize("name", ALLOWED)
def test_a_fill_of_one_of_many_elements_in_a_place_shows_in_all(name: str) -> None:
    write, value = ALLOWED[name]
    base, e = repeated()
    write(e)
    assert e.tolist() == [value] * 3 and base.tolist() == [value]


REFUSED: dict[str, Callable[[Tensor], object]] = {
    "add_": lambda e: e.add_(1),
    "copy_": lambda e: e.copy_(torch.zeros(3)),
    "exp_": lambda e: e.exp_(),
    "normal_": lambda e: e.normal_(),
    "scatter_": lambda e: e.scatter_(0, torch.tensor([0]), 2.0),
    "a slice": lambda e: e.__setitem__(slice(0, 2), 2.0),
    "a part": lambda e: e[1:].mul_(2),
    "out": lambda e: torch.add(torch.ones(3), 1, out=e),
    "rows": lambda e: torch.ones(1, 3).expand(2, 3)[:, 1:].add_(1),
    "broadcast_tensors": lambda e: torch.broadcast_tensors(torch.ones(1), e)[0].add_(1),
    "meshgrid": lambda e: torch.meshgrid(torch.ones(2), torch.ones(3), indexing="ij")[1].add_(1),
}


@pytest.mark.parametrize("name", REFUSED)
def test_arithmetic_over_elements_that_share_a_place_is_refused(name: str) -> None:
    base, e = repeated()
    with pytest.raises(RuntimeError, match=AMONG):
        REFUSED[name](e)
    assert base.tolist() == [1.0]


def test_views_that_repeat_nothing_are_written_as_others_are() -> None:
    x = torch.ones(1, 3)
    x.expand(1, 3).add_(1)
    x.expand(2, 3)[0].add_(1)
    assert x.tolist() == [[3.0, 3.0, 3.0]]


def test_a_write_over_a_shifted_part_of_its_own_argument_is_refused() -> None:
    x, square = torch.arange(4.0), torch.ones(3, 3)
    for write in (
        lambda: x[1:].copy_(x[:-1]), lambda: x[1:].add_(x[:-1]), lambda: x.__setitem__(slice(1, None), x[:-1]),
        lambda: square.add_(square.T), lambda: x[1:].mul_(x[:3]),
    ):  # fmt: skip
        with pytest.raises(RuntimeError, match=WITH):
            write()
    assert x.tolist() == [0.0, 1.0, 2.0, 3.0]


def test_the_same_elements_and_blocks_beside_each_other_may_meet_in_a_write() -> None:
    x = torch.arange(4.0)
    x.add_(x)
    x[1:3] = 5.0
    x[0] = x[3]
    x[:] = x
    x.copy_(torch.arange(4.0).mul_(2))
    x[2:].add_(x[:2])
    x.view(2, 2)[:, 1].add_(x.view(2, 2)[:, 0])  # columns lie between each other: PyTorch does not look into them
    assert x.tolist() == [0.0, 2.0, 4.0, 12.0]


def test_a_compiled_function_refuses_the_same_writes() -> None:
    @torch.jit(fullgraph=True)
    def over_all(x: Tensor) -> Tensor:
        return x.expand(3).add_(1)

    @torch.jit(fullgraph=True)
    def over_one(x: Tensor) -> Tensor:
        e = x.expand(3)
        e[0] = 2
        return e

    with pytest.raises(RuntimeError, match=AMONG):
        over_all(torch.ones(1))
    assert over_one(torch.ones(1)).tolist() == [2.0, 2.0, 2.0]


def test_the_gradient_of_a_filled_repetition_is_that_of_the_value() -> None:
    value = torch.tensor(3.0, requires_grad=True)
    e = torch.ones(1).expand(2)
    e[0] = value
    e.sum().backward()
    assert value.grad is not None and value.grad.item() == 2.0
