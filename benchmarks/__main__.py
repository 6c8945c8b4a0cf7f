"""``python -m benchmarks``: fxtorch eager and compiled beside PyTorch eager and compiled."""

from __future__ import annotations

import argparse
import importlib.util
import random
from pathlib import Path

from benchmarks import report
from benchmarks.many import BATCH, MEMBERS, STEPS
from benchmarks.measure import cold_and_warm, interleaved, workers
from benchmarks.operators import LARGE, PASSES, SMALL
from benchmarks.systems import SYSTEMS

RESULTS = Path(__file__).parent / "results"
COMPILED = ["fxtorch eager", "fxtorch jit", "PyTorch eager", "torch.compile"]
MANY = ["fxtorch jit", "fxtorch fold", "PyTorch eager"]
EAGER = ["fxtorch eager", "plain JAX", "PyTorch eager"]


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description="Every engine has its own process; they are asked in turn.  Medians, and half the distance of "
        "the quartiles.  Use an otherwise idle machine.",
    )
    parser.add_argument(
        "what", nargs="*", default=[], metavar="PART", help=f"{', '.join(PARTS)}; all of them if none is named"
    )
    parser.add_argument("--system", action="append", choices=SYSTEMS, help="only this one; may be given again")
    parser.add_argument("--batch", type=int, help="instead of each system's usual batch")
    parser.add_argument("--rounds", type=int, default=9, help="turns of each engine (default %(default)s)")
    parser.add_argument("--quick", action="store_true", help="three rounds, without the slowest steps")
    parser.add_argument("--torch-compile", action=argparse.BooleanOptionalAction, default=True)
    parser.add_argument("--results", type=Path, default=RESULTS, help="where to write (default benchmarks/results)")
    options = parser.parse_args()
    if unknown := set(options.what) - set(PARTS):
        parser.error(f"unknown part {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}")
    if options.quick:
        options.rounds = min(options.rounds, 3)
    return options


def available(engines: list[str], options: argparse.Namespace) -> list[str]:
    """The engines that are installed and wanted."""
    torch = importlib.util.find_spec("torch") is not None
    return [
        e
        for e in engines
        if (torch or e not in ("PyTorch eager", "torch.compile")) and (options.torch_compile or e != "torch.compile")
    ]


def systems(options: argparse.Namespace) -> str:
    """The training steps of the seven systems."""
    engines, results = available(COMPILED, options), {}
    slow = ("CNN", "LSTM", "DCGAN") if options.quick else ()
    for name in options.system or [s for s in SYSTEMS if s not in slow]:
        batch = options.batch or SYSTEMS[name][1]
        print(f"{name}, batch {batch}", flush=True)
        with workers(engines) as remotes:  # fresh ones, for honest first steps and peaks
            results[f"{name}, batch {batch}"] = interleaved(remotes, "systems", name, batch, options.rounds)
    report.chart(results, engines, options.results / "systems.png")
    return "\n\n".join(
        [
            "## One training step",
            report.times(results, engines),
            "How many times as fast fxtorch is:",
            report.speedups(results),
            "The first step, compiling included, and the peak memory above that of the imported library:",
            report.firsts(results, engines),
        ]
    )


def operators(options: argparse.Namespace) -> str:
    """Small operators and 16 MB ones, each way."""
    engines = available(EAGER, options)
    small, large = {}, {}
    with workers(engines) as remotes:
        for group, results in ((SMALL, small), (LARGE, large)):
            for name in group:
                for way in PASSES:
                    print(f"{name}, {way}", flush=True)
                    results[f"{name}, {way}"] = interleaved(remotes, "operators", name, way, options.rounds)
    rows = []
    for name in LARGE:
        plain, taped = (large[f"{name}, {way}"].get("fxtorch eager") for way in ("forward", "taped"))
        rows.append([name, report.ratio(taped, plain)])
    return "\n\n".join(
        [
            "## Eager operators",
            "Small ones; `taped` is the forward alone, its operands wanting gradients.",
            report.overheads(small),
            "Large ones, and what recording them on the tape costs as a multiple of the forward alone:",
            report.overheads(large),
            report.table(["", "taped / forward"], rows),
        ]
    )


def first(options: argparse.Namespace) -> str:
    """First calls, and a loop whose lengths vary, with the disk cache cold and warm."""
    engines, rows = available(COMPILED, options), []
    for name in options.system or ("small MLP", "MLP") if options.quick else options.system or SYSTEMS:
        cells = []
        for engine in engines:
            print(f"first step of {name}: {engine}", flush=True)
            cold, warm = cold_and_warm(engine, "prepare", group="systems", name=name, size=SYSTEMS[name][1])
            cells.append(f"{cold['first']:.2f} / {warm['first']:.2f}")
        rows.append([name, *cells])
    draw = random.Random(0)
    lengths = [draw.randint(5, 40) for _ in range(12 if options.quick else 40)]
    cells = []
    for engine in engines:
        print(f"varying lengths: {engine}", flush=True)
        cold, warm = cold_and_warm(engine, "lengths", lengths=lengths, batch=16)
        cells.append(f"{cold['seconds']:.2f} / {warm['seconds']:.2f}")
    varying = [[f"{len(lengths)} LSTM steps of {len(set(lengths))} lengths, batch 16", *cells]]
    return "\n\n".join(
        [
            "## First calls",
            "Seconds of the first step in a fresh process, the disk cache empty / filled by the run before:",
            report.table(["", *engines], rows),
            "The same for a loop whose lengths vary:",
            report.table(["", *engines], varying),
        ]
    )


def many(options: argparse.Namespace) -> str:
    """A loop over steps, and one over models, inside of one program."""
    engines, results = available(MANY, options), {}
    for name, steps in STEPS.items():
        print(f"{name}, {steps} steps", flush=True)
        with workers([e for e in engines if name == "fold" or e != "fxtorch jit"]) as remotes:  # 64 programs of its own
            results[name] = interleaved(remotes, "many", name, steps, options.rounds)
    rows = []
    for name, timings in results.items():
        per = STEPS[name] * (1 if name == "fold" else MEMBERS)
        cells = [f"{timings[e].median / per * 1e6:.1f}" if e in timings else "" for e in engines]
        rows.append([name, *cells, report.ratio(timings.get("PyTorch eager"), timings.get("fxtorch fold"))])
    return "\n\n".join(
        [
            "## Loops inside of one program",
            f"Microseconds a step of one 64-64-10 perceptron, Adam, batch {BATCH}: `fold` runs {STEPS['fold']} steps "
            f"of one, `ensemble` {STEPS['ensemble']} of {MEMBERS} at once.",
            report.table(["", *engines, "PyTorch / fold"], rows),
        ]
    )


PARTS = {"systems": systems, "operators": operators, "first": first, "many": many}


def main() -> None:
    options = arguments()
    options.results.mkdir(parents=True, exist_ok=True)
    for part in options.what or PARTS:
        text = f"{PARTS[part](options)}\n\n{report.machine()}\n"
        print(f"\n{text}")
        (options.results / f"{part}.md").write_text(text)


if __name__ == "__main__":
    main()
