"""What objects are called: by the variable, the attribute or the item that led to them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from fxtorch.nn import Module
from fxtorch.optim import Optimizer
from fxtorch.tensor import Tensor


def within(module: Module, path: str = "") -> Iterator[tuple[str, Module]]:
    """A module and all below it, with their paths: ``named_modules`` in a trace counts as reading their tables."""
    yield path, module
    for name, child in object.__getattribute__(module, "__dict__").get("_modules", {}).items():
        if child is not None:
            yield from within(child, f"{path}.{name}")


class Naming:
    """The names that a trace met; those of parameters and of optimizer state are put together when asked for."""

    def __init__(self) -> None:
        self._met: dict[int, tuple[str, Any]] = {}
        self._modules: dict[int, str] = {}

    def met(self, value: Any, name: str) -> None:
        """An object was found as ``name``; the first name is kept."""
        if id(value) in self._met:
            return
        self._met[id(value)] = name, value
        if isinstance(value, Module):
            for path, module in within(value):
                self._modules.setdefault(id(module), name + path)

    def of(self, value: Any) -> str:
        """The name of an object; of one that was not met, its class."""
        if id(value) in self._modules:
            return self._modules[id(value)]
        return self._met[id(value)][0] if id(value) in self._met else type(value).__name__

    def of_tensor(self, attributes: dict[str, Any]) -> str:
        """The name of the Tensor with this ``__dict__``."""
        return next((name for name, tensor in self.tensors().values() if tensor.__dict__ is attributes), "a Tensor")

    def tensors(self) -> dict[int, tuple[str, Tensor]]:
        """The names of Tensors, by their identity."""
        found: dict[int, tuple[str, Tensor]] = {}
        for name, value in self._met.values():
            if isinstance(value, Tensor):
                found.setdefault(id(value), (name, value))
            elif isinstance(value, Module):
                for kind in (value.named_parameters(), value.named_buffers()):
                    for path, tensor in kind:
                        found.setdefault(id(tensor), (f"{name}.{path}", tensor))
            elif isinstance(value, Optimizer):
                for i, state in enumerate(value.state.values()):
                    for key, tensor in state.items():
                        if isinstance(tensor, Tensor):
                            found.setdefault(id(tensor), (f"{name}.state[{i}][{key!r}]", tensor))
        return found
