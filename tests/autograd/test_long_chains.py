"""The tape is walked without recursion and lets go of what it has used."""

from __future__ import annotations

import gc
import weakref

import fxtorch as torch

LENGTH = 10_000


def test_a_chain_of_ten_thousand_operations_is_differentiated() -> None:
    x = torch.tensor(1.0, dtype=torch.float64, requires_grad=True)
    y = x
    for _ in range(LENGTH):
        y = y * 1.0001
    y.backward()
    assert x.grad is not None
    assert abs(x.grad.item() - 1.0001**LENGTH) < 1e-9


def test_a_chain_that_forks_and_joins_ten_thousand_times_counts_every_path_once() -> None:
    x = torch.tensor(1.0, dtype=torch.float64, requires_grad=True)
    y = x
    for _ in range(LENGTH // 2):
        y = y * 0.5 + y * 0.5
    y.backward()
    assert x.grad is not None and x.grad.item() == 1.0


def test_a_long_chain_that_is_never_differentiated_is_freed_without_recursion() -> None:
    y = torch.tensor(1.0, requires_grad=True)
    for _ in range(LENGTH):
        y = y + 1
    gone = weakref.ref(y)
    del y
    gc.collect()
    assert gone() is None


def test_a_second_backward_over_a_used_graph_says_so() -> None:
    x = torch.tensor(2.0, requires_grad=True)
    y = (x * x).exp()
    y.backward()
    try:
        y.backward()
    except RuntimeError as error:
        assert "a second time" in str(error)
    else:
        raise AssertionError("the used graph was walked again")


def test_a_used_graph_lets_go_of_what_it_saved() -> None:
    x = torch.randn(8, requires_grad=True)
    middle = x.exp()
    gone = weakref.ref(middle)
    loss = (middle * middle).sum()
    del middle
    loss.backward()
    gc.collect()
    assert gone() is None
