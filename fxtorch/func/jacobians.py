"""Jacobians and Hessians of functions of Tensors."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp

from fxtorch.autograd.custom_rules import innermost_derivative
from fxtorch.func.call import Call, is_tensor, recording
from fxtorch.func.derivatives import Argnums, check_inexact, check_tensors, chosen
from fxtorch.func.order import in_order
from fxtorch.ops.gradient import forward_mode
from fxtorch.tensor import Tensor


def _jacobian(
    func: Callable[..., Any], argnums: Argnums, has_aux: bool, name: str, compute: Callable[..., Any]
) -> Callable[..., Any]:
    @functools.wraps(func)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        call = Call(func, args, kwargs)
        order = {id(t): i for i, t in enumerate(call.tensors)}
        places = chosen(args, argnums)
        trees = [args[i] for i in places]
        leaves = jax.tree.leaves(trees, is_leaf=is_tensor)
        for leaf in leaves:
            if not isinstance(leaf, Tensor):
                raise RuntimeError(f"{name}: Expected Tensors to differentiate by, got {type(leaf).__name__}")
            check_inexact(name, leaf)
        diff = [order[id(leaf)] for leaf in leaves]
        call.fixed = set(diff)

        def pure(arrays: Sequence[Any]) -> Any:
            def of_diff(*values: Any) -> Any:
                full = list(arrays)
                for i, value in zip(diff, values, strict=True):
                    full[i] = value
                out, changed = call.inside(full)
                out, aux = out if has_aux else (out, None)
                check_tensors(f"{name}(f, *args)", out)
                return out, (aux, changed)

            with recording():
                rows, out, aux, changed = compute(of_diff, [arrays[i] for i in diff])
            return (rows, out, aux), changed

        rows, out, aux = call.run(pure, name)
        structure = jax.tree.structure(trees, is_leaf=is_tensor)
        by_output = []
        for row in rows:
            found = jax.tree.unflatten(structure, row)
            by_output.append(found[0] if isinstance(argnums, int) else tuple(found))
        jacobian = jax.tree.unflatten(jax.tree.structure(out, is_leaf=is_tensor), by_output)
        wanted = args[argnums] if isinstance(argnums, int) else tuple(trees)
        by_input = functools.partial(in_order, wanted)
        if has_aux:
            jacobian, aux = in_order(call.returned[0], jacobian, by_input), in_order(call.returned[1], aux)
        else:
            jacobian = in_order(call.returned, jacobian, by_input)
        return (jacobian, aux) if has_aux else jacobian

    return wrapper


def _basis(like: Any, size: int, start: int, chunk: int) -> Any:
    """``chunk`` unit vectors, from number ``start``, shaped like ``like``."""
    rows = jnp.arange(start, min(start + chunk, size))
    return jax.nn.one_hot(rows, size, dtype=like.dtype).reshape(-1, *like.shape)


def jacrev(
    func: Callable[..., Any],
    argnums: Argnums = 0,
    *,
    has_aux: bool = False,
    chunk_size: int | None = None,
    _preallocate_and_copy: bool = False,
) -> Callable[..., Any]:
    """A function that returns the Jacobian of ``func``, row by row, in reverse mode.

    The Jacobian of an output of shape ``o`` by an input of shape ``i`` has shape ``o + i``; it is nested as the outputs
    are, and within as the inputs are.

    >>> import fxtorch as torch
    >>> torch.func.jacrev(lambda x: x**2)(torch.tensor([1.0, 2.0]))
    tensor([[2., 0.],
            [0., 4.]])

    Args:
        func: a function of Tensors.
        argnums: which positional argument to differentiate by; for a tuple, the Jacobians are tuples too.
        has_aux: whether ``func`` returns ``(value, aux)``; the result is then ``(jacobian, aux)``.
        chunk_size: compute this many rows at once; None means all.
    """
    _check_chunk("jacrev", chunk_size)

    def compute(of_diff: Callable[..., Any], values: Sequence[Any]) -> Any:
        with innermost_derivative(forward=False):
            out, pull, (aux, changed) = jax.vjp(of_diff, *values, has_aux=True)
        flat, tree = jax.tree.flatten(out)
        rows = []
        for k, y in enumerate(flat):
            if not jnp.issubdtype(y.dtype, jnp.inexact):
                raise RuntimeError("jacrev: expected outputs of floating point or complex dtype")

            def of_row(ct: Any, k: int = k) -> Any:
                return pull(jax.tree.unflatten(tree, [ct if j == k else jnp.zeros_like(z) for j, z in enumerate(flat)]))

            step = max(1, y.size) if chunk_size is None else chunk_size
            parts = [jax.vmap(of_row)(_basis(y, y.size, s, step)) for s in range(0, max(1, y.size), step)]
            columns = [jnp.concatenate(p) for p in zip(*parts, strict=True)]
            rows.append([c.reshape(*y.shape, *v.shape) for c, v in zip(columns, values, strict=True)])
        return rows, out, aux, changed

    return _jacobian(func, argnums, has_aux, "jacrev", compute)


def jacfwd(
    func: Callable[..., Any],
    argnums: Argnums = 0,
    has_aux: bool = False,
    *,
    randomness: str = "error",
    chunk_size: int | None = None,
) -> Callable[..., Any]:
    """A function that returns the Jacobian of ``func``, column by column, in forward mode.

    Args:
        func: a function of Tensors.
        argnums: which positional argument to differentiate by; for a tuple, the Jacobians are tuples too.
        has_aux: whether ``func`` returns ``(value, aux)``; the result is then ``(jacobian, aux)``.
        randomness: torch's; the function runs once, so that all columns see the same draw.
        chunk_size: compute this many columns at once; None means all.

    See :func:`jacrev` for the shape of the result.
    """
    _check_chunk("jacfwd", chunk_size)

    def compute(of_diff: Callable[..., Any], values: Sequence[Any]) -> Any:
        with forward_mode(), innermost_derivative(forward=True):
            out, push, (aux, changed) = jax.linearize(of_diff, *values, has_aux=True)
            columns = []
            for k, v in enumerate(values):

                def of_column(tangent: Any, k: int = k) -> Any:
                    return push(*(tangent if j == k else jnp.zeros_like(w) for j, w in enumerate(values)))

                step = max(1, v.size) if chunk_size is None else chunk_size
                parts = [
                    jax.tree.leaves(jax.vmap(of_column)(_basis(v, v.size, s, step)))
                    for s in range(0, max(1, v.size), step)
                ]
                columns.append([jnp.concatenate(p) for p in zip(*parts, strict=True)])
        rows = [
            [jnp.moveaxis(columns[k][i], 0, -1).reshape(*y.shape, *v.shape) for k, v in enumerate(values)]
            for i, y in enumerate(jax.tree.leaves(out))
        ]
        return rows, out, aux, changed

    return _jacobian(func, argnums, has_aux, "jacfwd", compute)


def hessian(func: Callable[..., Any], argnums: Argnums = 0) -> Callable[..., Any]:
    """A function that returns the Hessian of ``func``: the forward-mode Jacobian of its reverse-mode one.

    >>> import fxtorch as torch
    >>> torch.func.hessian(lambda x: (x**3).sum())(torch.tensor([1.0, 2.0]))
    tensor([[ 6.,  0.],
            [ 0., 12.]])
    """
    return jacfwd(jacrev(func, argnums), argnums)


def _check_chunk(name: str, chunk_size: int | None) -> None:
    if chunk_size is not None and chunk_size <= 0:
        raise ValueError(f"{name}: `chunk_size` should be greater than 0.")
