"""All systems on one accelerator, in a few minutes: ``python -m benchmarks.gpu``.

Both libraries use the same card and the same precision: float32 with TF32 products, and bfloat16 autocast.  ``--device
cpu --scale 8`` shows that it runs where there is no card, at an eighth of each batch.
"""

from __future__ import annotations

import argparse
import importlib
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

from benchmarks import report
from benchmarks.systems import SYSTEMS, Library

ENGINES = {"fxtorch jit": "fxtorch", "PyTorch eager": "torch", "torch.compile": "torch"}
PRECISIONS = ("float32", "bfloat16")
ROUNDS, SECONDS = 5, 0.3


def step(torch: Library, name: str, batch: int, device: str, precision: str) -> tuple[Callable[..., Any], list[Any]]:
    """A system's step on ``device`` and what it takes."""
    torch.manual_seed(0)
    torch.set_default_device(device)
    torch.set_float32_matmul_precision("high")
    case = SYSTEMS[name][0](torch, batch)

    def call(*args: Any) -> Any:
        with torch.autocast(device, torch.bfloat16, enabled=precision == "bfloat16"):
            return case.call(*args)

    return call, list(case.args)


def seconds(engine: str, name: str, batch: int, device: str, precision: str) -> float:
    """The median time of a step; its result is read at the end of each turn, which waits for the card."""
    torch = importlib.import_module(ENGINES[engine])
    call, args = step(torch, name, batch, device, precision)
    compile = {"fxtorch jit": "jit", "torch.compile": "compile"}.get(engine)
    call = getattr(torch, compile)(call) if compile else call
    for _ in range(3):
        float(call(*args))
    start = time.perf_counter()
    float(call(*args))
    count = max(1, round(SECONDS / (time.perf_counter() - start)))
    turns = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        for _ in range(count):
            out = call(*args)
        float(out)
        turns.append((time.perf_counter() - start) / count)
    return statistics.median(turns)


def measured(*arguments: str) -> float | None:
    """:func:`seconds` in a process of its own: neither library keeps the card's memory from the other."""
    done = subprocess.run([sys.executable, "-m", "benchmarks.gpu", "--one", *arguments], capture_output=True, text=True)
    if done.returncode:
        print(f"  {' '.join(arguments)}: {done.stderr.strip().splitlines()[-1:]}", file=sys.stderr)
        return None
    return float(done.stdout.splitlines()[-1])


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gpu")
    parser.add_argument("--device", default="cuda", choices=("cuda", "cpu"))
    parser.add_argument("--scale", type=int, default=1, help="divide every batch by this")
    parser.add_argument("--system", action="append", choices=SYSTEMS, help="only this one; may be given again")
    parser.add_argument("--one", nargs=5, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        engine, name, batch, device, precision = options.one
        print(seconds(engine, name, int(batch), device, precision))
        return
    rows = []
    for name in options.system or SYSTEMS:
        batch = max(1, SYSTEMS[name][1] // options.scale)
        for precision in PRECISIONS:
            times = [measured(e, name, str(batch), options.device, precision) for e in ENGINES]
            ours, *theirs = times
            fastest = min((t for t in theirs if t), default=None)
            ratio = f"{fastest / ours:.2f}" if ours and fastest else "–"
            rows.append(
                [f"{name}, batch {batch}, {precision}", *(report.duration(t) if t else "–" for t in times), ratio]
            )
            print(" | ".join(rows[-1]), flush=True)
    print(report.table(["", *ENGINES, "jit / the better"], rows))


if __name__ == "__main__":
    main()
