"""Dictionaries come back from transformations in the order in which they were written."""

from __future__ import annotations

import fxtorch as torch
from fxtorch.func import grad, hessian, jacfwd, jacrev, jvp, linearize, vjp, vmap

PARAMS = {"w": torch.ones(2), "b": torch.zeros(1), "a": torch.ones(3)}
NAMES = list(PARAMS)


def total(params: dict[str, torch.Tensor]) -> torch.Tensor:
    assert list(params) == NAMES
    return sum((p**2).sum() for p in params.values())  # type: ignore[return-value]


def test_gradients_and_jacobians_have_the_order_of_the_argument() -> None:
    for transform in (grad, jacrev, jacfwd):
        assert list(transform(total)(PARAMS)) == NAMES
    second = hessian(total)(PARAMS)
    assert list(second) == NAMES
    assert list(second["w"]) == NAMES


def test_results_have_the_order_in_which_the_function_wrote_them() -> None:
    def two(x: torch.Tensor) -> dict[str, torch.Tensor]:
        return {"z": x * 2, "c": x}

    x = torch.ones(2)
    assert list(vmap(two)(x)) == ["z", "c"]
    value, pull = vjp(two, x)
    assert list(value) == ["z", "c"]
    assert pull({"c": torch.zeros(2), "z": torch.ones(2)})[0].tolist() == [2.0, 2.0]
    assert [list(part) for part in jvp(two, (x,), (x,))] == [["z", "c"]] * 2
    value, push = linearize(two, x)
    assert list(value) == list(push(x)) == ["z", "c"]


def test_per_sample_gradients_pair_with_the_parameters() -> None:
    grads = vmap(grad(lambda params, x: total(params) * x), in_dims=(None, 0))(PARAMS, torch.arange(3.0))
    assert [tuple(g.shape) for g in grads.values()] == [(3, 2), (3, 1), (3, 3)]


def test_a_function_with_aux_keeps_the_order_of_both() -> None:
    gradient, aux = grad(lambda p: (total(p), {"z": p["w"], "c": p["b"]}), has_aux=True)(PARAMS)
    assert (list(gradient), list(aux)) == (NAMES, ["z", "c"])
