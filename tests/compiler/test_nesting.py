"""Dicts among arguments and results keep the order of their keys; what cannot be made anew ends in an eager call."""

from __future__ import annotations

import functools
from collections import defaultdict
from types import SimpleNamespace
from typing import Any

import pytest

import fxtorch as torch

ONE, TWO = torch.ones(2), torch.full((2,), 2.0)


def test_a_dict_argument_is_gone_through_in_the_order_in_which_it_was_written() -> None:
    @torch.jit(fullgraph=True)
    def joined(features: dict[str, torch.Tensor]) -> torch.Tensor:
        return torch.cat(list(features.values()))

    for _ in range(2):
        assert joined({"b": ONE, "a": TWO}).tolist() == [1, 1, 2, 2]
        assert joined({"a": TWO, "b": ONE}).tolist() == [2, 2, 1, 1]
    assert joined.traces == 2


def test_keywords_and_dicts_within_other_things_keep_their_order() -> None:
    def keys(*args: Any, **kwargs: Any) -> Any:
        return [list(args[0][0]["z"]), list(kwargs), type(args[0][0]["z"]).__name__]

    table = defaultdict(list, {"y": ONE, "x": TWO})
    given = [{"z": table, "a": 1}]
    assert torch.jit(keys)(given, q=ONE, p=TWO) == keys(given, q=ONE, p=TWO)


def test_results_and_what_is_stored_keep_their_order() -> None:
    class Log:
        last: Any = None

    log = Log()

    @torch.jit(fullgraph=True)
    def step(x: torch.Tensor) -> Any:
        log.last = {"w": x, "b": {"n": x + 1, "m": x + 2}}
        return {"loss": x.sum(), "accuracy": [{"z": x, "y": x}], "table": defaultdict(int, d=x, c=x)}

    for _ in range(2):
        out = step(ONE)
        assert list(out) == ["loss", "accuracy", "table"] and list(out["accuracy"][0]) == ["z", "y"]
        assert list(out["table"]) == ["d", "c"] and out["table"]["new"] == 0
        assert list(log.last) == ["w", "b"] and list(log.last["b"]) == ["n", "m"]
    assert out["loss"].item() == 2


def test_steps_that_are_folded_keep_the_order_of_batches_and_results() -> None:
    def step(batch: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        return {name: x * 2 for name, x in batch.items()}

    out = torch.fold(step)({"y": torch.ones(3, 2), "x": torch.zeros(3, 2)})
    assert list(out) == ["y", "x"] and out["y"].sum().item() == 12
    out = torch.fold(step)([({"y": torch.ones(2), "x": torch.zeros(2)},)] * 2)
    assert list(out) == ["y", "x"] and out["y"].shape == (2, 2)


def test_keys_of_several_kinds() -> None:
    out = torch.jit(lambda d: {"a": d[1] + d["b"], 2: d["b"]}, fullgraph=True)({"b": ONE, 1: TWO})
    assert list(out) == ["a", 2] and out["a"].tolist() == [3, 3]


def test_sets_and_namespaces_of_tensors_are_handed_back() -> None:
    found, frozen, space = torch.jit(lambda x: ({x * 2}, frozenset([x * 3]), SimpleNamespace(a=x * 4)), fullgraph=True)(
        ONE
    )
    assert type(found) is set and next(iter(found)).tolist() == [2, 2]
    assert type(frozen) is frozenset and next(iter(frozen)).tolist() == [3, 3]
    assert space.a.tolist() == [4, 4]


class Pair(tuple[Any, ...]):
    def __new__(cls, a: Any, b: Any) -> Pair:
        return tuple.__new__(cls, (a, b))


def test_a_tuple_that_is_made_of_its_parts_is_handed_back() -> None:
    pair = torch.jit(lambda x: Pair(x, x * 2), fullgraph=True)(ONE)
    assert type(pair) is Pair and pair[1].tolist() == [2, 2]


class WithArguments:
    def __new__(cls, value: Any) -> WithArguments:
        new = object.__new__(cls)
        new.value = value
        return new

    value: Any


class Ring:
    def __init__(self, value: Any) -> None:
        self.value, self.me = value, self


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda x: functools.partial(torch.add, x * 2), "a partial with Tensors"),
        (lambda x: WithArguments(x * 2), "a WithArguments with Tensors"),
        (lambda x: Ring(x * 2), "a Ring with Tensors in it leads back to itself"),
    ],
    ids=["partial", "an argument of __new__", "a ring"],
)
def test_what_cannot_be_made_anew_is_made_by_an_eager_call_with_a_warning(make: Any, words: str) -> None:
    fast = torch.jit(make)
    with pytest.warns(UserWarning, match=words):
        made = fast(ONE)
    assert (made.args[0] if isinstance(made, functools.partial) else made.value).tolist() == [2, 2]
    with pytest.raises(torch.compiler.NotCompilable, match=words):
        torch.jit(make, fullgraph=True)(ONE)


def test_a_module_that_is_made_on_the_first_call_is_made_eagerly_and_the_next_call_is_compiled() -> None:
    class Holder:
        net: Any = None

    holder = Holder()

    @torch.jit
    def lazily(x: torch.Tensor) -> torch.Tensor:
        if holder.net is None:
            holder.net = torch.nn.Linear(2, 3)
        return holder.net(x)

    first = lazily(ONE)
    assert lazily.traces == 0 and first.tolist() == pytest.approx(lazily(ONE).tolist()) and lazily.traces == 1


def test_a_module_that_is_handed_back_ends_in_an_eager_call_with_a_warning() -> None:
    with pytest.warns(UserWarning, match="it makes a Module"):
        assert torch.jit(lambda x: torch.nn.Linear(2, 3))(ONE)(ONE).shape == (3,)
