"""The experiments' scripts run on torch as they are, for the comparison's third column."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.running import python


@pytest.mark.parametrize(("name", "metric"), [("linear_regression", "r2"), ("mlp_mnist", "accuracy")])
def test_a_script_is_timed_and_trained_on_torch(tmp_path: Path, name: str, metric: str) -> None:
    done = python(
        "-m", "experiments.running.torch_column", "--time", name, "--brief", "--epochs", "1", "--out", str(tmp_path)
    )
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout.splitlines()[-1])
    assert result["steps_per_second"] > 0 and 0 < result["metrics"][metric] <= 1
