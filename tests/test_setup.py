"""What importing fxtorch does to the folder of compiled programs."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from fxtorch._setup import trim
from tests.running import python

ONE_PROGRAM = "import fxtorch; print((fxtorch.ones(3) * 2).sum().item())"

LARGE_PROGRAM = """
import resource, fxtorch as torch
@torch.jit
def f(x):
    return (x @ x.T @ x).sum()
x = torch.ones(3500, 2)  # so that a matrix of 49 MB is held
def faults(calls):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(calls):
        f(x).item()
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
faults(10)  # each of XLA's threads may ask for memory of its own
print(faults(10))
"""


def run(home: Path, program: str = ONE_PROGRAM, **environment: str) -> str:
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("JAX_", "FXTORCH_", "XDG_"))}
    ran = python("-W", "error", "-c", program, env=kept | {"HOME": str(home)} | environment)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def test_compiled_programs_are_kept_on_disk(tmp_path: Path) -> None:
    assert run(tmp_path) == "6.0\n"
    assert list((tmp_path / ".cache" / "fxtorch" / "programs").glob("*-cache"))


def test_a_switch_keeps_nothing(tmp_path: Path) -> None:
    assert run(tmp_path, FXTORCH_CACHE_PROGRAMS="0") == "6.0\n"
    assert not list(tmp_path.iterdir())


def test_a_home_that_cannot_be_written_to_is_no_obstacle(tmp_path: Path) -> None:
    (tmp_path / ".cache").write_text("a file where a folder should be")
    assert run(tmp_path) == "6.0\n"


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="a setting of glibc's")
def test_the_memory_of_a_large_program_is_mapped_once(tmp_path: Path) -> None:
    kept, mapped = (int(run(tmp_path, LARGE_PROGRAM, FXTORCH_KEEP_MEMORY=switch)) for switch in ("1", "0"))
    assert 4 * kept < mapped > 10 * 10_000  # pages of 4 KB


def test_trimming_deletes_what_was_not_read_for_longest(tmp_path: Path) -> None:
    for i, name in enumerate(("old", "older", "new")):
        path = tmp_path / name
        path.write_bytes(b"x" * 100)
        os.utime(path, ((20, 10, 30)[i], 40))
    trim(tmp_path, 150)
    assert {path.name for path in tmp_path.iterdir()} == {"new", "trimmed"}


def test_trimming_is_done_once_a_day(tmp_path: Path) -> None:
    trim(tmp_path, 0)
    (tmp_path / "program").write_bytes(b"x")
    trim(tmp_path, 0)
    assert (tmp_path / "program").exists()
    os.utime(tmp_path / "trimmed", (0, 0))
    trim(tmp_path, 0)
    assert not (tmp_path / "program").exists()
