"""Steps over eight devices, which a CPU counts as under a flag that must be set before JAX starts."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.distributed.on_eight_devices import CHECKS

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def failures() -> dict[str, str]:
    """What each check of ``on_eight_devices.py`` said; nothing where it passed."""
    ran = subprocess.run(
        [sys.executable, "-m", "tests.distributed.on_eight_devices"],
        cwd=ROOT,
        env={**os.environ, "XLA_FLAGS": "--xla_force_host_platform_device_count=8"},
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout)


@pytest.mark.parametrize("name", [check.__name__ for check in CHECKS])
def test_on_eight_devices(failures: dict[str, str], name: str) -> None:
    assert not failures[name], failures[name]
