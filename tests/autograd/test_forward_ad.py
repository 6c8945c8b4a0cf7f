"""Forward-mode derivatives of eager calls."""

from __future__ import annotations

import pytest

import fxtorch as torch
import fxtorch.autograd.forward_ad as fwAD
from fxtorch import nn


def jvp(fn, x: torch.Tensor, v: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    with fwAD.dual_level():
        primal, tangent = fwAD.unpack_dual(fn(fwAD.make_dual(x, v)))
    assert tangent is not None
    return primal, tangent


@pytest.fixture
def pair() -> tuple[torch.Tensor, torch.Tensor]:
    torch.manual_seed(0)
    return torch.randn(3, 4, dtype=torch.float64), torch.randn(3, 4, dtype=torch.float64)


@pytest.mark.parametrize(
    "fn",
    [
        lambda x: (x.sin() * x + 2).exp(),
        lambda x: x.view(-1)[1:7].reshape(2, 3).T @ x[:2],
        lambda x: torch.cat([x.relu(), x.abs()]).logsumexp(1),
        lambda x: x.max(1).values,
        lambda x: x.sort(1)[0].cumsum(0),
        lambda x: x.to(torch.float64).clone().mul_(x).add_(1),
        lambda x: torch.nn.functional.layer_norm(x, (4,)),
    ],
)
def test_tangents_are_those_of_func_jvp(fn, pair) -> None:
    value, tangent = jvp(fn, *pair)
    expected = torch.func.jvp(fn, pair[:1], pair[1:])
    torch.testing.assert_close(value, expected[0])
    torch.testing.assert_close(tangent, expected[1])


def test_what_does_not_depend_on_the_dual_has_no_tangent(pair) -> None:
    x, v = pair
    with fwAD.dual_level():
        dual = fwAD.make_dual(x, v)
        assert fwAD.unpack_dual(x * 2).tangent is None
        assert fwAD.unpack_dual(dual.detach() * 2).tangent is None
        assert fwAD.unpack_dual(dual.argmax()).tangent is None
        assert fwAD.unpack_dual(fwAD.unpack_dual(dual).primal).tangent is None


def test_tangents_end_with_their_level(pair) -> None:
    with fwAD.dual_level():
        dual = fwAD.make_dual(*pair)
    assert fwAD.unpack_dual(dual).tangent is None
    with fwAD.dual_level():
        assert fwAD.unpack_dual(dual * 1).tangent is None


def test_a_write_through_a_view_moves_the_tangent_of_the_whole(pair) -> None:
    x, v = pair

    def fn(x: torch.Tensor) -> torch.Tensor:
        y = x * 1
        y[0].mul_(x[1])
        y[:, 2] = 7.0
        return y * y

    torch.testing.assert_close(jvp(fn, x, v)[1], torch.func.jvp(fn, (x,), (v,))[1])


def test_backward_through_a_tangent_is_the_second_derivative(pair) -> None:
    x, v = pair
    x.requires_grad_()
    with fwAD.dual_level():
        tangent = fwAD.unpack_dual((fwAD.make_dual(x, v) ** 3).sum()).tangent
        assert tangent is not None
        tangent.backward()
    torch.testing.assert_close(x.grad, 6 * x.detach() * v)


def test_a_module_with_dual_parameters(pair) -> None:
    x, _ = pair
    model = nn.Linear(4, 2, dtype=torch.float64)
    parameters = dict(model.named_parameters())
    tangents = {name: torch.ones_like(p) for name, p in parameters.items()}
    with fwAD.dual_level():
        for name, p in parameters.items():
            delattr(model, name)
            setattr(model, name, fwAD.make_dual(p, tangents[name]))
        tangent = fwAD.unpack_dual(model(x)).tangent
    assert tangent is not None
    torch.testing.assert_close(tangent.detach(), (x.sum(1, keepdim=True) + 1).expand(3, 2))


def test_a_custom_function_pushes_by_its_jvp(pair) -> None:
    class Double(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x * 2

        @staticmethod
        def jvp(ctx, tangent):
            return tangent * 5

    torch.testing.assert_close(jvp(Double.apply, *pair)[1], pair[1] * 5)

    class Silent(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x * 2

    with pytest.raises(NotImplementedError, match="must implement the jvp function"):
        jvp(Silent.apply, *pair)


def test_wrong_calls_raise(pair) -> None:
    x, v = pair
    with pytest.raises(RuntimeError, match="no level exists"):
        fwAD.make_dual(x, v)
    with pytest.raises(RuntimeError, match="Trying to exit a forward AD level"):
        fwAD.exit_dual_level()
    with fwAD.dual_level():
        with pytest.raises(RuntimeError, match="Nested forward mode AD"):
            fwAD.enter_dual_level()
        with pytest.raises(ValueError, match="Expected primal to be floating point or complex"):
            fwAD.make_dual(x.long(), v)
        with pytest.raises(RuntimeError, match="same size as the primal"):
            fwAD.make_dual(x, v[0])
