"""Result types against PyTorch's own, over every pair of types and every kind of operand."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

import fxtorch

torch = pytest.importorskip("torch", reason="compares with PyTorch")

NAMES = "bool uint8 int8 int16 int32 int64 float16 bfloat16 float32 float64 complex64 complex128".split()
KINDS = ["dimensioned", "zero-dimensional", "number"]
NUMBERS = {"bool": True, "int64": 2, "float32": 2.5, "complex64": 2j}


def operand(library: Any, name: str, kind: str) -> Any:
    if kind == "number":
        return NUMBERS[name]
    return library.ones((2,) if kind == "dimensioned" else (), dtype=getattr(library, name))


PAIRS = [
    (a, kind_a, b, kind_b)
    for (a, kind_a), (b, kind_b) in itertools.combinations_with_replacement(itertools.product(NAMES, KINDS), 2)
    if (kind_a != "number" or a in NUMBERS) and (kind_b != "number" or b in NUMBERS)
]


def complex_half(name: Any) -> bool:
    """torch has a complex half type; NumPy and JAX have none."""
    return name == torch.complex32


@pytest.mark.parametrize("name", NAMES)
def test_result_type_is_pytorchs(name: str) -> None:
    for a, kind_a, b, kind_b in PAIRS:
        if a == name and (kind_a, kind_b) != ("number", "number"):
            wanted = torch.result_type(operand(torch, a, kind_a), operand(torch, b, kind_b))
            if not complex_half(wanted):
                got = fxtorch.result_type(operand(fxtorch, a, kind_a), operand(fxtorch, b, kind_b))
                assert str(got) == str(wanted).replace("torch", str(got).partition(".")[0]), (a, kind_a, b, kind_b)


@pytest.mark.filterwarnings("ignore:ComplexHalf support is experimental")
@pytest.mark.parametrize("symbol", ["+", "-", "*", "/", "//", "%", "**", "<", "==", "&", "<<"])
def test_the_type_of_an_operators_result_is_pytorchs(symbol: str) -> None:
    calculate = eval(f"lambda a, b: a {symbol} b")
    for a, kind_a, b, kind_b in PAIRS:
        if (kind_a, kind_b) == ("number", "number") or "zero-dimensional" in (kind_a, kind_b):
            continue
        try:
            wanted = calculate(operand(torch, a, kind_a), operand(torch, b, kind_b)).dtype
        except RuntimeError:
            continue  # PyTorch has no such operation on these types
        if not complex_half(wanted):
            got = calculate(operand(fxtorch, a, kind_a), operand(fxtorch, b, kind_b)).dtype
            assert str(got).rpartition(".")[2] == str(wanted).rpartition(".")[2], (a, kind_a, symbol, b, kind_b)


LOSSES = "binary_cross_entropy_with_logits binary_cross_entropy cross_entropy huber_loss mse_loss soft_margin_loss"


@pytest.mark.parametrize("name", LOSSES.split())
def test_the_type_of_a_loss_is_pytorchs(name: str) -> None:
    kinds = ["float16", "bfloat16", "float32", "float64", "int64", "bool"]
    for kind, other, reduction in itertools.product(kinds[:4], kinds, ["none", "mean"]):
        got, wanted = (loss_type(library, name, kind, other, reduction) for library in (fxtorch, torch))
        assert got == wanted, (kind, other, reduction)


def loss_type(library: Any, name: str, kind: str, other: str, reduction: str) -> str:
    """The type of a loss, or the words with which it refuses the types."""
    prediction = library.full((2, 3), 0.25, dtype=getattr(library, kind))
    target = library.tensor([[1, 0, 0], [0, 1, 0]]).to(getattr(library, other))
    if name == "cross_entropy" and other in ("int64", "bool"):
        return ""  # classes, not probabilities
    try:
        loss = getattr(library.nn.functional, name)(prediction, target, reduction=reduction)
    except RuntimeError as error:
        return str(error)
    return str(loss.dtype).rpartition(".")[2]
