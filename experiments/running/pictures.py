"""The PNG pictures: curves, pictures with their captions, filters, points."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure


def _figure(width: float, height: float) -> Figure:
    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def curves(path: Path, history: Mapping[str, Sequence[float]], title: str) -> None:
    """One small plot a quantity, over the epochs."""
    figure = _figure(4 * len(history), 3)
    for axes, (name, values) in zip(figure.subplots(1, len(history), squeeze=False)[0], history.items(), strict=True):
        axes.plot(range(1, len(values) + 1), values, marker="o" if len(values) < 30 else None)
        axes.set(title=name, xlabel="epoch")
        axes.grid(alpha=0.3)
    figure.suptitle(title)
    figure.savefig(path, dpi=110)


def grid(path: Path, images: np.ndarray, captions: Sequence[str] | None = None, columns: int = 8) -> None:
    """Pictures ``(N, H, W)`` or ``(N, H, W, 3)`` in rows, each stretched to its own range of values."""
    rows = max(1, -(-len(images) // columns))
    figure = _figure(columns * 1.1, rows * (1.4 if captions else 1.1))
    for i, axes in enumerate(figure.subplots(rows, columns, squeeze=False).flat):
        axes.axis("off")
        if i < len(images):
            low, high = float(images[i].min()), float(images[i].max())
            axes.imshow((images[i] - low) / (high - low + 1e-12), cmap="gray")
            if captions:
                axes.set_title(captions[i], fontsize=7)
    figure.savefig(path, dpi=110)


def fit(path: Path, truth: np.ndarray, predicted: np.ndarray, label: str) -> None:
    """Predictions against what they should be, with the diagonal."""
    figure = _figure(4.5, 4.5)
    axes = figure.subplots()
    axes.scatter(truth, predicted, s=12, alpha=0.6)
    low, high = min(truth.min(), predicted.min()), max(truth.max(), predicted.max())
    axes.plot([low, high], [low, high], color="black", linewidth=0.8)
    axes.set(xlabel=f"{label}, measured", ylabel=f"{label}, predicted")
    figure.savefig(path, dpi=110)


def histograms(path: Path, groups: Mapping[str, np.ndarray], label: str, bins: int = 40) -> None:
    """Distributions of one quantity in several groups, over each other."""
    figure = _figure(6, 3.5)
    axes = figure.subplots()
    everything = np.concatenate(list(groups.values()))
    edges = np.linspace(everything.min(), everything.max() + 1e-9, bins + 1)
    for name, values in groups.items():
        axes.hist(values, edges, alpha=0.55, label=f"{name} ({len(values):,})")
    axes.set(xlabel=label, ylabel="examples")
    axes.legend()
    figure.savefig(path, dpi=110)


def bars(path: Path, names: Sequence[str], columns: Mapping[str, Sequence[float | None]], label: str) -> None:
    """Groups of horizontal bars on a logarithmic scale; ``None`` leaves a gap."""
    figure = _figure(8, 1 + 0.6 * len(names))
    axes = figure.subplots()
    height = 0.8 / len(columns)
    for i, (column, values) in enumerate(columns.items()):
        at = np.arange(len(names)) + (i - (len(columns) - 1) / 2) * height
        axes.barh(at, [value or 0 for value in values], height, label=column)
    axes.set(xscale="log", xlabel=label, yticks=range(len(names)), yticklabels=names)
    axes.invert_yaxis()
    axes.legend()
    figure.savefig(path, dpi=110)
