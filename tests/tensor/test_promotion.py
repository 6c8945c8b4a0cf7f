"""The type of a result, for every pair of operands: a table worked out by hand, and laws over drawn operands."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import fxtorch as torch

# In rising order within a category; the categories rise too.
BOOL = ["bool"]
INTEGERS = ["uint8", "int8", "int16", "int32", "int64"]
FLOATS = ["float16", "bfloat16", "float32", "float64"]
COMPLEX = ["complex64", "complex128"]
NAMES = BOOL + INTEGERS + FLOATS + COMPLEX

# Pairs whose join is not simply the later of the two.
JOINS = {
    ("uint8", "int8"): "int16",
    ("float16", "bfloat16"): "float32",
    ("float64", "complex64"): "complex128",
}


def category(name: str) -> int:
    return next(i for i, names in enumerate((BOOL, INTEGERS, FLOATS, COMPLEX)) if name in names)


def join(a: str, b: str) -> str:
    """The smallest type that holds both, by torch's table."""
    first, second = sorted((a, b), key=NAMES.index)
    return JOINS.get((first, second), second)


def raise_category(higher: str, lower: str) -> str:
    """A 0-dim tensor or a number beside a tensor with dimensions: it decides only from a higher category."""
    if category(lower) <= category(higher):
        return higher
    if category(higher) == 2:  # float beside complex: the precision of the float
        return "complex128" if higher == "float64" else "complex64"
    return lower


def ones(name: str, *shape: int) -> torch.Tensor:
    return torch.ones(shape, dtype=getattr(torch, name))


def dtype(name: str) -> torch.dtype:
    return getattr(torch, name)


@pytest.mark.parametrize("a", NAMES)
@pytest.mark.parametrize("b", NAMES)
def test_two_tensors_join(a: str, b: str) -> None:
    assert (ones(a, 2) * ones(b, 2)).dtype == dtype(join(a, b))
    assert torch.promote_types(dtype(a), dtype(b)) == dtype(join(a, b))


@pytest.mark.parametrize("a", NAMES)
@pytest.mark.parametrize("b", NAMES)
def test_a_zero_dimensional_tensor_only_raises_the_category(a: str, b: str) -> None:
    if (a, b) in {("float16", "complex64"), ("float16", "complex128")}:
        pytest.skip("torch has a complex half type, NumPy and JAX have none")
    assert (ones(a, 2) * ones(b, *())).dtype == dtype(raise_category(a, b))


NUMBERS = {"bool": True, "int64": 3, "float32": 1.5, "complex64": 1j}


@pytest.mark.parametrize("a", NAMES)
@pytest.mark.parametrize("number", NUMBERS)
def test_a_python_number_only_raises_the_category(a: str, number: str) -> None:
    if (a, number) == ("float16", "complex64"):
        pytest.skip("torch has a complex half type, NumPy and JAX have none")
    wanted = dtype(raise_category(a, number))
    assert (ones(a, 2) * NUMBERS[number]).dtype == wanted
    assert (NUMBERS[number] * ones(a, 2)).dtype == wanted
    assert (ones(a, *()) * NUMBERS[number]).dtype == wanted


@pytest.mark.parametrize("a", BOOL + INTEGERS)
def test_true_division_of_integers_gives_the_default_float(a: str) -> None:
    assert (ones(a, 2) / ones(a, 2)).dtype == torch.float32
    assert (ones(a, 2) / 2).dtype == torch.float32


@pytest.mark.parametrize("a", BOOL + INTEGERS)
def test_a_transcendental_function_of_integers_gives_the_default_float(a: str) -> None:
    assert torch.exp(ones(a, 2)).dtype == torch.float32


@pytest.mark.parametrize("a", BOOL + INTEGERS)
def test_integers_sum_to_int64(a: str) -> None:
    assert ones(a, 2).sum().dtype == torch.int64


def test_an_in_place_result_that_does_not_fit_is_refused() -> None:
    with pytest.raises(RuntimeError, match="result type Float can't be cast to the desired output type Long"):
        ones("int64", 2).add_(1.5)


def test_an_in_place_result_keeps_its_own_type() -> None:
    assert ones("float16", 2).add_(ones("float64", 2)).dtype == torch.float16


def test_a_numpy_scalar_counts_as_a_python_number() -> None:
    assert (ones("float32", 2) * np.float64(2)).dtype == torch.float32
    assert (ones("int32", 2) + np.int64(2)).dtype == torch.int32


def test_the_default_float_decides_what_no_operand_does() -> None:
    torch.set_default_dtype(torch.float64)
    try:
        assert (ones("int64", 2) / 2).dtype == torch.float64
        assert torch.tensor(1.5).dtype == torch.float64
        assert (ones("int64", 2) * 1.5).dtype == torch.float64
    finally:
        torch.set_default_dtype(torch.float32)


operands = st.tuples(st.sampled_from(NAMES), st.sampled_from([(), (1,), (2, 2)]))


@given(operands, operands)
def test_result_type_does_not_depend_on_the_order(
    a: tuple[str, tuple[int, ...]], b: tuple[str, tuple[int, ...]]
) -> None:
    x, y = ones(a[0], *a[1]), ones(b[0], *b[1])
    assert torch.result_type(x, y) == torch.result_type(y, x)


@given(st.sampled_from(NAMES))
def test_a_type_joined_with_itself_or_with_bool_stays(a: str) -> None:
    assert torch.promote_types(dtype(a), dtype(a)) == dtype(a)
    assert torch.promote_types(dtype(a), torch.bool) == dtype(a)


@given(operands, operands)
def test_result_type_is_the_type_of_the_product(a: tuple[str, tuple[int, ...]], b: tuple[str, tuple[int, ...]]) -> None:
    x, y = ones(a[0], *a[1]), ones(b[0], *b[1])
    if {a[0], b[0]} & {"float16"} and {a[0], b[0]} & set(COMPLEX):
        return  # torch has a complex half type, NumPy and JAX have none
    assert torch.result_type(x, y) == (x * y).dtype
