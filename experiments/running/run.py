"""One run of one system: its epochs, progress, curves, checkpoints, and the line that says how it ended."""

from __future__ import annotations

import argparse
import contextlib
import json
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from tensorboardX import SummaryWriter
from tqdm import tqdm

import fxtorch as torch
from experiments.running import checkpoints, pictures


def compiled(function: Callable[..., Any], mode: str) -> Callable[..., Any]:
    """``function`` itself in eager mode, one XLA program of it in jit mode."""
    return torch.jit(function) if mode == "jit" else function


class Run:
    """Goes through the epochs of a training script and keeps its books.

    Args:
        options: the script's options.
        source: what the data is.
        parts: everything with a ``state_dict`` that changes while training.

    Resumes at once where ``options.resume`` asks for it.
    """

    def __init__(self, options: argparse.Namespace, source: str, **parts: Any) -> None:
        self.options, self.source, self.parts = options, source, parts
        self.folder = Path(options.out) / options.system
        self.folder.mkdir(parents=True, exist_ok=True)
        self.checkpoint = self.folder / "checkpoint.pt"
        self.history: dict[str, list[float]] = {}
        self.finished, self.steps, self.seconds, self.first = 0, 0, 0.0, 0.0
        self._noted: dict[str, list[Any]] = {}
        if options.resume is not None:
            path = Path(options.resume) if options.resume else self.checkpoint
            self.finished, self.history = checkpoints.load(path, options, parts)
        self.board = SummaryWriter(str(self.folder / "tensorboard"))
        resumed = f", resumed after epoch {self.finished}" if self.finished else ""
        print(f"{options.system} ({options.mode}{resumed}): {source}")

    def epochs(self) -> Iterator[int]:
        """The epochs that are left, from 0; after each the curves are extended and a checkpoint is written."""
        while self.finished < self.options.epochs:
            yield self.finished
            self.finished += 1
            checkpoints.save(self.checkpoint, self.options, self.finished, self.parts, self.history)

    def progress(self, batches: Iterable[Any], total: int | None = None) -> Iterator[Any]:
        """The batches, under a bar that shows the losses noted last."""
        total = total if total is not None else len(batches)  # type: ignore[arg-type]
        title = f"epoch {self.finished + 1}/{self.options.epochs}"
        begin = time.perf_counter()
        with tqdm(batches, title, total, leave=False, disable=None, dynamic_ncols=True) as bar:
            for done, batch in enumerate(bar):
                yield batch
                if self.steps == 0:
                    self._values()
                    self.first = time.perf_counter() - begin
                self.steps += 1
                if done % 50 == 0 and not bar.disable:
                    bar.set_postfix({name: f"{float(values[-1]):.4g}" for name, values in self._noted.items()})
        for name, values in self._values().items():
            self.history.setdefault(name, []).append(sum(values) / len(values))
            self.board.add_scalar(f"train/{name}", self.history[name][-1], self.finished + 1)
        self.seconds += time.perf_counter() - begin
        self._noted.clear()

    def note(self, **values: Any) -> None:
        """Keep a step's losses; they are read only now and then, so that steps need not wait for one another."""
        for name, value in values.items():
            value = value.detach() if isinstance(value, torch.Tensor) else value
            self._noted.setdefault(name, []).append(value)

    def record(self, **metrics: float) -> None:
        """Add an epoch's evaluation to the curves and say it."""
        for name, value in metrics.items():
            self.history.setdefault(name, []).append(float(value))
            self.board.add_scalar(f"test/{name}", float(value), self.finished + 1)
        said = ", ".join(f"{name} {values[-1]:.4f}" for name, values in self.history.items())
        print(f"  epoch {self.finished + 1}/{self.options.epochs}: {said}  [{self.seconds:.1f} s]", flush=True)

    def path(self, name: str) -> Path:
        """Where a result of this run is written."""
        return self.folder / name

    def finish(self, **metrics: float) -> dict[str, float]:
        """Draw the curves, write the metrics, and print the one line that a run is remembered by."""
        if self.history:
            pictures.curves(self.path("curves.png"), self.history, self.options.system)
        metrics = {name: float(value) for name, value in metrics.items()}
        speed = (self.steps - 1) / max(self.seconds - self.first, 1e-9) if self.steps > 1 else 0.0
        summary = metrics | {"seconds": self.seconds, "steps_per_second": speed, "first_step_seconds": self.first}
        self.path("metrics.json").write_text(
            json.dumps({"system": self.options.system, "mode": self.options.mode, "data": self.source} | summary)
        )
        with contextlib.suppress(OSError):
            self.board.close()
        said = ", ".join(f"{name} {value:.6g}" for name, value in metrics.items())
        title = f"{self.options.system} ({self.options.mode})"
        pace = f"{speed:.1f} steps/s, first step {self.first:.2f} s"
        effort = f"{self.options.epochs} epochs, {self.seconds:.1f} s, {pace}"
        print(f"{title}: {said} | {effort} | {self.source} | results in {self.folder}", flush=True)
        return metrics

    def _values(self) -> dict[str, list[float]]:
        return {name: [float(value) for value in values] for name, values in self._noted.items()}
