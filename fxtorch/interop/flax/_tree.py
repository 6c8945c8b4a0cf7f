"""Nested variables as nested Modules."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from fxtorch import nn
from fxtorch.tensor import Tensor, unwrap, wrap

Path = tuple[Any, ...]


class Variables(nn.Module):
    """Arrays under nested names, as Parameters or buffers.

    Args:
        items: paths with arrays.
        trained: tells from a path whether it is a Parameter.
    """

    def __init__(self, items: dict[Path, Any], trained: Callable[[Path], bool]) -> None:
        super().__init__()
        groups: dict[str, dict[Path, Any]] = {}
        for path, value in items.items():
            head, *rest = path
            if rest:
                groups.setdefault(str(head), {})[path] = value
            elif trained(path):
                self.register_parameter(str(head), nn.Parameter(wrap(value)))
            else:
                self.register_buffer(str(head), wrap(value))
        for name, group in groups.items():
            inner = {path[1:]: value for path, value in group.items()}
            head = next(iter(group))[0]
            self.add_module(name, Variables(inner, lambda path, head=head: trained((head, *path))))

    def at(self, path: Path) -> Tensor:
        """The Tensor under a path."""
        inner: Any = self
        for name in path[:-1]:
            inner = inner._modules[str(name)]
        last = str(path[-1])
        return inner._parameters[last] if last in inner._parameters else inner._buffers[last]

    def argument(self, path: Path) -> Any:
        """What a call is given: the Parameter, or a buffer's present array, so that the buffer may change after."""
        held = self.at(path)
        return held if isinstance(held, nn.Parameter) else unwrap(held)


def paths(tree: Any, before: Path = ()) -> Iterator[tuple[Path, Any]]:
    """The leaves of nested dicts, with their paths."""
    for name, value in tree.items():
        if isinstance(value, dict):
            yield from paths(value, (*before, name))
        else:
            yield (*before, name), value


def nested(items: dict[Path, Any]) -> dict[Any, Any]:
    """Nested dicts of paths with values."""
    tree: dict[Any, Any] = {}
    for path, value in items.items():
        inner = tree
        for name in path[:-1]:
            inner = inner.setdefault(name, {})
        inner[path[-1]] = value
    return tree
