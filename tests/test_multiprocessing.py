"""Waiting for processes."""

from __future__ import annotations

import multiprocessing
import multiprocessing.process
import time

from fxtorch.multiprocessing import SpawnContext


def ended(code: str = "pass") -> multiprocessing.process.BaseProcess:
    process = multiprocessing.get_context("spawn").Process(target=exec, args=(code,))
    process.start()
    process.join(60)
    return process


def test_joining_processes_that_have_ended_already_returns_at_once() -> None:
    processes = [ended()]
    start = time.monotonic()
    assert SpawnContext(processes, [None]).join(timeout=30)
    assert time.monotonic() - start < 10
