"""What a compiled step costs beside its program: ``python -m benchmarks.overhead``.

The step of a model of 100 parameters is called in turn with its bare program: the same ``jax.jit`` function with the
same arrays, of which the new state is handed to the next call by hand, and the gradients are kept until then, as
``.grad`` keeps them.  The difference is the check of the guards, the gathering of the state and the write-back.
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
CALLS, ROUNDS = 50, 40


def inference(width: int) -> tuple[Callable[..., Any], torch.Tensor]:
    """A forward without gradients."""
    model = nn.Sequential(*(nn.Linear(width, width) for _ in range(LAYERS)))

    def forward(x: torch.Tensor) -> torch.Tensor:
        with torch.no_grad():
            return model(x)

    return forward, torch.ones(2, width)


def training(width: int, optimizer: Callable[..., Any]) -> tuple[Callable[..., Any], torch.Tensor]:
    """A whole step."""
    model = nn.Sequential(*(nn.Linear(width, width) for _ in range(LAYERS)))
    opt = optimizer(model.parameters(), lr=0.01)

    def step(x: torch.Tensor) -> torch.Tensor:
        opt.zero_grad()
        loss = model(x).square().mean()
        loss.backward()
        opt.step()
        return loss

    return step, torch.ones(2, width)


def bare(step: Any, x: torch.Tensor) -> Callable[[], Any]:
    """The program of ``step`` alone, with state of its own."""
    program = next(iter(step.programs.values()))[0]
    mutable, fixed, arrays, scalars = program.inputs.gather([x])
    state, kept = [m.copy() for m in mutable], ()

    def call() -> Any:
        nonlocal state, kept
        early, outputs, kept, late = program.executable.jitted(state, fixed, arrays, scalars)
        state = [*early, *late]
        return outputs

    return call


def measure(fn: Callable[..., Any], x: torch.Tensor) -> dict[str, float]:
    """The parts of one call, in microseconds of this thread: medians of rounds in turn."""
    step = torch.jit(fn)
    for _ in range(3):
        step(x)
    calls: dict[str, Callable[[], Any]] = {"step": lambda: step(x), "bare program": bare(step, x)}
    calls["guards"] = next(iter(step.programs.values()))[0].guards.hold
    times: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(ROUNDS):
        for name, call in calls.items():
            start = time.thread_time()
            for _ in range(CALLS):
                out = call()
            times[name].append((time.thread_time() - start) / CALLS * 1e6)
            del out
    beside = [a - b for a, b in zip(times["step"], times["bare program"], strict=True)]
    return {**{name: median(each) for name, each in times.items()}, "beside the program": median(beside)}


def main() -> None:
    """Print a table."""
    jax.config.update("jax_cpu_enable_async_dispatch", False)  # the program's own time is then on both sides, whole
    for width in (4, 64):
        cases = {
            "forward": inference(width),
            "SGD step": training(width, torch.optim.SGD),
            "Adam step": training(width, torch.optim.Adam),
        }
        for name, (fn, x) in cases.items():
            found = measure(fn, x)
            print(f"{name:10} width {width:3}", *(f"{part} {value:.0f} us" for part, value in found.items()), sep="  ")


if __name__ == "__main__":
    main()
