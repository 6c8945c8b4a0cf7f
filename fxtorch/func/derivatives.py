"""Derivatives of functions of Tensors: grad, vjp, jvp and linearize."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import jax
import numpy as np

from fxtorch.autograd.custom_rules import innermost_derivative
from fxtorch.func.call import Call, is_tensor, recording
from fxtorch.func.order import in_order
from fxtorch.ops.dtypes import is_inexact
from fxtorch.ops.gradient import forward_mode
from fxtorch.tensor import Tensor, modes, unwrap, wrap

Argnums = int | tuple[int, ...]


def parameters_of(x: Any) -> dict[str, Tensor] | None:
    """The parameters by name where ``x`` is a Module, each once; None where it is not."""
    return dict(x.named_parameters()) if hasattr(x, "named_parameters") else None


def chosen(args: Sequence[Any], argnums: Argnums) -> list[int]:
    """``argnums`` as positions.

    Raises:
        RuntimeError: there is no such argument.
    """
    places = [argnums] if isinstance(argnums, int) else list(argnums)
    for i in places:
        if not -len(args) <= i < len(args):
            raise RuntimeError(f"Got argnum={i}, but only {len(args)} positional inputs")
    return [i % len(args) for i in places]


def grad_and_value(func: Callable[..., Any], argnums: Argnums = 0, has_aux: bool = False) -> Callable[..., Any]:
    """A function that returns the gradient of ``func`` and its value.

    That is ``(gradient, value)``, or ``(gradient, (value, aux))`` with ``has_aux``.

    Args:
        func: takes Tensors, nested as one likes, and returns a scalar Tensor (and, with ``has_aux``, anything else).
        argnums: which positional argument to differentiate by; for a tuple, the gradients are a tuple too.
        has_aux: whether ``func`` returns ``(value, aux)``.

    The gradient has the structure of the argument.  A Module among the arguments is differentiated by its parameters
    only, and its gradient is a dict by their names, as ``named_parameters`` has them.

    Raises:
        RuntimeError: the result is not a scalar Tensor of floating type, or ``argnums`` does not fit.
    """

    @functools.wraps(func)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        places = chosen(args, argnums)
        modules = [parameters_of(args[i]) for i in places]
        lifted = list({id(p): p for named in modules if named is not None for p in named.values()}.values())
        call = Call(func, args, kwargs, lifted)
        n, k = len(call.tensors), len(lifted)
        order = {id(leaf): i for i, leaf in enumerate(call.tensors)}
        wanted = []
        for place, named in zip(places, modules, strict=True):
            leaves = list(named.values()) if named is not None else jax.tree.leaves(args[place], is_leaf=is_tensor)
            for leaf in leaves:
                if not isinstance(leaf, Tensor):
                    raise RuntimeError(f"grad: expected Tensors in argument {place}, got {type(leaf).__name__}")
                check_inexact("grad", leaf)
            wanted += [order[id(leaf)] for leaf in leaves if named is None]
        call.fixed = set(wanted)
        diff = [*dict.fromkeys(wanted), *range(n, n + k)]

        def pure(arrays: Sequence[Any]) -> Any:
            def objective(values: Sequence[Any]) -> Any:
                full = list(arrays)
                for i, value in zip(diff, values, strict=True):
                    full[i] = value
                out, changed = call.inside(full)
                value, aux = out if has_aux else (out, None)
                check_scalar(value)
                return value, (aux, changed)

            with recording(), innermost_derivative(forward=False):
                (value, (aux, changed)), grads = jax.value_and_grad(objective, has_aux=True)([arrays[i] for i in diff])
            return (grads, value, aux), changed

        grads, value, aux = call.run(pure, "grad")
        if has_aux:
            value, aux = in_order(call.returned, (value, aux))
        by_input = dict(zip(diff, grads, strict=True))
        by_parameter = {id(p): by_input[n + i] for i, p in enumerate(lifted)}
        found = [
            {name: by_parameter[id(p)] for name, p in named.items()}
            if named is not None
            else in_order(args[place], jax.tree.map(lambda t: by_input[order[id(t)]], args[place], is_leaf=is_tensor))
            for place, named in zip(places, modules, strict=True)
        ]
        gradient = found[0] if isinstance(argnums, int) else tuple(found)
        return gradient, ((value, aux) if has_aux else value)

    return wrapper


def check_inexact(name: str, tensor: Tensor) -> None:
    """Raise torch's error where ``tensor`` cannot be differentiated by."""
    if not is_inexact(unwrap(tensor).dtype):
        raise RuntimeError(f"{name}: only Tensors of floating point and complex dtype can require gradients")


def check_scalar(value: Any) -> None:
    """Raise torch's error where ``value`` is not a scalar to take the gradient of."""
    if not isinstance(value, jax.Array):
        raise RuntimeError(f"grad_and_value(f)(*args): Expected f(*args) to return a Tensor, got {type(value)}")
    if value.ndim != 0:
        raise RuntimeError(
            "grad_and_value(f)(*args): Expected f(*args) to return a scalar Tensor, got tensor with "
            f"{value.ndim} dims. Maybe you wanted to use the vjp or jacrev APIs instead?"
        )


def grad(func: Callable[..., Any], argnums: Argnums = 0, has_aux: bool = False) -> Callable[..., Any]:
    """A function that returns the gradient of ``func``, which returns a scalar Tensor.

    >>> import fxtorch as torch
    >>> torch.func.grad(torch.sin)(torch.tensor(0.0))
    tensor(1.)
    >>> torch.func.grad(torch.func.grad(lambda x: x**3))(torch.tensor(2.0))
    tensor(12.)

    Args:
        func: see :func:`grad_and_value`, also for Modules as arguments.
        argnums: which positional argument to differentiate by; for a tuple, the gradients are a tuple too.
        has_aux: whether ``func`` returns ``(value, aux)``; the result is then ``(gradient, aux)``.
    """
    both = grad_and_value(func, argnums, has_aux)

    @functools.wraps(func)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        gradient, value = both(*args, **kwargs)
        return (gradient, value[1]) if has_aux else gradient

    return wrapper


def value_and_grad(func: Callable[..., Any], argnums: Argnums = 0, has_aux: bool = False) -> Callable[..., Any]:
    """:func:`grad_and_value` with its two results in JAX's order: ``(value, gradient)``."""
    both = grad_and_value(func, argnums, has_aux)

    @functools.wraps(func)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        gradient, value = both(*args, **kwargs)
        return value, gradient

    return wrapper


def vjp(func: Callable[..., Any], *primals: Any, has_aux: bool = False) -> tuple[Any, ...]:
    """The value of ``func`` at ``primals``, and the function that carries a cotangent of the value back to them.

    >>> import fxtorch as torch
    >>> value, pull = torch.func.vjp(torch.sin, torch.zeros(2))
    >>> pull(torch.ones(2))
    (tensor([1., 1.]),)

    Args:
        func: a function of Tensors.
        primals: its arguments.
        has_aux: whether ``func`` returns ``(value, aux)``.

    Returns:
        ``(value, pull)`` or ``(value, pull, aux)``; ``pull(cotangents)`` returns a tuple with an entry for each primal.
    """
    call = Call(func, primals)
    call.fixed = set(range(len(call.tensors)))
    diff = [i for i, t in enumerate(call.tensors) if is_inexact(unwrap(t).dtype)]

    def linearized(arrays: Sequence[Any]) -> Any:
        def of_diff(*values: Any) -> Any:
            full = list(arrays)
            for i, value in zip(diff, values, strict=True):
                full[i] = value
            out, changed = call.inside(full)
            out, aux = out if has_aux else (out, None)
            check_tensors("vjp(f, *primals)", out)
            return out, (aux, changed)

        with recording(), innermost_derivative(forward=False):
            return jax.vjp(of_diff, *(arrays[i] for i in diff), has_aux=True)

    saved: list[Any] = []

    def forward(arrays: Sequence[Any]) -> Any:
        out, pull, (aux, changed) = linearized(arrays)
        saved[:] = [pull]
        return (out, aux), changed

    out, aux = call.run(forward, "vjp")
    out, aux = _results(call, out, aux, has_aux)
    recorded = any(isinstance(t, Tensor) and t._rg for t in jax.tree.leaves(out, is_leaf=is_tensor))

    def pull(cotangents: Any) -> tuple[Any, ...]:
        """Gradients of the primals from cotangents of the value."""
        check_like(cotangents, out)
        second = Call(_never, (primals, cotangents), lifted=call.lifted)
        if not recorded and not (modes.grad and any(t._rg for t in second.tensors)):
            with recording():
                found = saved[0](jax.tree.map(unwrap, _as_value(cotangents, out), is_leaf=is_tensor))
            return _assembled(primals, dict(zip(diff, map(wrap, found), strict=True)))
        n = len(call.tensors)

        def again(arrays: Sequence[Any]) -> Any:
            m = len(second.tensors)
            _, pullback, _ = linearized([*arrays[:n], *arrays[m:]])
            given = iter(arrays[n:m])
            cts = jax.tree.map(lambda t: next(given).astype(t.dtype.np), out, is_leaf=is_tensor)
            return list(pullback(cts)), {}

        return _assembled(primals, dict(zip(diff, second.run(again, "vjp"), strict=True)))

    return (out, pull, aux) if has_aux else (out, pull)


def _never(*_: Any) -> Any:
    raise AssertionError("only its arguments are looked at")


def _as_value(cotangents: Any, value: Any) -> Any:
    """``cotangents`` in the containers and of the types of ``value``."""
    values, tree = jax.tree.flatten(value, is_leaf=is_tensor)
    leaves = jax.tree.leaves(cotangents, is_leaf=is_tensor)
    return jax.tree.unflatten(tree, [ct.to(v.dtype) for ct, v in zip(leaves, values, strict=True)])


def _assembled(primals: Sequence[Any], found: dict[int, Tensor]) -> tuple[Any, ...]:
    """Gradients in the structure of the primals; zeros for integers, None for what is no Tensor."""
    leaves, tree = jax.tree.flatten(tuple(primals), is_leaf=is_tensor)
    count, out = 0, []
    for leaf in leaves:
        if isinstance(leaf, Tensor | jax.Array):
            out.append(found[count] if count in found else leaf * 0)
            count += 1
        else:
            out.append(None)
    return in_order(tuple(primals), jax.tree.unflatten(tree, out))


def _results(call: Call, out: Any, aux: Any, has_aux: bool) -> tuple[Any, Any]:
    """What the function returned, its dictionaries in their order."""
    return in_order(call.returned, (out, aux)) if has_aux else (in_order(call.returned, out), aux)


def check_tensors(name: str, out: Any) -> None:
    """Raise torch's error where a result is no Tensor."""
    leaves = jax.tree.leaves(out)
    for leaf in leaves:
        if not isinstance(leaf, jax.Array):
            raise RuntimeError(
                f"{name}: expected f(*primals) to return only tensors, got unsupported type {type(leaf).__name__}"
            )
    if not leaves:
        raise RuntimeError(
            f"{name}: expected f(*primals) to return only tensors, got unsupported type {type(out).__name__}"
        )


def check_like(given: Any, value: Any) -> None:
    """Raise where cotangents do not have the structure and shapes of the value."""
    a, b = (jax.tree.leaves(x, is_leaf=is_tensor) for x in (given, value))
    if len(a) != len(b):
        raise RuntimeError(
            f"Expected pytree structure of cotangents to be the same as pytree structure of outputs to the function; "
            f"got {len(a)} cotangents for {len(b)} outputs"
        )
    for x, y in zip(a, b, strict=True):
        if x.shape != y.shape:
            raise RuntimeError(f"Mismatch in shape: a cotangent has a shape of {x.shape} and its output {y.shape}.")


def jvp(
    func: Callable[..., Any],
    primals: tuple[Any, ...],
    tangents: tuple[Any, ...],
    *,
    strict: bool = False,
    has_aux: bool = False,
) -> tuple[Any, ...]:
    """The value of ``func`` at ``primals``, and its derivative in the direction ``tangents``: forward mode.

    >>> import fxtorch as torch
    >>> torch.func.jvp(torch.sin, (torch.tensor(0.0),), (torch.tensor(2.0),))
    (tensor(0.), tensor(2.))

    Args:
        func: a function of Tensors.
        primals: a tuple of its arguments.
        tangents: a tuple of the same structure, shapes and types.
        strict: torch's; a result that does not depend on the primals has a derivative of zeros either way.
        has_aux: whether ``func`` returns ``(value, aux)``.

    Returns:
        ``(value, derivative)`` or ``(value, derivative, aux)``.
    """
    for name, given in (("primals", primals), ("tangents", tangents)):
        if not isinstance(given, tuple):
            raise RuntimeError(
                f"jvp(f, primals, tangents): Expected {name} to be a tuple. E.g. it should be valid to call "
                "f(*primals)."
            )
    call = Call(_never, (primals, tangents))
    main = Call(func, primals)
    n = len(main.tensors)
    if len(call.tensors) != 2 * n or jax.tree.structure(primals, is_leaf=is_tensor) != jax.tree.structure(
        tangents, is_leaf=is_tensor
    ):
        raise RuntimeError(
            "jvp(f, primals, tangents): Expected primals and tangents to have the same python structure."
        )
    for p, t in zip(call.tensors[:n], call.tensors[n:], strict=True):
        if p.shape != t.shape or p.dtype != t.dtype:
            raise RuntimeError(
                "jvp(f, primals, tangents): Expected each tangent to have the shape and dtype of its primal, got "
                f"{tuple(t.shape)} {t.dtype} for {tuple(p.shape)} {p.dtype}"
            )
    main.fixed = set(range(n))

    def pure(arrays: Sequence[Any]) -> Any:
        main.lifted = call.lifted
        values, directions, rest = arrays[:n], arrays[n : 2 * n], arrays[2 * n :]

        def of_primals(*values: Any) -> Any:
            out, changed = main.inside([*values, *rest])
            out, aux = out if has_aux else (out, None)
            check_tensors("jvp(f, primals, tangents)", out)
            return out, (aux, changed)

        directions = [tangent_of(v, d) for v, d in zip(values, directions, strict=True)]
        with recording(), forward_mode(), innermost_derivative(forward=True):
            out, pushed, (aux, changed) = jax.jvp(of_primals, tuple(values), tuple(directions), has_aux=True)
        return (out, jax.tree.map(as_array, pushed, out), aux), changed

    out, pushed, aux = call.run(pure, "jvp")
    out, aux = _results(main, out, aux, has_aux)
    pushed = in_order(out, pushed)
    return (out, pushed, aux) if has_aux else (out, pushed)


def tangent_of(value: Any, direction: Any) -> Any:
    """The tangent as JAX wants it: float0 for integers."""
    return direction if is_inexact(value.dtype) else np.zeros(value.shape, jax.dtypes.float0)


def as_array(tangent: Any, value: Any) -> Any:
    """A tangent as a Tensor can hold it: zeros for integers."""
    return jax.numpy.zeros_like(value) if tangent.dtype == jax.dtypes.float0 else tangent


def linearize(func: Callable[..., Any], *primals: Any) -> tuple[Any, Callable[..., Any]]:
    """The value of ``func`` at ``primals``, and its derivative there as a function of tangents.

    >>> import fxtorch as torch
    >>> value, push = torch.func.linearize(torch.sin, torch.tensor(0.0))
    >>> push(torch.tensor(3.0))
    tensor(3.)

    ``func`` runs once, however often the derivative is asked for; graphs of the tape around it are not extended.
    """
    call = Call(func, primals)
    call.fixed = set(range(len(call.tensors)))
    call.lift = False

    def of_primals(*values: Any) -> Any:
        return call.inside(values)[0]

    with recording(), forward_mode(), innermost_derivative(forward=True):
        out, push = jax.linearize(of_primals, *call.arrays())

    def pushforward(*tangents: Any) -> Any:
        """The derivative in the direction of ``tangents``."""
        given = jax.tree.leaves(tangents, is_leaf=is_tensor)
        if len(given) != len(call.tensors):
            raise RuntimeError(f"Expected {len(call.tensors)} tangents, got {len(given)}")
        directions = [tangent_of(unwrap(p), unwrap(t)) for p, t in zip(call.tensors, given, strict=True)]
        return in_order(call.returned, jax.tree.map(lambda x: wrap(x), push(*directions)))

    return in_order(call.returned, jax.tree.map(wrap, out)), pushforward


__all__ = ["grad", "grad_and_value", "jvp", "linearize", "value_and_grad", "vjp"]
