"""Why a call needs another program, told in names and values, before and now."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax
from jax.core import ShapedArray

from fxtorch.compiler.explanation import title
from fxtorch.compiler.program import Program
from fxtorch.tensor import Tensor, unwrap

MODES = ("recording of gradients", "inference mode", "anomaly detection", "NaN detection", "overrides", "autocast")
_MOST = 5  # differences that are told
_NOTHING = "nothing"  # where another call had an argument


def of_another_key(key: Any, known: Sequence[Any]) -> str:
    """Of a call whose arguments or modes no program was made for.

    Args:
        key: structure of the arguments, modes and signature of the call.
        known: those that there are programs for, the oldest first.
    """
    tree, now, leaves = key
    for other_tree, before, other in known:
        if other_tree == tree and before == now:
            return _told(_places(tree, other), _places(tree, leaves))
    other_tree, before, other = known[-1]
    changed = [f"{n}: {old} became {new}" for n, old, new in zip(MODES, before, now, strict=True) if old != new]
    if changed:
        return "; ".join(changed)
    told = _told(_places(other_tree, other), _places(tree, leaves))
    return f"the structure of the arguments changed{told and f': {told}'}"


def of_other_types(program: Program, leaves: Sequence[Any]) -> str:
    """Of a call whose state has other shapes or types than ``program`` was compiled for."""
    names = program.layout.naming.tensors()
    found = []
    for reference, before in zip(program.traced.known.references, program.traced.types, strict=False):
        array = unwrap(reference.find(leaves))
        now = ShapedArray(array.shape, array.dtype)
        if (now.shape, now.dtype) != (before.shape, before.dtype):
            found.append(f"{title(reference, names)}: {before.str_short()} became {now.str_short()}")
    numbers = [s for s in program.traced.known.scalars if isinstance(s.read(), Tensor)]
    found += [f"{s.key}: a number became a Tensor" for s in numbers]
    return "changed: " + ("; ".join(found[:_MOST]) or "where some state lies")


def _places(tree: Any, leaves: Sequence[Any]) -> dict[str, Any]:
    """The entries of a signature by the names of their places; None where None was given."""
    (args, kwargs) = jax.tree.unflatten(tree, range(len(leaves)))
    found = {}
    for name, part in (*enumerate(args), *kwargs.items()):
        for path, number in jax.tree_util.tree_flatten_with_path(part, is_leaf=lambda x: x is None)[0]:
            entry = None if number is None else leaves[number]
            found[f"argument {name}{jax.tree_util.keystr(path)}"] = entry
    return found


def _told(before: dict[str, Any], now: dict[str, Any]) -> str:
    both = dict.fromkeys((*before, *now))
    pairs = [(name, before.get(name, _NOTHING), now.get(name, _NOTHING)) for name in both]
    differing = [(name, _words(old), _words(new), old, new) for name, old, new in pairs if old != new]
    return "; ".join(
        f"{name}: {a} became {b}" if a != b else f"{name}: {a}{_flags(old)} became {b}{_flags(new)}"
        for name, a, b, old, new in differing[:_MOST]
    )


def _words(entry: Any) -> str:
    if isinstance(entry, tuple) and entry and hasattr(entry[0], "str_short"):
        return entry[0].str_short()
    if isinstance(entry, tuple) and entry[:1] == ("argument",):
        return f"the same Tensor as argument {entry[1]}"
    return repr(entry[1]) if isinstance(entry, tuple) and len(entry) == 2 else str(entry)


def _flags(entry: Any) -> str:
    """What a signature has of a Tensor beside its type."""
    _, requires_grad, leaf, bare, hooks = entry
    told = (requires_grad, "requires_grad"), (not leaf, "in a graph"), (bare, "without .grad"), (hooks, "with hooks")
    return "".join(f", {word}" for true, word in told if true)
