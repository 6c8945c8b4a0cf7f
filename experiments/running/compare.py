"""Eager against compiled, and against torch where it is installed: speed, compile time, and what was learnt."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from experiments.running import pictures
from experiments.running.system import system
from experiments.running.timing import Timing, time_step


@dataclass
class Row:
    """One system's line of the table: a timing and the final metrics for each way of running it."""

    name: str
    timings: dict[str, Timing] = field(default_factory=dict)
    metrics: dict[str, dict[str, float]] = field(default_factory=dict)


def has_torch() -> bool:
    """Whether there can be a column for torch."""
    return importlib.util.find_spec("torch") is not None


def compare(names: Sequence[str], out: str, options: Sequence[str] = (), with_torch: bool = True) -> list[Row]:
    """Time and train each system in each mode; results lie in ``out`` (compiled), ``out/eager`` and ``out/torch``.

    Args:
        names: which systems.
        out: the folder for results.
        options: handed to every script, such as ``--brief``.
        with_torch: add torch's column where it is installed.
    """
    rows = []
    for name in names:
        row = Row(name)
        for mode, folder in (("eager", f"{out}/eager"), ("jit", out)):
            row.timings[mode] = time_step(name, mode)
            row.metrics[mode] = system(name).main([*options, "--mode", mode, "--out", folder])
        if with_torch and has_torch():
            _add_torch(row, f"{out}/torch", options)
        rows.append(row)
    return rows


def _add_torch(row: Row, out: str, options: Sequence[str]) -> None:
    command = [sys.executable, "-m", "experiments.running.torch_column", "--time", row.name, *options, "--out", out]
    project = str(Path(__file__).parents[2])
    path = os.pathsep.join(filter(None, (project, os.environ.get("PYTHONPATH"))))
    own = {"PYTHONPATH": path, "FXTORCH_KEEP_MEMORY": "0"}  # torch is timed with malloc as it finds it
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ | own, check=False)
    if done.returncode:
        print(f"{row.name} on torch failed: {done.stderr.strip().splitlines()[-1:]}", file=sys.stderr)
        return
    *said, last = done.stdout.splitlines()
    print("\n".join(said))
    result = json.loads(last)
    row.timings["torch"] = Timing(result["steps_per_second"], result["first"])
    row.metrics["torch"] = result["metrics"]


def table(rows: Sequence[Row]) -> str:
    """The comparison as text: steps a second, their ratio, seconds of compilation, the first metric of each."""
    with_torch = any("torch" in row.timings for row in rows)
    head = ["system", "eager/s", "jit/s", "jit/eager", "compile", *(["torch/s"] if with_torch else [])]
    head += ["metric", "eager", "jit", *(["torch"] if with_torch else [])]
    lines = [head]
    for row in rows:
        eager, jit, torch = row.timings["eager"], row.timings["jit"], row.timings.get("torch")
        metric = next(iter(row.metrics["jit"]))
        line = [row.name, _speed(eager), _speed(jit), f"{jit.steps_per_second / eager.steps_per_second:.2f}"]
        line += [f"{jit.first:.2f} s", *([_speed(torch) if torch else "-"] if with_torch else []), metric]
        columns = ("eager", "jit", "torch") if with_torch else ("eager", "jit")
        lines.append(line + [f"{row.metrics[c][metric]:.4f}" if c in row.metrics else "-" for c in columns])
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    words = {0, head.index("metric")}

    def aligned(line: list[str]) -> str:
        cells = enumerate(zip(line, widths, strict=True))
        return "  ".join(cell.ljust(width) if i in words else cell.rjust(width) for i, (cell, width) in cells).rstrip()

    return "\n".join(map(aligned, lines))


def chart(rows: Sequence[Row], path: Path) -> None:
    """The speeds as bars."""
    ways = [way for way in ("eager", "jit", "torch") if any(way in row.timings for row in rows)]
    columns = {way: [row.timings[way].steps_per_second if way in row.timings else None for row in rows] for way in ways}
    pictures.bars(path, [row.name for row in rows], columns, "training steps per second")


def _speed(timing: Timing) -> str:
    return f"{timing.steps_per_second:.1f}" if timing.steps_per_second < 100 else f"{timing.steps_per_second:.0f}"
