"""Cases of every family, without torch: eager, compiled and batched calls agree; gradients are the slopes.

One case of each operator is taken; parity compares all of them with PyTorch.
"""

from __future__ import annotations

import operator
import os
from typing import Any

import jax
import numpy as np
import pytest

import fxtorch
from tests.cases import Case, Error, all_cases, all_errors
from tests.cases.run import Call, assert_close, cotangents, to_numpy

CASES = all_cases()
RAISED = (RuntimeError, ValueError, TypeError, IndexError, NotImplementedError, AssertionError)
ID = operator.attrgetter("id")


def arrays(results: list[Any]) -> list[np.ndarray]:
    return [to_numpy(r) if isinstance(r, fxtorch.Tensor) else np.asarray(r) for r in results]


def all_close(actual: list[Any], expected: list[Any]) -> None:
    for a, e in zip(arrays(actual), arrays(expected), strict=True):
        assert a.dtype == e.dtype
        assert a.shape == e.shape
        assert_close(a, e)


def one_of_each(cases: list[Case]) -> list[Case]:
    """The first case of each operator; all of them where ``FXTORCH_EVERY_CASE`` is set."""
    return cases if os.environ.get("FXTORCH_EVERY_CASE") else list({c.name: c for c in reversed(cases)}.values())[::-1]


@pytest.mark.parametrize("case", one_of_each([c for c in CASES if not c.jit]), ids=ID)
def test_compiled_and_batched_calls_agree_with_eager_ones(case: Case) -> None:
    calls = [Call(case, fxtorch, sample=s) for s in (0, 1)]
    eager = [call(*call.tensors) for call in calls]
    if case.vmap or not calls[0].tensors:
        all_close(jax.jit(calls[0])(*calls[0].tensors), eager[0])
        return
    stacked = [fxtorch.stack(pair) for pair in zip(*(call.tensors for call in calls), strict=True)]
    batched = jax.jit(jax.vmap(calls[0]))(*stacked)
    for i in (0, 1):
        all_close([b[i] for b in batched], eager[i])


@pytest.mark.parametrize(
    "case", one_of_each([c for c in CASES if c.grad and not (c.jit or c.slope or c.picked)]), ids=ID
)
def test_gradients_are_the_slopes(case: Case) -> None:
    """Along one random direction, in double precision: <gradient, v> against a central difference."""
    call = Call(case, fxtorch, double=True)
    wanted = call.differentiable()
    gradients = call.gradients()
    if all(g is None for g in gradients):
        pytest.skip("no result depends on a floating Tensor")
    values = [to_numpy(t) for t in call.tensors]
    direction = cotangents(case, [values[i] for i in wanted])
    cts = None
    sides = []
    for step in (1e-6, -1e-6):
        moved = list(values)
        for i, v in zip(wanted, direction, strict=True):
            moved[i] = values[i] + step * v
        results = call(*(fxtorch.tensor(m) for m in moved))
        results = [to_numpy(r) for r in results if r.dtype.is_floating_point or r.dtype.is_complex]
        cts = cotangents(case, results)
        sides.append(sum(np.sum(np.real(np.conj(ct) * r)) for ct, r in zip(cts, results, strict=True)))
    slope = (sides[0] - sides[1]) / 2e-6
    along = sum(np.sum(np.real(np.conj(g) * v)) for g, v in zip(gradients, direction, strict=True) if g is not None)
    np.testing.assert_allclose(along, slope, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("error", all_errors(), ids=ID)
def test_wrong_calls_raise_and_say_why(error: Error) -> None:
    call = Call(error, fxtorch)
    with pytest.raises(RAISED, match=error.match or None):
        call(*call.tensors)
