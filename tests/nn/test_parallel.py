"""The pieces of DataParallel."""

from __future__ import annotations

from collections import namedtuple

import pytest

import fxtorch as torch
from fxtorch import nn
from fxtorch.nn.parallel import gather, parallel_apply, replicate, scatter
from fxtorch.nn.parallel.scatter_gather import scatter_kwargs

Pair = namedtuple("Pair", ["x", "n"])
TWO = ["cpu", "cpu"]


def test_scatter_cuts_every_tensor_and_gather_puts_it_together() -> None:
    given = {"x": torch.arange(5), "pair": Pair(torch.arange(5.0), "n"), "list": [torch.ones(5, 2)]}
    first, second = scatter(given, TWO)
    assert first["x"].tolist() == [0, 1, 2]
    assert second["pair"].x.tolist() == [3.0, 4.0]
    together = gather([{k: p[k] for k in ("x", "list")} for p in (first, second)], "cpu")
    assert together["x"].tolist() == list(range(5))
    assert together["list"][0].shape == (5, 2)


def test_scalars_are_gathered_to_a_vector() -> None:
    assert gather([torch.tensor(1.0), torch.tensor(2.0)], "cpu").tolist() == [1.0, 2.0]


def test_fewer_rows_than_devices_give_fewer_pieces() -> None:
    positional, named = scatter_kwargs((torch.arange(1),), {"n": 3}, TWO)
    assert (len(positional), len(named)) == (2, 2)
    assert positional[1] == ()


def test_modules_are_applied_each_to_its_own_arguments() -> None:
    layer = nn.Linear(2, 1)
    out = parallel_apply(replicate(layer, TWO), [torch.ones(1, 2), (torch.zeros(1, 2),)])
    assert [o.shape for o in out] == [(1, 1), (1, 1)]
    with pytest.raises(AssertionError, match="number of modules"):
        parallel_apply([layer], [])


def test_several_different_devices_are_refused() -> None:
    with pytest.raises(RuntimeError, match="one device"):
        replicate(nn.Linear(1, 1), ["cuda:0", "cuda:1"])
