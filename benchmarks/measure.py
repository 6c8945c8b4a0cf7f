"""The parent's side: one process an engine, asked in turn, so that all engines see the same machine."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from typing import Any

SECONDS_A_TURN = 0.25
WARM = 60  # training steps before the clock runs: fxtorch compiles a large one once more after 50
PAUSE = 0.02  # lets the other engines' idle threads fall asleep


class EngineError(RuntimeError):
    """An engine's process ended before it answered."""


class Remote:
    """A worker process and the pipe to it.

    Args:
        engine: a key of ``benchmarks.engines.ENGINES``.
        environment: variables that the process gets beside this one's.
    """

    def __init__(self, engine: str, environment: dict[str, str] | None = None) -> None:
        self.engine = engine
        self.process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.worker", engine],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, **(environment or {})},
        )
        self._answer()

    def ask(self, do: str, **request: Any) -> dict[str, float]:
        """Send a request and wait for its answer.

        Raises:
            EngineError: the process ended instead.
        """
        assert self.process.stdin is not None
        try:
            print(json.dumps({"do": do, **request}), file=self.process.stdin, flush=True)
        except BrokenPipeError:
            raise EngineError(self.engine) from None
        return self._answer()

    def _answer(self) -> dict[str, float]:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            raise EngineError(self.engine)
        return json.loads(line)

    def __enter__(self) -> Remote:
        return self

    def __exit__(self, *exc: object) -> None:
        assert self.process.stdin is not None
        with suppress(BrokenPipeError):  # it ended before
            self.process.stdin.close()
        self.process.wait()


@dataclass(frozen=True)
class Timing:
    """What one engine showed on one case; times in seconds, memory in bytes.

    Attributes:
        median: of the turns, for one call.
        quartiles: the first and the third.
        first: the first call, compiling included.
        peak: the most memory held, compiling included, above what the imported library holds.
    """

    median: float
    quartiles: tuple[float, float]
    first: float
    peak: float


@contextmanager
def workers(engines: list[str]) -> Iterator[list[Remote]]:
    """A process for each engine."""
    with ExitStack() as stack:
        yield [stack.enter_context(Remote(engine)) for engine in engines]


def interleaved(
    remotes: list[Remote], group: str, name: str, size: int | str, rounds: int, warm: int = 3
) -> dict[str, Timing]:
    """Time one case on every engine, a quarter of a second at a time, in an order that turns each round.

    Before that each engine makes ``warm`` steps.  An engine that fails is left out, and said.
    """
    running, firsts, calls = [], {}, {}
    for remote in remotes:
        try:
            prepared = remote.ask("prepare", group=group, name=name, size=size)
            firsts[remote.engine] = prepared["first"]
            count = max(3, round(warm / prepared["steps"]))
            per_call = remote.ask("run", calls=count)["seconds"] / count * prepared["steps"]
        except EngineError:
            print(f"  {remote.engine}: failed on {name}", file=sys.stderr)
            continue
        running.append(remote)
        calls[remote.engine] = max(1, min(2000, round(SECONDS_A_TURN / per_call)))
    seconds: dict[str, list[float]] = {remote.engine: [] for remote in running}
    for turn in range(rounds):
        start = turn % len(running) if running else 0
        for remote in running[start:] + running[:start]:
            time.sleep(PAUSE)
            count = calls[remote.engine]
            seconds[remote.engine].append(remote.ask("run", calls=count)["seconds"] / count)
    return {
        remote.engine: Timing(
            statistics.median(seconds[remote.engine]),
            _quartiles(seconds[remote.engine]),
            firsts[remote.engine],
            remote.ask("memory")["bytes"],
        )
        for remote in running
    }


def footprints(remotes: list[Remote], group: str, name: str, size: int | str) -> dict[str, float]:
    """The bytes that one call of a case takes at most beside its operands and the state that stays, by engine.

    fxtorch is asked in a process of its own that keeps no memory: in one that does, only what is new would show.
    """
    found: dict[str, float] = {}
    for remote in remotes:
        with suppress(EngineError):
            if remote.engine.startswith("fxtorch"):
                with Remote(remote.engine, {"FXTORCH_KEEP_MEMORY": "0"}) as fresh:
                    found[remote.engine] = fresh.ask("footprint", group=group, name=name, size=size)["bytes"]
            else:
                found[remote.engine] = remote.ask("call_memory")["bytes"]
    return found


def _quartiles(values: list[float]) -> tuple[float, float]:
    if len(values) < 2:
        return values[0], values[0]
    low, _, high = statistics.quantiles(values, n=4, method="inclusive")
    return low, high


@contextmanager
def empty_caches() -> Iterator[dict[str, str]]:
    """Variables that point both libraries' compilation caches at a new, empty folder."""
    with tempfile.TemporaryDirectory() as folder:
        yield {"XDG_CACHE_HOME": f"{folder}/ours", "TORCHINDUCTOR_CACHE_DIR": f"{folder}/inductor"}


def cold_and_warm(engine: str, do: str, **request: Any) -> tuple[dict[str, float], dict[str, float]]:
    """The answers of two fresh processes to one request: with an empty disk cache, and with what the first left."""
    with empty_caches() as environment:
        with Remote(engine, environment) as remote:
            cold = remote.ask(do, **request)
        with Remote(engine, environment) as remote:
            return cold, remote.ask(do, **request)
