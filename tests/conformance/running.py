"""Running checks on entries, and keeping what came out."""

from __future__ import annotations

import json
import re
import signal
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import fxtorch
from tests.conformance.checks import CHECKS, NotHere, Settings
from tests.conformance.compare import Differs, Judge
from tests.conformance.database import Entry, MissingName

RESULTS = Path(__file__).parents[2] / "runs" / "conformance"
MOST_SECONDS = 120  # for one attempt


@dataclass
class Outcome:
    """What one check of one operator came to.

    Attributes:
        passed: attempts that passed, and ``failed``: that did not.
        message: what the first failure said.
        by_accuracy: whether float64 had to decide somewhere.
        whole: whether all samples were taken.
    """

    passed: int = 0
    failed: int = 0
    message: str = ""
    by_accuracy: bool = False
    whole: bool = False


def run(entry: Entry, checks: Iterable[str], settings: Settings) -> dict[str, Outcome]:
    """The outcome of each check that has anything to try."""
    outcomes = {}
    for name in checks:
        outcome = Outcome()
        settings.judge = Judge()
        entry.left_out = 0
        for label, attempt in _attempts(name, entry, settings):
            fxtorch.manual_seed(0)
            try:
                with warnings.catch_warnings(), _limited():
                    warnings.simplefilter("ignore")
                    attempt()
            except NotHere:
                continue
            except Exception as error:
                outcome.failed += 1
                outcome.message = outcome.message or f"{_told(error)} <- {label}"[:400]
            else:
                outcome.passed += 1
        outcome.by_accuracy = settings.judge.by_accuracy
        outcome.whole = not entry.left_out
        if outcome.passed or outcome.failed:
            outcomes[name] = outcome
    return outcomes


def _attempts(name: str, entry: Entry, settings: Settings) -> Iterator[Any]:
    try:
        yield from CHECKS[name](entry, settings)
    except Exception as error:
        message = f"the samples cannot be made: {_told(error)}"

        def fail() -> None:
            raise Differs(message)

        yield "samples", fail


def _told(error: Exception) -> str:
    text = re.sub(r"\s+", " ", str(error))[:200]
    return text if isinstance(error, Differs | MissingName) else f"{type(error).__name__}: {text}"


@contextmanager
def _limited() -> Iterator[None]:
    def stop(*_: Any) -> None:
        raise TimeoutError(f"took longer than {MOST_SECONDS} s")

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(MOST_SECONDS)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def keep(entry: Entry, checks: Iterable[str], outcomes: dict[str, Outcome]) -> None:
    """Write down what the checks came to, beside the outcomes of other checks; one with nothing to try is empty."""
    RESULTS.mkdir(parents=True, exist_ok=True)
    path = _path(entry)
    written = json.loads(path.read_text()) if path.exists() else {}
    written.update({name: asdict(outcomes.get(name, Outcome())) for name in checks})
    path.write_text(json.dumps(written))


def kept(entry: Entry) -> dict[str, Outcome]:
    """What was written down for an entry."""
    path = _path(entry)
    return {k: Outcome(**v) for k, v in json.loads(path.read_text()).items()} if path.exists() else {}


def _path(entry: Entry) -> Path:
    return RESULTS / f"{entry.id}.json"
