"""safetensors, in both directions."""

from __future__ import annotations

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
