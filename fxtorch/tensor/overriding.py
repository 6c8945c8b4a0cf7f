"""``__torch_function__``: classes that say themselves what an operator does to them.

A subclass of Tensor that does not define it gets its own class back from every operator.  Ordinary Tensors never come
here: :data:`ORDINARY` holds the classes that an operator need not ask.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterable, Iterator, Sequence
from inspect import Parameter
from typing import Any

from fxtorch.tensor.modes import modes
from fxtorch.tensor.tensor import Tensor

ORDINARY: set[type] = {Tensor}
NOBODY = object()  # the answer where no argument overrides anything


def disabled_torch_function(func: Callable[..., Any], types: Any, args: Any = (), kwargs: Any = None) -> Any:
    """Assigned as ``__torch_function__``: operators on this class give plain Tensors."""
    return NotImplemented


_DISABLED = disabled_torch_function


@contextlib.contextmanager
def no_overrides() -> Iterator[None]:
    """Within it, operators take every Tensor as a plain one."""
    before = modes.overrides
    modes.overrides = False
    try:
        yield
    finally:
        modes.overrides = before


def _torch_function(
    cls: type, func: Callable[..., Any], types: Sequence[type], args: Sequence[Any] = (), kwargs: Any = None
) -> Any:
    """What a subclass of Tensor does by default: run ``func`` as if on plain Tensors; results become of its class."""
    if not all(issubclass(cls, t) for t in types):
        return NotImplemented
    with no_overrides():
        out = func(*args, **(kwargs or {}))
    return _converted(out, cls)


def _converted(out: Any, cls: type) -> Any:
    if isinstance(out, Tensor):
        if cls is not Tensor and out.__class__ is Tensor:
            out.__class__ = cls
        return out
    if isinstance(out, tuple | list):
        items = [_converted(x, cls) for x in out]
        return type(out)(*items) if hasattr(out, "_fields") else type(out)(items)
    return out


Tensor.__torch_function__ = classmethod(_torch_function)  # type: ignore[attr-defined]


def overrider(cls: type) -> Any:
    """The ``__torch_function__`` of a class that is to be asked; None for an ordinary one."""
    found = getattr(cls, "__torch_function__", None)
    if found is None or found is _DISABLED or cls is Tensor:
        return None
    return found


def overriding(values: Iterable[Any]) -> list[Any]:
    """Those of ``values`` whose class is to be asked, one a class, subclasses before their bases."""
    found: list[Any] = []
    for value in values:
        cls = type(value)
        if overrider(cls) is None or any(type(f) is cls for f in found):
            continue
        at = next((i for i, f in enumerate(found) if issubclass(cls, type(f))), len(found))
        found.insert(at, value)
    return found


def ask(values: Sequence[Any], func: Callable[..., Any], args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
    """What the first class of ``values`` that knows how makes of ``func(*args, **kwargs)``.

    Raises:
        TypeError: none knows.
    """
    types = tuple(type(v) for v in values)
    for value in values:
        function = type(value).__torch_function__
        out = function(func, types, args, kwargs)
        if out is not NotImplemented:
            return out
    name = getattr(func, "__qualname__", getattr(func, "__name__", str(func)))
    raise TypeError(
        f"no implementation found for 'torch.{name}' on types that implement __torch_function__: "
        f"[{', '.join(t.__qualname__ for t in types)}]"
    )


def override(operator: Any, args: Sequence[Any]) -> Any:
    """The call of an operator as its arguments' classes want it; :data:`NOBODY` where none wants anything."""
    flat = [x for a in args for x in (a if isinstance(a, list | tuple) else (a,))]
    asked = overriding(flat)
    if not asked:
        ORDINARY.update(type(x) for x in flat if isinstance(x, Tensor))
        return NOBODY
    plain, named = as_called(operator, args)
    return ask(asked, operator.public or operator, plain, named)


def as_called(operator: Any, args: Sequence[Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """The arguments of an operator as a program would write them: options by name, and only those that are given."""
    plain: list[Any] = []
    named: dict[str, Any] = {}
    for p, a in zip(operator.op.params, args, strict=False):
        if p.default is not Parameter.empty:
            if a is not p.default and p.kind != "key":
                named[p.name] = a
        elif p.kind == "arrays" and p.name == operator.op.variadic:  # Tensors given one by one
            plain.extend(a)
        elif p.kind != "key":
            plain.append(a)
    return tuple(plain), named


def asking(fn: Callable[..., Any]) -> Any:
    """A function that is made of operators, and asks its arguments' classes what it does to them as operators do."""

    @functools.wraps(fn)
    def function(*args: Any, **kwargs: Any) -> Any:
        if modes.overrides:
            given = (*args, *kwargs.values())
            asked = overriding(x for a in given for x in (a if isinstance(a, list | tuple) else (a,)))
            if asked:
                return ask(asked, function, args, kwargs)
        return fn(*args, **kwargs)

    return function


def as_subclass(tensor: Tensor, cls: type) -> Any:
    """The same memory and graph, as a Tensor of class ``cls``."""
    with no_overrides():
        out = tensor.view(tensor.shape)
    out.__class__ = cls
    return out
