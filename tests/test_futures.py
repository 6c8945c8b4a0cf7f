"""torch.futures: what is computed elsewhere, and what comes of it."""

from __future__ import annotations

import threading

import pytest

import fxtorch as torch
from fxtorch.futures import Future, collect_all, wait_all


def test_waiting_is_for_the_thread_that_sets_the_result() -> None:
    future: Future[int] = Future()
    assert not future.done()
    with pytest.raises(RuntimeError, match="not completed"):
        future.value()
    thread = threading.Timer(0.05, lambda: future.set_result(3))
    thread.start()
    assert future.wait() == 3 and future.done() and future.value() == 3
    thread.join()


def test_a_result_is_set_once() -> None:
    future: Future[int] = Future()
    future.set_result(3)
    with pytest.raises(RuntimeError, match="a Future can only be marked completed once"):
        future.set_result(4)
    assert future.value() == 3


def test_callbacks_run_before_and_after_the_result_and_carry_errors_on() -> None:
    future: Future[int] = Future()
    doubled = future.then(lambda f: 2 * f.wait())
    failed = doubled.then(lambda f: f.wait() / 0)
    future.set_result(4)
    assert doubled.wait() == 8 and future.then(lambda f: f.value() + 1).wait() == 5
    with pytest.raises(RuntimeError, match="Got the following error when running the callback: ZeroDivisionError"):
        failed.then(lambda f: f.wait()).wait()


def test_a_callback_that_fails_is_told_and_stops_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    future: Future[int] = Future()
    seen: list[int] = []
    future.add_done_callback(lambda f: seen.append(1 // 0))
    future.add_done_callback(lambda f: seen.append(f.value()))
    future.set_result(7)
    assert seen == [7] and "ZeroDivisionError" in capsys.readouterr().err


def test_an_exception_is_raised_where_somebody_waits() -> None:
    future: Future[int] = Future()
    with pytest.raises(AssertionError, match="not an Exception"):
        future.set_exception(3)
    future.set_exception(ValueError("lost"))  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="lost"):
        future.wait()
    with pytest.raises(ValueError, match="lost"):
        wait_all([future])


def test_all_are_there_once_the_last_is() -> None:
    first: Future[int] = Future()
    second: Future[int] = Future()
    both = collect_all([first, second])
    first.set_result(1)
    assert not both.done()
    second.set_result(2)
    assert [f.wait() for f in both.wait()] == [1, 2] == wait_all([first, second])
    assert collect_all([]).wait() == []


def test_what_is_forked_is_a_future() -> None:
    future = torch.jit.fork(lambda x: x + 1, torch.ones(2))
    assert isinstance(future, torch.Future) and torch.jit.wait(future).tolist() == [2.0, 2.0] == future.wait().tolist()
    with pytest.raises(ZeroDivisionError):
        torch.jit.wait(torch.jit.fork(lambda: 1 / 0))
