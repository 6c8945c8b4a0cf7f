"""Modules as functions of their parameters."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from fxtorch.tensor import Tensor

State = Mapping[str, Tensor]


def functional_call(
    module: Any,
    parameter_and_buffer_dicts: State | Sequence[State],
    args: Any = None,
    kwargs: Mapping[str, Any] | None = None,
    *,
    tie_weights: bool = True,
    strict: bool = False,
) -> Any:
    """Call ``module`` with other Tensors in the place of its parameters and buffers.

    >>> import fxtorch as torch
    >>> layer = torch.nn.Linear(2, 1)
    >>> torch.func.functional_call(layer, {"weight": torch.ones(1, 2), "bias": torch.zeros(1)}, torch.ones(2))
    tensor([2.])

    Args:
        module: the Module; it is as before when the call returns.
        parameter_and_buffer_dicts: Tensors by their names in ``state_dict``, or several such dicts.
        args: the call's arguments: a tuple, or a single one that is not a tuple.
        kwargs: its keyword arguments.
        tie_weights: put a Tensor that is given for one of several tied parameters in the place of all of them.
        strict: raise where names are missing or are too many.

    Buffers that the call changes in place are changed in the dict, not in the Module.

    Raises:
        ValueError: an element is no dict, two dicts have a name in common, or tied parameters are given different
            Tensors.
        RuntimeError: ``strict``, and the names are not exactly the Module's.
    """
    if isinstance(parameter_and_buffer_dicts, Mapping):
        given = dict(parameter_and_buffer_dicts)
    else:
        given = {}
        for part in parameter_and_buffer_dicts:
            if not isinstance(part, Mapping):
                raise ValueError("Expected all elements of parameter_and_buffer_dicts to be dictionaries")
            repeated = sorted(set(part) & set(given))
            if repeated:
                raise ValueError(
                    f"{repeated} appeared in multiple dictionaries; behavior of functional call is ambiguous"
                )
            given.update(part)
    positional = () if args is None else args if isinstance(args, tuple) else (args,)
    with swapped(module, given, tie_weights, strict):
        return module(*positional, **(kwargs or {}))


@contextlib.contextmanager
def swapped(module: Any, given: dict[str, Tensor], tie_weights: bool, strict: bool) -> Iterator[None]:
    """``module`` with ``given`` in the place of its parameters and buffers, until the end of the block."""
    places = _places(module)
    missing, unexpected = [n for n in places if n not in given], [n for n in given if n not in places]
    if strict and tie_weights:
        tied_given = {id(places[n][0][places[n][1]]) for n in given if n in places}
        missing = [n for n in missing if id(places[n][0][places[n][1]]) not in tied_given]
    if strict and (missing or unexpected):
        words = [f"Missing key(s): {', '.join(map(repr, missing))}."] if missing else []
        words = [f"Unexpected key(s): {', '.join(map(repr, unexpected))}.", *words] if unexpected else words
        raise RuntimeError(f"Error(s) in reparametrizing for {type(module).__name__}:\n\t" + "\n\t".join(words))
    wanted = {n: t for n, t in given.items() if n in places}
    for n, t in given.items():
        if not isinstance(t, Tensor):
            raise TypeError(f"{t!r:.60} is not an instance of torch.Tensor, given for '{n}'")
    if tie_weights:
        wanted = _tied(places, wanted)
    before = [(table, key, table[key]) for table, key in (places[n] for n in wanted)]
    try:
        for n, t in wanted.items():
            table, key = places[n]
            table[key] = t
        yield
    finally:
        for (table, key, old), n in zip(before, wanted, strict=True):
            if table.get(key) is not wanted[n]:  # the call assigned it: torch gives the new value to the dict
                given[n] = table[key]
            table[key] = old


def _places(module: Any) -> dict[str, tuple[dict[str, Any], str]]:
    """Where each parameter and buffer is held, tied ones under all their names."""
    found: dict[str, tuple[dict[str, Any], str]] = {}
    for prefix, part in module.named_modules(remove_duplicate=False):
        for table in (part._parameters, part._buffers):
            for key, value in table.items():
                if value is not None:
                    found[f"{prefix}.{key}" if prefix else key] = (table, key)
    return found


def _tied(places: dict[str, tuple[dict[str, Any], str]], wanted: dict[str, Tensor]) -> dict[str, Tensor]:
    """``wanted`` with the Tensor given under one name of a tied parameter under all of them."""
    groups: dict[int, list[str]] = {}
    for name, (table, key) in places.items():
        groups.setdefault(id(table[key]), []).append(name)
    out = dict(wanted)
    for names in groups.values():
        given = {id(wanted[n]): wanted[n] for n in names if n in wanted}
        if len(given) > 1:
            raise ValueError(
                f"functional_call got multiple values for keys {sorted(n for n in names if n in wanted)}, which are "
                "tied. "
                "Consider using tie_weights=False"
            )
        for n in names if given else ():
            out[n] = next(iter(given.values()))
    return out
