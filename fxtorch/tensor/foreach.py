"""``torch._foreach_*``: one operator on each Tensor of a list, as optimizers of other libraries write their steps."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from fxtorch.tensor import dispatch
from fxtorch.tensor.tensor import Tensor

_UNARY = (
    "abs acos asin atan ceil cos cosh erf erfc exp expm1 floor frac lgamma log log10 log1p log2 neg reciprocal round "
    "rsqrt sigmoid sign sin sinh sqrt tan tanh trunc"
)
_BINARY = "add sub mul div pow clamp_max clamp_min maximum minimum"
_TERNARY = "addcmul addcdiv lerp"
_SAME = {"maximum": "clamp_min", "minimum": "clamp_max"}

FOREACH: dict[str, Callable[..., Any]] = {}
_torch = dispatch.namespace("torch")


def _spread(value: Any, count: int) -> Sequence[Any]:
    """One value a Tensor: a list's own, or the same for all."""
    if isinstance(value, list | tuple):
        return value
    if isinstance(value, Tensor) and value.ndim == 1 and count > 1 and len(value) == count:
        return value.unbind(0)
    return [value] * count


def _add(name: str, fn: Callable[..., Any]) -> None:
    """The two forms of a foreach function: new Tensors, and in place."""

    def apart(tensors: Sequence[Tensor], *args: Any, **kwargs: Any) -> list[Tensor]:
        columns = [_spread(a, len(tensors)) for a in args]
        return [fn(t, *row, **kwargs) for t, *row in zip(tensors, *columns, strict=True)]

    def in_place(tensors: Sequence[Tensor], *args: Any, **kwargs: Any) -> None:
        columns = [_spread(a, len(tensors)) for a in args]
        for t, *row in zip(tensors, *columns, strict=True):
            t.copy_(fn(t, *row, **kwargs))

    for suffix, form in (("", apart), ("_", in_place)):
        form.__name__ = form.__qualname__ = f"_foreach_{name}{suffix}"
        form.__doc__ = f"``{name}`` of each Tensor" + (", in place." if suffix else ".")
        FOREACH[form.__name__] = form


def _with_value(name: str) -> Callable[..., Any]:
    plain = _torch[name]

    def fn(t: Tensor, a: Any, b: Any, value: Any = 1) -> Tensor:
        return plain(t, a, b, value=value.item() if isinstance(value, Tensor) else value)

    return fn


def _extremum(name: str) -> Callable[..., Any]:
    of_tensors, of_numbers = _torch[name], _torch[_SAME[name]]
    return lambda t, other: of_tensors(t, other) if isinstance(other, Tensor) else of_numbers(t, other)


for _name in [*_UNARY.split(), *_BINARY.split(), *_TERNARY.split()]:
    if _name in _SAME:
        _add(_name, _extremum(_name))
    elif _name.startswith("addc"):
        _add(_name, _with_value(_name))
    else:
        _add(_name, _torch[_name])


def _foreach_norm(tensors: Sequence[Tensor], ord: Any = 2, dtype: Any = None) -> list[Tensor]:
    """The norm of each Tensor."""
    return [dispatch.namespace("linalg")["vector_norm"](t, ord, dtype=dtype) for t in tensors]


def _foreach_zero_(tensors: Sequence[Tensor]) -> None:
    """Set each Tensor to zero."""
    for t in tensors:
        t.zero_()


def _foreach_copy_(tensors: Sequence[Tensor], src: Sequence[Tensor], non_blocking: bool = False) -> None:
    """Copy each Tensor from its partner."""
    for t, s in zip(tensors, src, strict=True):
        t.copy_(s)


FOREACH.update(_foreach_norm=_foreach_norm, _foreach_zero_=_foreach_zero_, _foreach_copy_=_foreach_copy_)
