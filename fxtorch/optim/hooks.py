"""Hooks that can be taken off again."""

from __future__ import annotations

import itertools
import weakref
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

Hooks = OrderedDict[int, Callable[..., Any]]
_ids = itertools.count()


class RemovableHandle:
    """Takes one hook off when :meth:`remove` is called or its ``with`` block ends."""

    def __init__(self, hooks: Hooks, key: int) -> None:
        self._hooks = weakref.ref(hooks)
        self.id = key

    @classmethod
    def add(cls, hooks: Hooks, hook: Callable[..., Any], prepend: bool = False) -> RemovableHandle:
        """Put ``hook`` at the end of ``hooks``, or at its beginning."""
        key = next(_ids)
        hooks[key] = hook
        if prepend:
            hooks.move_to_end(key, last=False)
        return cls(hooks, key)

    def remove(self) -> None:
        """Take the hook off; a second call does nothing."""
        hooks = self._hooks()
        if hooks is not None:
            hooks.pop(self.id, None)

    def __enter__(self) -> RemovableHandle:
        return self

    def __exit__(self, *exc: object) -> None:
        self.remove()
