"""Nothing of a trace is left behind: not by a Tensor that stands for an argument, and not where the trace failed."""

from __future__ import annotations

import contextvars
from typing import Any

import pytest
from jax.core import Tracer

import fxtorch as torch

VARIABLE: contextvars.ContextVar[Any] = contextvars.ContextVar("VARIABLE")
ONE = torch.ones(2)


class Holder:
    """A class without attributes, as yet."""


@pytest.fixture(autouse=True)
def nothing_held() -> Any:
    yield
    for name in [k for k in vars(Holder) if not k.startswith("__")]:
        delattr(Holder, name)
    globals().pop("NEW", None)


def on_a_function(x: torch.Tensor) -> torch.Tensor:
    on_a_function.kept = x  # type: ignore[attr-defined]
    return x * 2


def in_a_closure(x: torch.Tensor) -> torch.Tensor:
    Holder.kept = lambda: x  # type: ignore[attr-defined]
    return x * 2


def in_a_context(x: torch.Tensor) -> torch.Tensor:
    VARIABLE.set(x)
    return x * 2


@pytest.mark.parametrize(
    ("leak", "holder"),
    [
        (on_a_function, "the attribute 'kept' of a function"),
        (in_a_closure, "a variable of an enclosing function"),
        (in_a_context, "something"),
        (lambda x: x.sum, "something"),
        (lambda x: lambda: x, "a variable of an enclosing function"),
    ],
    ids=["a function", "a closure", "a context variable", "a method", "a result"],
)
def test_what_stands_for_an_argument_does_not_outlive_the_trace(leak: Any, holder: str) -> None:
    with pytest.raises(torch.compiler.Escaped, match=f"in place of argument 0, is held by {holder}"):
        torch.jit(leak)(ONE)


def test_an_argument_that_is_stored_in_a_class_or_a_global_is_the_callers_tensor() -> None:
    @torch.jit
    def step(x: torch.Tensor) -> torch.Tensor:
        global NEW
        NEW = x
        Holder.kept = x + 1  # type: ignore[attr-defined]
        Holder.double = x * 2  # type: ignore[attr-defined]
        return x

    for value in (1.0, 2.0, 3.0):
        given = torch.full((2,), value)
        step(given)
        assert NEW is given and vars(Holder)["kept"].tolist() == [value + 1] * 2
        assert vars(Holder)["double"].tolist() == [2 * value] * 2
    assert step.traces == 2


def test_a_trace_that_fails_leaves_no_tracer_and_no_new_name() -> None:
    kept = []

    @torch.jit
    def step(x: torch.Tensor) -> None:
        global NEW
        NEW = x * 2
        Holder.made, Holder.given, Holder.number = x * 3, x, 5  # type: ignore[attr-defined]
        VARIABLE.set(x * 4)
        raise ValueError(x * 5, x)

    with pytest.raises(ValueError) as error:
        step(ONE)
    assert "NEW" not in globals() and not {"made", "given", "number"} & vars(Holder).keys()
    kept += [VARIABLE.get(), *error.value.args]
    assert not any(isinstance(t._data, Tracer) for t in kept)
    assert all(t.shape == (2,) for t in kept)
    assert repr(kept[0]) == "tensor(<traced, shape=(2,)>, dtype=torch.float32)"
    assert "traced, shape=(2,)" in str(error.value)
    for use in (lambda t: t + 1, lambda t: t.tolist(), lambda t: t.numpy(), lambda t: t.device, lambda t: t[0]):
        for t in kept:
            with pytest.raises(RuntimeError, match="has no values: it is of a compiled function"):
                use(t)
