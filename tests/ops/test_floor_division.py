"""Division with a remainder: the signs of its zeros, and what it refuses."""

import pytest

import fxtorch as torch


def _signs(x):
    return torch.signbit(x).tolist()


def test_a_zero_quotient_has_the_sign_of_the_true_one():
    a = torch.tensor([-0.0, 0.0, 0.0, -0.0, 1.0, -1.0])
    b = torch.tensor([1.0, -1.0, 1.0, -2.0, 3.0, -3.0])
    quotient = a // b
    assert quotient.tolist() == [0.0] * 6
    assert _signs(quotient) == [True, True, False, False, False, False]


def test_quotients_by_infinity_are_whole():
    inf = float("inf")
    assert (torch.tensor([1.0, -1.0, 1.0]) // torch.tensor([-inf, inf, inf])).tolist() == [-1.0, -1.0, 0.0]


@pytest.mark.parametrize(
    ("call", "kernel"),
    [
        (lambda t: t // t, "div_floor"),
        (lambda t: t // True, "div_floor"),
        (lambda t: torch.div(t, t, rounding_mode="trunc"), "div_trunc"),
        (lambda t: t % t, "remainder"),
        (lambda t: torch.fmod(t, t), "fmod"),
    ],
)
def test_booleans_are_refused_in_torchs_words(call, kernel):
    with pytest.raises(NotImplementedError, match=f"\"{kernel}_cpu\" not implemented for 'Bool'"):
        call(torch.tensor([True]))


def test_a_boolean_divided_by_a_number_is_a_number():
    assert (torch.tensor([True]) // 2).tolist() == [0]
    assert (torch.tensor([True]) % 2).tolist() == [1]
