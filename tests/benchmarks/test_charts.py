"""Pictures of measurements: what is shown, and that nothing is shown of what was not measured."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import charts
from benchmarks.measure import Timing

ENGINES = ["fxtorch jit", "PyTorch eager", "torch.compile"]


def timing(seconds: float) -> Timing:
    return Timing(seconds, (seconds, seconds), seconds, 0.0)


def test_each_batch_has_a_panel_and_each_engine_its_bars(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[list[tuple[str, list[float]]]] = []

    def save(pyplot: object, figure: object, path: Path) -> bool:
        for axes in figure.axes:  # type: ignore[attr-defined]
            seen.append([(bars.get_label(), [bar.get_width() for bar in bars]) for bars in axes.containers])
        return True

    monkeypatch.setattr(charts, "_save", save)
    results = {
        "MLP, batch 8": {"fxtorch jit": timing(1.0), "PyTorch eager": timing(2.0), "torch.compile": timing(4.0)},
        "CNN, batch 8": {"fxtorch jit": timing(1.0), "PyTorch eager": timing(3.0)},
        "MLP, batch 1": {"fxtorch jit": timing(2.0), "PyTorch eager": timing(1.0)},
    }
    assert charts.speeds(results, ENGINES, tmp_path / "a.png")
    assert seen == [[("fxtorch jit", [2.0, 3.0]), ("torch.compile", [0.5])], [("fxtorch jit", [0.5])]]


def test_pictures_are_written(tmp_path: Path) -> None:
    row = {"fxtorch jit": timing(1.0), "PyTorch eager": timing(2.0)}
    assert charts.speeds({"MLP, batch 8": row}, ENGINES, tmp_path / "speeds.png")
    assert charts.growth({"batch 8 (MLP)": row, "batch 16 (MLP)": row}, ENGINES, tmp_path / "growth.png")
    assert all((tmp_path / name).read_bytes().startswith(b"\x89PNG") for name in ("speeds.png", "growth.png"))


def test_without_pytorch_there_is_nothing_to_compare_with(tmp_path: Path) -> None:
    assert not charts.speeds({"MLP, batch 8": {"fxtorch jit": timing(1.0)}}, ENGINES, tmp_path / "a.png")
    assert not (tmp_path / "a.png").exists()
