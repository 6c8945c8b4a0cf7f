"""torch.autograd.Function: on the tape, under JAX's transformations, and its errors."""

from __future__ import annotations

import gc
import weakref
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import fxtorch as torch
from fxtorch.autograd import Function
from fxtorch.autograd.function import once_differentiable
from fxtorch.tensor import unwrap, wrap


class Cube(Function):
    @staticmethod
    def forward(ctx: Any, x: torch.Tensor) -> torch.Tensor:
        y = x**3
        ctx.save_for_backward(x, y)
        return y

    @staticmethod
    def backward(ctx: Any, g: torch.Tensor) -> torch.Tensor:
        x, _ = ctx.saved_tensors
        return 3 * x**2 * g


class StraightThrough(Function):
    """A derivative that is not the forward's: where it is used, it is the user's."""

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, scale: float) -> torch.Tensor:
        ctx.scale = scale
        return x.round()

    @staticmethod
    def backward(ctx: Any, g: torch.Tensor) -> tuple[torch.Tensor, None]:
        return g * ctx.scale, None


class Separate(Function):
    """The style with setup_context, and two results."""

    @staticmethod
    def forward(x: torch.Tensor, y: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return x * y, x.argmax()

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Any) -> None:
        ctx.save_for_backward(*inputs)
        ctx.mark_non_differentiable(output[1])

    @staticmethod
    def backward(ctx: Any, g: torch.Tensor, _: torch.Tensor) -> tuple[Any, Any]:
        x, y = ctx.saved_tensors
        return g * y if ctx.needs_input_grad[0] else None, g * x if ctx.needs_input_grad[1] else None


def leaf(*values: float) -> torch.Tensor:
    return torch.tensor(values[0] if len(values) == 1 else list(values), dtype=torch.float64, requires_grad=True)


def test_the_users_backward_is_the_gradient() -> None:
    x = leaf(0.4, 1.6)
    StraightThrough.apply(x, 5.0).sum().backward()
    assert x.grad is not None
    np.testing.assert_array_equal(x.grad.numpy(), [5.0, 5.0])


def test_a_differentiable_backward_is_differentiated_twice_and_thrice() -> None:
    x = leaf(2.0)
    (first,) = torch.autograd.grad(Cube.apply(x), x, create_graph=True)
    (second,) = torch.autograd.grad(first, x, create_graph=True)
    (third,) = torch.autograd.grad(second, x)
    assert (first.item(), second.item(), third.item()) == (12.0, 12.0, 6.0)


def test_setup_context_and_needs_input_grad() -> None:
    x, y = leaf(1.0, 5.0), torch.tensor([3.0, 4.0], dtype=torch.float64)
    out, place = Separate.apply(x, y)
    assert out.requires_grad and not place.requires_grad and place.item() == 1
    out.sum().backward()
    assert x.grad is not None and y.grad is None
    np.testing.assert_array_equal(x.grad.numpy(), [3.0, 4.0])


@pytest.mark.parametrize("jit", [False, True])
def test_jax_differentiates_by_the_users_backward(jit: bool) -> None:
    def rounded(a: jax.Array) -> jax.Array:
        return unwrap((StraightThrough.apply(wrap(a), 5.0) ** 2).sum())

    gradient = jax.grad(rounded)
    got = (jax.jit(gradient) if jit else gradient)(jnp.array([1.6, 2.2]))
    np.testing.assert_allclose(got, [20.0, 20.0])


def test_jax_differentiates_a_backward_again_and_maps_it() -> None:
    def cube(a: jax.Array) -> jax.Array:
        return unwrap(Cube.apply(wrap(a)))

    assert jax.grad(jax.grad(jax.grad(cube)))(2.0) == 6.0
    np.testing.assert_allclose(jax.vmap(jax.grad(jax.grad(cube)))(jnp.arange(3.0)), [0.0, 6.0, 12.0])


def test_arguments_and_results_may_be_anything() -> None:
    class Mixed(Function):
        @staticmethod
        def forward(ctx: Any, x: torch.Tensor, how: dict[str, int], none: None) -> tuple[Any, ...]:
            ctx.how = how
            return x * how["times"], "note", None

        @staticmethod
        def backward(ctx: Any, g: torch.Tensor, note: Any, none: Any) -> tuple[Any, ...]:
            assert note is None and none is None
            return g * ctx.how["times"], None, None

    x = leaf(2.0)
    out, note, none = Mixed.apply(x, {"times": 3}, None)
    assert (note, none) == ("note", None)
    out.backward()
    assert x.grad is not None and x.grad.item() == 3.0


def test_gradients_of_unused_results_are_zeros_unless_declined() -> None:
    seen: list[Any] = []

    class Two(Function):
        @staticmethod
        def forward(ctx: Any, x: torch.Tensor, materialize: bool) -> tuple[torch.Tensor, torch.Tensor]:
            ctx.set_materialize_grads(materialize)
            return x * 2, x * 3

        @staticmethod
        def backward(ctx: Any, a: Any, b: Any) -> tuple[Any, None]:
            seen.append(b)
            return a * 2, None

    for materialize in (True, False):
        Two.apply(leaf(1.0), materialize)[0].backward()
    assert seen[0].item() == 0.0 and seen[1] is None


def test_a_result_changed_in_place_and_marked_dirty_carries_the_graph() -> None:
    class AddOne(Function):
        @staticmethod
        def forward(ctx: Any, x: torch.Tensor) -> torch.Tensor:
            x.add_(1)
            ctx.mark_dirty(x)
            return x

        @staticmethod
        def backward(ctx: Any, g: torch.Tensor) -> torch.Tensor:
            return g * 10

    x = leaf(1.0)
    y = x * 1
    z = AddOne.apply(y)
    assert z is y and y.item() == 2.0
    z.backward()
    assert x.grad is not None and x.grad.item() == 10.0
    with pytest.raises(RuntimeError, match="a leaf Variable that requires grad is being used in an in-place operation"):
        AddOne.apply(leaf(1.0))


def test_an_argument_returned_as_it_is_becomes_another_tensor() -> None:
    class Same(Function):
        @staticmethod
        def forward(ctx: Any, x: torch.Tensor) -> torch.Tensor:
            return x

        @staticmethod
        def backward(ctx: Any, g: torch.Tensor) -> torch.Tensor:
            return g * 2

    x = leaf(1.0)
    y = Same.apply(x)
    assert y is not x and x.is_leaf
    y.backward()
    assert x.grad is not None and x.grad.item() == 2.0


def returning(*grads: Any) -> type[Function]:
    class Returns(Function):
        @staticmethod
        def forward(ctx: Any, x: torch.Tensor, y: Any) -> torch.Tensor:
            return x * 1

        @staticmethod
        def backward(ctx: Any, g: torch.Tensor) -> Any:
            return grads if len(grads) != 1 else grads[0]

    return Returns


def test_errors_of_a_backward_are_torchs() -> None:
    one = torch.ones(2, dtype=torch.float64)
    cases = [
        (returning(one), "returned an incorrect number of gradients (expected 2, got 1)"),
        (returning(one, None, one), "returned an incorrect number of gradients (expected 2, got 3)"),
        (returning(one, one), "returned a gradient different from None at position 2"),
        (returning(torch.ones(3), None), "returned an invalid gradient at index 0 - got [3] but expected shape"),
    ]
    for function, words in cases:
        with pytest.raises(RuntimeError) as error:
            function.apply(leaf(1.0, 2.0), 0).sum().backward()
        assert words in str(error.value)
    with pytest.raises(TypeError, match="save_for_backward can only save variables, but argument 0 is of type int"):
        Saving.apply(leaf(1.0))


class Saving(Function):
    @staticmethod
    def forward(ctx: Any, x: torch.Tensor) -> torch.Tensor:
        ctx.save_for_backward(1)
        return x


def test_a_gradient_is_brought_to_its_arguments_shape_and_type() -> None:
    x = torch.ones(1, 3, requires_grad=True)
    returning(torch.ones(4, 2, 3, dtype=torch.float64), None).apply(x, 0).sum().backward()
    assert x.grad is not None and x.grad.dtype == torch.float32
    np.testing.assert_array_equal(x.grad.numpy(), [[8.0, 8.0, 8.0]])


def test_a_saved_tensor_that_was_overwritten_is_noticed() -> None:
    x = leaf(2.0)
    y = x * 1
    z = Cube.apply(y)
    y.add_(1)
    with pytest.raises(RuntimeError, match=r"modified by an inplace operation: \[torch.DoubleTensor \[\]\].*version 1"):
        z.backward()


def test_saved_tensors_are_freed_by_a_backward_and_kept_on_request() -> None:
    x = leaf(2.0)
    z = Cube.apply(x)
    z.backward(retain_graph=True)
    z.backward()
    assert x.grad is not None and x.grad.item() == 24.0
    with pytest.raises(RuntimeError, match="a second time"):
        z.backward()


def test_a_call_leaves_no_cycle_behind() -> None:
    gc.disable()
    try:
        node = weakref.ref(Cube.apply(leaf(2.0)).grad_fn)
        assert node() is None
    finally:
        gc.enable()


class Once(Function):
    @staticmethod
    def forward(ctx: Any, x: torch.Tensor) -> torch.Tensor:
        ctx.save_for_backward(x)
        return x**2

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, g: torch.Tensor) -> torch.Tensor:
        (x,) = ctx.saved_tensors
        return 2 * x * g


def test_once_differentiable_refuses_a_second_derivative() -> None:
    x = leaf(3.0)
    (first,) = torch.autograd.grad(Once.apply(x), x, create_graph=True)
    assert first.item() == 6.0
    with pytest.raises(RuntimeError, match="marked with @once_differentiable"):
        first.backward()


def test_once_differentiable_refuses_it_to_jax_too() -> None:
    def square(a: jax.Array) -> jax.Array:
        return unwrap(Once.apply(wrap(a)))

    assert jax.grad(square)(3.0) == 6.0
    with pytest.raises(RuntimeError, match="marked with @once_differentiable"):
        jax.grad(jax.grad(square))(3.0)


def test_the_node_has_torchs_name_and_the_contexts_attributes() -> None:
    out = StraightThrough.apply(leaf(1.0), 4.0)
    assert out.grad_fn is not None and out.grad_fn.name() == "StraightThroughBackward"
    assert out.grad_fn.scale == 4.0
    with pytest.raises(RuntimeError, match="should not be instantiated"):
        StraightThrough()


def test_without_a_wish_for_gradients_nothing_is_recorded() -> None:
    with torch.no_grad():
        assert not Cube.apply(leaf(1.0)).requires_grad
    assert not Cube.apply(torch.tensor(1.0)).requires_grad
