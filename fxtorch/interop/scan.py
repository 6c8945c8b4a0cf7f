"""Reading a program's source for the names of torch's that it uses and fxtorch lacks."""

from __future__ import annotations

import ast
import importlib
import importlib.util
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

from fxtorch.interop.alias import real_name
from fxtorch.interop.lacking import Record, near


def scan(path: Path, into: Record) -> None:
    """Note every name that the file ``path``, and the files beside it that it imports, use and fxtorch lacks."""
    _File(path.parent, into, {path.resolve()}).read(path)


def scan_source(source: str, name: str, into: Record) -> None:
    """:func:`scan` of source text that is in no file."""
    _File(Path.cwd(), into, set()).read_source(source, name)


class _File:
    """One program: its folder, and the files of it that were read."""

    def __init__(self, folder: Path, into: Record, seen: set[Path]) -> None:
        self.folder, self.into, self.seen = folder, into, seen

    def read(self, path: Path) -> None:
        """Read one file."""
        self.read_source(path.read_text(encoding="utf-8", errors="replace"), str(path))

    def read_source(self, source: str, name: str) -> None:
        """Read text."""
        try:
            tree = ast.parse(source)
        except SyntaxError:
            return  # running it will say so
        guarded = {id(inner) for node in ast.walk(tree) if isinstance(node, ast.Try) for inner in _of_try(node)}
        bound: dict[str, str] = {}  # what names of the file stand for, in torch's names
        for node in ast.walk(tree):
            if isinstance(node, ast.Import | ast.ImportFrom) and id(node) not in guarded:
                place = f"{name}:{node.lineno}"
                for public, asname, whole in _imported(node):
                    if real_name(public) is not None:
                        bound[asname] = whole
                        self._check(public, place)
                    else:
                        self._follow(public)
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute) and id(node) not in guarded:
                public = _dotted(node)
                root, dot, rest = public.partition(".")
                if dot and root in bound:
                    self._check(f"{bound[root]}.{rest}", f"{name}:{node.lineno}")

    def _follow(self, module: str) -> None:
        """Read a module of the program's own."""
        for end in (".py", "/__init__.py"):
            path = (self.folder / (module.replace(".", "/") + end)).resolve()
            if path.is_file() and path not in self.seen:
                self.seen.add(path)
                self.read(path)

    def _check(self, public: str, place: str) -> None:
        missing, known = _first_missing(public)
        if missing is not None:
            self.into.add(missing, place, near(missing.rpartition(".")[2], known))


def _of_try(node: ast.Try) -> Iterator[ast.AST]:
    """What runs where a failure was thought of."""
    if any("Error" in ast.unparse(h.type) or "Exception" in ast.unparse(h.type) for h in node.handlers if h.type):
        for statement in node.body:
            yield from ast.walk(statement)


def _imported(node: ast.Import | ast.ImportFrom) -> Iterator[tuple[str, str, str]]:
    """For each name that is imported: its dotted name, the name it gets, and what that stands for."""
    if isinstance(node, ast.Import):
        for a in node.names:
            yield a.name, a.asname or a.name.partition(".")[0], a.name if a.asname else a.name.partition(".")[0]
        return
    module = node.module or ""
    for a in node.names:
        full = module if a.name == "*" else f"{module}.{a.name}" if module else a.name
        yield full, a.asname or a.name, full
        if real_name(module) is None and module:
            yield module, a.asname or a.name, module


def _dotted(node: ast.expr) -> str:
    """``torch.nn.Linear`` of an expression; an empty text for anything else."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        inner = _dotted(node.value)
        return f"{inner}.{node.attr}" if inner else ""
    return ""


def _first_missing(public: str) -> tuple[str | None, list[str]]:
    """The first part of a dotted name that is not there, and the names beside it."""
    root, *rest = public.split(".")
    try:
        value: Any = importlib.import_module(real_name(root) or root)
    except ModuleNotFoundError:
        return root, []
    name = root
    for part in rest:
        inner = f"{name}.{part}"
        found = value.__dict__.get(part, _NONE) if isinstance(value, ModuleType) else getattr(value, part, _NONE)
        if found is _NONE:
            found = _module(inner) if isinstance(value, ModuleType) else _NONE
        if found is _NONE and isinstance(value, ModuleType):
            found = _from_getattr(value, part)
        if found is _NONE:
            return inner, dir(value)
        value, name = found, inner
        if not isinstance(value, ModuleType | type):
            break  # what an object or a function carries is not known before the program runs
    return None, []


def _module(public: str) -> Any:
    try:
        return importlib.import_module(real_name(public) or public)
    except ImportError:
        return _NONE


def _from_getattr(module: ModuleType, name: str) -> Any:
    make = module.__dict__.get("__getattr__")
    if make is None:
        return _NONE
    try:
        return make(name)
    except (AttributeError, ImportError):
        return _NONE


_NONE = object()
