"""Looking into compiled code: printing, checks of values, and the operator and line that first gave NaN."""

from __future__ import annotations

import builtins
import contextlib
from collections.abc import Iterator
from typing import Any

import jax
from jax.core import Tracer

from fxtorch.tensor import Tensor, modes, unwrap, wrap
from fxtorch.tensor.checking import CheckError, check_not_nan, user_line
from fxtorch.tensor.checking import check as _check

__all__ = ["CheckError", "check", "detect_nan", "print"]


def print(fmt: str, *args: Any, ordered: bool = False, **kwargs: Any) -> None:
    """Print ``fmt.format(*args, **kwargs)``, in a compiled function whenever it runs.

    >>> import fxtorch as torch
    >>> @torch.jit
    ... def double(x):
    ...     torch.debug.print("x = {}", x)
    ...     return 2 * x
    >>> _ = double(torch.ones(2))
    x = tensor([1., 1.])

    Args:
        fmt: what to print, with fields as in ``str.format``.
        args: what goes into the fields; Tensors print as Tensors.
        kwargs: the same, by name.
        ordered: keep the order of prints within a program, at some cost; not inside of ``vmap`` or a loop.

    A program that prints does not reuse the memory of state that it overwrites.
    """
    leaves, tree = jax.tree.flatten((args, kwargs), is_leaf=lambda x: isinstance(x, Tensor))
    places = [i for i, x in enumerate(leaves) if isinstance(x, Tensor | jax.Array)]
    arrays = [unwrap(x) if isinstance(x, Tensor) else x for x in (leaves[i] for i in places)]

    def show(*values: Any) -> None:
        filled = list(leaves)
        for i, value in zip(places, values, strict=True):
            filled[i] = wrap(jax.numpy.asarray(value))
        positional, named = jax.tree.unflatten(tree, filled)
        builtins.print(fmt.format(*positional, **named))  # noqa: T201

    if modes.capture is None and not any(isinstance(a, Tracer) for a in arrays):
        show(*arrays)
        return
    if modes.capture is not None:
        modes.capture.side("callback")
    for i in places:  # a callback outlives the trace, and must not hold what is traced
        leaves[i] = None
    jax.debug.callback(show, *arrays, ordered=ordered)


def check(pred: Any, message: str, *args: Any, **kwargs: Any) -> None:
    """Raise unless all of ``pred`` is true; in a compiled function after it has run, and nothing has changed then.

    >>> import fxtorch as torch
    >>> @torch.jit
    ... def root(x):
    ...     torch.debug.check(x >= 0, "a root of {}", x.min())
    ...     return x.sqrt()
    >>> root(torch.tensor([4.0]))
    tensor([2.])
    >>> root(torch.tensor([-4.0]))
    Traceback (most recent call last):
        ...
    fxtorch.tensor.checking.CheckError: a root of -4.0...

    Args:
        pred: a bool or a Tensor of bools.
        message: what to say, with fields as in ``str.format``; the line of the check is added.
        args: numbers and Tensors for the fields.
        kwargs: the same, by name.

    A program with checks waits for its result before it returns, and does not reuse memory of state.

    Raises:
        CheckError: not all of ``pred`` is true.
    """
    if not isinstance(pred, Tensor):
        if not pred:
            raise CheckError(f"{message.format(*args, **kwargs)}, at {user_line()}")
        return
    given, named = jax.tree.map(_array, (args, kwargs), is_leaf=lambda x: isinstance(x, Tensor))
    where = f", at {user_line()}".replace("{", "{{").replace("}", "}}")
    _check(unwrap(pred).astype(bool).all(), message + where, *given, **named)


def _array(x: Any) -> Any:
    return unwrap(x) if isinstance(x, Tensor) else jax.numpy.asarray(x)


@contextlib.contextmanager
def detect_nan() -> Iterator[None]:
    """Within it, the first operator that gives NaN, forward or backward, raises, and is named with the user's line.

    >>> import fxtorch as torch
    >>> log = torch.jit(lambda x: torch.log(x) + 1)
    >>> with torch.debug.detect_nan():
    ...     log(torch.tensor(-1.0))
    Traceback (most recent call last):
        ...
    fxtorch.tensor.checking.CheckError: log gave NaN, at ...

    A compiled function gets a program of its own for this, which checks each operator.

    Raises:
        CheckError: an operator gave NaN.
    """

    def watch(name: str, out: Any) -> None:
        leaves = jax.tree.leaves(out, is_leaf=lambda x: isinstance(x, Tensor))
        check_not_nan(name, [unwrap(x) if isinstance(x, Tensor) else x for x in leaves], user_line())

    before, modes.watch = modes.watch, watch
    try:
        yield
    finally:
        modes.watch = before
