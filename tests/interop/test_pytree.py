"""torch.utils._pytree keeps torch's order of leaves, and its structures."""

from __future__ import annotations

from collections import OrderedDict, defaultdict, deque, namedtuple
from typing import Any

import pytest

from fxtorch.interop.names.pytree import (
    LeafSpec,
    TreeSpec,
    _namedtuple_flatten,
    _namedtuple_unflatten,
    tree_flatten,
    tree_leaves,
    tree_map,
    tree_structure,
    tree_unflatten,
)

Point = namedtuple("Point", "x y")
NESTED: Any = {
    "b": [1, None, (2,)],
    "a": Point(3, OrderedDict(z=4, c=5)),
    "queue": deque([6, 7], maxlen=5),
    "with default": defaultdict(list, {"k": 8}),
    "empty": [],
}


def test_leaves_come_in_the_order_of_the_keys_and_go_back_to_their_places() -> None:
    leaves, spec = tree_flatten(NESTED)
    assert leaves == [1, None, 2, 3, 4, 5, 6, 7, 8]
    assert (spec.num_leaves, spec.num_children, spec.num_nodes) == (9, 5, 17)
    again = tree_unflatten(leaves, spec)
    assert again == NESTED and list(again) == list(NESTED) and again["queue"].maxlen == 5
    assert again["with default"]["new"] == [] and isinstance(again["a"], Point)


def test_a_second_tree_is_read_by_the_keys_of_the_first() -> None:
    assert tree_map(lambda a, b: (a, b), {"b": 1, "a": [2]}, {"a": [3], "b": 4}) == {"b": (1, 4), "a": [(2, 3)]}


def test_structures_are_values_and_can_be_made_by_hand() -> None:
    spec = tree_structure([1, {"a": 2}])
    assert spec == tree_structure([3, {"a": 4}]) and hash(spec) == hash(tree_structure([3, {"a": 4}]))
    assert spec != tree_structure([3, {"b": 4}])
    assert TreeSpec(dict, ["b", "a"], [LeafSpec(), LeafSpec()]).unflatten([1, 2]) == {"b": 1, "a": 2}


@pytest.mark.parametrize(
    ("first", "second", "words"),
    [
        ([1, 2], [1], "Node arity mismatch; expected 2, but got 1"),
        ([1, 2], (1, 2), "Type mismatch"),
        ({"a": 1}, {"b": 1}, "Node keys mismatch"),
    ],
)
def test_trees_that_do_not_match_are_refused(first: Any, second: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        tree_map(lambda a, b: a, first, second)


def test_the_number_of_leaves_must_be_right() -> None:
    with pytest.raises(ValueError, match="has length 1 but the spec refers to a pytree that holds 2 items"):
        tree_unflatten([1], tree_structure([1, 2]))


def test_what_is_declared_a_leaf_is_not_opened() -> None:
    assert tree_leaves([(1, 2)], is_leaf=lambda x: isinstance(x, tuple)) == [(1, 2)]


def test_a_class_may_be_taken_apart_as_a_named_tuple_is() -> None:
    values, kind = _namedtuple_flatten(Point(1, 2))
    assert values == [1, 2] and _namedtuple_unflatten(values, kind) == Point(1, 2)
