"""The one table of operators.

An operator is one pure JAX function and one declaration, the decorator :func:`op`, directly above it.  From that
declaration come ``torch.f``, ``Tensor.f``, ``Tensor.f_``, ``out=``, the support table in the docs and the parity tests.

How an argument reaches the function is read off its annotation:

=====================  ==========================================================================================
``Array``              a Tensor, or a Python number; both are traced (a number as a weakly typed scalar).
``Array | None``       the same, and may be absent.
``Strict``             a Tensor only, as PyTorch wants it there: a Python number raises ``TypeError``.
``Array | int``        a Tensor or a float is traced, an int stays a static Python value.
``Arrays``             a list or tuple of Tensors, all traced.
``Number``             a Python number that may change from call to call; traced, so that it never recompiles.
``Key``                a random key; callers pass ``generator=`` instead and the dispatcher draws the key.
anything else          static: it must be hashable (lists arrive as tuples, ``torch.dtype`` as ``numpy.dtype``).
=====================  ==========================================================================================
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

import jax
import jax.numpy as jnp

from fxtorch.ops.checks import check_broadcast
from fxtorch.ops.dtypes import is_complex, promote, type_name
from fxtorch.ops.return_types import named_result

Array = jax.Array
Strict = jax.Array
Arrays = tuple[jax.Array, ...]
Key = jax.Array
Number = int | float | complex | bool

Kind = Literal["array", "arrays", "either", "number", "key", "static"]


@dataclass(frozen=True)
class View:
    """How an aliasing result is written back.

    Attributes:
        write: ``write(base, value, *args, **kwargs)`` returns ``base`` with the viewed region replaced by ``value``;
            the further arguments are those of the operator.  For an operator with several results it takes
            ``index=`` too: which of them ``value`` is.
        strides: the same view of a NumPy array, used only to learn strides.  ``None``: the result is laid out as
            its base is.  It gives ``None`` where the strides of the base allow no such view.
        otherwise: what to do then: ``"copy"`` as ``reshape`` does, or ``"raise"`` as ``view`` does.
        repeats: whether elements of the view may share memory with each other (``expand``).
    """

    write: Callable[..., Any]
    strides: Callable[..., Any] | None = None
    otherwise: Literal["copy", "raise"] | None = None
    repeats: bool = False


@dataclass(frozen=True)
class Out:
    """What an operator wants of the Tensor given as ``out=``.

    Attributes:
        typed: that it has the type of the result; else the result is cast, as that of arithmetic is.
        apart: that it shares no memory with an argument.
    """

    typed: bool = False
    apart: bool = False


@dataclass(frozen=True)
class Param:
    """One parameter of an operator, and how its argument travels."""

    name: str
    kind: Kind
    keyword_only: bool
    default: Any
    strict: bool = False
    annotation: str = "Any"


@dataclass(frozen=True, eq=False)
class Op:
    """One row of the table; see :func:`op` for the fields."""

    name: str
    fn: Callable[..., Any]
    names: tuple[str, ...]
    method: bool
    inplace: bool
    out: bool | Out
    view: View | None
    saves: Literal["inputs", "residuals"]
    factory: bool
    variadic: str | None
    differentiable: bool
    dynamic: bool | Callable[..., bool]
    numbers: bool
    older: tuple[str, ...]
    params: tuple[Param, ...] = field(repr=False)


TABLE: dict[str, Op] = {}
_taken: set[str] = set()


def _kind(annotation: str) -> Kind:
    parts = {part.strip() for part in annotation.split("|")}
    if "Arrays" in parts:
        return "arrays"
    if "Strict" in parts:
        return "array"
    if "Array" in parts:
        return "array" if parts <= {"Array", "None"} else "either"
    if "Number" in parts:
        return "number"
    return "key" if annotation == "Key" else "static"


def _params(fn: Callable[..., Any]) -> tuple[Param, ...]:
    return tuple(
        Param(
            p.name,
            _kind(str(p.annotation)),
            p.kind is p.KEYWORD_ONLY,
            p.default,
            "Strict" in str(p.annotation),
            str(p.annotation),
        )
        for p in inspect.signature(fn).parameters.values()
    )


def _with_promotion(
    fn: Callable[..., Any], params: tuple[Param, ...], to_float: bool, broadcast: bool
) -> Callable[..., Any]:
    """``fn`` with its ``Array`` arguments first brought to torch's common result type."""
    slots = [(i, p.name) for i, p in enumerate(params) if p.kind in ("array", "either")]

    @functools.wraps(fn)
    def promoted(*given: Any, **kwargs: Any) -> Any:
        args = list(given)
        places: list[tuple[Any, Any]] = [(args, i) if i < len(args) else (kwargs, name) for i, name in slots]
        places = [(box, at) for box, at in places if box is args or box.get(at) is not None]
        places = [(box, at) for box, at in places if box[at] is not None]
        if broadcast:
            check_broadcast(*(jnp.shape(box[at]) for box, at in places))
        for (box, at), value in zip(places, promote(*(box[at] for box, at in places), to_float=to_float), strict=True):
            box[at] = value
        return fn(*args, **kwargs)

    return promoted


def _of_real_numbers(fn: Callable[..., Any], name: str, error: Any) -> Callable[..., Any]:
    """``fn``, refusing complex arrays in torch's words."""

    @functools.wraps(fn)
    def checked(*args: Any, **kwargs: Any) -> Any:
        for x in (*args, *kwargs.values()):
            if is_complex(getattr(x, "dtype", bool)):
                raise error(f"\"{name}\" not implemented for '{type_name(x.dtype)}': complex numbers have no order")
        return fn(*args, **kwargs)

    return checked


def op(
    *,
    name: str | None = None,
    where: tuple[str, ...] = ("torch",),
    aliases: tuple[str, ...] = (),
    method: bool = False,
    inplace: bool = False,
    out: bool | Out = False,
    view: View | None = None,
    dtype: Literal["promote", "float"] | None = None,
    broadcast: bool = False,
    saves: Literal["inputs", "residuals"] = "inputs",
    factory: bool = False,
    variadic: str | None = None,
    differentiable: bool = True,
    dynamic: bool | Callable[..., bool] = False,
    numbers: bool = False,
    real: bool | type[Exception] = False,
    older: tuple[str, ...] = (),
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Declare a pure function as an operator.

    Args:
        name: torch's name, where it is not the function's own (``sum`` for a function ``sum_``).
        where: the namespaces that carry it: ``"torch"``, ``"nn.functional"``, ``"linalg"``, ``"special"``, ``"fft"``;
            empty for an operator that exists only as a method.
        aliases: further names, in every namespace of ``where`` and as methods (``"absolute"``), or with a dot in one
            namespace only (``"special.expit"``).
        method: whether ``Tensor`` has it, its first ``Array`` argument being ``self``.
        inplace: whether ``Tensor.name_`` (and ``torch.name_``) exists; without any other name (``where=()``), the
            in-place method is all there is (``uniform_``).
        out: whether it takes ``out=``; an :class:`Out` where it wants more of that Tensor than its size.
        view: how to write through the result, where the result aliases the input.
        dtype: ``"promote"`` brings all ``Array`` arguments to torch's result type before the function sees them;
            ``"float"`` does so too and turns integers into the default floating type.
        broadcast: with ``dtype``, the promoted arguments must broadcast together, else torch's error is raised.
        saves: what a taped call keeps where the derivative needs more than inputs and outputs: ``"inputs"``
            recomputes from the inputs (right for cheap operators), ``"residuals"`` keeps what ``jax.vjp`` kept.
        factory: the result is new: the caller may pass ``device``, ``requires_grad``, ``layout``, ``pin_memory``.
        variadic: the name of a parameter that callers may spell out: ``x.permute(2, 0, 1)``, ``torch.zeros(2, 3)``.
        differentiable: ``False`` where the result never carries a gradient (``argmax``, comparisons).
        dynamic: the result's shape depends on the values, or is a Python value (``unique``, ``allclose``): the
            function is called as it is on concrete arrays, never compiled, and raises under a trace.  A function of
            the arguments tells which calls are so.
        numbers: whether Python numbers alone will do, without any Tensor (``torch.add(2, 3)``).
        real: complex arguments are refused, as what orders or rounds numbers must; the class that torch raises, if that
            is not ``NotImplementedError``.
        older: keyword numbers that older programs write among the Tensors: ``x.add_(alpha, other)``.

    Raises:
        ValueError: a name is declared twice.
    """

    def declare(fn: Callable[..., Any]) -> Callable[..., Any]:
        own = name or fn.__name__
        params = _params(fn)
        qualified = [f"{space}.{n}" for n in (own, *(a for a in aliases if "." not in a)) for space in where]
        qualified += [a for a in aliases if "." in a]
        if method:
            qualified += [f"Tensor.{n}" for n in (own, *(a for a in aliases if "." not in a))]
        only_inplace = inplace and not qualified
        public = next((q for q in qualified if not q.rpartition(".")[2].startswith("_")), None)
        typed = fn if public is None else named_result(fn, public)
        typed = typed if not real else _of_real_numbers(typed, own, NotImplementedError if real is True else real)
        pure = (
            typed if dtype is None else _with_promotion(typed, params, to_float=dtype == "float", broadcast=broadcast)
        )
        for n in (f"Tensor.{own}_",) if only_inplace else qualified:
            if n in _taken:
                raise ValueError(f"operator {n} is declared twice")
            _taken.add(n)
        key = own if own not in TABLE else f"Tensor.{own}_" if only_inplace else qualified[0]
        TABLE[key] = Op(
            name=key,
            fn=pure,
            names=tuple(qualified),
            method=method,
            inplace=inplace,
            out=out,
            view=view,
            saves=saves,
            factory=factory,
            variadic=variadic,
            differentiable=differentiable,
            dynamic=dynamic,
            numbers=numbers,
            older=older,
            params=params,
        )
        return pure

    return declare
