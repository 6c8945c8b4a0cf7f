"""Steps over eight devices, which a CPU counts as under a flag that must be set before JAX starts."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from tests.distributed.on_eight_devices import CHECKS
from tests.running import python

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def failures() -> dict[str, str]:
    """What each check of ``on_eight_devices.py`` said; nothing where it passed."""
    env = {**os.environ, "XLA_FLAGS": "--xla_force_host_platform_device_count=8"}
    ran = python("-m", "tests.distributed.on_eight_devices", env=env, timeout=580)
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout)


@pytest.mark.parametrize("name", [check.__name__ for check in CHECKS])
def test_on_eight_devices(failures: dict[str, str], name: str) -> None:
    assert not failures[name], failures[name]
