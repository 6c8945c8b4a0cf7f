"""Timers."""

from __future__ import annotations

import pytest

import fxtorch as torch
from fxtorch.utils.benchmark import Measurement, Timer


def test_a_timer_runs_the_statement_with_the_names_it_is_given() -> None:
    seen: list[int] = []
    timer = Timer("seen.append(n)", setup="n = 3", globals={"seen": seen}, label="appending")
    measured = timer.timeit(5)
    assert measured.number_per_run == 5
    assert seen == [3] * 7
    assert "appending" in repr(measured)


def test_blocks_fill_the_time_and_tell_of_themselves() -> None:
    told: list[int] = []
    timer = Timer("x + x", globals={"x": torch.ones(4)})
    measured = timer.blocked_autorange(lambda number, seconds: told.append(number), min_run_time=0.005)
    assert sum(measured.raw_times) >= 0.005
    assert told == [measured.number_per_run] * len(measured.raw_times)
    assert timer.adaptive_autorange(max_run_time=0.01).median > 0


def test_times_are_those_of_one_run() -> None:
    measured = Measurement(10, [1.0, 3.0, 2.0])
    assert measured.times == [0.1, 0.3, 0.2]
    assert (measured.median, measured.mean) == (0.2, pytest.approx(0.2))
    assert measured.iqr == pytest.approx(0.1)
    assert "200.00 ms" in repr(measured)


def test_other_languages_are_refused() -> None:
    with pytest.raises(ValueError, match="C"):
        Timer("1", language="C++")
