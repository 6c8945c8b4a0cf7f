"""The notebooks run, and are what their text says."""

from __future__ import annotations

import json

import matplotlib
import matplotlib.pyplot as plt
import pytest

from experiments.data.collection import Collection
from notebooks.write import FOLDER, NOTEBOOKS, notebook


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_a_notebook_is_written_from_its_text(name):
    assert json.loads((FOLDER / f"{name}.ipynb").read_text()) == notebook(NOTEBOOKS[name])


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_a_notebook_runs(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(Collection, "find", lambda self: self.stand_in())
    matplotlib.use("Agg")
    names: dict = {}
    try:
        for cell in notebook(NOTEBOOKS[name])["cells"]:
            if cell["cell_type"] == "code":
                exec("".join(cell["source"]), names)
    finally:
        plt.close("all")
