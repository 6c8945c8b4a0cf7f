"""A small part of PyTorch's operator database, some of it another one each day; `make conformance` runs the whole."""

from __future__ import annotations

import re
import types
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="compares with PyTorch")
pytest.importorskip("expecttest", reason="PyTorch's own tests need it")

from tests.conformance import report, running  # noqa: E402
from tests.conformance.checks import CHECKS, Settings  # noqa: E402
from tests.conformance.database import Entry, entries, every  # noqa: E402
from tests.conformance.inapplicable import INAPPLICABLE  # noqa: E402
from tests.conformance.translation import turn  # noqa: E402

# One or two operators of each family; they must all pass.
SAMPLE = """add div[floor_rounding] pow clamp_max sum var cumsum sort gather index_put scatter_reduce[amax] masked_fill
    where cat unfold as_strided matmul addmm einsum linalg.solve linalg.eigh linalg.svd fft.rfft special.entr
    masked.mean nn.functional.conv2d nn.functional.layer_norm nn.functional.cross_entropy nn.functional.max_pool2d
    nn.functional.interpolate[bilinear] nn.functional.embedding nn.functional.dropout""".split()
COMPILED = ["add", "sort", "gather", "linalg.solve", "nn.functional.conv2d"]
PARTS = 24  # in as many days every operator has had its turn
REFUSED = ["maximum", "dot", "scatter", "hstack", "nn.functional.conv2d"]


def chosen(name: str) -> Entry:
    return next(entry for entry in every() if entry.id == name)


def failures(entry: Entry, *checks: str, most: int = 2) -> dict[str, str]:
    outcomes = running.run(entry, checks, Settings(most=most))
    assert outcomes, "there is nothing to check"
    return {name: outcome.message for name, outcome in outcomes.items() if outcome.failed}


@pytest.mark.parametrize("name", SAMPLE)
def test_values_and_gradients_are_pytorchs(name: str) -> None:
    assert failures(chosen(name), "forward", "gradient") == {}


@pytest.mark.parametrize("name", COMPILED)
def test_compiled_and_batched_calls_agree(name: str) -> None:
    assert failures(chosen(name), "jit", "vmap", most=1) == {}


@pytest.mark.parametrize("name", REFUSED)
def test_wrong_arguments_raise_pytorchs_class(name: str) -> None:
    assert failures(chosen(name), "errors") == {}


def recorded(name: str) -> list[str]:
    """The checks that the operator passed in the run that docs/conformance.md is of, without float64's help."""
    row = next(line for line in report.PAGE.read_text().splitlines() if line.startswith(f"| `{name}` |"))
    return [check for check, cell in zip(CHECKS, row.split(" | ")[1:], strict=True) if cell.strip(" |") == "✓"]


@pytest.mark.parametrize("place", range(-(-(len(every()) - len(INAPPLICABLE)) // PARTS)))
def test_what_passed_in_the_recorded_run_passes_again(place: int, request: pytest.FixtureRequest) -> None:
    applying = list(entries())
    entry = applying[(place * PARTS + turn(request.config) % PARTS) % len(applying)]
    outcomes = running.run(entry, recorded(entry.id), Settings(most=1))
    assert {name: outcome.message for name, outcome in outcomes.items() if outcome.failed} == {}, entry.id


def test_a_wrong_value_is_seen() -> None:
    entry = Entry(chosen("add").info)
    entry.__dict__["ours"] = lambda a, b, **kwargs: chosen("add").ours(a, b, **kwargs) + 1e-3
    assert "values differ" in failures(entry, "forward")["forward"]


def test_a_wrong_gradient_is_seen() -> None:
    entry = Entry(chosen("exp").info)
    entry.__dict__["ours"] = lambda x: chosen("exp").ours(x.detach()) + 0 * x
    assert list(failures(entry, "forward", "gradient")) == ["gradient"]


def test_a_missing_name_is_seen() -> None:
    info: Any = types.SimpleNamespace(**vars(chosen("exp").info), sample_inputs=chosen("exp").info.sample_inputs)
    info.name = "no_such_operator"
    assert "missing name" in failures(Entry(info), "jit")["jit"]


def test_at_most_eight_percent_do_not_apply() -> None:
    ids = [entry.id for entry in every()]
    assert set(INAPPLICABLE) <= set(ids)
    assert len(INAPPLICABLE) <= 0.08 * len(ids)
    assert len(ids) - len(INAPPLICABLE) == len(list(entries()))


# Percent of the operators that pass, errors: of the wrong calls.
LEAST = {"forward": 99, "gradient": 98, "variants": 98, "jit": 98, "errors": 90}


@pytest.mark.parametrize("check", LEAST)
def test_the_recorded_run_reached_what_it_must(check: str) -> None:
    found = re.search(rf"- {check}: .*operators \(([\d.]+) %\).*attempts \(([\d.]+) %\)", report.PAGE.read_text())
    assert found is not None
    assert float(found[2 if check == "errors" else 1]) >= LEAST[check]
