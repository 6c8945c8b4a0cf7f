"""safetensors, in both directions."""

from __future__ import annotations

import subprocess
import sys
from typing import Any, cast

import numpy as np
import pytest

import fxtorch as torch
from fxtorch.serialization import safetensors as ours
from fxtorch.tensor.dtype import ALL

library = pytest.importorskip("safetensors.numpy", reason="the safetensors extra is not installed")


def test_every_type_comes_back(tmp_path):
    kinds = {name: kind for name, kind in ALL.items() if name in ours._CODES.values()}
    state = {name: torch.tensor([[0, 1], [1, 1]]).to(kind) for name, kind in kinds.items()}
    ours.save_file(state, tmp_path / "w.safetensors", metadata={"format": "pt"})
    back = ours.load_file(tmp_path / "w.safetensors")
    assert {name: t.dtype for name, t in back.items()} == kinds
    for name, t in back.items():
        assert np.asarray(t.numpy()).tobytes() == np.asarray(state[name].numpy()).tobytes()


def test_the_library_reads_ours_and_we_read_its(tmp_path):
    path = tmp_path / "w.safetensors"
    ours.save_file({"a": torch.arange(6.0).reshape(2, 3)}, path)
    assert library.load_file(path)["a"].tolist() == [[0, 1, 2], [3, 4, 5]]
    library.save_file({"b": np.arange(3)}, path)
    assert ours.load_file(path)["b"].tolist() == [0, 1, 2]


def test_a_damaged_file_and_a_wrong_value_are_named(tmp_path):
    path = tmp_path / "w.safetensors"
    path.write_bytes(b"nothing")
    with pytest.raises(RuntimeError, match="is not a safetensors file"):
        ours.load_file(path)
    with pytest.raises(TypeError, match="'step' is int"):
        ours.save_file(cast(Any, {"step": 3}), path)


def test_without_the_extra_the_error_names_it(tmp_path, monkeypatch):
    monkeypatch.setattr(ours, "_library", None)
    with pytest.raises(ImportError, match=r"fxtorch\[safetensors\]"):
        ours.load_file(tmp_path / "w.safetensors")


_BOTH_WAYS = """
import sys, torch
from safetensors import safe_open
from safetensors.torch import load_file, load_model, save_file, save_model

path = sys.argv[1]
x = torch.arange(12.0).reshape(3, 4)
state = {"x": x, "row": x[1].clone(), "half": x.bfloat16(), "flags": x > 3, "none": torch.zeros(0, 2)}
save_file(state, path)
back = load_file(path)
assert set(back) == set(state)
assert all(back[k].dtype is v.dtype and back[k].shape == v.shape and torch.equal(back[k], v) for k, v in state.items())
with safe_open(path, framework="pt") as file:
    assert torch.equal(file.get_slice("x")[1:, :2], x[1:, :2])
net = torch.nn.Linear(2, 3)
other = torch.nn.Linear(2, 3)
save_model(net, path + ".model")
load_model(other, path + ".model")
assert torch.equal(net.weight, other.weight)
"""


def test_the_librarys_own_functions_for_pytorch_work(tmp_path):
    path = tmp_path / "w.safetensors"
    run = [sys.executable, "-m", "fxtorch", "-c", _BOTH_WAYS, str(path)]
    done = subprocess.run(run, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert library.load_file(path)["x"].tolist() == np.arange(12.0).reshape(3, 4).tolist()
