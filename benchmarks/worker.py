"""A process that prepares one case and then runs it a few times whenever its parent asks.

Requests and answers are lines of JSON, on standard input and on the standard output that it was started with.
"""

from __future__ import annotations

import ctypes
import gc
import importlib
import json
import os
import sys
import time

from benchmarks import pipeline
from benchmarks.engines import ENGINES, prepare
from benchmarks.systems import Case


def resident(field: str) -> int:
    """``VmRSS`` (now) or ``VmHWM`` (the most so far) of this process in bytes."""
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) * 1024 for line in status if line.startswith(field + ":"))


def forget_peak() -> None:
    """Start ``VmHWM`` anew."""
    with open("/proc/self/clear_refs", "w") as refs:
        refs.write("5")


def give_back() -> None:
    """Return freed memory to the system, so that what is resident is what is held."""
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)


class Worker:
    """Answers the requests of one parent, for one engine."""

    def __init__(self, engine: str) -> None:
        self.engine = engine
        self.wait = ENGINES[engine].wait
        self.case: Case | None = None
        importlib.import_module(ENGINES[engine].library)

    def run(self, calls: int) -> dict[str, float]:
        """Seconds that ``calls`` calls take, as for single steps, the last one's results waited for."""
        case, result = self.case, None
        assert case is not None
        start = time.perf_counter()
        for _ in range(calls):
            result = case.call(*case.args)
        self.wait((result, case.state))
        return {"seconds": (time.perf_counter() - start) / case.steps}

    def loader(self, count: int) -> dict[str, float]:
        """Samples a second of a DataLoader with ``count`` workers over pictures that are cropped and flipped."""
        return {"rate": pipeline.rate(importlib.import_module(ENGINES[self.engine].library), count)}

    def prepare(self, group: str, name: str, size: int | str) -> dict[str, float]:
        """Build the case and call it twice; tells how long that took, and how many steps a call is."""
        self.case = None
        give_back()
        self.idle = resident("VmRSS")
        forget_peak()
        self.case = prepare(self.engine, group, name, size)
        first = self.run(1)["seconds"]
        return {"first": first, "second": self.run(1)["seconds"], "steps": self.case.steps}

    def lengths(self, lengths: list[int], batch: int) -> dict[str, float]:
        """Seconds for one LSTM step at each of ``lengths``, compiling included."""
        case = prepare(self.engine, "systems", "LSTM", batch)
        words, labels = case.args
        start = time.perf_counter()
        for length in lengths:
            self.wait(case.call(words[:, :length], labels))
        return {"seconds": time.perf_counter() - start}

    def footprint(self, group: str, name: str, size: int | str) -> dict[str, float]:
        """:meth:`call_memory` of a case, once its programs are compiled."""
        self.prepare(group, name, size)
        return self.call_memory()

    def call_memory(self) -> dict[str, float]:
        """The most memory that one call takes beside its operands and the state that stays."""
        give_back()
        idle = resident("VmRSS")
        forget_peak()
        self.run(1)
        return {"bytes": resident("VmHWM") - idle}

    def memory(self) -> dict[str, float]:
        """The most memory held since the case was built, above what the imported library holds."""
        return {"bytes": resident("VmHWM") - self.idle}


def main() -> None:
    """Serve until standard input ends."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # whatever a library prints must not stand among the answers
    worker = Worker(sys.argv[1])
    print(json.dumps({}), file=answers, flush=True)
    for line in sys.stdin:
        request = json.loads(line)
        answer = getattr(worker, request.pop("do"))(**request)
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    main()
