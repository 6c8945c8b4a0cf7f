"""Equations of einsum that do not fit are refused in torch's words."""

from __future__ import annotations

import re

import pytest

import fxtorch as torch

WRONG = [
    ("ij,jk->ik", [(2, 3), (4, 2)], "subscript j has size 4 for operand 1 which does not broadcast with previously"),
    ("ij->iz", [(2, 3)], "output subscript z does not appear in the equation for any input operand"),
    (
        "ijk,jk",
        [(2, 3), (3, 2)],
        "the number of subscripts in the equation (3) does not match the number of dimensions",
    ),
    ("ijk...->ij", [(2, 3)], "the number of subscripts in the equation (3) is more than the number of dimensions (2)"),
    ("ij,jk->ik", [(2, 3)], "fewer operands were provided than specified in the equation"),
    ("ij", [(2, 3), (3, 2)], "more operands were provided than specified in the equation"),
    ("i%j", [(2, 3)], "invalid subscript given at index 1 in the equation string"),
    ("ij->i%", [(2, 2)], "invalid subscript given at index 5 in the equation string"),
    ("ii", [(2, 3)], "subscript i is repeated for operand 0 but the sizes don't match, 3 != 2"),
    ("ij->iij", [(2, 3)], "output subscript i appears more than once in the output"),
    ("i.j", [(2, 2, 3)], "found '.' for operand 0 that is not part of any ellipsis"),
    ("i...j...", [(2, 2)], "found '.' for operand 0 for which an ellipsis was already found"),
    ("ij->i.", [(2, 2)], "found '.' for output that is not part of any ellipsis (...)"),
    ("ij->......", [(2, 2)], "found '.' for output but an ellipsis (...) was already found"),
]


@pytest.mark.parametrize(("equation", "shapes", "words"), WRONG)
def test_what_does_not_fit_is_said(equation: str, shapes: list[tuple[int, ...]], words: str) -> None:
    with pytest.raises(RuntimeError, match=re.escape(f"einsum(): {words}")):
        torch.einsum(equation, *(torch.ones(shape) for shape in shapes))


def test_a_dimension_of_one_is_broadcast_and_an_ellipsis_counts_from_both_ends() -> None:
    assert torch.einsum("ij,jk->ik", torch.ones(2, 3), torch.ones(1, 2)).tolist() == [[3.0, 3.0]] * 2
    assert torch.einsum("i...i->...", torch.ones(2, 3, 2)).tolist() == [2.0, 2.0, 2.0]
