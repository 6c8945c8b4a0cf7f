"""Single operators: small ones, bound by dispatch, and 16 MB ones, bound by memory; with and without the tape."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from benchmarks.systems import Case, Library

# Name, the operator for either library, its bare form in JAX, the shapes of its operands.
Operator = tuple[Callable[..., Any], Callable[..., Any], tuple[tuple[int, ...], ...]]

SMALL: dict[str, Operator] = {
    "add 64x64": (lambda lib, x, y: x + y, lambda jax, x, y: x + y, ((64, 64), (64, 64))),
    "multiply 64x64": (lambda lib, x, y: x * y, lambda jax, x, y: x * y, ((64, 64), (64, 64))),
    "matmul 64x64": (lambda lib, x, y: x @ y, lambda jax, x, y: x @ y, ((64, 64), (64, 64))),
}

LARGE: dict[str, Operator] = {
    "multiply 16 MB": (lambda lib, x, y: x * y, lambda jax, x, y: x * y, ((2048, 2048), (2048, 2048))),
    "relu 16 MB": (lambda lib, x: lib.nn.functional.relu(x), lambda jax, x: jax.nn.relu(x), ((2048, 2048),)),
    "gelu 16 MB": (
        lambda lib, x: lib.nn.functional.gelu(x),
        lambda jax, x: jax.nn.gelu(x, approximate=False),
        ((2048, 2048),),
    ),
    "linear 16 MB": (
        lambda lib, x, w: lib.nn.functional.linear(x, w),
        lambda jax, x, w: x @ w.T,
        ((16384, 256), (256, 256)),
    ),
}


def forward(lib: Library, op: Operator) -> Case:
    """The operator alone, no gradient wanted."""
    function, _, shapes = op
    operands = [lib.randn(*shape) for shape in shapes]
    return Case(lambda: function(lib, *operands))


def taped(lib: Library, op: Operator) -> Case:
    """The operator with every operand wanting its gradient; nothing is differentiated."""
    function, _, shapes = op
    operands = [lib.randn(*shape, requires_grad=True) for shape in shapes]
    return Case(lambda: function(lib, *operands))


def differentiated(lib: Library, op: Operator) -> Case:
    """The operator and its gradients."""
    function, _, shapes = op
    operands = [lib.randn(*shape, requires_grad=True) for shape in shapes]
    cotangent = lib.ones_like(function(lib, *operands).detach())
    return Case(lambda: lib.autograd.grad(function(lib, *operands), operands, cotangent))


def bare(jax: Any, op: Operator) -> Case:
    """A ``jax.jit`` call of the same operator: what any eager operator on JAX costs at least."""
    _, function, shapes = op
    keys = jax.random.split(jax.random.key(0), len(shapes))
    operands = [jax.random.normal(k, s, dtype="float32") for k, s in zip(keys, shapes, strict=True)]
    compiled = jax.jit(lambda *operands: function(jax, *operands))
    return Case(lambda: compiled(*operands))


def bare_differentiated(jax: Any, op: Operator) -> Case:
    """Two ``jax.jit`` calls: the operator, and its gradients."""
    _, function, shapes = op
    case = bare(jax, op)
    keys = jax.random.split(jax.random.key(0), len(shapes))
    operands = [jax.random.normal(k, s, dtype="float32") for k, s in zip(keys, shapes, strict=True)]
    backward = jax.jit(lambda operands, g: jax.vjp(lambda *xs: function(jax, *xs), *operands)[1](g))
    cotangent = jax.numpy.ones_like(case.call())

    def both() -> Any:
        case.call()
        return backward(operands, cotangent)

    return Case(both)


PASSES: dict[str, tuple[Callable[..., Case], Callable[..., Case]]] = {
    "forward": (forward, bare),
    "taped": (taped, bare),
    "with gradient": (differentiated, bare_differentiated),
}
