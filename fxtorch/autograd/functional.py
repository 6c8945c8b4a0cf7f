"""torch.autograd.functional: Jacobians, Hessians and their products, on the tape."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from fxtorch.autograd.api import grad
from fxtorch.autograd.grad_mode import enable_grad
from fxtorch.tensor import dispatch
from fxtorch.tensor.tensor import Tensor

_torch = dispatch.namespace("torch")
Tensors = tuple[Tensor, ...]


def _tuple(value: Any, what: str, name: str) -> tuple[bool, Tensors]:
    """``value`` as a tuple of Tensors, and whether it was one."""
    many = isinstance(value, tuple | list)
    out = tuple(value) if many else (value,)
    for i, t in enumerate(out):
        if not isinstance(t, Tensor):
            where = f" is a tuple but with value {i} of type" if many else " is of type"
            raise TypeError(
                f"The {what} given to {name} must be either a Tensor or a tuple of Tensors but the given "
                f"{what}{where} {type(t)}."
            )
    return many, out


def _prepared(inputs: Tensors, create_graph: bool) -> Tensors:
    """Inputs that require a gradient, joined to the caller's graph only if asked to be."""
    return tuple(t.view_as(t) if create_graph and t.requires_grad else t.detach().requires_grad_() for t in inputs)


def _finished(values: Any, create_graph: bool) -> Any:
    if isinstance(values, tuple):
        return tuple(_finished(v, create_graph) for v in values)
    return values if create_graph else values.detach()


def _grads(
    outputs: Sequence[Tensor], inputs: Tensors, cts: Sequence[Tensor], create_graph: bool
) -> tuple[Tensor | None, ...]:
    """Gradients, None where there is no path."""
    pairs = [(o, c) for o, c in zip(outputs, cts, strict=True) if o.requires_grad]
    if not pairs:
        return (None,) * len(inputs)
    return grad(
        [o for o, _ in pairs],
        inputs,
        [c for _, c in pairs],
        retain_graph=True,
        create_graph=create_graph,
        allow_unused=True,
    )


def _filled(
    values: Sequence[Tensor | None], like: Sequence[Tensor], strict: bool, message: str, create_graph: bool = False
) -> Tensors:
    """``values`` with zeros for None; under ``strict`` that is an error instead."""
    out = []
    for i, (value, t) in enumerate(zip(values, like, strict=True)):
        if value is None and strict:
            raise RuntimeError(message.format(i))
        if value is not None and strict and create_graph and not value.requires_grad:
            raise RuntimeError(
                f"The jacobian of the user-provided function is independent of input {i}. This is not allowed in "
                "strict "
                "mode when create_graph=True."
            )
        out.append(_torch["zeros_like"](t) if value is None else value)
    return tuple(out)


def _directions(v: Any, like: Tensors, name: str, many: bool) -> Tensors:
    """``v`` checked against ``like``; ones for a single scalar."""
    if v is None:
        if len(like) != 1 or like[0].numel() != 1:
            raise RuntimeError(
                f"The vector v can only be None if the {'input to ' if name != 'vjp' else ''}the user-provided "
                "function "
                "is a single Tensor with a single element."
            )
        return (_torch["ones_like"](like[0]),)
    _, given = _tuple(v, "v", name)
    if len(given) != len(like):
        raise RuntimeError(f"v is a tuple of invalid length: should be {len(like)} but got {len(given)}.")
    for i, (a, b) in enumerate(zip(given, like, strict=True)):
        if a.shape != b.shape:
            prefix = f"Entry {i} in " if many else ""
            raise RuntimeError(f"{prefix}v has invalid size: should be {b.shape} but got {a.shape}.")
    return tuple(t.detach() if not t.requires_grad else t for t in given)


def _run(
    func: Callable[..., Any], inputs: Any, name: str, create_graph: bool, strict: bool
) -> tuple[bool, Tensors, bool, Tensors]:
    many_in, given = _tuple(inputs, "inputs", name)
    prepared = _prepared(given, create_graph)
    many_out, outputs = _tuple(func(*prepared), "outputs of the user-provided function", name)
    if strict:
        for i, o in enumerate(outputs):
            if not o.requires_grad:
                raise RuntimeError(
                    f"Output {i} of the user-provided function does not require gradients. The outputs must be "
                    "computed "
                    "in a differentiable manner from the input when running in strict mode."
                )
    return many_in, prepared, many_out, outputs


def _out(values: Tensors, many: bool, create_graph: bool) -> Any:
    return _finished(values if many else values[0], create_graph)


def vjp(
    func: Callable[..., Any], inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False
) -> tuple[Any, Any]:
    """``(outputs, vᵀJ)`` for the Jacobian J of ``func`` at ``inputs``.

    Args:
        func: takes Tensors, returns a Tensor or a tuple of them.
        inputs: a Tensor or a tuple of them.
        v: of the outputs' shapes; may be left out for one scalar output.
        create_graph: make the results differentiable.
        strict: raise where an output does not depend on an input, instead of returning zeros.
    """
    with enable_grad():
        many_in, given, many_out, outputs = _run(func, inputs, "vjp", create_graph, strict)
        cts = _directions(v, outputs, "vjp", many_out)
        found = _filled(
            _grads(outputs, given, cts, create_graph), given, strict,
            "The output of the user-provided function is independent of input {}. This is not allowed in strict mode.",
        )  # fmt: skip
    return _out(outputs, many_out, create_graph), _out(found, many_in, create_graph)


def jvp(
    func: Callable[..., Any], inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False
) -> tuple[Any, Any]:
    """``(outputs, J v)`` for the Jacobian J of ``func`` at ``inputs``, by two reverse passes; see :func:`vjp`."""
    with enable_grad():
        many_in, given, many_out, outputs = _run(func, inputs, "jvp", create_graph, strict)
        directions = _directions(v, given, "jvp", many_in)
        slots = tuple(_torch["zeros_like"](o).requires_grad_() for o in outputs)
        pulled = _filled(
            _grads(outputs, given, slots, True), given, strict,
            "The output of the user-provided function is independent of input {}. This is not allowed in strict mode.",
        )  # fmt: skip
        found = _filled(
            _grads(pulled, slots, directions, create_graph), outputs, strict,
            "Output {} of the user-provided function does not depend on the inputs. This is not allowed in strict "
            "mode.",
        )  # fmt: skip
    return _out(outputs, many_out, create_graph), _out(found, many_out, create_graph)


def jacobian(
    func: Callable[..., Any],
    inputs: Any,
    create_graph: bool = False,
    strict: bool = False,
    vectorize: bool = False,
    strategy: str = "reverse-mode",
) -> Any:
    """The Jacobian of ``func``: for outputs of shape ``o`` and inputs of shape ``i``, of shape ``o + i``.

    >>> import fxtorch as torch
    >>> torch.autograd.functional.jacobian(lambda x: x**2, torch.tensor([1.0, 2.0]))
    tensor([[2., 0.],
            [0., 4.]])

    Args:
        func: takes Tensors, returns a Tensor or a tuple of them.
        inputs: a Tensor or a tuple of them.
        create_graph: make the result differentiable.
        strict: raise where an output does not depend on an input, instead of returning zeros.
        vectorize: accepted; ``fxtorch.func.jacrev`` is the vectorised form.
        strategy: ``"reverse-mode"``, or ``"forward-mode"`` with ``vectorize``, which gives the same numbers.

    Returns:
        a Tensor; a tuple of them for a tuple of inputs or of outputs; a tuple of tuples for both.
    """
    if strategy not in ("reverse-mode", "forward-mode"):
        raise AssertionError(
            'Expected strategy to be either "forward-mode" or "reverse-mode". Hint: If your function has more '
            'outputs than inputs, "forward-mode" tends to be more performant. Otherwise, prefer to use "reverse-mode".'
        )
    if strategy == "forward-mode" and not vectorize:
        raise NotImplementedError(
            'torch.autograd.functional.jacobian: `strategy="forward-mode"` requires `vectorize=True`.'
        )
    with enable_grad():
        many_in, given, many_out, outputs = _run(func, inputs, "jacobian", create_graph, strict)
        message = (
            "Output {} of the user-provided function is independent of input {{}}. This is not allowed in strict mode."
        )
        rows = tuple(_rows(o, given, create_graph, strict, message.format(i)) for i, o in enumerate(outputs))
    nested = tuple(row if many_in else row[0] for row in rows)
    return _finished(nested if many_out else nested[0], create_graph)


def _rows(output: Tensor, inputs: Tensors, create_graph: bool, strict: bool, message: str) -> Tensors:
    """The Jacobian of one output by each input."""
    flat = output.reshape(-1)
    columns: list[list[Tensor]] = [[] for _ in inputs]
    for k in range(flat.numel()):
        one = _torch["ones_like"](flat[k])
        found = _filled(_grads([flat[k]], inputs, [one], create_graph), inputs, strict, message, create_graph)
        for column, g in zip(columns, found, strict=True):
            column.append(g)
    return tuple(
        _torch["stack"](column).reshape(tuple(output.shape) + tuple(t.shape))
        if column
        else output.new_zeros(tuple(output.shape) + tuple(t.shape))
        for column, t in zip(columns, inputs, strict=True)
    )


def _scalar(func: Callable[..., Any], name: str) -> Callable[..., Tensor]:
    def checked(*args: Any) -> Tensor:
        out = func(*args)
        if isinstance(out, tuple | list) and len(out) == 1:
            out = out[0]
        if not isinstance(out, Tensor) or out.numel() != 1:
            raise RuntimeError(
                f"The function given to {name} should return a single Tensor that contains a single element"
                if isinstance(out, Tensor)
                else f"The function given to {name} should return a single Tensor"
            )
        return out.reshape(())

    return checked


def hessian(
    func: Callable[..., Any],
    inputs: Any,
    create_graph: bool = False,
    strict: bool = False,
    vectorize: bool = False,
    outer_jacobian_strategy: str = "reverse-mode",
) -> Any:
    """The Hessian of a scalar function: of shape ``i + i``, or a tuple of tuples for a tuple of inputs.

    >>> import fxtorch as torch
    >>> torch.autograd.functional.hessian(lambda x: (x**3).sum(), torch.tensor([1.0, 2.0]))
    tensor([[ 6.,  0.],
            [ 0., 12.]])

    See :func:`jacobian` for the arguments.
    """
    many, _ = _tuple(inputs, "inputs", "hessian")
    scalar = _scalar(func, "hessian")

    def gradient(*args: Tensor) -> Any:
        return jacobian(scalar, args, create_graph=True, strict=strict)

    found = jacobian(
        gradient,
        inputs,
        create_graph=create_graph,
        strict=strict,
        vectorize=vectorize,
        strategy=outer_jacobian_strategy,
    )
    return found if many else found[0]


def vhp(
    func: Callable[..., Any], inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False
) -> tuple[Tensor, Any]:
    """``(value, vᵀH)`` for the Hessian H of a scalar function; see :func:`vjp`."""
    return _hessian_product("vhp", func, inputs, v, create_graph, strict)


def hvp(
    func: Callable[..., Any], inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False
) -> tuple[Tensor, Any]:
    """``(value, H v)`` for the Hessian H of a scalar function, which is symmetric; see :func:`vjp`."""
    return _hessian_product("hvp", func, inputs, v, create_graph, strict)


def _hessian_product(
    name: str, func: Callable[..., Any], inputs: Any, v: Any, create_graph: bool, strict: bool
) -> tuple[Tensor, Any]:
    with enable_grad():
        many, given, _, outputs = _run(_scalar(func, name), inputs, name, create_graph, strict)
        directions = _directions(v, given, name, many)
        message = (
            "The output of the user-provided function is independent of input {}. This is not allowed in strict mode."
        )
        one = _torch["ones_like"](outputs[0])
        slopes = _filled(_grads(outputs, given, [one], True), given, strict, message)
        found = _filled(_grads(slopes, given, directions, create_graph), given, strict, message)
    return _finished(outputs[0], create_graph), _out(found, many, create_graph)
