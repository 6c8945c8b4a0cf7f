"""``torch.f_``, the functions that write into their first argument, against PyTorch's."""

from __future__ import annotations

from typing import Any

import pytest

pytest.importorskip("torch", reason="compares with PyTorch")

import fxtorch
from tests.parity.calls import assert_same

UNIT = """
    abs_ acos_ arccos_ arcsin_ arctan_ asin_ asinh_ arcsinh_ atan_ ceil_ celu_ conj_physical_ cos_ cosh_ deg2rad_
    erf_ erfc_ exp2_ exp_ expm1_ fix_ floor_ frac_ i0_ log10_ log1p_ log2_ log_ logit_ nan_to_num_ neg_ negative_
    rad2deg_ reciprocal_ relu_ round_ rsqrt_ selu_ sigmoid_ sin_ sinc_ sinh_ sqrt_ square_ tan_ tanh_ trunc_ atanh_
    arctanh_ acosh_ arccosh_ zero_
""".split()
WITH: dict[str, tuple[Any, ...]] = {
    "clamp_": (0.2, 0.6),
    "clamp_max_": (0.4,),
    "clamp_min_": (0.4,),
    "clip_": (0.2, 0.6),
    "threshold_": (0.3, 7.0),
    "fill_": (2.5,),
    "round_": (),
    "as_strided_": ((2, 2), (1, 2), 1),
    "alpha_dropout_": (0.0, True),
    "dropout_": (0.0, True),
    "feature_alpha_dropout_": (0.0, True),
    "rrelu_": (0.2, 0.2, True),
}
PAIRS = [(name, dtype) for name in UNIT for dtype in ("float32", "float64", "int64", "complex64")]
PAIRS.remove(("abs_", "complex64"))  # PyTorch refuses it; here the absolute values are written, as complex numbers
# Refused by both: by PyTorch as not implemented, here because the result is of another type.
REFUSED = {("celu_", "int64"), ("selu_", "int64")}
TWO = {"gcd_": "int", "lcm_": "int", "ldexp_": "float", "xlogy_": "float"}


def written(t: Any, name: str, x: Any, *args: Any) -> Any:
    """The result, whether it is the argument itself, and what the argument and a view of it then hold."""
    view = x[0]
    result = getattr(t, name)(x, *args)
    return result, result is x, x, view


@pytest.mark.parametrize(("name", "dtype"), PAIRS)
def test_a_function_of_one_tensor_writes_into_it(name, dtype):
    if (name, dtype) in REFUSED:
        with pytest.raises(RuntimeError):
            getattr(fxtorch, name)(fxtorch.ones(2, dtype=getattr(fxtorch, dtype)))
        return

    def call(t):
        x = t.linspace(0.1, 0.9, 6, dtype=t.float64).reshape(2, 3)
        x = x * 5 + (1 if "cosh" in name and "a" in name[:3] else 0) if dtype == "int64" else x
        return written(t, name, x.to(getattr(t, dtype)))

    assert_same(call)


@pytest.mark.parametrize("name", WITH)
def test_numbers_beside_it_are_taken(name):
    assert_same(lambda t: written(t, name, t.linspace(-0.5, 0.9, 12).reshape(2, 2, 3), *WITH[name]))


@pytest.mark.parametrize("name", TWO)
def test_a_tensor_beside_it_is_taken(name):
    def call(t):
        a = t.tensor([[4, 6, 9], [10, 12, 8]])
        b = t.tensor([6, 4, 3])
        return written(t, name, a if TWO[name] == "int" else a.float(), b if TWO[name] == "int" else b.float())

    assert_same(call)


@pytest.mark.parametrize("name", ["exp_", "clamp_min_", "fill_", "round_", "detach_"])
def test_a_leaf_that_requires_a_gradient_is_left_alone(name):
    arguments = (0.4,) if name in ("clamp_min_", "fill_") else ()
    assert_same(lambda t: getattr(t, name)(t.ones(3, requires_grad=True), *arguments))


def test_the_gradient_passes_through_what_was_written():
    def call(t):
        x = t.linspace(0.1, 0.9, 6, requires_grad=True)
        for name in ("sin_", "exp_", "sigmoid_", "tanh_", "square_"):
            y = getattr(t, name)(x * 2)
            y.sum().backward()
        return x.grad

    assert_same(call)


def test_places_are_written():
    def call(t):
        x = t.zeros(3, 2)
        t.index_put_(x, (t.tensor([0, 2]),), t.tensor([1.0, 2.0]))
        t.index_put_(x, (t.tensor([0, 0]), t.tensor([1, 1])), t.tensor([1.0, 2.0]), accumulate=True)
        return x

    assert_same(call)


def test_a_product_is_added():
    assert_same(lambda t: written(t, "addmv_", t.ones(2), t.arange(6.0).reshape(2, 3), t.ones(3)))
