"""Attributes of classes: somebody may put another method into a library's class, or into one of the user's."""

from __future__ import annotations

import dis
from collections.abc import Iterator, Sequence
from functools import cache
from types import CodeType, FunctionType
from typing import Any

from fxtorch.compiler.names import all_names, is_users
from fxtorch.compiler.places import Slot
from fxtorch.tensor import Tensor

_BINARY = {
    "+": "add", "-": "sub", "*": "mul", "@": "matmul", "/": "truediv", "//": "floordiv", "%": "mod", "**": "pow",
    "<<": "lshift", ">>": "rshift", "&": "and", "|": "or", "^": "xor", "[]": "getitem",
}  # fmt: skip
_COMPARED = {"<": "lt", "<=": "le", "==": "eq", "!=": "ne", ">": "gt", ">=": "ge"}
_OTHERS = {
    "UNARY_NEGATIVE": "neg", "UNARY_POSITIVE": "pos", "UNARY_INVERT": "invert", "GET_ITER": "iter",
    "BINARY_SUBSCR": "getitem", "BINARY_SLICE": "getitem", "STORE_SUBSCR": "setitem", "STORE_SLICE": "setitem",
    "DELETE_SUBSCR": "delitem", "CONTAINS_OP": "contains", "UNPACK_SEQUENCE": "iter",
}  # fmt: skip
_TOLD_OTHERWISE = frozenset({"__getattribute__", "__setattr__", "__delattr__", "__getattr__"})  # others in a trace


class Classes:
    """The attributes of classes that one trace relies on; which they are is settled when it is over.

    A trace itself has methods of its own in some classes meanwhile.
    """

    def __init__(self) -> None:
        self._read: dict[tuple[type, str], None] = {}
        self._codes: dict[CodeType, None] = {}
        self._trainers: dict[type, None] = {}

    def reads(self, cls: type, name: str) -> None:
        """An attribute of a class is read, by its own code or an object."""
        if name not in _TOLD_OTHERWISE:
            self._read[cls, name] = None

    def has(self, cls: type, name: str) -> None:
        """A class of the user's has a method: operators may call it, or it may call a library's by ``super()``."""
        if name.startswith("__"):
            self.reads(cls, name)
        elif (base := next((c for c in cls.__mro__ if name in vars(c) and not is_users(c)), None)) is not None:
            self.reads(base, name)

    def runs(self, code: CodeType) -> None:
        """Code may run: it may ask Tensors, optimizers and schedulers for what it names."""
        self._codes[code] = None

    def met(self, cls: type) -> None:
        """There is an optimizer or a scheduler of a class."""
        self._trainers[cls] = None

    def settle(self) -> Iterator[tuple[Slot, Any, str]]:
        """Each attribute of a class that counts, what it is, and its name."""
        named = frozenset[str]().union(*map(all_names, self._codes))
        operators = frozenset[str]().union(*map(operators_of, self._codes))
        asked = {(cls, name): None for cls in self._trainers for name in _public(cls, named)}
        asked |= dict.fromkeys((Tensor, name) for name in (*_public(Tensor, named), *sorted(operators)))
        for cls, name in self._read | asked:
            place = Slot(cls, name)
            value = next((vars(c)[name] for c in cls.__mro__ if name in vars(c)), None)
            if isinstance(value, FunctionType | property | staticmethod | classmethod):
                yield place, value, f"{cls.__qualname__}.{name}"


def _public(cls: type, names: frozenset[str]) -> Sequence[str]:
    """Those of the names that a class has, and that have no meaning to Python."""
    return sorted(name for name in names if not name.startswith("_") and hasattr(cls, name))


@cache
def operators_of(code: CodeType) -> frozenset[str]:
    """The methods that the operators in code stand for, in functions within it too.

    >>> sorted(operators_of((lambda a, b: -a[0] <= b).__code__))
    ['__ge__', '__getitem__', '__le__', '__neg__']
    """
    found: set[str] = set()
    for step in dis.get_instructions(code):
        if step.opname == "BINARY_OP":
            name = _BINARY[step.argrepr.removesuffix("=")]
            found |= {f"__{name}__", f"__r{name}__"} | ({f"__i{name}__"} if step.argrepr.endswith("=") else set())
        elif step.opname == "COMPARE_OP" and (name := _COMPARED.get(step.argval)):
            found |= {f"__{name}__", f"__{name.translate(_TURNED)}__"}
        elif step.opname in _OTHERS:
            found.add(f"__{_OTHERS[step.opname]}__")
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            found |= operators_of(constant)
    return frozenset(found)


_TURNED = str.maketrans("lg", "gl")  # a < b may be asked as b > a
