"""Whole programs by ``python -m fxtorch`` and by PyTorch: what they record is the same to 1e-3.

Each library runs all of them in one process.  ``FXTORCH_EVERY_PROGRAM=1`` takes every program of tests/programs
(3 minutes of one processor, most of it compiling); without it, those that are named here.
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from tests.running import python

pytest.importorskip("torch")

FOLDER = Path(__file__).parents[1] / "programs"
EVERY = sorted(p.stem for p in FOLDER.glob("*.py") if p.stem not in ("common", "conftest", "run_all"))
SOME = ["custom_function", "dlrm", "gcn", "neural_cf", "super_resolution", "tensor_subclass", "wgan_gp"]
NAMES = EVERY if os.environ.get("FXTORCH_EVERY_PROGRAM", "0") == "1" else SOME


def run(*command: str) -> str:
    # these programs are compiled once and run twice
    env = {**os.environ, "JAX_DISABLE_MOST_OPTIMIZATIONS": "1", "PYTHONPATH": str(FOLDER.parents[1])}
    ran = python("-W", "ignore", *command, env=env, timeout=580)
    assert ran.returncode == 0, ran.stderr[-3000:]
    return ran.stdout


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    folder = tmp_path_factory.mktemp("programs")
    said = run("-m", "fxtorch", str(FOLDER / "run_all.py"), str(folder / "fxtorch.npz"), *NAMES)
    assert "ran on fxtorch" in said
    said = run(str(FOLDER / "run_all.py"), str(folder / "torch.npz"), *NAMES)
    assert "ran on torch" in said
    with np.load(folder / "fxtorch.npz") as ours, np.load(folder / "torch.npz") as theirs:
        return dict(ours), dict(theirs)


def test_there_are_programs_in_many_styles() -> None:
    assert len(EVERY) >= 30 and set(SOME) <= set(EVERY)


@pytest.mark.parametrize("name", NAMES)
def test_a_program_gives_the_same_numbers(name: str, results: tuple[dict, dict]) -> None:
    ours, theirs = ({k: v for k, v in r.items() if k.startswith(f"{name}/")} for r in results)
    assert ours.keys() == theirs.keys() and ours
    for key, expected in theirs.items():
        found = ours[key]
        assert (found.shape, found.dtype) == (expected.shape, expected.dtype), key
        # a gradient that is zero but for rounding has no relative error
        atol = 1e-3 * max(float(np.abs(expected).max(initial=0)), 1e-2)
        np.testing.assert_allclose(found, expected, rtol=1e-3, atol=atol, err_msg=key)
