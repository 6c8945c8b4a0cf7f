"""A large program that runs again and again is compiled once more, with its working memory in pieces."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import fxtorch as torch
from fxtorch import _setup
from fxtorch.compiler import executable, pieces
from tests.running import python


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """What runs a third time and holds more than 1 MB in between is large and runs again and again."""
    monkeypatch.setattr(executable, "CALLS", 2)
    monkeypatch.setattr(pieces, "LARGEST_KEPT", 1 << 20)


def training(elements: int) -> tuple[Any, torch.nn.Linear]:
    """A step with running sums, which XLA does not fuse, of ``elements`` numbers."""
    torch.manual_seed(0)
    model = torch.nn.Linear(elements, 2)
    opt = torch.optim.Adam(model.parameters())

    @torch.jit
    def step(x: torch.Tensor) -> torch.Tensor:
        opt.zero_grad()
        a = x.cumsum(0)
        b = (a * a).cumsum(1)
        loss = model(torch.tanh(b - a)).square().mean()
        loss.backward()
        opt.step()
        return loss.detach()

    return step, model


def made_in_pieces(step: Any) -> bool:
    [[made]] = step.programs.values()
    return made.executable.in_pieces is not None


needs_glibc = pytest.mark.skipif(not _setup.keeps_memory, reason="memory is kept with glibc's malloc only")


@needs_glibc
def test_the_steps_go_on_as_they_would_have() -> None:
    x = torch.randn(100, 1 << 12)
    step, model = training(1 << 12)
    losses = [step(x).item() for _ in range(6)]
    assert made_in_pieces(step) and step.traces == 1
    assert "compiled again" in torch.compiler.explain(step)
    executable.CALLS = 100  # the fixture puts it back
    other, plain = training(1 << 12)
    assert [other(x).item() for _ in range(6)] == losses
    assert not made_in_pieces(other)
    for a, b in zip(model.parameters(), plain.parameters(), strict=True):
        np.testing.assert_array_equal(a.detach().numpy(), b.detach().numpy())


def test_a_small_program_stays_as_it_is() -> None:
    step, _ = training(8)
    for _ in range(4):
        step(torch.ones(3, 8))
    assert not made_in_pieces(step)


@needs_glibc
def test_a_program_that_could_fill_the_machine_stays_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pieces, "_memory", lambda: 16 << 20)
    step, _ = training(1 << 12)
    for _ in range(4):
        step(torch.ones(100, 1 << 12))
    assert not made_in_pieces(step)


@needs_glibc
def test_state_of_another_type_is_compiled_for_anew() -> None:
    scale = torch.ones(1)
    f = torch.jit(lambda x: (x.cumsum(0) * scale).cumsum(1) * x)
    x = torch.randn(100, 1 << 12)
    for _ in range(4):
        f(x)
    assert made_in_pieces(f)
    scale.data = torch.full((1,), 2.0, dtype=torch.float64)
    torch.testing.assert_close(f(x), (x.cumsum(0) * scale).cumsum(1) * x)


LOOP = """
import fxtorch as torch
from fxtorch.compiler import executable, pieces
executable.CALLS, pieces.LARGEST_KEPT = 2, 1 << 20
f = torch.jit(lambda x: x.cumsum(0).cumsum(1).cumsum(0) * x)
for _ in range(4):
    f(torch.ones(100, 1 << 12))
[[made]] = f.programs.values()
assert made.executable.in_pieces is not None
"""


@needs_glibc
def test_it_is_not_tried_to_be_kept_on_disk(tmp_path: Path) -> None:
    done = python("-W", "error", "-c", LOOP, env={"XDG_CACHE_HOME": str(tmp_path), "JAX_PLATFORMS": "cpu"})
    assert (done.returncode, done.stderr) == (0, "")
