"""Results as pictures, where matplotlib is installed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.measure import Timing
from benchmarks.report import Results

COLORS = {
    "fxtorch eager": "#9ecae1",
    "fxtorch jit": "#2171b5",
    "fxtorch fold": "#08306b",
    "plain JAX": "#bdbdbd",
    "PyTorch eager": "#fdae6b",
    "torch.compile": "#d94801",
}
ONE = "PyTorch eager"  # whose speed is 1


def speeds(results: Results, engines: Sequence[str], path: Path) -> bool:
    """Bars of each engine's speed relative to PyTorch eager's, the usual batches on the left, the small ones beside.

    Returns:
        ``False`` where matplotlib is not installed, or PyTorch was not measured.
    """
    pyplot = _pyplot()
    panels: list[dict[str, Mapping[str, Timing]]] = [{}]
    for case, row in results.items():
        if ONE in row:
            system = case.partition(",")[0]
            if any(known.partition(",")[0] == system for known in panels[-1]):
                panels.append({})
            panels[-1][case] = row
    shown = [e for e in engines if e != ONE]
    if pyplot is None or not panels[0]:
        return False
    figure, axes = pyplot.subplots(
        1,
        len(panels),
        figsize=(6.5 * len(panels), 0.2 * len(shown) * len(panels[0]) + 1.2),
        sharex=True,
        layout="constrained",
    )
    height = 0.84 / len(shown)
    for panel, cases in zip([axes] if len(panels) == 1 else axes, panels, strict=True):
        for i, engine in enumerate(shown):
            seen = [(y, row[ONE].median / row[engine].median) for y, row in enumerate(cases.values()) if engine in row]
            if seen:
                places, values = [y + (i + 0.5) * height - 0.42 for y, _ in seen], [v for _, v in seen]
                bars = panel.barh(places, values, height, label=engine, color=COLORS.get(engine))
                panel.bar_label(bars, [f"{v:.2g}" for v in values], padding=2, fontsize=7)
        panel.axvline(1, color="black", linewidth=0.8)
        panel.set_xscale("log", base=2)
        panel.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
        panel.set_yticks(range(len(cases)), list(cases))
        panel.set_ylim(len(cases) - 0.5, -0.5)
        panel.spines[["top", "right"]].set_visible(False)
    figure.supxlabel("times the speed of PyTorch eager", fontsize="medium")
    handles, labels = figure.axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=len(shown), frameon=False)
    return _save(pyplot, figure, path)


def growth(results: Results, engines: Sequence[str], path: Path) -> bool:
    """Step times over sizes, a panel for each of what grows; ``False`` where matplotlib is not installed."""
    pyplot = _pyplot()
    panels: dict[str, list[tuple[int, Mapping[str, Timing]]]] = {}
    for case, row in results.items():
        name, size, model = case.split(" ", 2)
        panels.setdefault(f"{name}\n{model}", []).append((int(size), row))
    if pyplot is None:
        return False
    from matplotlib import ticker

    figure, axes = pyplot.subplots(
        1, len(panels), figsize=(3.4 * len(panels), 3.6), layout="constrained", squeeze=False
    )
    for panel, (title, points) in zip(axes[0], panels.items(), strict=True):
        for engine in engines:
            seen = [(size, row[engine].median * 1e3) for size, row in points if engine in row]
            if seen:
                panel.loglog(*zip(*seen, strict=True), marker="o", label=engine, color=COLORS.get(engine))
        panel.set_xticks([size for size, _ in points], [str(size) for size, _ in points])
        panel.xaxis.set_minor_locator(ticker.NullLocator())
        panel.yaxis.set_major_locator(ticker.LogLocator(subs=(1, 2, 5)))
        panel.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
        panel.yaxis.set_minor_locator(ticker.NullLocator())
        panel.grid(color="#eeeeee")
        panel.spines[["top", "right"]].set_visible(False)
        panel.set_title(title, fontsize="small")
    axes[0][0].set_ylabel("ms a step")
    handles, labels = axes[0][0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=len(engines), frameon=False)
    return _save(pyplot, figure, path)


def _pyplot() -> Any:
    try:
        import matplotlib
    except ModuleNotFoundError:
        return None
    matplotlib.use("Agg")
    from matplotlib import pyplot

    return pyplot


def _save(pyplot: Any, figure: Any, path: Path) -> bool:
    figure.savefig(path, dpi=120)
    pyplot.close(figure)
    return True
