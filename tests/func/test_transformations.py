"""grad, vjp, jvp, vmap, Jacobians and Hessians of functions of Tensors: values, nesting, and what they compose with."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.core import Tracer

import fxtorch as torch
from fxtorch import func
from fxtorch.autograd import Function


def x3() -> torch.Tensor:
    return torch.tensor([1.0, -2.0, 0.5], dtype=torch.float64)


def close(got: torch.Tensor | None, wanted: object) -> None:
    assert got is not None
    np.testing.assert_allclose(got.detach().numpy(), np.asarray(wanted), rtol=1e-7, atol=1e-7)


def test_gradients_follow_argnums_and_the_arguments_structure() -> None:
    x, y = x3(), x3() + 1

    def f(x: torch.Tensor, d: dict[str, torch.Tensor], scale: float) -> torch.Tensor:
        return (x * d["y"] * scale).sum()

    close(func.grad(f)(x, {"y": y}, 2.0), 2 * y.numpy())
    gx, gd = func.grad(f, argnums=(0, 1))(x, {"y": y}, 2.0)
    close(gx, 2 * y.numpy())
    close(gd["y"], 2 * x.numpy())
    close(func.grad(f, argnums=-2)(x, {"y": y}, 1.0)["y"], x.numpy())


def test_the_three_orders_of_value_gradient_and_aux() -> None:
    def f(x: torch.Tensor) -> tuple[torch.Tensor, tuple[torch.Tensor, str]]:
        return (x**2).sum(), (x + 1, "note")

    x = x3()
    g, (value, (more, note)) = func.grad_and_value(f, has_aux=True)(x)
    close(g, 2 * x.numpy())
    assert value.item() == 5.25 and note == "note"
    close(more, x.numpy() + 1)
    (value, _), g = func.value_and_grad(f, has_aux=True)(x)
    close(g, 2 * x.numpy())
    g, (_, note) = func.grad(f, has_aux=True)(x)
    assert note == "note"


def test_derivatives_nest() -> None:
    cube = func.grad(func.grad(func.grad(lambda x: x**4)))
    assert cube(torch.tensor(2.0)).item() == 48.0
    x = x3()
    wanted = np.zeros((3, 3, 3))
    wanted[range(3), range(3), range(3)] = 24 * x.numpy()
    fourth = lambda x: (x**4).sum()  # noqa: E731
    for outer in (func.jacrev, func.jacfwd):
        for middle in (func.jacrev, func.jacfwd):
            close(outer(middle(func.grad(fourth)))(x), wanted)
    close(func.vmap(func.grad(lambda x, w: (x * w).sin()), in_dims=(0, None))(x, x[1]), -2 * np.cos(-2 * x.numpy()))


def test_jacobians_and_their_chunks() -> None:
    x = x3()
    w = torch.tensor([[1.0, 2.0, 3.0], [0.0, 1.0, 0.0]], dtype=torch.float64)

    def f(x: torch.Tensor) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
        return w @ x, {"s": x.sum()}

    for jacobian in (func.jacrev, func.jacfwd):
        for chunk in (None, 1, 2):
            j, more = jacobian(f, chunk_size=chunk)(x)
            close(j, w.numpy())
            close(more["s"], np.ones(3))
    left, right = func.jacrev(lambda x, y: x * y, argnums=(0, 1))(x, x + 1)
    close(left, np.diag(x.numpy() + 1))
    close(right, np.diag(x.numpy()))
    close(func.hessian(lambda x: (x**3).sum())(x), np.diag(6 * x.numpy()))


def test_vjp_jvp_and_linearize_agree() -> None:
    x, v = x3(), torch.tensor([0.3, 0.1, -0.7], dtype=torch.float64)
    value, pull = func.vjp(torch.sin, x)
    _, pushed = func.jvp(torch.sin, (x,), (v,))
    close(value, np.sin(x.numpy()))
    close(pushed, np.cos(x.numpy()) * v.numpy())
    close(pull(v)[0], pushed.numpy())
    value, push = func.linearize(torch.sin, x)
    close(push(v), pushed.numpy())
    close(push(2 * v), 2 * pushed.numpy())
    _, tangent, aux = func.jvp(lambda x: (x * 2, x), (x,), (v,), has_aux=True)
    close(tangent, 2 * v.numpy())
    close(aux, x.numpy())


def test_detach_and_no_grad_are_respected_inside() -> None:
    x = x3()
    close(func.grad(lambda x: (x.detach() * x).sum())(x), x.numpy())
    close(func.jvp(lambda x: x.detach() * x, (x,), (torch.ones_like(x),))[1], x.numpy())

    def f(x: torch.Tensor) -> torch.Tensor:
        with torch.no_grad():
            y = x * x
        return (y * x).sum()

    close(func.grad(f)(x), x.numpy() ** 2)


def test_no_grad_outside_does_not_stop_a_derivative() -> None:
    with torch.no_grad():
        g = func.grad(lambda x: (x**2).sum())(x3())
    close(g, 2 * x3().numpy())
    assert not g.requires_grad


def test_changes_in_place_of_local_tensors() -> None:
    def f(x: torch.Tensor) -> torch.Tensor:
        y = x.clone()
        y[0] = 5.0
        y.add_(1)
        y[1:].mul_(2)
        return (y * x).sum()

    x = x3().numpy()
    close(func.grad(f)(x3()), [6.0, *(4 * x[1:] + 2)])
    got = func.vmap(func.grad(f))(torch.stack([x3(), x3()]))
    close(got[1], [6.0, *(4 * x[1:] + 2)])


def test_python_control_flow_by_value_works_under_a_derivative() -> None:
    f = lambda x: x.sum() if x[0] > 0 else (3 * x).sum()  # noqa: E731
    close(func.grad(f)(x3()), np.ones(3))
    close(func.grad(f)(-x3()), 3 * np.ones(3))
    with pytest.raises(RuntimeError, match=r"needs the value of a Tensor"):
        func.vmap(lambda x: x if x > 0 else -x)(x3())


def test_vmap_moves_dimensions() -> None:
    a, b = torch.arange(6.0).reshape(2, 3), torch.arange(12.0).reshape(3, 2, 2)
    out = func.vmap(lambda a, b: a @ b, in_dims=(1, 0), out_dims=1)(a, b)
    close(out, np.einsum("ib,bij->jb", a.numpy(), b.numpy()))
    nested = func.vmap(func.vmap(lambda x, y: x * y, in_dims=(None, 0)), in_dims=(0, None))
    close(nested(x3(), x3()), np.outer(x3().numpy(), x3().numpy()))
    both = func.vmap(lambda d: (d["x"], d["x"] + 1), in_dims=({"x": 0},), out_dims=(0, 0))({"x": x3()})
    close(both[1], x3().numpy() + 1)
    close(func.vmap(lambda x: x.sum(), chunk_size=2)(a.T), a.T.numpy().sum(1))


def test_vmap_says_what_does_not_fit() -> None:
    with pytest.raises(ValueError, match="same size in the mapped dimension"):
        func.vmap(torch.mul)(torch.ones(2), torch.ones(3))
    with pytest.raises(ValueError, match="must only return Tensors, got type <class 'float'>"):
        func.vmap(lambda x: 1.0)(torch.ones(2))
    with pytest.raises(ValueError, match="in_dims is not compatible"):
        func.vmap(torch.mul, in_dims=(0,))(torch.ones(2), torch.ones(2))
    with pytest.raises(ValueError, match=r"vmap\(sin, in_dims=1, ...\)\(<inputs>\): Got in_dim=1 for some input"):
        func.vmap(torch.sin, in_dims=1)(torch.ones(2))
    with pytest.raises(ValueError, match=r"the input is of type <class 'float'>\. We cannot vmap over non-Tensor"):
        func.vmap(torch.mul)(torch.ones(2), 3.0)
    with pytest.raises(IndexError, match=r"expected to be in range of \[-1, 0\], but got 5"):
        func.vmap(torch.sin, out_dims=5)(torch.ones(2))


def test_vmap_and_randomness() -> None:
    x = torch.zeros(4)
    with pytest.raises(RuntimeError, match="randomness error mode"):
        func.vmap(lambda x: x + torch.rand(3))(x)
    same = func.vmap(lambda x: x + torch.rand(3), randomness="same")(x).numpy()
    different = func.vmap(lambda x: x + torch.rand(3), randomness="different")(x).numpy()
    assert (same == same[0]).all()
    assert len({tuple(row) for row in different.tolist()}) == 4


def test_random_draws_inside_advance_the_generator() -> None:
    f = func.grad(lambda x: (x * torch.rand(3, dtype=torch.float64)).sum())
    torch.manual_seed(3)
    first, second, after = f(x3()), f(x3()), torch.rand(2)
    torch.manual_seed(3)
    again = f(x3())
    assert first.tolist() == again.tolist() != second.tolist()
    assert not isinstance(torch.default_generator.key._data, Tracer) and after.shape == (2,)


def test_an_argument_that_vmap_changes_in_place_is_changed() -> None:
    z = torch.zeros(3, 2)
    func.vmap(lambda z, x: z.add_(x))(z, torch.tensor([1.0, 2.0, 3.0]))
    close(z, [[1, 1], [2, 2], [3, 3]])
    shared = torch.zeros(2)
    with pytest.raises(RuntimeError, match="not mapped over"):
        func.vmap(lambda z, x: z.add_(x), in_dims=(None, 0))(shared, torch.ones(3))
    close(shared, [0, 0])
    with pytest.raises(RuntimeError, match="a leaf Variable that requires grad is being used in an in-place operation"):
        func.grad(lambda x: x.add_(1).sum())(x3())


class Net:
    """An object with state that functions may spoil."""

    def __init__(self) -> None:
        self.buffer = torch.zeros(3, dtype=torch.float64)
        self.hidden: torch.Tensor | None = None


def test_a_change_of_captured_state_is_taken_back_and_named() -> None:
    net = Net()

    def f(x: torch.Tensor) -> torch.Tensor:
        net.buffer.add_(x)
        return x.sum()

    for transformed in (func.grad(f), func.vmap(f), func.jacfwd(f)):
        with pytest.raises(RuntimeError, match="attribute 'buffer' of Net was changed"):
            transformed(x3())
        close(net.buffer, np.zeros(3))


def test_a_tensor_that_escapes_is_named_and_holds_no_tracer() -> None:
    net, kept = Net(), []

    def assign(x: torch.Tensor) -> torch.Tensor:
        net.hidden = x * 2
        return x.sum()

    def append(x: torch.Tensor) -> torch.Tensor:
        kept.append(x * 2)
        return x.sum()

    with pytest.raises(RuntimeError, match="attribute 'hidden' of Net holds"):
        func.grad(assign)(x3())
    with pytest.raises(RuntimeError, match="a list of 1 items holds"):
        func.vmap(append)(x3())
    for t in (net.hidden, kept[0]):
        assert t is not None and not isinstance(t._data, Tracer)


def test_a_change_of_captured_state_to_a_value_stands() -> None:
    net = Net()

    def f(x: torch.Tensor) -> torch.Tensor:
        net.buffer.add_(1)
        return (x * net.buffer).sum()

    close(func.grad(f)(x3()), np.ones(3))
    close(net.buffer, np.ones(3))


def test_an_exception_inside_leaves_state_as_it_was() -> None:
    net = Net()

    def f(x: torch.Tensor) -> torch.Tensor:
        net.buffer.add_(x)
        raise KeyError("stop")

    with pytest.raises(KeyError):
        func.grad(f)(x3())
    close(net.buffer, np.zeros(3))
    close(x3() * 2, 2 * x3().numpy())


def test_results_are_part_of_the_graph_around_them() -> None:
    w, x = torch.tensor(2.0, dtype=torch.float64, requires_grad=True), x3().requires_grad_()
    func.grad(lambda x: (w * x**2).sum())(x).sum().backward()
    assert w.grad is not None and x.grad is not None
    close(w.grad, 2 * x3().numpy().sum())
    close(x.grad, [4.0, 4.0, 4.0])
    w.grad = None
    func.vmap(lambda x: w * x)(x3()).sum().backward()
    close(w.grad, x3().numpy().sum())
    w.grad = None
    _, pull = func.vjp(lambda x: w * x**2, x3())
    pull(torch.ones(3, dtype=torch.float64))[0].sum().backward()
    close(w.grad, 2 * x3().numpy().sum())
    w.grad = None
    func.jvp(lambda x: w * x**2, (x3(),), (torch.ones(3, dtype=torch.float64),))[1].sum().backward()
    close(w.grad, 2 * x3().numpy().sum())


class Doubled(Function):
    """A gradient that is not the derivative."""

    @staticmethod
    def forward(ctx: object, x: torch.Tensor) -> torch.Tensor:
        return x * 1

    @staticmethod
    def backward(ctx: object, g: torch.Tensor) -> torch.Tensor:
        return 2 * g


class WithJvp(Doubled):
    @staticmethod
    def jvp(ctx: object, t: torch.Tensor) -> torch.Tensor:
        return 3 * t


def test_custom_functions_keep_their_derivatives_under_transformations() -> None:
    x = x3()
    close(func.grad(lambda x: (Doubled.apply(x) ** 2).sum())(x), 4 * x.numpy())
    close(func.jacrev(Doubled.apply)(x), 2 * np.eye(3))
    close(func.vmap(func.grad(Doubled.apply))(x), [2.0, 2.0, 2.0])
    square = lambda x: (Doubled.apply(x) ** 2).sum()  # noqa: E731
    close(func.jacrev(func.grad(square))(x), 8 * np.eye(3))
    close(func.hessian(square)(x), 4 * np.eye(3))  # outside, forward mode sees the forward as it is written
    close(func.jvp(WithJvp.apply, (x,), (x,))[1], 3 * x.numpy())
    close(func.jacfwd(WithJvp.apply)(x), 3 * np.eye(3))


def test_jaxs_own_transformations_take_tensors() -> None:
    x = x3()
    got = jax.jit(lambda x: x * 2)(x)
    assert isinstance(got, torch.Tensor)
    close(got, 2 * x.numpy())
    close(jax.grad(lambda x: jnp.sum(jnp.asarray((x**2).sum())))(x), 2 * x.numpy())
    close(jax.vmap(lambda x: x.sin())(x), np.sin(x.numpy()))
    close(jax.tree.map(lambda a: a + 1, x), x.numpy() + 1)


def test_a_random_draw_that_jax_would_freeze_is_refused() -> None:
    with pytest.raises(RuntimeError, match="would be the same at every call"):
        jax.jit(lambda x: x + torch.rand(3))(x3())
    assert torch.rand(2).shape == (2,)


def test_errors_are_torchs() -> None:
    with pytest.raises(RuntimeError, match="Expected f\\(\\*args\\) to return a scalar Tensor, got tensor with 1 dims"):
        func.grad(lambda x: x)(x3())
    with pytest.raises(RuntimeError, match="Got argnum=2, but only 1 positional inputs"):
        func.grad(lambda x: x.sum(), argnums=2)(x3())
    with pytest.raises(RuntimeError, match="only Tensors of floating point and complex dtype can require gradients"):
        func.grad(lambda x: x.sum())(torch.tensor([1, 2]))
    with pytest.raises(RuntimeError, match="same python structure"):
        func.jvp(torch.sin, (x3(),), (x3(), x3()))
