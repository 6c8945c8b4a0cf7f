"""``python -m benchmarks``: fxtorch eager and compiled beside PyTorch eager and compiled."""

from __future__ import annotations

import argparse
import importlib.util
import random
from pathlib import Path
from statistics import median

from benchmarks import layers as single
from benchmarks import report
from benchmarks.engines import FOLDED
from benchmarks.many import BATCH, MEMBERS, STEPS
from benchmarks.measure import cold_and_warm, interleaved, workers
from benchmarks.operators import LARGE, PASSES, SMALL
from benchmarks.scaling import SWEEPS
from benchmarks.systems import SYSTEMS

RESULTS = Path(__file__).parent / "results"
COMPILED = ["fxtorch eager", "fxtorch jit", "PyTorch eager", "torch.compile"]
EVERY = ["fxtorch eager", "fxtorch jit", "fxtorch fold", "plain JAX", "PyTorch eager", "torch.compile"]
PROGRAMS = ["fxtorch jit", "PyTorch eager", "torch.compile"]
LOADERS = ["fxtorch eager", "PyTorch eager"]
MANY = ["fxtorch jit", "fxtorch fold", "PyTorch eager"]
EAGER = ["fxtorch eager", "plain JAX", "PyTorch eager"]
UNFOLDED = ("ResNet-18",)  # XLA computes convolutions in a loop so slowly that its fold takes tens of minutes


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
    """The training steps of the systems, at their usual batch and at a small one."""
    engines, results, sizes = available(EVERY, options), {}, {}
    slow = ("CNN", "LSTM", "DCGAN", "transformer", "ResNet-18") if options.quick else ()
    for name in options.system or [s for s in SYSTEMS if s not in slow]:
        for batch in [options.batch] if options.batch else SYSTEMS[name][1:]:
            case = f"{name}, batch {batch}"
            print(case, flush=True)
            with workers([e for e in engines if e != "fxtorch fold" or name not in UNFOLDED]) as remotes:
                results[case] = interleaved(remotes, "systems", name, batch, options.rounds)
            sizes[case] = batch
    report.chart(results, engines, options.results / "systems.png")
    return "\n\n".join(
        [
            "## One training step",
            f"`fold` runs {FOLDED} steps in one program; plain JAX is the model written by hand with JAX and optax.",
            report.times(results, engines),
            "How many times as fast fxtorch is:",
            report.speedups(results),
            "Samples a second:",
            report.rates(results, engines, sizes),
            "The first step, compiling included, and the peak memory above that of the imported library:",
            report.firsts(results, engines),
            "The most memory that a later step takes beside its operands and the state that stays, in MB:",
            report.footprints(results, engines),
        ]
    )


def layers(options: argparse.Namespace) -> str:
    """Single layers in programs of their own, forward and each gradient, and Adam over 100 tensors."""
    engines, results = available(PROGRAMS, options), {}
    cases = [(name, part) for name in single.LAYERS for part in single.PARTS] + [("Adam, 100 tensors", "step")]
    with workers(engines) as remotes:
        for name, part in cases:
            print(f"{name}, {part}", flush=True)
            results[f"{name}, {part}"] = interleaved(remotes, "layers", name, part, options.rounds)
    return "\n\n".join(["## Single layers", report.times(results, engines), report.speedups(results, eager=False)])


def scaling(options: argparse.Namespace) -> str:
    """Step time against batch, depth, width and length, as a table and a plot."""
    engines, results = available(PROGRAMS, options), {}
    for name, (model, sizes, _) in SWEEPS.items():
        for size in sizes[:2] if options.quick else sizes:
            print(f"{name} {size}", flush=True)
            with workers(engines) as remotes:
                results[f"{name} {size} ({model})"] = interleaved(remotes, "scaling", name, size, options.rounds)
    report.curves(results, engines, options.results / "scaling.png")
    return "\n\n".join(["## Scaling", report.times(results, engines), report.speedups(results, eager=False)])


def loader(options: argparse.Namespace) -> str:
    """Samples a second of both DataLoaders, without workers and with two."""
    engines = available(LOADERS, options)
    rows: dict[int, list[str]] = {0: [], 2: []}
    with workers(engines) as remotes:
        for count, cells in rows.items():
            for remote in remotes:
                print(f"{remote.engine}, {count} workers", flush=True)
                seen = [remote.ask("loader", count=count)["rate"] for _ in range(3)]
                cells.append(f"{median(seen):,.0f}")
    names = [e.split()[0] for e in engines]
    table = report.table(["workers", *names], [[str(count), *cells] for count, cells in rows.items()])
    return "\n\n".join(["## DataLoader", "Samples a second: 3x32x32 pictures, cropped and flipped in NumPy.", table])


def operators(options: argparse.Namespace) -> str:
    """Small operators and 16 MB ones, each way."""
    engines = available(EAGER, options)
    small, large, rows, memory = {}, {}, [], []
    with workers(engines) as remotes:
        for group, results in ((SMALL, small), (LARGE, large)):
            for name in group:
                for way in PASSES:
                    print(f"{name}, {way}", flush=True)
                    results[f"{name}, {way}"] = interleaved(remotes, "operators", name, way, options.rounds)
        for name in LARGE:
            for way in PASSES:
                held = [remote.ask("footprint", group="operators", name=name, size=way)["bytes"] for remote in remotes]
                memory.append([f"{name}, {way}", *(f"{b / 1e6:.0f}" for b in held)])
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
            "The most memory that a call takes beside its operands, in MB:",
            report.table(["", *engines], memory),
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


PARTS = {
    "systems": systems,
    "layers": layers,
    "operators": operators,
    "scaling": scaling,
    "loader": loader,
    "first": first,
    "many": many,
}


def main() -> None:
    options = arguments()
    options.results.mkdir(parents=True, exist_ok=True)
    for part in options.what or PARTS:
        text = f"{PARTS[part](options)}\n\n{report.machine()}\n"
        print(f"\n{text}")
        (options.results / f"{part}.md").write_text(text)


if __name__ == "__main__":
    main()
