"""The parts of ``python -m benchmarks``: each gives its Markdown as it stands after every case."""

from __future__ import annotations

import argparse
import importlib.util
import random
from collections.abc import Iterator
from statistics import median

from benchmarks import charts, report
from benchmarks import layers as single
from benchmarks.engines import FOLDED
from benchmarks.many import BATCH, MEMBERS, STEPS
from benchmarks.measure import WARM, cold_and_warm, footprints, interleaved, workers
from benchmarks.operators import LARGE, PASSES, SMALL
from benchmarks.scaling import SWEEPS
from benchmarks.systems import SYSTEMS

COMPILED = ["fxtorch eager", "fxtorch jit", "PyTorch eager", "torch.compile"]
EVERY = ["fxtorch eager", "fxtorch jit", "fxtorch fold", "plain JAX", "PyTorch eager", "torch.compile"]
PROGRAMS = ["fxtorch jit", "PyTorch eager", "torch.compile"]
LOADERS = ["fxtorch eager", "PyTorch eager"]
MANY = ["fxtorch jit", "fxtorch fold", "PyTorch eager"]
EAGER = ["fxtorch eager", "plain JAX", "PyTorch eager"]
UNFOLDED = ("CNN", "DCGAN", "ResNet-18")  # XLA computes convolutions in a loop so slowly that a fold takes minutes


def available(engines: list[str], options: argparse.Namespace) -> list[str]:
    """The engines that are installed and wanted."""
    torch = importlib.util.find_spec("torch") is not None
    return [
        e
        for e in engines
        if (torch or e not in ("PyTorch eager", "torch.compile")) and (options.torch_compile or e != "torch.compile")
    ]


def systems(options: argparse.Namespace) -> Iterator[str]:
    """The training steps of the systems, at their usual batch, and then at a small one."""
    engines, results, sizes, memory = available(EVERY, options), {}, {}, {}
    slow = ("CNN", "LSTM", "DCGAN", "transformer", "ResNet-18") if options.quick else ()
    names = options.system or [s for s in SYSTEMS if s not in slow]
    cases = [(name, options.batch or SYSTEMS[name][1]) for name in names]
    if not options.batch:
        cases += [(name, SYSTEMS[name][2]) for name in names]
    for name, batch in cases:
        case = f"{name}, batch {batch}"
        print(case, flush=True)
        with workers([e for e in engines if e != "fxtorch fold" or name not in UNFOLDED]) as remotes:
            results[case] = interleaved(remotes, "systems", name, batch, options.rounds, WARM)
            memory[case] = footprints([r for r in remotes if r.engine in results[case]], "systems", name, batch)
        sizes[case] = batch
        yield _systems(results, engines, sizes, memory)
    charts.speeds(results, engines, options.results / "systems.png")


def _systems(
    results: report.Results, engines: list[str], sizes: dict[str, int], memory: dict[str, dict[str, float]]
) -> str:
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
            "The most memory that a later step takes beside its operands and the state that stays, in MB; fxtorch's in "
            "processes that keep none (`FXTORCH_KEEP_MEMORY=0`):",
            report.footprints(memory, engines),
        ]
    )


def layers(options: argparse.Namespace) -> Iterator[str]:
    """Single layers in programs of their own, forward and each gradient, and Adam over 100 tensors."""
    engines, results = available(PROGRAMS, options), {}
    parts = dict.fromkeys(single.LAYERS, single.PARTS) | {"Adam, 100 tensors": ("step",)}
    for name, each in parts.items():
        with workers(engines) as remotes:  # of its own: torch.compile takes other sizes of one layer for dynamic ones
            for part in each:
                print(f"{name}, {part}", flush=True)
                results[f"{name}, {part}"] = interleaved(remotes, "layers", name, part, options.rounds)
                yield _programs("Single layers", results, engines)


def _programs(title: str, results: report.Results, engines: list[str]) -> str:
    return "\n\n".join([f"## {title}", report.times(results, engines), report.speedups(results, eager=False)])


def scaling(options: argparse.Namespace) -> Iterator[str]:
    """Step time against batch, depth, width and length, as a table and a plot."""
    engines, results = available(PROGRAMS, options), {}
    for name, (model, sizes, _) in SWEEPS.items():
        for size in sizes[:2] if options.quick else sizes:
            print(f"{name} {size}", flush=True)
            with workers(engines) as remotes:
                results[f"{name} {size} ({model})"] = interleaved(remotes, "scaling", name, size, options.rounds, WARM)
            yield _programs("Scaling", results, engines)
    charts.growth(results, engines, options.results / "scaling.png")


def loader(options: argparse.Namespace) -> Iterator[str]:
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
    yield "\n\n".join(["## DataLoader", "Samples a second: 3x32x32 pictures, cropped and flipped in NumPy.", table])


def operators(options: argparse.Namespace) -> Iterator[str]:
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
    yield "\n\n".join(
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


def first(options: argparse.Namespace) -> Iterator[str]:
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
    yield "\n\n".join(
        [
            "## First calls",
            "Seconds of the first step in a fresh process, the disk cache empty / filled by the run before:",
            report.table(["", *engines], rows),
            "The same for a loop whose lengths vary:",
            report.table(["", *engines], varying),
        ]
    )


def many(options: argparse.Namespace) -> Iterator[str]:
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
    yield "\n\n".join(
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
