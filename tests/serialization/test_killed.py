"""A process that is killed while it saves leaves a whole file."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

import fxtorch as torch

SAVING = """
import itertools, sys
import fxtorch as torch
for step in itertools.count():
    torch.save({"step": step, "weight": torch.full((500_000,), float(step))}, sys.argv[1])
"""


@pytest.mark.parametrize("delay", [0.0, 0.003, 0.01])
def test_a_process_killed_while_saving_leaves_a_whole_file(tmp_path: Path, delay: float) -> None:
    path = tmp_path / "weights.pt"
    process = subprocess.Popen([sys.executable, "-c", SAVING, str(path)])
    try:
        deadline = time.monotonic() + 60
        while not path.exists():
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.001)
        # The next file is begun beside the first; it is in the making when the process dies.
        while not list(tmp_path.glob(".weights.pt.*.tmp")):
            assert time.monotonic() < deadline
        time.sleep(delay)
    finally:
        process.kill()
        process.wait()
    found = torch.load(path)
    assert found["weight"].shape == (500_000,)
    assert bool((found["weight"] == found["step"]).all())
