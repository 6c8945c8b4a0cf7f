"""Many steps of one small model, and many small models at once: what a program around the loop is worth.

Every engine does the same work: ``STEPS`` steps of a 64-64-10 perceptron with Adam, batch 32, over a data set that it
holds; or as many for each of ``MEMBERS`` such models with learning rates of their own.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from benchmarks.systems import Case, Library

STEPS = {"fold": 500, "ensemble": 100}
MEMBERS = 64
BATCH = 32


def member(torch: Library, lr: float) -> tuple[Callable[..., Any], list[Any]]:
    """The training step of one model, and its parameters."""
    nn = torch.nn
    model = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))
    opt = torch.optim.Adam(model.parameters(), lr=lr)

    def step(x: Any, y: Any) -> Any:
        opt.zero_grad()
        loss = nn.functional.cross_entropy(model(x), y)
        loss.backward()
        opt.step()
        return loss.detach()

    return step, list(model.parameters())


def prepare(torch: Library, name: str, compile: Callable[..., Callable[..., Any]], whole: bool) -> Case:
    """The case ``fold`` or ``ensemble``.

    Args:
        torch: the library.
        name: of the case.
        compile: what an engine makes of one step.
        whole: whether the loops are inside of the program (``fxtorch.fold``, ``fxtorch.ensemble``).
    """
    torch.manual_seed(0)
    steps, count = STEPS[name], 1 if name == "fold" else MEMBERS
    x, y = torch.randn(steps, BATCH, 64), torch.randint(0, 10, (steps, BATCH))
    members = [member(torch, 1e-4 * (1 + i)) for i in range(count)]
    state = [p for _, parameters in members for p in parameters]
    if whole:
        one = members[0][0] if name == "fold" else torch.ensemble([step for step, _ in members])
        return Case(torch.fold(one), (x, y), state)
    compiled = [compile(torch, step) for step, _ in members]

    def loop(x: Any, y: Any) -> Any:
        loss = None
        for i in range(steps):
            for step in compiled:
                loss = step(x[i], y[i])
        return loss

    return Case(loop, (x, y), state)
