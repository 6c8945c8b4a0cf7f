"""Two processes on one machine, started by the launcher as a user would."""

from __future__ import annotations

import json
import os
import subprocess
import time
from pathlib import Path

import numpy as np
import pytest

import fxtorch as torch
import fxtorch.nn.functional as F
from tests.distributed.worker import CHECKS, X, Y, network
from tests.running import python

ROOT = Path(__file__).parents[2]
WORKER = str(ROOT / "tests" / "distributed" / "worker.py")


def launch(*options: str, script: str = WORKER, timeout: int = 300) -> subprocess.CompletedProcess[str]:
    command = ["-m", "fxtorch.distributed.run", *options[:-1], script, *options[-1].split()]
    return python(*command, env={**os.environ, "PYTHONPATH": str(ROOT)}, timeout=timeout)


@pytest.fixture(scope="module")
def passed() -> subprocess.CompletedProcess[str]:
    return launch("--nproc-per-node", "2", "all")


@pytest.mark.parametrize("name", [check.__name__ for check in CHECKS])
def test_in_two_processes(passed: subprocess.CompletedProcess[str], name: str) -> None:
    assert f"passed {name}" in passed.stdout, passed.stderr


def test_a_run_that_went_well_ends_with_0(passed: subprocess.CompletedProcess[str]) -> None:
    assert passed.returncode == 0, passed.stderr


def test_a_restart_goes_on_from_the_last_checkpoint(tmp_path: Path) -> None:
    ran = launch("--nproc-per-node", "2", "--max-restarts", "1", f"from_a_checkpoint {tmp_path}")
    assert ran.returncode == 0, ran.stderr
    assert "rank 1 was killed by SIGKILL; the other workers were stopped and all workers start anew" in ran.stderr
    assert [(tmp_path / f"done{rank}").read_text() for rank in (0, 1)] == ["3", "3"]
    model = network()
    opt = torch.optim.SGD(model.parameters(), lr=0.1)
    wanted = []
    for _ in range(6):
        opt.zero_grad()
        loss = F.cross_entropy(model(torch.tensor(X)), torch.tensor(Y))
        loss.backward()
        opt.step()
        wanted.append(loss.item())
    np.testing.assert_allclose(torch.load(tmp_path / "checkpoint.pt")["losses"], wanted, rtol=1e-5)


def script(folder: Path, text: str) -> str:
    path = folder / "script.py"
    path.write_text(text)
    return str(path)


def test_a_killed_worker_ends_the_run_in_time(tmp_path: Path) -> None:
    text = """
import os, signal, sys, time
if os.environ["RANK"] == "1":
    os.kill(os.getpid(), signal.SIGKILL)
signal.signal(signal.SIGTERM, signal.SIG_IGN)  # one that hangs and does not want to go
time.sleep(600)
"""
    start = time.monotonic()
    ran = launch("--nproc-per-node", "2", "--grace", "0.5", "", script=script(tmp_path, text), timeout=120)
    assert ran.returncode == 1 and time.monotonic() - start < 60
    assert "rank 1 was killed by SIGKILL; the other workers were stopped and the run ends" in ran.stderr


def test_workers_find_their_place_in_the_environment_and_give_the_exit_code(tmp_path: Path) -> None:
    text = """
import json, os, sys
names = "RANK WORLD_SIZE LOCAL_RANK LOCAL_WORLD_SIZE MASTER_ADDR"
with open(f"{sys.argv[1]}/{os.environ['RANK']}", "w") as f:
    json.dump([os.environ[n] for n in names.split()], f)
sys.exit(7 if os.environ["RANK"] == "3" else 0)
"""
    options = ["--nproc-per-node=2", "--nnodes=2", "--node-rank=1", "--master-port=1234", str(tmp_path)]
    ran = launch(*options, script=script(tmp_path, text))
    assert ran.returncode == 7 and "rank 3 ended with exit code 7" in ran.stderr
    assert json.loads((tmp_path / "3").read_text()) == ["3", "4", "1", "2", "127.0.0.1"]
