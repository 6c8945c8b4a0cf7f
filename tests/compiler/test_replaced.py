"""A library's function that is replaced, and what is hung on arguments, are seen at the next call."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import fxtorch as torch
from fxtorch import nn
from fxtorch.nn import functional as F

USES: dict[str, tuple[Any, str, Callable[[torch.Tensor], torch.Tensor]]] = {
    "by its module": (F, "relu", lambda x: F.relu(x)),
    "by a path of modules": (F, "relu", lambda x: torch.nn.functional.relu(x)),
    "of the package": (torch, "exp", lambda x: torch.exp(x)),
    "in a layer": (F, "relu", nn.ReLU()),
    "in a layer inside": (F, "gelu", nn.Sequential(nn.Linear(2, 2), nn.GELU())),
}


@pytest.mark.parametrize(("module", "name", "use"), USES.values(), ids=list(USES))
def test_a_function_that_is_replaced_is_another_program(
    module: Any, name: str, use: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    step = torch.jit(lambda x: use(x), fullgraph=True)
    x = torch.linspace(-1.0, 1.0, 4).reshape(2, 2)
    plain = step(x)
    with monkeypatch.context() as patch:
        patch.setattr(module, name, lambda x, *rest, **options: x * 7)
        np.testing.assert_allclose(step(x).detach(), use(x).detach(), rtol=1.3e-6)
        assert step.traces == 2 and name in step.reasons[1]
    np.testing.assert_array_equal(step(x).detach(), plain.detach())
    assert step.traces == 2, "the first program fits again"


def test_a_constant_of_another_library_is_a_guard(monkeypatch: pytest.MonkeyPatch) -> None:
    step = torch.jit(lambda x: x * math.pi)
    step(torch.ones(2))
    monkeypatch.setattr(math, "pi", 3.0)
    assert step(torch.ones(2)).tolist() == [3.0, 3.0]


def hung(**attributes: Any) -> torch.Tensor:
    x = torch.ones(2)
    for name, value in attributes.items():
        setattr(x, name, value)
    return x


def test_what_is_hung_on_an_argument_is_a_guard() -> None:
    step = torch.jit(lambda batch: batch["x"][0] * batch["x"][0].factor, fullgraph=True)
    factors = (2.0, 2.0, 3.0, 2.0)
    assert [step({"x": [hung(factor=k)]})[0].item() for k in factors] == list(factors)
    assert step.traces == 2


def test_an_attribute_that_an_argument_comes_to_have_is_seen() -> None:
    step = torch.jit(lambda x: x * getattr(x, "factor", 5.0), fullgraph=True)
    seen = [step(x)[0].item() for x in (hung(), hung(factor=2.0), hung(), hung(other=1.0))]
    assert seen == [5.0, 2.0, 5.0, 5.0] and step.traces == 2


def test_a_dictionary_on_an_argument_is_looked_into() -> None:
    meta = {"factor": 2.0}
    step = torch.jit(lambda x: x * x.meta["factor"], fullgraph=True)
    assert step(hung(meta=meta))[0].item() == 2.0
    meta["factor"] = 3.0
    assert step(hung(meta=meta))[0].item() == 3.0


def test_an_attribute_that_is_set_on_an_argument_is_there_after_the_call() -> None:
    def step(x: torch.Tensor) -> torch.Tensor:
        x.tag = 5  # type: ignore[attr-defined]
        return x * 2

    compiled = torch.jit(step)
    x = torch.ones(2)
    with pytest.warns(UserWarning, match="sets the attribute 'tag' of the Tensor argument 0"):
        compiled(x)
    assert x.tag == 5  # type: ignore[attr-defined]
