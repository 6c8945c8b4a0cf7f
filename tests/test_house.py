"""The house's own rules, each checked over every file of the library."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator
from pathlib import Path

import pytest

from fxtorch.ops.table import TABLE

ROOT = Path(__file__).parents[1]
FILES = sorted(path for room in ("fxtorch", "experiments", "benchmarks") for path in (ROOT / room).rglob("*.py"))
OPS = sorted((ROOT / "fxtorch" / "ops").rglob("*.py"))
LONGEST = 600

# How many positional arguments it takes before dtype= is given by position too.
DTYPE_AT = {
    "array": 1,
    "zeros": 1,
    "ones": 1,
    "empty": 1,
    "full": 2,
    "arange": 3,
    "linspace": 5,
    "logspace": 6,
    "eye": 3,
    "identity": 1,
    "tri": 3,
}
RANDOM_DTYPE_AT = {
    "uniform": 2,
    "normal": 2,
    "truncated_normal": 4,
    "exponential": 2,
    "gamma": 3,
    "beta": 4,
    "cauchy": 2,
    "laplace": 2,
    "gumbel": 2,
    "poisson": 3,
    "randint": 4,
    "bits": 2,
    "rademacher": 2,
}


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", FILES, ids=name)
def test_a_file_holds_one_idea(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= LONGEST, "where would you cut it?"


@pytest.mark.parametrize("path", FILES, ids=name)
def test_a_module_says_what_it_is_for(path: Path) -> None:
    tree = ast.parse(path.read_text())
    assert not tree.body or ast.get_docstring(tree)


def calls(path: Path) -> Iterator[tuple[str, ast.Call]]:
    """The dotted names that a file calls: ``jnp.zeros``, ``jax.random.normal``."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func), node


def creates_without_dtype(path: Path) -> list[str]:
    spaces = {"jnp": DTYPE_AT, "jax.numpy": DTYPE_AT, "jax.random": RANDOM_DTYPE_AT}
    found = []
    for called, node in calls(path):
        space, _, function = called.rpartition(".")
        place = spaces.get(space, {}).get(function)
        if called == "jnp.asarray" and node.args and isinstance(node.args[0], ast.Constant | ast.List | ast.Tuple):
            place = 1  # of an array it keeps the type, of numbers it would choose one
        spread = any(k.arg is None for k in node.keywords) or any(isinstance(a, ast.Starred) for a in node.args)
        given = spread or any(k.arg == "dtype" for k in node.keywords)
        if place is not None and not given and len(node.args) <= place:
            found.append(f"{path.name}:{node.lineno} {ast.unparse(node)}")
    return found


@pytest.mark.parametrize("path", OPS, ids=name)
def test_operators_never_rely_on_a_default_dtype(path: Path) -> None:
    assert creates_without_dtype(path) == []


def test_a_creation_without_dtype_would_be_seen(tmp_path: Path) -> None:
    path = tmp_path / "bad.py"
    path.write_text("jnp.zeros((2,))\njax.random.normal(key, (2,))\njnp.ones(2, dtype=d)\njnp.full((2,), 1, d)\n")
    assert creates_without_dtype(path) == ["bad.py:1 jnp.zeros((2,))", "bad.py:2 jax.random.normal(key, (2,))"]


@pytest.mark.parametrize("row", TABLE.values(), ids=TABLE)
def test_an_operator_is_documented(row) -> None:
    assert inspect.getdoc(row.fn), f"{row.name} has no docstring"
