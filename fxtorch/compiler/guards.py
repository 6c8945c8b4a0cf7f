"""What a compiled program took for granted about Python, and the quick check that it still holds."""

from __future__ import annotations

import operator
from collections.abc import Callable, Collection, Iterator, Sequence
from itertools import chain, repeat
from types import FunctionType
from typing import Any

from fxtorch.compiler.naming import Naming
from fxtorch.tensor import Tensor
from fxtorch.tensor.structure import NOTED, Attributes, structure

MOST_ITEMS = 256  # of a container that is compared item by item at each call
ABSENT: Any = object()  # stands for an entry that is not there
A_TENSOR = "a Tensor"
_FLAGS = {"_rg": "requires_grad", "_grad": "grad", "_node": "grad_fn", "_link": "base"}
SIMPLE = (bool, int, float, complex, str, bytes, type(None))


class _Entries:
    """Facts of one kind, as parallel lists, so that their check runs in C: 600 take about 20 microseconds."""

    __slots__ = ("empty", "keys", "sized", "sizes", "tables", "values")

    def __init__(self) -> None:
        self.tables: list[dict[Any, Any]] = []
        self.keys: list[Any] = []
        self.values: list[Any] = []
        self.empty: list[Any] = []
        self.sized: list[Any] = []
        self.sizes: list[int] = []

    def add(self, table: dict[Any, Any], key: Any, value: Any) -> None:
        """``table[key]`` is ``value``."""
        self.tables.append(table)
        self.keys.append(key)
        self.values.append(value)

    def hold(self) -> bool:
        """Whether everything is as it was."""
        return (
            all(map(operator.is_, map(dict.get, self.tables, self.keys, repeat(ABSENT)), self.values))
            and not any(self.empty)
            and all(map(operator.eq, map(len, self.sized), self.sizes))
        )

    def __iter__(self) -> Iterator[tuple[dict[Any, Any], Any, Any]]:
        return zip(self.tables, self.keys, self.values, strict=True)


class _Variables:
    """What variables, slots and attributes of classes are, as parallel lists, so that their check runs in C, too."""

    __slots__ = ("keys", "names", "owners", "places", "values")

    def __init__(self) -> None:
        self.places: list[Any] = []
        self.values: list[Any] = []
        self.names: list[str] = []
        self.owners: list[Any] = []  # of the attributes that the places are to Python
        self.keys: list[str] = []

    def add(self, place: Any, value: Any, name: str) -> None:
        """What is at a place is this very object; for numbers and strings, or an equal one."""
        owner, key = place.attribute
        self.places.append(place)
        self.values.append(value)
        self.names.append(name)
        self.owners.append(owner)
        self.keys.append(key)

    def hold(self) -> bool:
        """Whether everything is as it was."""
        try:
            return all(map(operator.is_, map(getattr, self.owners, self.keys), self.values)) or self._equal()
        except (AttributeError, ValueError):  # one has no value any more
            return self._equal()

    def _equal(self) -> bool:
        now = [place.get() for place in self.places]
        if not all(map(_equal, now, self.values)):
            return False
        self.values = now
        return True

    def __iter__(self) -> Iterator[tuple[Any, Any, str]]:
        return zip(self.places, self.values, self.names, strict=True)


class Guards:
    """The facts that one trace relied on.

    Most are structural: entries of tables that note their changes, and flags of Tensors.  They are looked at again
    only when :data:`fxtorch.tensor.structure.structure` has another version than at the last look.
    """

    def __init__(self, naming: Naming | None = None) -> None:
        self._naming = naming or Naming()
        self._seen: set[tuple[int, Any]] = set()
        self._noted = _Entries()
        self._plain = _Entries()
        self._version: Any = None  # of the structure, when the noted facts were last looked at and held
        self._number_tables: list[dict[Any, Any]] = []
        self._number_keys: list[Any] = []
        self._numbers: list[Any] = []
        self._variables = _Variables()
        self._computed: list[tuple[str | Callable[[], str], Callable[[], Any], Any]] = []
        self._noted_computed: list[tuple[str | Callable[[], str], Callable[[], Any], Any]] = []
        self._names: dict[int, str] = {}
        self.of_arguments: list[tuple[int, str, Any]] = []  # positions, and what was hung on the Tensors there
        self._items: list[tuple[Any, Any]] = []  # lists and sets, and what was in them

    def entry(self, table: dict[Any, Any], key: Any, value: Any, name: str = "", *, deep: bool = True) -> None:
        """``table[key]`` is ``value``: the same object, or for numbers and strings an equal one of the same type.

        With ``deep`` a container also has the items that it has now.
        """
        if (id(table), key) in self._seen:
            return
        self._seen.add((id(table), key))
        self._names.setdefault(id(table), name)
        if isinstance(value, SIMPLE) and not isinstance(value, bool | type(None)):
            self._number(table, key, value)
            return
        if isinstance(value, tuple) and all(isinstance(v, SIMPLE) for v in value):
            self._number(table, key, value)
            return
        (self._noted if isinstance(table, NOTED) else self._plain).add(table, key, value)
        if deep and isinstance(value, dict | list | set):
            self.contents(value, value, f"{name}.{label(key)}" if name else label(key))

    def flag(self, tensor: Tensor, key: str) -> None:
        """A Tensor's flag, or place on the tape, is what it is: whoever changes one notes it."""
        self._structural(tensor.__dict__, key, tensor.__dict__.get(key, ABSENT), A_TENSOR)

    def table(self, state: dict[str, Any], key: str, value: Any, name: str) -> None:
        """A Module's table of parameters, modules or hooks is the same one: setting it is noted."""
        if isinstance(state, Attributes):
            self._structural(state, key, value, name)
        else:
            self.entry(state, key, value, name, deep=False)

    def _structural(self, table: dict[Any, Any], key: Any, value: Any, name: str) -> None:
        if (id(table), key) not in self._seen:
            self._seen.add((id(table), key))
            self._names.setdefault(id(table), name)
            self._noted.add(table, key, value)

    def kind(self, module: Any, name: str) -> None:
        """A Module is of the class that it is, with its attributes in the same dict; assigning another is noted."""
        if (id(module), "class") in self._seen:
            return
        self._seen.add((id(module), "class"))
        state = _attributes(module)

        def now() -> Any:
            return type(module) if _attributes(module) is state else f"{type(module).__name__} with other attributes"

        self._noted_computed.append((f"the class of {name}", now, type(module)))

    def contents(self, container: Any, items: Any, name: str = "") -> None:
        """A dictionary, list or set has the given items."""
        if (id(container), "contents") in self._seen:
            return
        self._seen.add((id(container), "contents"))
        self._names.setdefault(id(container), name)
        self.size(container, len(items), name)
        if not items or len(items) > MOST_ITEMS:
            return
        if isinstance(container, dict):
            for key, value in items.items():
                self.entry(container, key, value, name, deep=container is items)
        else:
            expected = items.copy()
            self._items.append((container, expected))
            same = operator.eq if isinstance(container, set) else _same_items
            computed = self._noted_computed if isinstance(container, NOTED) else self._computed
            computed.append((f"the items of {name}", lambda: same(container, expected), True))

    def _number(self, table: dict[Any, Any], key: Any, value: Any) -> None:
        self._number_tables.append(table)
        self._number_keys.append(key)
        self._numbers.append(value)

    def size(self, container: Any, size: int, name: str = "") -> None:
        """A container has as many items, or none."""
        if size:
            self.sized(container, size, name)
        else:
            self._names.setdefault(id(container), name)
            (self._noted if isinstance(container, NOTED) else self._plain).empty.append(container)

    def sized(self, container: Any, size: int, name: str = "") -> None:
        """A dictionary has as many items."""
        self._names.setdefault(id(container), name)
        entries = self._noted if isinstance(container, NOTED) else self._plain
        entries.sized.append(container)
        entries.sizes.append(size)

    def computed(self, name: str | Callable[[], str], compute: Callable[[], Any], value: Any) -> None:
        """``compute()`` equals ``value``."""
        self._computed.append((name, compute, value))

    def variable(self, place: Any, value: Any, name: str) -> None:
        """A variable of an enclosing function, a slot or an attribute of a class is what it is."""
        self._variables.add(place, value, name)

    def _entries(self) -> Iterator[tuple[dict[Any, Any], Any, Any]]:
        return chain(self._noted, self._plain)

    def tables(self) -> Iterator[tuple[dict[Any, Any], dict[Any, Any], bool]]:
        """Each dictionary that is looked at, what was in it (ABSENT: nothing), and whether that was all."""
        then: dict[int, tuple[dict[Any, Any], dict[Any, Any]]] = {}
        numbers = zip(self._number_tables, self._number_keys, self._numbers, strict=True)
        for table, key, value in chain(self._entries(), numbers):
            then.setdefault(id(table), (table, {}))[1][key] = value
        sizes = {id(c): n for e in (self._noted, self._plain) for c, n in zip(e.sized, e.sizes, strict=True)}
        for container in chain(self._noted.empty, self._plain.empty):
            if isinstance(container, dict):
                then.setdefault(id(container), (container, {}))
                sizes[id(container)] = 0
        for key, (table, facts) in then.items():
            yield table, facts, sizes.get(key) == sum(value is not ABSENT for value in facts.values())

    def others(self) -> Iterator[tuple[Any, Any]]:
        """Each list or set that is looked at, and what was in it."""
        yield from self._items
        for container in chain(self._noted.empty, self._plain.empty):
            if not isinstance(container, dict):
                yield container, ()

    def variables(self) -> Iterator[tuple[Any, Any]]:
        """Each variable, slot and attribute of a class, and what it was."""
        return ((place, value) for place, value, _ in self._variables)

    def moved(self) -> set[Any]:
        """The places where there was a Tensor and is another one now: the next trace finds it there at each call."""
        pairs = [((id(t), k), v, t.get(k)) for t, k, v in self._entries()]
        pairs += [(place.identity, value, place.get()) for place, value, _ in self._variables]
        return {identity for identity, old, now in pairs if old is not now and type(old) is type(now) is Tensor}

    def hold(self) -> bool:
        """Whether everything is as it was."""
        version = structure.version
        if version is not self._version:
            if not self._noted.hold() or not all(compute() == value for _, compute, value in self._noted_computed):
                return False
            self._version = version
        if not self._plain.hold():
            return False
        if not (all(map(operator.is_, self._now(), self._numbers)) or self._equal_numbers()):
            return False
        if not self._variables.hold():
            return False
        return all([compute() == value for _, compute, value in self._computed])  # noqa: C419  (a list is faster)

    def fit(self, leaves: Sequence[Any]) -> bool:
        """Whether what is hung on the arguments is what it was."""
        told = self.of_arguments
        return not told or all(_equal(leaves[i].__dict__.get(key, ABSENT), value) for i, key, value in told)

    def forget(self) -> None:
        """Look at everything at the next check: somebody changes flags for a moment and does not say so."""
        self._version = None

    def _now(self) -> Iterator[Any]:
        return map(dict.get, self._number_tables, self._number_keys, repeat(ABSENT))

    def _equal_numbers(self) -> bool:
        """Whether numbers and strings that are other objects than before are equal ones."""
        now = list(self._now())
        if not all(map(_equal, now, self._numbers)):
            return False
        self._numbers = now
        return True

    def broken(self) -> list[str]:
        """What has changed, with old and new values."""
        out = []
        for table, key, value in self._entries():
            now = table.get(key, ABSENT)
            if now is not value:
                out.append(self._change(table, key, value, now))
        for entries in (self._noted, self._plain):
            out += [
                f"{self._names.get(id(c), 'a container')} was empty, has {len(c)} items" for c in entries.empty if c
            ]
            for c, size in zip(entries.sized, entries.sizes, strict=True):
                if len(c) != size:
                    out.append(f"{self._names.get(id(c), 'a container')} had {size} items, has {len(c)}")
        for table, key, value, now in zip(
            self._number_tables, self._number_keys, self._numbers, self._now(), strict=True
        ):
            if not _equal(now, value):
                out.append(self._change(table, key, value, now))
        out += [
            f"{name}: {_became(value, now)}"
            for place, value, name in self._variables
            if not _equal(now := place.get(), value)
        ]
        out += [
            f"{name if isinstance(name, str) else name()}: {value!r} became {now!r}"
            for name, f, value in (*self._noted_computed, *self._computed)
            if (now := f()) != value
        ]
        return out

    def describe(self) -> list[str]:
        """Each fact, a line each."""
        out = [
            f"{self._name(t, k)} is {_show(v)}" for t, k, v in self._entries() if not isinstance(v, dict | list | set)
        ]
        out += [
            f"{self._name(t, k)} == {v!r}"
            for t, k, v in zip(self._number_tables, self._number_keys, self._numbers, strict=True)
        ]
        out += [f"{name} is {_show(value)}" for _, value, name in self._variables]
        out += [f"argument {i}.{key} is {_show(value)}" for i, key, value in self.of_arguments]
        named = [
            (name if isinstance(name, str) else name(), value)
            for name, _, value in (*self._noted_computed, *self._computed)
        ]
        out += [f"{name} == {value!r}" for name, value in named if name]
        return out

    def _name(self, table: dict[Any, Any], key: Any) -> str:
        owner = self._names.get(id(table), "")
        if owner == A_TENSOR:
            return f"{self._naming.of_tensor(table)}.{_FLAGS.get(key, key.strip('_'))}"
        return f"{owner}.{label(key)}" if owner else label(key)

    def _change(self, table: dict[Any, Any], key: Any, old: Any, new: Any) -> str:
        return f"{self._name(table, key)}: {_became(old, new)}"


def _attributes(module: Any) -> dict[str, Any]:
    return object.__getattribute__(module, "__dict__")


def label(key: Any) -> str:
    """What an entry of a dictionary is called; not by the values of a Tensor, which a trace does not have."""
    return str(key) if isinstance(key, str | int) else f"<{type(key).__name__}>"


def _equal(a: Any, b: Any) -> bool:
    if a is b:
        return True
    if a.__class__ is not b.__class__ or not isinstance(a, (*SIMPLE, tuple)) or a != b:
        return False
    return not isinstance(a, float | complex | tuple) or repr(a) == repr(b)  # 0.0 and -0.0, (1,) and (True,) differ


def _same_items(now: Collection[Any], then: Collection[Any]) -> bool:
    return len(now) == len(then) and (all(map(operator.is_, now, then)) or all(map(_equal, now, then)))


def _became(old: Any, new: Any) -> str:
    before, after = _show(old), _show(new)
    return f"{before} became {f'another {before[2:]}' if before == after and before.startswith('a ') else after}"


def _show(value: Any) -> str:
    if value is ABSENT:
        return "absent"
    if isinstance(value, Tensor):
        return f"a Tensor {tuple(value.shape)}"
    value = getattr(value, "fget", None) or getattr(value, "__func__", value)  # a property's, a method's
    if isinstance(value, FunctionType):
        return f"{value.__qualname__} (line {value.__code__.co_firstlineno} of {value.__module__})"
    return repr(value) if isinstance(value, SIMPLE) else f"a {type(value).__name__}"


def signature(leaves: Sequence[Any]) -> tuple[Any, ...]:
    """What of the arguments decides which program runs: types and shapes of Tensors, values of everything else."""
    key: list[Any] = []
    seen: dict[int, int] = {}
    for leaf in leaves:
        if isinstance(leaf, Tensor):
            if seen.setdefault(id(leaf), len(key)) != len(key):
                key.append(("argument", seen[id(leaf)]))  # the same Tensor once more
                continue
            if leaf._link is not None:
                leaf.requires_grad  # noqa: B018  (brings the view up to date)
            data = leaf._data
            hooks = leaf._hooks or leaf._post_hooks
            key.append(
                (data.aval, leaf._rg, leaf._node is None, leaf._rg and leaf._grad is None, hooks and _hooks(leaf))
            )
        elif hasattr(leaf, "aval"):
            key.append(leaf.aval)
        elif hasattr(leaf, "shape") and hasattr(leaf, "dtype"):
            key.append((leaf.shape, leaf.dtype))
        else:
            key.append((leaf.__class__, _hashable(leaf)))
    return tuple(key)


def _hooks(leaf: Tensor) -> tuple[Any, ...]:
    return tuple(hook for table in (leaf._hooks, leaf._post_hooks) if table for hook in table.items())


def _hashable(value: Any) -> Any:
    try:
        hash(value)
    except TypeError:
        return id(value)
    return value if not isinstance(value, float | complex) else repr(value)  # which tells 0.0, -0.0 and nan apart
