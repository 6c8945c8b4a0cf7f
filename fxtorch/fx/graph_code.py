"""A graph as the text of a Python function."""

from __future__ import annotations

import math
import operator
import sys
import typing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from fxtorch.fx.node import Argument, Node, qualified_name
from fxtorch.tensor import device
from fxtorch.tensor import dtype as types

if TYPE_CHECKING:
    from fxtorch.fx.graph import Graph

_INFIX = {
    "add": "+", "sub": "-", "mul": "*", "floordiv": "//", "truediv": "/", "mod": "%", "pow": "**", "lshift": "<<",
    "rshift": ">>", "and_": "&", "or_": "|", "xor": "^", "matmul": "@", "eq": "==", "ne": "!=", "lt": "<", "gt": ">",
    "le": "<=", "ge": ">=",
}  # fmt: skip
_AUGMENTED = {
    "iadd": "+=", "iand": "&=", "ifloordiv": "//=", "ilshift": "<<=", "imod": "%=", "imul": "*=", "imatmul": "@=",
    "ior": "|=", "ipow": "**=", "irshift": ">>=", "isub": "-=", "itruediv": "/=", "ixor": "^=",
}  # fmt: skip
_FORMATS: dict[Any, str] = {getattr(operator, n): f"{{}} {sign} {{}}" for n, sign in _INFIX.items()}
_FORMATS |= {operator.getitem: "{}[{}]", operator.neg: "-{}", operator.pos: "+{}", operator.invert: "~{}"}
_IN_PLACE: dict[Any, str] = {getattr(operator, n): sign for n, sign in _AUGMENTED.items()}


@dataclass
class PythonCode:
    """The text of a function and what its free names mean.

    Attributes:
        src: the text.
        globals: the values of the names that it uses.
    """

    src: str
    globals: dict[str, Any] = field(default_factory=dict)
    _lineno_map: dict[int, int | None] | None = None
    _prologue_start: int = 0


class _Names:
    """The global names of one text."""

    def __init__(self, graph: Graph, torch: Any) -> None:
        self.graph, self.torch = graph, torch
        self.globals: dict[str, Any] = {}

    def of(self, hint: str, obj: Any) -> str:
        """The name under which the text finds ``obj``."""
        root, _, rest = hint.partition(".")
        if root in ("torch", "operator", "math") and rest and self._found(root, rest) is obj:
            self.globals[root] = self._root(root)
            return hint
        known = next((n for n, v in self.globals.items() if v is obj), None)
        if known is None:
            known = self.graph._namespace.create_name(hint.replace(".", "_"), None)
            self.globals[known] = obj
        return known

    def _root(self, name: str) -> Any:
        return {"torch": self.torch, "operator": operator, "math": math}[name]

    def _found(self, root: str, path: str) -> Any:
        value = self._root(root)
        for part in path.split("."):
            value = getattr(value, part, None)
        return value

    def of_type(self, annotation: Any) -> str:
        """An annotation as text."""
        if annotation is None or annotation is type(None):
            return "None"
        if isinstance(annotation, str):
            return annotation
        origin = typing.get_origin(annotation)
        if origin is not None:
            base = self.of_type(origin) if not hasattr(annotation, "_name") else self._typing(annotation)
            arguments = ", ".join(self.of_type(a) for a in typing.get_args(annotation))
            return f"{base}[{arguments}]" if arguments else base
        if annotation is Ellipsis:
            return "..."
        if isinstance(annotation, type) and annotation.__module__ == "builtins":
            return annotation.__name__
        return self.of(qualified_name(annotation).replace("torch.tensor.tensor.", "torch."), annotation)

    def _typing(self, annotation: Any) -> str:
        name = annotation._name or "Union"
        self.globals["typing_" + name] = getattr(typing, name)
        return "typing_" + name

    def text(self, a: Argument) -> str:
        """An argument as text."""
        if isinstance(a, Node):
            return a.name
        if isinstance(a, tuple) and hasattr(a, "_fields"):
            return f"{self.of(qualified_name(type(a)), type(a))}({', '.join(map(self.text, a))})"
        if isinstance(a, tuple):
            return "(" + ", ".join(map(self.text, a)) + ("," if len(a) == 1 else "") + ")"
        if isinstance(a, list):
            return "[" + ", ".join(map(self.text, a)) + "]"
        if isinstance(a, dict):
            return "{" + ", ".join(f"{k!r}: {self.text(v)}" for k, v in a.items()) + "}"
        if isinstance(a, slice):
            return f"slice({self.text(a.start)}, {self.text(a.stop)}, {self.text(a.step)})"
        if isinstance(a, float) and not math.isfinite(a):
            return f'float("{a}")'
        if isinstance(a, types.dtype | device.device):
            self.globals["torch"], self.globals["device"] = self.torch, device.device
            return repr(a)
        if isinstance(a, int) and type(a) not in (int, bool):  # a member of an enumeration
            return f"{self.of(qualified_name(type(a)), type(a))}({int(a)})"
        if isinstance(a, int | float | str | bytes | complex | None):
            return repr(a)
        if a is Ellipsis:
            return "Ellipsis"
        if callable(a):
            return self.of(qualified_name(a), a)
        return self.of(f"_{type(a).__name__}", a)

    def call(self, args: Any, kwargs: Any) -> str:
        """Arguments as text."""
        return ", ".join([*map(self.text, args), *(f"{k} = {self.text(v)}" for k, v in kwargs.items())])


def _attribute(root: str, path: str) -> str:
    text = root
    for part in path.split("."):
        text = f"{text}.{part}" if part.isidentifier() else f'getattr({text}, "{part}")'
    return text


def _statement(node: Node, root: str, names: _Names) -> str:
    annotated = "" if node.type is None else f" : {names.of_type(node.type)}"
    left = f"{node.name}{annotated} = "
    if node.op == "call_method":
        return f"{left}{names.text(node.args[0])}.{node.target}({names.call(node.args[1:], node.kwargs)})"
    if node.op == "call_module":
        return f"{left}{_attribute(root, str(node.target))}({names.call(node.args, node.kwargs)})"
    if node.op == "get_attr":
        return f"{left}{_attribute(root, str(node.target))}"
    target = node.target
    if target in _FORMATS and not node.kwargs:
        return left + _FORMATS[target].format(*map(names.text, node.args))
    if target in _IN_PLACE and not node.kwargs:
        first, second = map(names.text, node.args)
        return f"{first} {_IN_PLACE[target]} {second};  {left}{first}"
    if target is getattr and len(node.args) == 2 and str(node.args[1]).isidentifier():
        return f"{left}{names.text(node.args[0])}.{node.args[1]}"
    assert not isinstance(target, str)
    return f"{left}{names.of(qualified_name(target), target)}({names.call(node.args, node.kwargs)})"


def _last_uses(graph: Graph) -> dict[Node, list[Node]]:
    """For each step the Nodes that nobody needs after it."""
    seen: set[Node] = set()
    last: dict[Node, list[Node]] = {}
    for node in reversed(graph.nodes):
        for used in node.all_input_nodes:
            if used not in seen:
                seen.add(used)
                last.setdefault(node, []).append(used)
    return last


def write(graph: Graph, root: str) -> PythonCode:
    """The text of ``graph`` as a method ``forward`` of the Module that is called ``root`` in it."""
    names = _Names(graph, sys.modules["fxtorch"])
    last = _last_uses(graph)
    arguments, lines, returns = [], [], ""
    for node in graph.nodes:
        if node.op == "placeholder":
            stars, name = ("*" * (len(node.target) - len(node.target.lstrip("*"))), node.target.lstrip("*"))  # type: ignore
            annotated = "" if node.type is None else f" : {names.of_type(node.type)}"
            default = f" = {names.text(node.args[0])}" if node.args else ""
            arguments.append(f"{stars}{name}{annotated}{default}")
            line = "" if name == node.name else f"{node.name} = {name}"
        elif node.op == "output":
            returns = "" if node.type is None else f" -> {names.of_type(node.type)}"
            lines.append(f"return {names.text(node.args[0])}")
            continue
        else:
            line = _statement(node, root, names)
        done = [n.name for n in last.get(node, [])] + ([] if node.users else [node.name])
        if line:
            lines.append(line + (f";  {' = '.join([*done, 'None'])}" if done and node.op != "placeholder" else ""))
    body = "\n    ".join(lines or ["pass"])
    return PythonCode(f"\n\n\ndef forward({', '.join([root, *arguments])}){returns}:\n    {body}\n    ", names.globals)
