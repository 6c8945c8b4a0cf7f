"""Small programs that are run eagerly and compiled: what each of them shows must be the same.

A scenario takes ``compile`` and returns whatever it saw.  It is compiled with ``fullgraph=True``, so that it cannot
pass by running eagerly.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import numpy as np

import fxtorch as torch

Compile = Callable[..., Any]
Scenario = Callable[[Compile], Any]


def step_of(net: Any, opt: Any) -> Callable[[torch.Tensor], torch.Tensor]:
    """A training step that makes what ``net`` gives small."""

    def step(x: torch.Tensor) -> torch.Tensor:
        opt.zero_grad()
        loss = net(x).square().mean()
        loss.backward()
        opt.step()
        return loss

    return step


def trained(net: Callable[[], Any], make: Callable[[Any], Any], x: torch.Tensor, steps: int) -> Scenario:
    """Some steps of a model with the optimizer that ``make`` makes: losses, parameters, gradients and its state."""

    def scenario(compile: Compile) -> Any:
        model = net()
        opt = make(list(model.parameters()))
        step = compile(step_of(model, opt))
        losses = [step(x) for _ in range(steps)]
        states = [[s[key] for key in sorted(s)] for s in opt.state.values()]
        return losses, list(model.parameters()), [p.grad for p in model.parameters()], states

    return scenario


def program_of(step: Any) -> Any:
    """The program of a compiled function that has made one."""
    return next(iter(step.programs.values()))[0]


def shown(value: Any) -> Any:
    """What is compared: values, types and flags of Tensors, and everything else as it is."""
    if isinstance(value, torch.Tensor):
        return np.array(value.detach().numpy()), value.requires_grad, value.is_leaf
    if isinstance(value, dict):
        return {key: shown(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [shown(item) for item in value]
    return value


def assert_agrees(scenario: Scenario, traces: int | None = None) -> None:
    """Run ``scenario`` both ways.

    Args:
        scenario: the program.
        traces: how many programs may be compiled, where that matters.
    """
    made: list[Any] = []

    def compile(fn: Any) -> Any:
        made.append(torch.jit(fn, fullgraph=True))
        return made[-1]

    seen = []
    for each in (lambda fn: fn, compile):
        torch.manual_seed(0)
        seen.append(shown(scenario(each)))
    eager, compiled = (jax.tree.flatten(s) for s in seen)
    assert eager[1] == compiled[1], f"{seen[0]} and {seen[1]}"
    for a, b in zip(eager[0], compiled[0], strict=True):
        if isinstance(a, np.ndarray):
            assert a.dtype == b.dtype
            np.testing.assert_allclose(b, a, rtol=1.3e-6, atol=1e-5)
        else:
            assert type(a) is type(b) and a == b
    if traces is not None:
        assert sum(fn.traces for fn in made) == traces, [fn.reasons for fn in made]


def scenario(kept: list[Any], traces: int | None = None) -> Callable[[Scenario], Scenario]:
    """Keep a scenario for a parametrised test."""

    def keep(fn: Scenario) -> Scenario:
        kept.append((fn.__name__, partial(assert_agrees, fn, traces)))
        return fn

    return keep
