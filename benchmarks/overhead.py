"""What a compiled step costs beside its program: ``python -m benchmarks.overhead``.

The step of a model of 100 parameters is called again and again, and of each call the time within its program is taken
off: what ``jax.jit`` made of the function, called with the arrays of that very call.  What is left is the check of the
guards, the gathering of the state and the write-back, as cold as a program leaves the caches.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from statistics import median
from typing import Any

import fxtorch as torch
from fxtorch import nn

LAYERS = 50  # of two parameters each
WARM, CALLS = 60, 2000  # before it, a program may be compiled once more


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


def measure(fn: Callable[..., Any], x: torch.Tensor) -> dict[str, float]:
    """The parts of one call, in microseconds: medians over all calls."""
    step = torch.jit(fn)
    for _ in range(WARM):
        step(x)
    program = next(iter(step.programs.values()))[0]
    executable, within = program.executable, 0.0
    jitted = executable.jitted

    def timed(*given: Any) -> Any:
        nonlocal within
        start = time.perf_counter()
        out = jitted(*given)
        within = time.perf_counter() - start
        return out

    executable.jitted = timed
    whole: list[float] = []
    inside: list[float] = []
    for _ in range(CALLS):
        start = time.perf_counter()
        step(x)
        whole.append((time.perf_counter() - start) * 1e6)
        inside.append(within * 1e6)
    beside = [a - b for a, b in zip(whole, inside, strict=True)]
    return {"step": median(whole), "program": median(inside), "beside the program": median(beside)}


def main() -> None:
    """Print a table."""
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
