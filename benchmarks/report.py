"""Results as Markdown tables."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable, Iterable, Mapping, Sequence
from importlib import metadata
from pathlib import Path

from benchmarks.measure import Timing

Results = Mapping[str, Mapping[str, Timing]]  # case -> engine -> timing


def machine() -> str:
    """One line on what the figures were taken on."""
    model = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        names = [line.partition(":")[2].strip() for line in cpuinfo.read_text().splitlines() if "model name" in line]
        model = names[0] if names else model
    versions = ", ".join(f"{name} {_version(name)}" for name in ("fxtorch", "jax", "torch") if _version(name))
    return f"{os.cpu_count()} cores ({model}), Python {platform.python_version()}, {versions}."


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table, its first column to the left and the others to the right.

    >>> print(table(["a", "b"], [["x", "1"]]))
    | a | b |
    |:--|--:|
    | x | 1 |
    """
    lines = ["| " + " | ".join(head) + " |", "|:--|" + "--:|" * (len(head) - 1)]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows])


def duration(seconds: float) -> str:
    """Three significant digits and a unit.

    >>> duration(0.00123), duration(2.5e-5), duration(12.3)
    ('1.23 ms', '25.0 us', '12.3 s')
    """
    for unit, scale in (("s", 1.0), ("ms", 1e-3), ("us", 1e-6)):
        if seconds >= scale or unit == "us":
            value = seconds / scale
            return f"{value:.{max(0, 2 - (value >= 10) - (value >= 100))}f} {unit}"
    raise AssertionError


def spread(timing: Timing | None) -> str:
    """The median with half the distance of the quartiles, in percent of it."""
    if timing is None:
        return "–"
    low, high = timing.quartiles
    return f"{duration(timing.median)} ±{(high - low) / 2 / timing.median:.0%}"


def ratio(slow: Timing | None, fast: Timing | None) -> str:
    """How many times as fast the second is."""
    return "–" if slow is None or fast is None else f"{slow.median / fast.median:.2f}"


def best(*timings: Timing | None) -> Timing | None:
    """The fastest of those that ran."""
    return min((t for t in timings if t is not None), key=lambda t: t.median, default=None)


def _each(results: Results, engines: Sequence[str], show: Callable[[str, Timing], str]) -> str:
    """A row a case, a column an engine: what ``show`` makes of the case and the engine's timing."""
    rows = [[case, *(show(case, row[e]) if e in row else "–" for e in engines)] for case, row in results.items()]
    return table(["", *engines], rows)


def times(results: Results, engines: Sequence[str]) -> str:
    """Medians of every engine on every case."""
    return _each(results, engines, lambda case, t: spread(t))


def speedups(results: Results, eager: bool = True) -> str:
    """fxtorch's speed as a multiple of PyTorch's, and of JAX's by hand; ``eager`` adds that of eager steps."""
    head = ["", "jit / PyTorch eager", "jit / torch.compile", "jit / the better"]
    head += ["jit / plain JAX", "fold / the better", "eager / PyTorch eager"] if eager else []
    rows = []
    for case, row in results.items():
        jit, torch, compiled = row.get("fxtorch jit"), row.get("PyTorch eager"), row.get("torch.compile")
        better = best(torch, compiled)
        cells = [ratio(torch, jit), ratio(compiled, jit), ratio(better, jit)]
        if eager:
            cells += [ratio(row.get("plain JAX"), jit), ratio(better, row.get("fxtorch fold"))]
            cells.append(ratio(torch, row.get("fxtorch eager")))
        rows.append([case, *cells])
    return table(head, rows)


def rates(results: Results, engines: Sequence[str], sizes: Mapping[str, int]) -> str:
    """Samples a second."""
    return _each(results, engines, lambda case, t: f"{sizes[case] / t.median:,.0f}")


def firsts(results: Results, engines: Sequence[str]) -> str:
    """Seconds of the first step, and the most memory held by then above the imported library's, in MB."""
    return _each(results, engines, lambda case, t: f"{t.first:.2f} s, {t.peak / 1e6:.0f} MB")


def footprints(memory: Mapping[str, Mapping[str, float]], engines: Sequence[str]) -> str:
    """The most memory that one call takes, in MB."""
    cells = [[case, *(f"{row[e] / 1e6:.1f}" if e in row else "–" for e in engines)] for case, row in memory.items()]
    return table(["", *engines], cells)


def overheads(results: Results) -> str:
    """One call of each eager operator, fxtorch's also as a multiple of a bare ``jax.jit`` call and of PyTorch's."""
    engines = ["fxtorch eager", "plain JAX", "PyTorch eager"]
    rows = []
    for case, row in results.items():
        ours, bare, torch = (row.get(e) for e in engines)
        rows.append([case, *(spread(row.get(e)) for e in engines), ratio(ours, bare), ratio(ours, torch)])
    return table(["", *engines, "of bare JAX", "of PyTorch"], rows)
