"""Starts the processes of a run, watches them, and ends them together; they end, too, when this one is killed."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

GRACE = 5.0  # seconds that a worker has to end by itself once another has failed
INTERVAL = 0.05
_LEASH = str(Path(__file__).with_name("leash.py"))


@dataclass
class Run:
    """What to start.

    Attributes:
        command: the command of one worker.
        workers: how many of them on this machine.
        nodes: how many machines, and ``node``: which of them this one is.
        address: the first machine's, and ``port``: one that is free there; 0 finds one.
        restarts: how often all workers are started anew after a failure.
        grace: seconds between asking the others to end and ending them.
    """

    command: Sequence[str]
    workers: int = 1
    nodes: int = 1
    node: int = 0
    address: str = "127.0.0.1"
    port: int = 0
    restarts: int = 0
    grace: float = GRACE
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def start(self, attempt: int) -> None:
        """Start all workers; each finds its rank in the environment, by torchrun's names."""
        port = self.port or _free_port()
        world = self.workers * self.nodes
        for local in range(self.workers):
            own = {
                "RANK": self.node * self.workers + local,
                "WORLD_SIZE": world,
                "LOCAL_RANK": local,
                "LOCAL_WORLD_SIZE": self.workers,
                "GROUP_RANK": self.node,
                "MASTER_ADDR": self.address,
                "MASTER_PORT": port,
                "TORCHELASTIC_RESTART_COUNT": attempt,
                "TORCHELASTIC_MAX_RESTARTS": self.restarts,
                "TORCHELASTIC_RUN_ID": "fxtorch",
            }
            environment = {**os.environ, **{k: str(v) for k, v in own.items()}}
            tied = [sys.executable, "-I", "-S", _LEASH, str(os.getpid()), *self.command]
            self.processes.append(subprocess.Popen(tied, env=environment))

    def watch(self) -> tuple[int, int] | None:
        """Wait until all have ended well, or until one has not: then its rank on this machine and its return code."""
        while True:
            codes = [p.poll() for p in self.processes]
            for local, code in enumerate(codes):
                if code not in (None, 0):
                    return local, code
            if all(code == 0 for code in codes):
                return None
            time.sleep(INTERVAL)

    def stop(self) -> None:
        """End the workers that still run: ask, wait, kill."""
        for p in self.processes:
            if p.poll() is None:
                p.terminate()
        deadline = time.monotonic() + self.grace
        for p in self.processes:
            try:
                p.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                p.kill()
                p.wait()
        self.processes.clear()

    def __call__(self) -> int:
        """Run to the end, and return the exit code: 0, or that of the worker that failed first in the last attempt."""
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
        for attempt in range(self.restarts + 1):
            try:
                self.start(attempt)
                failed = self.watch()
            finally:
                self.stop()
            if failed is None:
                return 0
            local, code = failed
            rank = self.node * self.workers + local
            left = self.restarts - attempt
            then = f"all workers start anew ({left} restarts left)" if left else "the run ends"
            _say(f"rank {rank} {_ending(code)}; the other workers were stopped and {then}")
        return code if 0 < code < 256 else 1


def _ending(code: int) -> str:
    if code < 0:
        return f"was killed by {signal.Signals(-code).name}"
    return f"ended with exit code {code}"


def _free_port() -> int:
    with socket.socket() as s:
        s.bind(("", 0))
        return s.getsockname()[1]


def _say(text: str) -> None:
    print(f"fxtorch.distributed.run: {text}", file=sys.stderr, flush=True)  # noqa: T201
