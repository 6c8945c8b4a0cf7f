"""torch.fx: the names that models use in passing.  There are no graphs of fx: JAX's own jaxpr is what a trace gives."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn

from fxtorch.nn import Module

__all__ = [
    "Graph",
    "GraphModule",
    "Interpreter",
    "Node",
    "Proxy",
    "Tracer",
    "replace_pattern",
    "symbolic_trace",
    "wrap",
]


def wrap(fn_or_name: str | Callable[..., Any]) -> Any:
    """The function (or name) itself: nothing is traced symbolically, so that nothing need be kept from it."""
    return fn_or_name


def _refuse(what: str) -> NoReturn:
    raise NotImplementedError(
        f"{what}: fxtorch has no graphs of torch.fx; jax.make_jaxpr of a function made by "
        "fxtorch.func.functional_call gives the graph of a model"
    )


def symbolic_trace(root: Any, concrete_args: dict[str, Any] | None = None) -> NoReturn:
    """Raise.

    Raises:
        NotImplementedError: always, naming ``jax.make_jaxpr``.
    """
    _refuse("symbolic_trace")


def replace_pattern(gm: Any, pattern: Any, replacement: Any) -> NoReturn:
    """Raise.

    Raises:
        NotImplementedError: always.
    """
    _refuse("replace_pattern")


class Proxy:
    """What a symbolic trace would pass for a Tensor: no object is one."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        _refuse("Proxy")


class Node(Proxy):
    """A step of a graph of fx: no object is one."""


class Graph(Proxy):
    """A graph of fx: no object is one."""


class GraphModule(Module):
    """A Module made of a graph of fx: no object is one."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        _refuse("GraphModule")


_CodeOnlyModule = GraphModule
Target = Argument = Any  # what annotations of tracers name
_USER_PRESERVED_ATTRIBUTES_KEY = "_user_preserved_attributes"


def _copy_attr(from_module: Any, to_module: Any, target: str) -> None:
    _refuse("_copy_attr")


class Tracer:
    """Makes graphs of fx in torch; a class may derive from it."""

    def trace(self, root: Any, concrete_args: dict[str, Any] | None = None) -> NoReturn:
        """Raise.

        Raises:
            NotImplementedError: always.
        """
        _refuse("Tracer.trace")

    def is_leaf_module(self, m: Any, module_qualified_name: str) -> bool:
        """Whether a trace would take the Module as one step: those of fxtorch.nn."""
        return type(m).__module__.startswith("fxtorch.nn") and type(m).__name__ != "Sequential"


class Interpreter:
    """Runs graphs of fx in torch; a class may derive from it."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        _refuse("Interpreter")
