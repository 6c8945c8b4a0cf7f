"""Methods of a subclass of Tensor that are no operators ask its ``__torch_function__`` too, as operators do.

Tensor's own methods ask nobody: a subclass gets forms of them that do when it is made.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from types import FunctionType
from typing import Any

from fxtorch.tensor.modes import modes
from fxtorch.tensor.operator import Operator
from fxtorch.tensor.overriding import ask, overrider, overriding
from fxtorch.tensor.tensor import Tensor

# Arithmetic is not among them: it calls operators, and those ask.
_SPECIAL = frozenset(
    "__bool__ __complex__ __contains__ __float__ __format__ __getitem__ __index__ __int__ __iter__ __len__ __repr__ "
    "__reversed__ __setitem__".split()
)
_OF_THE_CLASS = frozenset({"as_subclass"})


def _asking(name: str, plain: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(plain)
    def method(self: Tensor, *args: Any, **kwargs: Any) -> Any:
        if not modes.overrides:
            return plain(self, *args, **kwargs)
        return ask(overriding((self, *args)), getattr(Tensor, name), (self, *args), kwargs)

    return method


def _no_operators() -> dict[str, Callable[..., Any]]:
    operators = {operator.public for operator in Operator.every}
    return {
        name: fn
        for name, fn in vars(Tensor).items()
        if isinstance(fn, FunctionType)
        and fn not in operators
        and (name in _SPECIAL or not name.startswith("_"))
        and name not in _OF_THE_CLASS
    }


def _init_subclass(cls: type[Tensor], **kwargs: Any) -> None:
    """Give ``cls`` the forms of the methods that ask it, but for those that it has of its own."""
    super(Tensor, cls).__init_subclass__(**kwargs)
    if overrider(cls) is not None:
        for name, fn in _no_operators().items():
            if getattr(cls, name) is fn:
                setattr(cls, name, _asking(name, fn))


Tensor.__init_subclass__ = classmethod(_init_subclass)  # type: ignore[assignment]
