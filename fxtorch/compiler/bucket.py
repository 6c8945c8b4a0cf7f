"""Shapes that vary, brought to a few: arguments are padded, and a mask says what is real."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from fxtorch.compiler.ahead import Lowered
from fxtorch.compiler.function import CompiledFunction
from fxtorch.nn import Module
from fxtorch.tensor import Tensor, dispatch
from fxtorch.tensor.conversion import from_numpy

_F = dispatch.namespace("nn.functional")

Axes = Mapping[str, int | Mapping[int, str]]


class Bucketed:
    """A compiled function whose arguments are padded to a few sizes, so that there are as many programs.

    Args:
        compiled: the function; it takes ``mask``, a Tensor of bools as long as the padded axis.
        axes: for each argument to pad, by name, its axis, or its axes with a name each, whose masks are then passed
            as ``<name>_mask``.  Axes of one name have one size.
        sizes: the sizes to pad to; powers of two where there are none.

    Attributes:
        real: how many elements were passed, ``padded``: how many the programs computed on.

    Raises:
        TypeError: the function takes no mask, or has no argument of such a name.
    """

    def __init__(self, compiled: CompiledFunction, axes: Axes, sizes: Sequence[int] | None = None) -> None:
        functools.update_wrapper(self, compiled.fn, updated=())
        self.compiled = compiled
        self.axes = {name: {a: ""} if isinstance(a, int) else dict(a) for name, a in axes.items()}
        self.sizes = None if sizes is None else sorted(sizes)
        self.real = self.padded = 0
        self._signature = inspect.signature(compiled.fn.forward if isinstance(compiled.fn, Module) else compiled.fn)
        parameters = self._signature.parameters
        self._masks = {name: f"{name}_mask" if name else "mask" for by in self.axes.values() for name in by.values()}
        if not self.axes:
            raise TypeError('dynamic="bucket" needs axes={argument: axis}, the axes whose size varies')
        open_ended = any(p.kind is p.VAR_KEYWORD for p in parameters.values())
        for wanted in (*self.axes, *(() if open_ended else self._masks.values())):
            if wanted not in parameters:
                raise TypeError(f"{compiled.name} has no argument {wanted!r}, which padding needs")

    @property
    def waste(self) -> float:
        """The share of the elements computed on that were padding."""
        return 1 - self.real / self.padded if self.padded else 0.0

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Pad, and run."""
        arguments, (real, padded) = self._padded(args, kwargs)
        self.real += real
        self.padded += padded
        return self.compiled(**arguments)

    def lower(self, *args: Any, **kwargs: Any) -> Lowered:
        """Pad, and trace without a run, as :meth:`CompiledFunction.lower` does."""
        return self.compiled.lower(**self._padded(args, kwargs)[0])

    def _padded(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[dict[str, Any], tuple[int, int]]:
        """The arguments by name, padded and with their masks; how many elements were given, and how many there are."""
        real = padded = 0
        bound = self._signature.bind_partial(*args, **kwargs)
        found: dict[str, int] = {}
        for argument, by_axis in self.axes.items():
            for axis, name in by_axis.items():
                size = _size_along(axis, argument, bound.arguments.get(argument))
                if found.setdefault(name, size) != size:
                    raise ValueError(
                        f"{argument} has size {size} along axis {axis}, but another padded argument has {found[name]}"
                    )
        wanted = {name: self._size(size) for name, size in found.items()}
        for argument, by_axis in self.axes.items():
            given = bound.arguments[argument]
            tensor = given if isinstance(given, Tensor) else from_numpy(np.asarray(given))
            new = bound.arguments[argument] = _pad(tensor, {axis: wanted[name] for axis, name in by_axis.items()})
            real, padded = real + tensor.numel(), padded + new.numel()
        for name, size in found.items():
            bound.arguments[self._masks[name]] = from_numpy(np.arange(wanted[name]) < size)
        arguments = dict(bound.arguments)
        for kind in (inspect.Parameter.VAR_KEYWORD, inspect.Parameter.VAR_POSITIONAL):
            for parameter in self._signature.parameters.values():
                if parameter.kind is kind and parameter.name in arguments:
                    raise TypeError(f'dynamic="bucket" does not pass *{parameter.name}; name the arguments')
        return arguments, (real, padded)

    def _size(self, size: int) -> int:
        if self.sizes is None:
            return 1 << max(0, size - 1).bit_length()
        for allowed in self.sizes:
            if allowed >= size:
                return allowed
        raise ValueError(f"{size} is more than the largest size to pad to, {self.sizes[-1]}")

    def __getattr__(self, name: str) -> Any:
        return getattr(self.__dict__["compiled"], name)


def _size_along(axis: int, argument: str, given: Any) -> int:
    shape = getattr(given, "shape", None)
    if shape is None:
        raise TypeError(f"{argument} is to be padded, and must be a Tensor, not {type(given).__name__}")
    if not -len(shape) <= axis < len(shape):
        raise IndexError(f"{argument} is to be padded along axis {axis}, which its shape {tuple(shape)} has not")
    return shape[axis]


def _pad(tensor: Tensor, sizes: Mapping[int, int]) -> Tensor:
    """``tensor`` with zeros after it along some axes."""
    more = [0] * tensor.ndim
    for axis, size in sizes.items():
        more[axis] = size - tensor.shape[axis]
    if not any(more):
        return tensor
    if tensor.requires_grad:
        return _F["pad"](tensor, [n for end in reversed(more) for n in (0, end)])
    return from_numpy(np.pad(tensor.numpy(), [(0, end) for end in more]))  # which compiles nothing for a new size


def bucketed(fn: Callable[..., Any], axes: Axes | None, sizes: Sequence[int] | None, **options: Any) -> Bucketed:
    """``fn``, compiled, with its arguments padded."""
    return Bucketed(CompiledFunction(fn, **options), axes or {}, sizes)
