"""What a compiled step costs beside the program itself: ``python -m benchmarks.overhead``.

The step of a model of 100 parameters is called with its program exchanged for one that returns its last outputs at
once: what is left is the check of the guards, the gathering of the state and the write-back.  Beside it stands what
``jax.jit`` itself takes for a program with as many inputs and outputs.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from statistics import median
from typing import Any

import jax

import fxtorch as torch
from fxtorch import nn

LAYERS = 50  # of two parameters each
CALLS, ROUNDS = 200, 15


def microseconds(call: Callable[[], Any]) -> float:
    """The median time of one call."""
    times = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        for _ in range(CALLS):
            call()
        times.append((time.perf_counter() - start) / CALLS)
    return median(times) * 1e6


def inference() -> tuple[Callable[..., Any], torch.Tensor]:
    """A forward without gradients."""
    model = nn.Sequential(*(nn.Linear(4, 4) for _ in range(LAYERS)))

    def forward(x: torch.Tensor) -> torch.Tensor:
        with torch.no_grad():
            return model(x)

    return forward, torch.ones(2, 4)


def training(optimizer: Callable[..., Any]) -> tuple[Callable[..., Any], torch.Tensor]:
    """A whole step."""
    model = nn.Sequential(*(nn.Linear(4, 4) for _ in range(LAYERS)))
    opt = optimizer(model.parameters(), lr=0.01)

    def step(x: torch.Tensor) -> torch.Tensor:
        opt.zero_grad()
        loss = model(x).square().mean()
        loss.backward()
        opt.step()
        return loss

    return step, torch.ones(2, 4)


def measure(fn: Callable[..., Any], x: torch.Tensor) -> dict[str, float]:
    """The parts of one call, in microseconds."""
    step = torch.jit(fn, donate=False)
    for _ in range(2):
        step(x)
    program = next(iter(step.programs.values()))[0]
    given = program._gather([x])
    outputs = program.run(*given)
    plain = jax.jit(lambda given: jax.tree.leaves(given)[: len(outputs)], keep_unused=True)
    plain(given)
    parts = {"guards": microseconds(program.guards.hold), "jit's dispatch": microseconds(lambda: plain(given))}
    run, program.run = program.run, lambda *_: outputs
    parts["all but the program"] = microseconds(lambda: step(x))
    program.run = run
    return parts | {"inputs": len(jax.tree.leaves(given)), "outputs": len(outputs)}


def main() -> None:
    """Print a table."""
    cases = {"forward": inference(), "SGD step": training(torch.optim.SGD), "Adam step": training(torch.optim.Adam)}
    for name, (fn, x) in cases.items():
        found = measure(fn, x)
        print(f"{name:10}", *(f"{part} {value:.0f}{' us' * (part not in _COUNTS)}" for part, value in found.items()))


_COUNTS = ("inputs", "outputs")

if __name__ == "__main__":
    main()
