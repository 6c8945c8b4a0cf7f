"""A version of everything structural: which Tensors and Modules there are, where they hang, and what flags they have.

A compiled step relies on thousands of such facts, and they hardly ever change.  Whoever changes one says so here, so
that a step looks at them again only after :attr:`Structure.version` has become another object.
"""

from __future__ import annotations

import copy
from collections import OrderedDict, defaultdict
from collections.abc import Callable
from typing import Any

_MUTATORS = "__setitem__ __delitem__ __ior__ clear pop popitem setdefault update".split()
_OF_LISTS = "__setitem__ __delitem__ __iadd__ __imul__ append clear extend insert pop remove reverse sort".split()


class Structure:
    """Holds the version.

    Attributes:
        version: an object that is another one after each change; assigned after the change, never compared by value,
            so that two threads cannot undo each other's note.
    """

    __slots__ = ("version",)

    def __init__(self) -> None:
        self.version = object()

    def changed(self) -> None:
        """Note a change, once it is made."""
        self.version = object()


structure = Structure()


def _noting(plain: Callable[..., Any]) -> Callable[..., Any]:
    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            return plain(self, *args, **kwargs)
        finally:
            structure.version = object()

    method.__name__, method.__doc__ = plain.__name__, plain.__doc__
    return method


class Table(dict[Any, Any]):
    """A dict whose changes are noted: the parameters, buffers and modules of a Module, an optimizer's state.

    Pickled it is a plain dict, which is looked through at each call.
    """

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        twin = memo[id(self)] = type(self)()
        for key, value in self.items():
            twin[copy.deepcopy(key, memo)] = copy.deepcopy(value, memo)
        return twin

    def __reduce_ex__(self, protocol: Any) -> Any:
        return dict, (), None, None, iter(self.items())


class HookTable(OrderedDict[int, Any]):
    """An OrderedDict whose changes are noted: hooks."""

    __deepcopy__ = Table.__deepcopy__

    def __reduce_ex__(self, protocol: Any) -> Any:
        return OrderedDict, (), None, None, iter(self.items())


class States(defaultdict[Any, Any]):
    """What an optimizer remembers: a :class:`Table` for each parameter, made when it is asked for."""

    def __init__(self, factory: Any = Table, items: Any = ()) -> None:
        super().__init__(factory, items)

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        return Table.__deepcopy__(self, memo)  # type: ignore[arg-type]

    def __reduce_ex__(self, protocol: Any) -> Any:
        return defaultdict, (dict,), None, None, iter(self.items())


class Row(list[Any]):
    """A list whose changes are noted: the parameters of an optimizer's group."""

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        twin = memo[id(self)] = type(self)()
        twin.extend(copy.deepcopy(item, memo) for item in self)
        return twin

    def __reduce_ex__(self, protocol: Any) -> Any:
        return list, (), None, iter(self)


class Attributes(dict[str, Any]):
    """The ``__dict__`` of a Module: what is written into it past the Module is noted.

    An attribute that is assigned does not come here, since Python writes it as into a plain dict: the Module notes it
    where it counts.

    >>> import fxtorch as torch
    >>> layer = torch.nn.Linear(2, 2)
    >>> before = structure.version
    >>> layer.note = "an attribute that no compiled step relies on without looking at it"
    >>> structure.version is before
    True
    >>> layer.__dict__["_parameters"] = torch.nn.Linear(2, 2)._parameters
    >>> structure.version is before
    False
    """

    __deepcopy__ = Table.__deepcopy__
    __reduce_ex__ = Table.__reduce_ex__
    put = dict.__setitem__  # which is not noted

    @classmethod
    def of(cls, owner: Any) -> Attributes:
        """The ``__dict__`` of a new object, which is made one of this kind."""
        state = owner.__dict__
        if type(state) is not cls:
            state = cls(state)
            object.__setattr__(owner, "__dict__", state)
        return state


_OF_DICTS = (Table, HookTable, States, Attributes)

for _cls, _names in (*((_cls, _MUTATORS) for _cls in _OF_DICTS), (Row, _OF_LISTS)):
    for _name in _names:
        setattr(_cls, _name, _noting(getattr(_cls, _name)))

NOTED = (Table, HookTable, States, Row)
