"""Every outermost call of a Module as compiled programs, with no change to the program that makes it."""

from __future__ import annotations

import weakref
from typing import Any

import jax

from fxtorch.compiler import CompiledFunction
from fxtorch.nn import Module
from fxtorch.tensor import Tensor
from fxtorch.tensor.modes import modes

_eager = Module.__call__
_compiled: weakref.WeakKeyDictionary[Module, CompiledFunction] = weakref.WeakKeyDictionary()
_inside = False


def _computes(module: Module, *arguments: Any) -> bool:
    """Whether it has or is given a Tensor: a transform of images from files is not, and each would be a program."""
    leaves = jax.tree.leaves(arguments, is_leaf=lambda value: isinstance(value, Tensor))
    return (
        any(isinstance(leaf, Tensor) for leaf in leaves)
        or next(module.parameters(), None) is not None
        or next(module.buffers(), None) is not None
    )


def _call(self: Module, *args: Any, **kwargs: Any) -> Any:
    global _inside
    if (
        _inside
        or modes.capture is not None
        or self._compiled_call_impl is not None
        or not _computes(self, args, kwargs)
    ):
        return _eager(self, *args, **kwargs)
    function = _compiled.get(self)
    if function is None:
        itself = weakref.ref(self)

        def call(*args: Any, **kwargs: Any) -> Any:
            return _eager(itself(), *args, **kwargs)  # type: ignore[arg-type]

        function = _compiled[self] = CompiledFunction(call, name=type(self).__name__)
    _inside = True
    try:
        return function(*args, **kwargs)
    finally:
        _inside = False


def jit_everything(on: bool = True) -> None:
    """Compile each Module where a program calls it from outside of any other (an optimizer's step is compiled always).

    A Module that cannot be one program runs eagerly, with one warning that names the line.
    """
    Module.__call__ = _call if on else _eager
