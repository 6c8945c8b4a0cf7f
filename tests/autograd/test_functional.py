"""autograd.functional, gradcheck, anomaly detection and graph edges."""

from __future__ import annotations

import numpy as np
import pytest

import fxtorch as torch
from fxtorch.autograd import GradcheckError, functional, gradcheck, gradgradcheck


def leaf(*values: float) -> torch.Tensor:
    return torch.tensor(values, dtype=torch.float64, requires_grad=True)


def close(got: torch.Tensor, wanted: object) -> None:
    np.testing.assert_allclose(got.detach().numpy(), np.asarray(wanted), rtol=1e-7, atol=1e-7)


def test_jacobians_are_nested_as_outputs_and_inputs_are() -> None:
    x, y = leaf(1.0, 2.0), leaf(3.0, 4.0)
    close(functional.jacobian(lambda x: x**2, x), np.diag([2.0, 4.0]))
    (a, b), (c, d) = functional.jacobian(lambda x, y: (x * y, y.sum()), (x, y))
    close(a, np.diag([3.0, 4.0]))
    close(b, np.diag([1.0, 2.0]))
    close(c, np.zeros(2))
    close(d, np.ones(2))
    assert not a.requires_grad


def test_hessians_and_products_agree() -> None:
    x, v = leaf(1.0, 2.0), torch.tensor([0.5, -1.0], dtype=torch.float64)

    def f(x: torch.Tensor) -> torch.Tensor:
        return (x**3).sum() + x[0] * x[1]

    h = functional.hessian(f, x)
    close(h, [[6.0, 1.0], [1.0, 12.0]])
    for product in (functional.hvp, functional.vhp):
        value, got = product(f, x, v)
        close(value, 11.0)
        close(got, h.numpy() @ v.numpy())
    (a, b), _ = functional.hessian(lambda x, y: (x * y).sum(), (x, x))
    close(b, np.eye(2))
    close(a, np.zeros((2, 2)))


def test_products_with_the_jacobian() -> None:
    x = leaf(1.0, 2.0)
    v = torch.tensor([0.5, -1.0], dtype=torch.float64)
    value, pulled = functional.vjp(lambda x: x**2, x, v)
    close(value, [1.0, 4.0])
    close(pulled, [1.0, -4.0])
    _, pushed = functional.jvp(lambda x: x**2, x, v)
    close(pushed, [1.0, -4.0])
    with pytest.raises(RuntimeError, match=r"v has invalid size: should be"):
        functional.vjp(lambda x: x**2, x, torch.ones(3))


def test_create_graph_keeps_results_differentiable() -> None:
    x = leaf(1.0, 2.0)
    functional.jacobian(lambda x: x**3, x, create_graph=True).sum().backward()
    assert x.grad is not None
    close(x.grad, [6.0, 12.0])


def test_strict_mode_refuses_independence() -> None:
    x = leaf(1.0)
    with pytest.raises(RuntimeError, match=r"independent of input 1\. This is not allowed in strict mode"):
        functional.jacobian(lambda x, y: x * 2, (x, leaf(1.0)), strict=True)
    with pytest.raises(RuntimeError, match="does not require gradients"):
        functional.vjp(lambda x: x.detach() * 2, x, torch.ones(1), strict=True)
    close(functional.jacobian(lambda x: x.detach() * 2, x), [[0.0]])


def test_gradcheck_accepts_right_gradients_of_real_and_complex_functions() -> None:
    x, z = leaf(0.5, 2.0), torch.tensor([0.5 + 1j, 2 - 3j], dtype=torch.complex128, requires_grad=True)
    assert gradcheck(lambda x, y: (x * y, x.sin()), (x, leaf(1.0, 3.0)))
    for f in (lambda z: z * z, lambda z: z.abs(), lambda z: z.exp().real, lambda z: z.conj() * z):
        assert gradcheck(f, (z,))
    assert gradcheck(lambda x: x * (1 + 2j), (x,))
    assert gradgradcheck(lambda x: x**3, (x,))


def test_gradcheck_refuses_wrong_gradients() -> None:
    x = leaf(0.5, 2.0)
    with pytest.raises(GradcheckError, match="Jacobian mismatch for output 0 with respect to input 0"):
        gradcheck(lambda x: x * x.detach(), (x,))
    assert not gradcheck(lambda x: x * x.detach(), (x,), raise_exception=False)
    with pytest.raises(ValueError, match="at least one input tensor to require gradient"):
        gradcheck(torch.sin, (torch.ones(1),))
    with pytest.warns(UserWarning, match="not a double precision"):
        gradcheck(torch.sin, (torch.ones(1, requires_grad=True),), raise_exception=False)


class WrongSecond(torch.autograd.Function):
    """The first derivative is right, the second is not."""

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x**3

    @staticmethod
    def backward(ctx, g):
        (x,) = ctx.saved_tensors
        return 3 * x.detach() ** 2 * g


def test_gradgradcheck_refuses_a_wrong_second_derivative() -> None:
    assert gradcheck(WrongSecond.apply, (leaf(0.5, 2.0),))
    with pytest.raises(GradcheckError):
        gradgradcheck(WrongSecond.apply, (leaf(0.5, 2.0),))


def test_anomaly_detection_names_the_forward_line() -> None:
    x = leaf(0.0)
    with torch.autograd.detect_anomaly():
        y = (x.sqrt() * 0).sum()  # this line made the NaN
        with (
            pytest.warns(UserWarning, match=r"(?s)Error detected in SqrtBackward0.*this line made the NaN"),
            pytest.raises(RuntimeError, match="Function 'SqrtBackward0' returned nan values in its 0th output"),
        ):
            y.backward()
    assert not torch.autograd.is_anomaly_enabled()


def test_anomaly_detection_names_the_line_of_a_custom_function() -> None:
    class Nan(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x * 1

        @staticmethod
        def backward(ctx, g):
            return g * float("nan")

    with torch.autograd.set_detect_anomaly(True):
        y = Nan.apply(leaf(1.0))  # a line of its own
        with (
            pytest.warns(UserWarning, match=r"(?s)Error detected in NanBackward.*a line of its own"),
            pytest.raises(RuntimeError, match="returned nan values"),
        ):
            y.backward()


def test_a_gradient_edge_is_a_node_and_an_output() -> None:
    x = leaf(1.0)
    y = x * 2
    edge = torch.autograd.graph.get_gradient_edge(y)
    assert edge.node is y.grad_fn and edge.output_nr == 0
    assert isinstance(y.grad_fn, torch.autograd.graph.Node)
    with pytest.raises(RuntimeError, match="does not require gradients"):
        torch.autograd.graph.get_gradient_edge(torch.ones(1))


def test_a_variable_is_a_leaf_that_shares_values() -> None:
    data = torch.ones(2, dtype=torch.int64)
    assert torch.autograd.Variable(data).dtype == torch.int64
    x = torch.zeros(2)
    v = torch.autograd.Variable(x, requires_grad=True)
    x.add_(1)
    assert v.is_leaf and v.requires_grad and v.tolist() == [1.0, 1.0]
    assert isinstance(x, torch.autograd.Variable)
