"""Numbers among the Tensors, as older programs write them."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import pytest

import fxtorch as torch
from fxtorch.tensor import older

A, B, V = torch.full((2, 2), 2.0), torch.tensor([[1.0, 2.0], [3.0, 4.0]]), torch.tensor([1.0, 2.0])
BATCH = torch.stack([B, B])
FORMS: list[tuple[Callable[[], Any], Callable[[], Any]]] = [
    (lambda: A.add(3, B), lambda: A + 3 * B),
    (lambda: A.clone().add_(0.5, B), lambda: A + 0.5 * B),
    (lambda: torch.add(A, 3, B), lambda: A + 3 * B),
    (lambda: A.sub(3, B), lambda: A - 3 * B),
    (lambda: A.clone().addcmul_(2, B, B), lambda: A + 2 * B * B),
    (lambda: torch.addcdiv(A, -1, B, B + 1), lambda: A - B / (B + 1)),
    (lambda: A.addmm(2, 3, B, B), lambda: 2 * A + 3 * B @ B),
    (lambda: torch.addmm(2, A, 3, B, B), lambda: 2 * A + 3 * B @ B),
    (lambda: torch.addmm(2, A, B, B), lambda: 2 * A + B @ B),
    (lambda: V.addmv(2, B, V), lambda: 2 * V + B @ V),
    (lambda: A.addr(2, 3, V, V), lambda: 2 * A + 3 * V[:, None] * V),
    (lambda: torch.addbmm(2, A, 3, BATCH, BATCH), lambda: 2 * A + 6 * B @ B),
    (lambda: BATCH.baddbmm(2, 3, BATCH, BATCH), lambda: 2 * BATCH + 3 * BATCH @ BATCH),
]


@pytest.mark.filterwarnings("ignore:This overload of")
@pytest.mark.parametrize(("form", "wanted"), FORMS)
def test_the_older_form_is_the_newer_one(form: Callable[[], Any], wanted: Callable[[], Any]) -> None:
    assert torch.allclose(form(), wanted())


def test_the_older_form_is_warned_of_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(older, "_told", set())
    x = torch.zeros(2)
    with pytest.warns(UserWarning, match=r"This overload of add_ is deprecated:\n\tadd_\(Number alpha, Tensor"):
        x.add_(2, V)
    x.add_(2, V)
    assert x.tolist() == [4.0, 8.0]


@pytest.mark.filterwarnings("ignore:This overload of")
def test_the_older_form_writes_into_out_and_has_gradients() -> None:
    x, out = torch.ones(2, requires_grad=True), torch.zeros(2)
    torch.add(V, 2, V, out=out)
    assert out.tolist() == [3.0, 6.0]
    x.addcmul(3, x, V).sum().backward()
    assert x.grad is not None and x.grad.tolist() == [4.0, 7.0]


def test_more_than_the_older_form_takes_is_refused() -> None:
    with pytest.raises(TypeError, match=r"add\(\) received an invalid combination of arguments"):
        torch.add(A, B, B)  # type: ignore[arg-type]


def test_the_signature_does_not_show_the_older_form() -> None:
    assert str(inspect.signature(torch.add)) == "(input, other, *, alpha=1, out=None)"
