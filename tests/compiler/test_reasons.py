"""Why a call was traced anew is told in names and values: of arguments, and of state of another type."""

from __future__ import annotations

from typing import Any

import pytest

import fxtorch as torch
from fxtorch import nn

ONE = torch.ones(2)
CASES: dict[str, tuple[Any, Any, str]] = {
    "None": (
        (ONE, None),
        (ONE, torch.zeros(2)),
        "the structure of the arguments changed: argument 1: None became float32[2]",
    ),
    "one more": (
        ([ONE],),
        ([ONE, torch.zeros(2)],),
        "the structure of the arguments changed: argument 0[1]: nothing became float32[2]",
    ),
    "in a dict": (({"b": ONE},), ({"b": torch.ones(3)},), "argument 0['b']: float32[2] became float32[3]"),
    "a flag": (
        (ONE,),
        (torch.ones(2, requires_grad=True),),
        "argument 0: float32[2] became float32[2], requires_grad, without .grad",
    ),
    "one twice": (
        (ONE, torch.zeros(2)),
        (ONE, ONE),
        "argument 1: float32[2] became the same Tensor as argument 0",
    ),
    "a number": ((ONE, 2), (ONE, 3), "argument 1: 2 became 3"),
}


@pytest.mark.parametrize(("first", "then", "reason"), CASES.values(), ids=list(CASES))
def test_what_is_another_argument_is_told_with_its_place(first: Any, then: Any, reason: str) -> None:
    fast = torch.jit(lambda *args: args)
    fast(*first)
    fast(*then)
    assert fast.reasons[1] == reason


def test_a_keyword_is_told_by_its_name() -> None:
    fast = torch.jit(lambda x, *, scale: x * scale)
    fast(ONE, scale=2.0)
    fast(ONE, scale=3.0)
    assert fast.reasons[1] == "argument scale: '2.0' became '3.0'"


def test_state_of_another_type_is_told_by_its_name() -> None:
    net = nn.Linear(2, 3)
    fast = torch.jit(lambda x: net(x.to(net.weight.dtype)))
    fast(ONE)
    net.double()
    fast(ONE)
    words = "changed: net.weight: float32[3,2] became float64[3,2]; net.bias: float32[3] became float64[3]"
    assert fast.reasons[1] == words


def test_options_of_an_optimizer_are_told_by_their_names() -> None:
    net = nn.Linear(2, 1)
    opt = torch.optim.Adam(net.parameters(), lr=0.1)

    @torch.jit
    def step() -> None:
        net(ONE).sum().backward()
        opt.step()

    step()
    opt.param_groups[0]["weight_decay"] = 0.1
    step()
    assert "the options of Adam: maximize=False, decays=False, amsgrad=False" in step.reasons[1]
