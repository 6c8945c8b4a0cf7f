"""Gradients against finite differences."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from fxtorch.autograd.api import grad
from fxtorch.autograd.grad_mode import enable_grad
from fxtorch.tensor import construction, dispatch
from fxtorch.tensor import dtype as types
from fxtorch.tensor.tensor import Tensor

_torch = dispatch.namespace("torch")


class GradcheckError(RuntimeError):
    """A gradient is not what finite differences say it is."""


def _tensors(value: Any) -> tuple[Any, ...]:
    return tuple(value) if isinstance(value, tuple | list) else (value,)


def _differentiable(value: Any) -> list[Tensor]:
    return [t for t in _tensors(value) if isinstance(t, Tensor) and t.requires_grad]


def _values(t: Tensor) -> np.ndarray:
    return np.array(t.detach().numpy(), copy=True)


def _numerical(func: Callable[..., Any], inputs: Sequence[Any], place: int, eps: float) -> list[np.ndarray]:
    """The Jacobian of each differentiable output by input ``place``: rows inputs, columns outputs, in real parts.

    For a complex number z = a + ib both directions are tried; the rows hold d/da, and for complex inputs also d/db.
    """
    start = _values(inputs[place])
    steps = [eps, 1j * eps] if np.iscomplexobj(start) else [eps]
    rows: list[list[np.ndarray]] = []
    for step in steps:
        for k in range(start.size):
            sides = []
            for sign in (1, -1):
                moved = start.copy().reshape(-1)
                moved[k] += sign * step
                given = list(inputs)
                given[place] = construction.tensor(moved.reshape(start.shape), requires_grad=True)
                sides.append([_values(o).reshape(-1) for o in _differentiable(func(*given))])
            rows.append([(a - b) / (2 * eps) for a, b in zip(*sides, strict=True)])
    if not rows:
        return []
    return [np.stack(columns) for columns in zip(*rows, strict=True)]


def _analytical(output: Tensor, given: Sequence[Tensor]) -> list[np.ndarray]:
    """The same by the backward: for a cotangent g, torch returns the gradient of Re(conj(g) y)."""
    kind = output.dtype.is_complex
    columns: list[list[np.ndarray]] = []
    for k in range(output.numel()):
        parts = []
        for unit in [1, 1j] if kind else [1]:
            ct = np.zeros(output.numel(), _values(output).dtype)
            ct[k] = unit
            found = grad(
                output,
                given,
                construction.tensor(ct.reshape(tuple(output.shape))),
                retain_graph=True,
                allow_unused=True,
            )
            parts.append(
                [
                    np.zeros(t.shape, _values(t).dtype) if g is None else _values(g)
                    for g, t in zip(found, given, strict=True)
                ]
            )
        columns.append([_derivative([p[i].reshape(-1) for p in parts]) for i in range(len(given))])
    return [np.stack([c[i] for c in columns], 1) for i in range(len(given))] if columns else []


def _derivative(parts: list[np.ndarray]) -> np.ndarray:
    """dy/da (and dy/db) of a number y from the gradients for the cotangents 1 (and i)."""
    real = [np.real(p) for p in parts]
    by_a = real[0] + 1j * real[1] if len(parts) == 2 else real[0]
    if not np.iscomplexobj(parts[0]):
        return by_a
    imag = [np.imag(p) for p in parts]
    by_b = imag[0] + 1j * imag[1] if len(parts) == 2 else imag[0]
    return np.concatenate([by_a, by_b])


def gradcheck(
    func: Callable[..., Any],
    inputs: Any,
    *,
    eps: float = 1e-6,
    atol: float = 1e-5,
    rtol: float = 1e-3,
    raise_exception: bool = True,
    nondet_tol: float = 0.0,
    check_undefined_grad: bool = True,
    check_grad_dtypes: bool = False,
    check_batched_grad: bool = False,
    check_batched_forward_grad: bool = False,
    check_forward_ad: bool = False,
    check_backward_ad: bool = True,
    fast_mode: bool = False,
    masked: bool | None = None,
) -> bool:
    """Whether the gradients of ``func`` agree with central differences.

    >>> import fxtorch as torch
    >>> x = torch.tensor([0.5, 2.0], dtype=torch.float64, requires_grad=True)
    >>> torch.autograd.gradcheck(torch.exp, (x,))
    True

    Args:
        func: takes Tensors, returns a Tensor or a tuple of them.
        inputs: its arguments; those that require a gradient are checked, and should be float64 or complex128.
        eps: the step of the differences.
        atol: how far off a gradient may be, and
        rtol: how far in proportion.
        raise_exception: raise where they differ, instead of returning False.
        nondet_tol: how far two backward passes may differ.
        check_undefined_grad: also check that a backward with no gradient for one of several outputs works.
        check_grad_dtypes: also check that gradients have the type of their inputs.
        check_batched_grad: accepted; gradients are batched by JAX.
        check_batched_forward_grad: accepted.
        check_forward_ad: accepted; see ``fxtorch.func.jvp``, which differentiates the same pure functions.
        check_backward_ad: whether to check the gradients at all.
        fast_mode: accepted; all of the Jacobian is compared.
        masked: accepted; there are no sparse Tensors.

    Raises:
        GradcheckError: they differ, and ``raise_exception``.
        ValueError: no input requires a gradient.
    """
    try:
        return _check(
            func,
            _tensors(inputs),
            eps,
            atol,
            rtol,
            nondet_tol,
            check_undefined_grad,
            check_grad_dtypes,
            check_backward_ad,
        )
    except GradcheckError:
        if raise_exception:
            raise
        return False


def _check(
    func: Callable[..., Any], inputs: tuple[Any, ...], eps: float, atol: float, rtol: float, nondet_tol: float,
    undefined: bool, dtypes: bool, backward: bool,
) -> bool:  # fmt: skip
    places = [i for i, t in enumerate(inputs) if isinstance(t, Tensor) and t.requires_grad]
    if not places:
        raise ValueError(
            "gradcheck expects at least one input tensor to require gradient, but none of the them have "
            "requires_grad=True."
        )
    for i in places:
        if inputs[i].dtype not in (types.float64, types.complex128):
            warnings.warn(
                f"Input #{i} requires gradient and is not a double precision floating point or complex. This check "
                "will "
                "likely fail if all the inputs are not of double precision floating point or complex.",
                stacklevel=3,
            )
    with enable_grad():
        outputs = _differentiable(func(*inputs))
    given = [inputs[i] for i in places]
    if not outputs:
        for i in places:
            if any(np.abs(j).max(initial=0) > 0 for j in _numerical(func, inputs, i, eps)):
                raise GradcheckError("Numerical gradient for function expected to be zero")
        return True
    if not backward:
        return True
    analytical = [_analytical(o, given) for o in outputs]
    again = [_analytical(o, given) for o in outputs]
    for j, (first, second) in enumerate(zip(analytical, again, strict=True)):
        for i, (a, b) in enumerate(zip(first, second, strict=True)):
            if np.abs(a - b).max(initial=0) > nondet_tol:
                raise GradcheckError(
                    f"Backward is not reentrant, i.e., running backward with same input and grad_output multiple times "
                    f"gives different values for output {j} and input {i}, although analytical gradient matches "
                    "numerical "
                    f"gradient. The tolerance for nondeterminism was {nondet_tol}."
                )
    for k, i in enumerate(places):
        with enable_grad():
            numerical = _numerical(func, inputs, i, eps)
        for j, n in enumerate(numerical):
            a = analytical[j][k]
            if not np.allclose(a, n, rtol=rtol, atol=atol, equal_nan=True):
                raise GradcheckError(
                    f"Jacobian mismatch for output {j} with respect to input {i},\nnumerical:{n}\nanalytical:{a}\n"
                )
    if dtypes:
        _check_types(outputs, given)
    if undefined and len(outputs) > 1:
        for o in outputs:
            grad(o, given, _torch["ones_like"](o), retain_graph=True, allow_unused=True)
    return True


def _check_types(outputs: Sequence[Tensor], given: Sequence[Tensor]) -> None:
    for o in outputs:
        for g, t in zip(
            grad(o, given, _torch["ones_like"](o), retain_graph=True, allow_unused=True), given, strict=True
        ):
            if g is not None and g.dtype != t.dtype:
                raise GradcheckError(f"grad is not the same type as its input: {g.dtype} for {t.dtype}")


def gradgradcheck(
    func: Callable[..., Any],
    inputs: Any,
    grad_outputs: Any = None,
    *,
    eps: float = 1e-6,
    atol: float = 1e-5,
    rtol: float = 1e-3,
    gen_non_contig_grad_outputs: bool = False,
    raise_exception: bool = True,
    nondet_tol: float = 0.0,
    check_undefined_grad: bool = True,
    check_grad_dtypes: bool = False,
    check_batched_grad: bool = False,
    check_fwd_over_rev: bool = False,
    check_rev_over_rev: bool = True,
    fast_mode: bool = False,
    masked: bool = False,
) -> bool:
    """Whether the gradients of the gradients of ``func`` agree with central differences; see :func:`gradcheck`.

    Args:
        func: takes Tensors, returns a Tensor or a tuple of them.
        inputs: its arguments.
        grad_outputs: the cotangents to start from, themselves checked; random ones if None.
        eps: the step of the differences.
        atol: how far off a gradient may be.
        rtol: how far in proportion.
        gen_non_contig_grad_outputs: accepted; arrays have no strides.
        raise_exception: raise where they differ, instead of returning False.
        nondet_tol: how far two backward passes may differ.
        check_undefined_grad: see :func:`gradcheck`.
        check_grad_dtypes: see :func:`gradcheck`.
        check_batched_grad: accepted.
        check_fwd_over_rev: accepted.
        check_rev_over_rev: accepted.
        fast_mode: accepted.
        masked: accepted.
    """
    given = _tensors(inputs)
    with enable_grad():
        outputs = _differentiable(func(*given))
    if grad_outputs is None:
        random = np.random.RandomState(0)
        cts: tuple[Any, ...] = tuple(
            construction.tensor(np.asarray(random.randn(*o.shape)).astype(_values(o).dtype), requires_grad=True)
            for o in outputs
        )
    else:
        cts = _tensors(grad_outputs)
    count = len(cts)

    def gradients(*args: Any) -> tuple[Tensor, ...]:
        own, cotangents = args[:-count], args[-count:]
        found = grad(
            _differentiable(func(*own)), _differentiable(own), list(cotangents), create_graph=True, allow_unused=True
        )  # fmt: skip
        return tuple(g for g in found if g is not None)

    return gradcheck(
        gradients, (*given, *cts), eps=eps, atol=atol, rtol=rtol, raise_exception=raise_exception,
        nondet_tol=nondet_tol, check_undefined_grad=check_undefined_grad, check_grad_dtypes=check_grad_dtypes,
    )  # fmt: skip
