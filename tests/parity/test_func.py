"""torch.func, autograd.functional and autograd.Function against PyTorch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import fxtorch

torch = pytest.importorskip("torch", reason="parity needs PyTorch")
pytestmark = [  # PyTorch's own
    pytest.mark.filterwarnings("ignore:.torch.jit.script. is deprecated:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:Attempted to insert a get_attr Node:UserWarning"),
]

R = np.random.RandomState(0)
X, Y, W = R.randn(4, 3), R.randn(4, 3), R.randn(3, 2)


def plain(value: Any) -> Any:
    """Nested containers with NumPy arrays for Tensors of either library."""
    if isinstance(value, tuple | list):
        return [plain(v) for v in value]
    if isinstance(value, dict):
        return {k: plain(v) for k, v in value.items()}
    return value.detach().numpy() if hasattr(value, "detach") else value


def same(got: Any, wanted: Any) -> None:
    if isinstance(wanted, list):
        assert len(got) == len(wanted)
        for g, w in zip(got, wanted, strict=True):
            same(g, w)
    elif isinstance(wanted, dict):
        assert got.keys() == wanted.keys()
        for k, w in wanted.items():
            same(got[k], w)
    elif isinstance(wanted, np.ndarray):
        assert got.shape == wanted.shape and got.dtype == wanted.dtype
        np.testing.assert_allclose(got, wanted, rtol=1e-7, atol=1e-7)
    else:
        assert got == wanted


def f(t: Any) -> Callable[..., Any]:
    return lambda x, w: ((x @ w).tanh() ** 2).sum()


def pair(t: Any) -> Callable[..., Any]:
    return lambda x, w: (x @ w, {"s": (x.sin() * 2).sum(0)})


CASES: dict[str, Callable[[Any, Any, Any], Any]] = {
    "grad": lambda t, x, w: t.func.grad(f(t))(x, w),
    "grad by both": lambda t, x, w: t.func.grad(f(t), argnums=(0, 1))(x, w),
    "grad and value": lambda t, x, w: t.func.grad_and_value(f(t), argnums=1)(x, w),
    "aux": lambda t, x, w: t.func.grad(lambda x: (x.sum(), x * 2), has_aux=True)(x),
    "vjp": lambda t, x, w: t.func.vjp(lambda x, w: x @ w, x, w)[1](t.ones(4, 2, dtype=t.float64)),
    "jvp": lambda t, x, w: t.func.jvp(f(t), (x, w), (x * 2, w)),
    "jacrev": lambda t, x, w: t.func.jacrev(pair(t), argnums=(0, 1))(x, w),
    "jacrev of one": lambda t, x, w: t.func.jacrev(pair(t), argnums=1)(x, w),
    "jacfwd": lambda t, x, w: t.func.jacfwd(lambda x: (x**2).sum(0))(x),
    "hessian": lambda t, x, w: t.func.hessian(f(t), argnums=1)(x, w),
    "linearize": lambda t, x, w: t.func.linearize(lambda x: x.sin(), x)[1](x),
    "vmap": lambda t, x, w: t.func.vmap(lambda x, w: x @ w, in_dims=(0, None))(x, w),
    "vmap over a last dimension": lambda t, x, w: t.func.vmap(lambda x: x * 2, in_dims=-1, out_dims=-1)(x),
    "vmap of two results": lambda t, x, w: t.func.vmap(lambda x: (x.sum(), x), out_dims=(0, 1))(x),
    "vmap of grad": lambda t, x, w: t.func.vmap(t.func.grad(f(t), argnums=1), in_dims=(0, None))(x, w),
    "vmap of a dict": lambda t, x, w: t.func.vmap(lambda d, w: d["x"] @ w, in_dims=({"x": 0}, None))({"x": x}, w),
    "vmap in chunks": lambda t, x, w: t.func.vmap(lambda x: x.cumsum(0), chunk_size=3)(x),
    "functional jacobian": lambda t, x, w: t.autograd.functional.jacobian(lambda x, w: x @ w, (x, w)),
    "functional hessian": lambda t, x, w: t.autograd.functional.hessian(f(t), (x, w)),
    "functional hvp": lambda t, x, w: t.autograd.functional.hvp(f(t), (x, w), (x, w)),
    "functional vhp": lambda t, x, w: t.autograd.functional.vhp(f(t), (x, w), (x, w)),
    "functional jvp": lambda t, x, w: t.autograd.functional.jvp(lambda x, w: x @ w, (x, w), (x, w)),
    "functional vjp": lambda t, x, w: t.autograd.functional.vjp(lambda x: x.sin(), x, x),
}


@pytest.mark.parametrize("name", CASES)
def test_the_same_numbers_in_the_same_structure(name: str) -> None:
    got, wanted = (plain(CASES[name](t, t.tensor(X), t.tensor(W))) for t in (fxtorch, torch))
    same(got, wanted)


ERRORS: dict[str, Callable[[Any, Any, Any], Any]] = {
    "no scalar": lambda t, x, w: t.func.grad(lambda x: x)(x),
    "argnums": lambda t, x, w: t.func.grad(f(t), argnums=3)(x, w),
    "sizes": lambda t, x, w: t.func.vmap(lambda x, w: x)(x, w),
    "randomness": lambda t, x, w: t.func.vmap(lambda x: t.rand(2))(x),
    "a number returned": lambda t, x, w: t.func.vmap(lambda x: 1)(x),
    "in_dims too large": lambda t, x, w: t.func.vmap(lambda x: x, in_dims=5)(x),
    "structure": lambda t, x, w: t.func.jvp(lambda x: x, (x,), (x, x)),
    "strict": lambda t, x, w: t.autograd.functional.jacobian(lambda x, w: x * 2, (x, w), strict=True),
    "v of another size": lambda t, x, w: t.autograd.functional.vjp(lambda x: x, x, w),
    "gradcheck": lambda t, x, w: t.autograd.gradcheck(lambda x: x * x.detach(), (x.requires_grad_(),)),
}


@pytest.mark.parametrize("name", ERRORS)
def test_the_same_class_of_error(name: str) -> None:
    raised = []
    for t in (fxtorch, torch):
        with pytest.raises(Exception) as error:
            ERRORS[name](t, t.tensor(X), t.tensor(W))
        raised.append(error.type.__name__)
    assert raised[0] == raised[1]


def functions(t: Any) -> dict[str, Any]:
    class Scaled(t.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Any, k: float) -> Any:
            ctx.k = k
            ctx.save_for_backward(x)
            return x.sin() * k

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            (x,) = ctx.saved_tensors
            return g * x.cos() * ctx.k, None

    class TooMany(t.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            return x * 1

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            return g, g

    return {"scaled": Scaled, "too many": TooMany}


def test_a_custom_function_gives_the_same_first_and_second_derivatives() -> None:
    found = []
    for t in (fxtorch, torch):
        x = t.tensor(X, requires_grad=True)
        (g,) = t.autograd.grad(functions(t)["scaled"].apply(x, 3.0).sum(), x, create_graph=True)
        (h,) = t.autograd.grad(g.sum(), x)
        found.append(plain([g, h]))
    same(*found)


def test_a_wrong_number_of_gradients_is_the_same_error() -> None:
    words = []
    for t in (fxtorch, torch):
        with pytest.raises(RuntimeError) as error:
            functions(t)["too many"].apply(t.tensor(X, requires_grad=True)).sum().backward()
        words.append(str(error.value))
    assert words[0] == words[1]


@pytest.mark.parametrize(
    ("a", "b"),
    [([1.0, 2.0, 3.0], [1.0, 2.5, 3.0]), ([[1, 2]], [[1, 3]]), ([1.0], [1.0, 2.0]), ([float("nan")], [1.0])],
)
def test_assert_close_says_the_same(a: Any, b: Any) -> None:
    words = []
    for t in (fxtorch, torch):
        with pytest.raises(AssertionError) as error:
            t.testing.assert_close(t.tensor(a), t.tensor(b))
        words.append(str(error.value))
    assert words[0] == words[1]
