"""torch.utils.benchmark: the time that a statement takes, results awaited.

JAX returns before a result is there, so that a Timer waits for what the statement leaves on the device.
"""

from __future__ import annotations

import math
import statistics
import textwrap
import timeit as _timeit
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import jax

__all__ = ["Measurement", "Timer"]

_UNITS = ((1.0, "s"), (1e-3, "ms"), (1e-6, "us"), (1e-9, "ns"))


@dataclass
class Measurement:
    """What a Timer measured.

    Attributes:
        number_per_run: how often the statement ran each time.
        raw_times: seconds of each time.
        task: what was measured, in words.
        num_threads: accepted; XLA decides.
    """

    number_per_run: int
    raw_times: list[float]
    task: str = "stmt"
    num_threads: int = 1
    metadata: dict[str, Any] | None = field(default=None, repr=False)

    @property
    def times(self) -> list[float]:
        """Seconds of one run of the statement, each time."""
        return [t / self.number_per_run for t in self.raw_times]

    @property
    def mean(self) -> float:
        """Their mean."""
        return statistics.fmean(self.times)

    @property
    def median(self) -> float:
        """Their median."""
        return statistics.median(self.times)

    @property
    def iqr(self) -> float:
        """The distance between their quartiles."""
        if len(self.times) < 2:
            return 0.0
        low, _, high = statistics.quantiles(self.times, n=4, method="inclusive")
        return high - low

    def __repr__(self) -> str:
        scale, unit = next(((s, u) for s, u in _UNITS if self.median >= s), _UNITS[-1])
        count = f"{len(self.raw_times)} measurement{'s' * (len(self.raw_times) > 1)}, {self.number_per_run} runs"
        return f"{self.task}\n  {self.median / scale:.2f} {unit}\n  {count}"


class Timer:
    """Runs a statement many times, and says how long one run takes.

    >>> timer = Timer("x @ x", globals={"x": torch.ones(8, 8)})
    >>> timer.timeit(3).number_per_run
    3

    Args:
        stmt: what to measure.
        setup: run once before.
        global_setup: run once before that.
        timer: the clock.
        globals: the names that ``stmt`` uses.
        label, sub_label, description, env: words that say what was measured.
        num_threads: accepted; XLA decides.
    """

    def __init__(
        self,
        stmt: str = "pass",
        setup: str = "pass",
        global_setup: str = "",
        timer: Callable[[], float] = _timeit.default_timer,
        globals: dict[str, Any] | None = None,
        label: str | None = None,
        sub_label: str | None = None,
        description: str | None = None,
        env: str | None = None,
        num_threads: int = 1,
        language: str = "python",
    ) -> None:
        if str(language).lower() not in ("python", "py"):
            raise ValueError(f"Timer measures Python, not {language}")
        names = dict(globals or {})
        exec(textwrap.dedent(global_setup), names)
        stmt, setup = textwrap.dedent(stmt), textwrap.dedent(setup)
        self._timer = _timeit.Timer(stmt, setup, lambda: self._now(timer), names)
        self._task = " ".join(str(w) for w in (label or stmt, sub_label, description, env) if w)
        self._num_threads = num_threads

    @staticmethod
    def _now(clock: Callable[[], float]) -> float:
        for device in jax.local_devices():
            jax.device_put(0.0, device).block_until_ready()
        for array in jax.live_arrays():
            array.block_until_ready()
        return clock()

    def _measured(self, number: int, times: Sequence[float]) -> Measurement:
        return Measurement(number, list(times), self._task, self._num_threads)

    def timeit(self, number: int = 1000000) -> Measurement:
        """Run the statement ``number`` times, after a few to warm up."""
        self._timer.timeit(max(number // 100, 2))
        return self._measured(number, [self._timer.timeit(number)])

    def blocked_autorange(
        self, callback: Callable[[int, float], Any] | None = None, min_run_time: float = 0.2
    ) -> Measurement:
        """Run it in blocks, long enough each for the clock, until ``min_run_time`` seconds have been measured."""
        number = self._block(min_run_time)
        times: list[float] = []
        while sum(times) < min_run_time:
            times.append(self._timer.timeit(number))
            if callback is not None:
                callback(number, times[-1])
        return self._measured(number, times)

    def adaptive_autorange(
        self, threshold: float = 0.1, *, min_run_time: float = 0.01, max_run_time: float = 10.0
    ) -> Measurement:
        """Run it in blocks until the quartiles are within ``threshold`` of the median, or time is up."""
        number = self._block(min_run_time)
        times: list[float] = []
        while sum(times) < max_run_time:
            times.append(self._timer.timeit(number))
            found = self._measured(number, times)
            if len(times) > 3 and sum(times) >= min_run_time and found.iqr / found.median < threshold:
                break
        return self._measured(number, times)

    def _block(self, min_run_time: float) -> int:
        self._timer.timeit(2)
        number, goal = 1, min_run_time / 1000
        while (taken := self._timer.timeit(number)) < goal:
            number = max(number * 2, min(number * 10, math.ceil(number * goal / max(taken, 1e-9))))
        return number
