"""Modules during a trace: attributes that are read are guards, those assigned are carried out, calls are scopes."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import jax

from fxtorch.compiler import errors
from fxtorch.compiler.capture import Capture
from fxtorch.compiler.guards import ABSENT
from fxtorch.compiler.objects import told
from fxtorch.nn import Module
from fxtorch.tensor import Tensor, modes


@contextlib.contextmanager
def watching(capture: Capture) -> Iterator[None]:
    """Trace: Tensors report to ``capture``, and so do the attributes of Modules."""
    before = modes.capture
    plain_get, plain_set = Module.__getattribute__, Module.__setattr__
    plain_missing, plain_call, plain_init = Module.__getattr__, Module.__call__, Module.__init__
    scopes: dict[int, str] = {}
    own: dict[int, Module] = {}  # made in the trace, which is all that its state depends on

    def elsewhere() -> bool:
        """Whether this is another thread, or code that runs outside of the trace."""
        innermost: Any = modes.capture
        while innermost is not None and innermost is not capture:  # transformations inside of the trace
            innermost = getattr(innermost, "outer", None)
        return innermost is None

    def get(self: Module, name: str) -> Any:
        if elsewhere():
            return plain_get(self, name)
        try:
            value = plain_get(self, name)
        except AttributeError:
            state = plain_get(self, "__dict__")
            try:
                value = plain_missing(self, name)
            except AttributeError:
                if id(self) not in own:
                    capture.missed_attribute(self, state, name)
                raise
            if id(self) in own:
                return value
            for group in ("_parameters", "_buffers", "_modules"):
                table = state.get(group, ())
                if name in table:
                    capture.read_table(self, state, group)
                    capture.read_attribute(self, table, name)
            return value
        if not name.startswith("__"):
            state = plain_get(self, "__dict__")
            if name in state:
                if name == "_forward_hooks":  # the first that a call reads
                    capture.module(self, own=id(self) in own)
                if id(self) not in own:
                    capture.read_attribute(self, state, name)
            elif id(self) not in own:
                capture.read_of_class(self, state, name)
        return value

    def set_(self: Module, name: str, value: Any) -> None:
        if elsewhere() or id(self) in own:
            plain_set(self, name, value)
            return
        if id(value) in own:
            raise errors.NotCompilable(
                f"it makes a {type(value).__name__} and keeps it, as the attribute '{name}' of a "
                f"{type(self).__name__}; make it outside of the function"
            )
        state = plain_get(self, "__dict__")
        tables = [state, *(state[g] for g in ("_parameters", "_buffers", "_modules") if g in state)]
        before_each = [t.get(name, ABSENT) for t in tables]
        plain_set(self, name, value)
        for table, old in zip(tables, before_each, strict=True):
            if table.get(name, ABSENT) is not old:
                capture.wrote_attribute(table, name, old)

    def call(self: Module, *args: Any, **kwargs: Any) -> Any:
        if elsewhere():
            return plain_call(self, *args, **kwargs)
        capture.surroundings.classes.reads(type(self), "__call__")
        if id(self) not in scopes:
            for path, module in type(self).named_modules(self):
                scopes.setdefault(id(module), path.rpartition(".")[2] or type(self).__name__)
        with jax.named_scope(scopes[id(self)]):
            return plain_call(self, *args, **kwargs)

    def init(self: Module, *args: Any, **kwargs: Any) -> None:
        if not elsewhere():
            own[id(self)] = self
        plain_init(self, *args, **kwargs)

    def missed(self: Tensor, name: str) -> Any:
        if not elsewhere() and not name.startswith("__") and not capture.is_made(self):
            capture.missed_of_tensor(self, name)
        raise AttributeError(f"'{type(self).__name__}' object has no attribute '{name}'")

    modes.capture = capture
    Tensor.__getattr__ = missed  # type: ignore[method-assign]  (not for good: it would slow every other attribute)
    Module.__init__ = init  # type: ignore[method-assign]
    Module.__call__ = call  # type: ignore[method-assign]
    Module.__getattribute__ = get  # type: ignore[method-assign]
    Module.__setattr__ = set_  # type: ignore[method-assign]
    try:
        with told(capture.surroundings, elsewhere):
            yield
    finally:
        modes.capture = before
        del Tensor.__getattr__  # pyright: ignore[reportAttributeAccessIssue]
        del Module.__getattribute__
        Module.__setattr__ = plain_set  # type: ignore[method-assign]
        Module.__call__ = plain_call  # type: ignore[method-assign]
        Module.__init__ = plain_init  # type: ignore[method-assign]
        own.clear()
