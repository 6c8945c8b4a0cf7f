"""torch.profiler: times of the blocks that a program names, and JAX's own traces for TensorBoard and Perfetto.

``record_function`` blocks are timed in Python and show up by name in JAX's trace.  Single operators are not: XLA runs
them out of step with Python, and the trace that ``tensorboard_trace_handler`` writes is where they are to be seen.
"""

from __future__ import annotations

import enum
import functools
import json
import os
import tempfile
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax


class ProfilerActivity(enum.Enum):
    """What to watch; JAX's traces hold all of it."""

    CPU = 0
    CUDA = 1
    XPU = 2


class ProfilerAction(enum.Enum):
    """What a schedule wants of a step."""

    NONE = 0
    WARMUP = 1
    RECORD = 2
    RECORD_AND_SAVE = 3


def schedule(
    *, wait: int, warmup: int, active: int, repeat: int = 0, skip_first: int = 0, skip_first_wait: int = 0
) -> Callable[[int], ProfilerAction]:
    """Which steps to record: after ``skip_first``, cycles of ``wait``, ``warmup`` and ``active`` ones.

    >>> plan = schedule(wait=1, warmup=1, active=2, repeat=1)
    >>> [plan(i).name for i in range(5)]
    ['NONE', 'WARMUP', 'RECORD', 'RECORD_AND_SAVE', 'NONE']
    """
    length = wait + warmup + active

    def action(step: int) -> ProfilerAction:
        step -= skip_first
        if step < 0 or (repeat and step >= repeat * length):
            return ProfilerAction.NONE
        step %= length
        if step < wait:
            return ProfilerAction.NONE
        if step < wait + warmup:
            return ProfilerAction.WARMUP
        return ProfilerAction.RECORD_AND_SAVE if step == length - 1 else ProfilerAction.RECORD

    return action


def tensorboard_trace_handler(
    dir_name: str, worker_name: str | None = None, use_gzip: bool = False
) -> Callable[[Any], None]:
    """An ``on_trace_ready`` that leaves JAX's trace in ``dir_name``, where TensorBoard and Perfetto find it."""

    def handler(prof: profile) -> None:
        prof._keep(dir_name)

    return handler


@dataclass
class FunctionEvent:
    """A named block, or the sum of all of that name; times are microseconds."""

    key: str
    count: int = 0
    cpu_time_total: float = 0.0
    start: float = 0.0

    @property
    def name(self) -> str:
        """The block's name."""
        return self.key

    @property
    def cpu_time(self) -> float:
        """Microseconds a call."""
        return self.cpu_time_total / max(self.count, 1)

    cpu_time_str = property(lambda self: f"{self.cpu_time:.3f}us")
    self_cpu_time_total = property(lambda self: self.cpu_time_total)
    device_time_total = cuda_time_total = property(lambda self: 0.0)


class EventList(list[FunctionEvent]):
    """Named blocks, with a table of them."""

    def key_averages(self, *args: Any, **kwargs: Any) -> EventList:
        """The blocks summed by name."""
        total: dict[str, FunctionEvent] = {}
        for e in self:
            t = total.setdefault(e.key, FunctionEvent(e.key))
            t.count += e.count
            t.cpu_time_total += e.cpu_time_total
        return EventList(total.values())

    def export_chrome_trace(self, path: str) -> None:
        """Write the blocks as a file for ``chrome://tracing`` and Perfetto."""
        shared = {"ph": "X", "cat": "user_annotation", "pid": os.getpid(), "tid": 0}
        events = [{"name": e.key, "ts": e.start, "dur": e.cpu_time_total, **shared} for e in self]
        Path(path).write_text(json.dumps({"traceEvents": events, "displayTimeUnit": "ms"}), encoding="utf-8")

    def total_average(self) -> FunctionEvent:
        """All of them in one."""
        return FunctionEvent("Total", sum(e.count for e in self), sum(e.cpu_time_total for e in self))

    def table(self, sort_by: str | None = None, row_limit: int = 100, **kwargs: Any) -> str:
        """A table of the named blocks."""
        rows = sorted(self, key=lambda e: -e.cpu_time_total)[:row_limit]
        lines = [f"{'Name':<40}{'CPU total':>14}{'CPU time avg':>14}{'# of Calls':>12}"]
        lines += [f"{e.key:<40}{e.cpu_time_total:>12.1f}us{e.cpu_time:>12.1f}us{e.count:>12}" for e in rows]
        return "\n".join([*lines, "operators: see JAX's trace, written by tensorboard_trace_handler"])


_watching: list[profile] = []


class record_function:
    """A block with a name: in JAX's trace, and timed by the profiler that is on; also a decorator."""

    def __init__(self, name: str, args: str | None = None) -> None:
        self.name = name

    def __enter__(self) -> record_function:
        self._trace = jax.profiler.TraceAnnotation(self.name)
        self._trace.__enter__()
        self._start = time.perf_counter()
        return self

    def __exit__(self, *exc: Any) -> None:
        elapsed = (time.perf_counter() - self._start) * 1e6
        self._trace.__exit__(*exc)
        for prof in _watching:
            if prof._recording:
                prof._events.append(FunctionEvent(self.name, 1, elapsed, self._start * 1e6))

    def __call__(self, fn: Callable[..., Any]) -> Callable[..., Any]:
        """The function with each call as such a block."""

        @functools.wraps(fn)
        def called(*args: Any, **kwargs: Any) -> Any:
            with record_function(self.name):
                return fn(*args, **kwargs)

        return called


class profile:
    """A ``with`` block that is watched.

    Args:
        activities: accepted; JAX's traces hold everything.
        schedule: which steps to record, by :func:`schedule`; :meth:`step` counts them.
        on_trace_ready: called with this object at the end, and after each cycle of a schedule.
        kwargs: torch's further options, accepted.

    >>> with profile() as prof:
    ...     with record_function("add"):
    ...         _ = torch.ones(2) + 1
    >>> prof.key_averages()[0].key
    'add'
    """

    def __init__(
        self,
        *args: Any,
        activities: Iterable[ProfilerActivity] | None = None,
        schedule: Callable[[int], ProfilerAction] | None = None,
        on_trace_ready: Callable[[Any], Any] | None = None,
        **kwargs: Any,
    ) -> None:
        self._schedule, self._ready = schedule, on_trace_ready
        self._events = EventList()
        self._recording = False
        self._trace: str | None = None
        self.step_num = 0

    def start(self) -> None:
        """Begin."""
        _watching.append(self)
        self._follow()

    def stop(self) -> None:
        """End."""
        self._finish()
        _watching.remove(self)

    def step(self) -> None:
        """Say that the next step of training begins."""
        if self._schedule is not None and self._schedule(self.step_num) is ProfilerAction.RECORD_AND_SAVE:
            self._finish()
        self.step_num += 1
        self._follow()

    def _follow(self) -> None:
        wanted = self._schedule is None or self._schedule(self.step_num).value >= ProfilerAction.RECORD.value
        if wanted and not self._recording and self._ready is not None:
            self._trace = tempfile.mkdtemp(prefix="fxtorch-trace-")
            jax.profiler.start_trace(self._trace)
        self._recording = wanted

    def _finish(self) -> None:
        if not self._recording:
            return
        self._recording = False
        if self._trace is not None:
            jax.profiler.stop_trace()
        if self._ready is not None:
            self._ready(self)
        self._trace = None

    def _keep(self, folder: str) -> None:
        if self._trace is not None:
            Path(folder).mkdir(parents=True, exist_ok=True)
            for path in sorted(Path(self._trace).rglob("*")):
                if path.is_file():
                    target = Path(folder) / path.relative_to(self._trace)
                    target.parent.mkdir(parents=True, exist_ok=True)
                    path.replace(target)

    def export_chrome_trace(self, path: str) -> None:
        """Write the named blocks as a file for ``chrome://tracing`` and Perfetto; operators are in JAX's trace."""
        self._events.export_chrome_trace(path)

    def events(self) -> EventList:
        """The named blocks, one by one."""
        return self._events

    def key_averages(self, group_by_input_shape: bool = False, **kwargs: Any) -> EventList:
        """The named blocks, summed by name."""
        return self._events.key_averages()

    @property
    def self_cpu_time_total(self) -> float:
        """Microseconds in named blocks."""
        return self._events.total_average().cpu_time_total

    def __enter__(self) -> profile:
        self.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self.stop()

    def __str__(self) -> str:
        return self.key_averages().table()


_KinetoProfile = profile


def kineto_available() -> bool:
    """False: the profiler is JAX's."""
    return False
