"""What a traced function reads and stores by name: attributes, items and variables."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax

from fxtorch.compiler.guards import A_TENSOR, ABSENT, Guards, label
from fxtorch.compiler.places import Item, Place, Whole
from fxtorch.compiler.references import Argument, Entry, Reference
from fxtorch.compiler.results import is_leaf
from fxtorch.compiler.surroundings import Surroundings
from fxtorch.nn import Module
from fxtorch.nn.modules.hooks import GLOBAL_HOOKS
from fxtorch.tensor import Tensor
from fxtorch.tensor.structure import NOTED


class Stores:
    """The part of a :class:`Capture` that hears of names.

    Args:
        assigned: the places that an earlier trace saw assigned.
        names: the attributes that the function's code mentions.

    Attributes:
        writes: what is stored anew, by the identity of its place, and what was there.
        found_new: whether something was found that the trace was not told of.
    """

    def __init__(self, assigned: set[Any], names: frozenset[str]) -> None:
        self.found_new = False
        self.assigned = set(assigned)
        self.writes: dict[Any, tuple[Place, Any]] = {}
        self.surroundings = Surroundings(self.read, self.guard, self.fix, names)
        self.guards = Guards(self.surroundings.naming)
        self.surroundings.on_argument = lambda *fact: self.guards.of_arguments.append(fact)
        self._aliases: dict[int, Reference] = {}  # Tensors that are found anew at each call
        self._fixed: set[int] = set()  # and those that are known by their identity
        self._followed: set[Any] = set()  # places whose Tensors are found there anew
        self._module_states: set[int] = set()  # the dictionaries of Modules

    def argument(self, tensor: Tensor) -> Argument | None:
        """The argument that ``tensor`` stands for."""
        raise NotImplementedError

    def guard(self, name: str, compute: Callable[[], Any]) -> Any:
        """A fact about Python state that the trace relies on."""
        value = compute()
        self.guards.computed(name, compute, value)
        return value

    def read(self, place: Place, value: Any, name: str) -> bool:
        """A value is found at a place that the function can read; true where Tensors there are found anew."""
        if place.identity in self.writes:
            return False
        if place.identity in self.assigned and self._alias(place, value, name):
            return True
        if isinstance(value, Tensor):
            self.fix(value, name)
        if isinstance(place, Whole):
            return False  # its items are guarded when it is known what the function does with them
        if isinstance(place, Item):
            owner = name.removesuffix(f".{label(place.key)}").removesuffix(f"[{label(place.key)}]")
            if isinstance(value, NOTED) and id(place.table) in self._module_states:
                self.guards.table(place.table, place.key, value, owner)
            else:
                self.guards.entry(place.table, place.key, value, "" if owner == name else owner, deep=False)
        else:
            self.guards.variable(place, value, name)
        return False

    def fix(self, tensor: Tensor, name: str) -> None:
        """A Tensor is reached in a way that is guarded by its identity."""
        self._fixed.add(id(tensor))
        entry = self._aliases.get(id(tensor))
        if isinstance(entry, Entry):
            self.guards.computed(f"{entry.name} and {name} are one", lambda: entry.find(()) is tensor, True)

    def _alias(self, place: Place, value: Any, name: str) -> bool:
        """Let the Tensors at a place that is assigned be found there anew at each call; False where there are none."""
        try:
            leaves, tree = jax.tree.flatten(value, is_leaf=is_leaf)
        except ValueError:  # a dict with keys of several kinds, which JAX does not take: it is known by its identity
            return False
        if not leaves or not all(isinstance(x, Tensor) for x in leaves):
            return False
        if any(id(x) in self._aliases or id(x) in self._fixed for x in leaves):
            return False  # it is reached in another way too, which its identity tells
        for i, leaf in enumerate(leaves):
            self._aliases[id(leaf)] = Entry(place, i, name)

        def shape() -> Any:
            found, now = jax.tree.flatten(place.get(), is_leaf=is_leaf)
            return now, all(isinstance(x, Tensor) for x in found)

        self._followed.add(place.identity)
        self.guards.computed(f"{name} holds Tensors", shape, (tree, True))
        return True

    def module(self, module: Any, *, own: bool) -> None:
        """A module is called: look at what its class names; and at itself, unless it was made in the trace."""
        for hooks in GLOBAL_HOOKS:
            self.guards.contents(hooks, hooks, "the hooks of all Modules")
            for hook in hooks.values():
                self.surroundings.value(hook, "a hook of all Modules")
        if own:
            self.surroundings.methods(type(module))
            return
        self.guards.kind(module, self.surroundings.naming.of(module))
        self.surroundings.value(module, self.surroundings.naming.of(module))

    def read_attribute(self, module: Any, table: dict[str, Any], key: str) -> None:
        """A module's attribute was read."""
        name = self.surroundings.naming.of(module)
        if not isinstance(table, NOTED):
            self._module_states.add(id(table))
        if not isinstance(table[key], Module) and (id(table), key) not in self.writes:
            self.surroundings.place(Item(table, key), f"{name}.{key}")
        else:
            self.read(Item(table, key), table[key], f"{name}.{key}")

    def read_table(self, module: Any, state: dict[str, Any], group: str) -> None:
        """A module's attribute was found in one of its three tables, which is to be the same one."""
        self.guards.table(state, group, state[group], self.surroundings.naming.of(module))

    def read_of_class(self, module: Any, state: dict[str, Any], key: str) -> None:
        """A module's attribute was read that its class has; that it has none of its own is a guard."""
        self.guards.table(state, key, ABSENT, self.surroundings.naming.of(module))
        self.surroundings.reads_class(module, key)

    def missed_attribute(self, module: Any, state: dict[str, Any], key: str) -> None:
        """A module has no such attribute."""
        name = self.surroundings.naming.of(module)
        if (id(state), key) not in self.writes:
            for table in (state, *(state.get(g, ()) for g in ("_parameters", "_buffers", "_modules"))):
                if isinstance(table, dict):
                    self.guards.entry(table, key, ABSENT, name)

    def missed_of_tensor(self, tensor: Tensor, key: str) -> None:
        """A Tensor from outside, or one that stands for an argument, has no such attribute."""
        argument = self.argument(tensor)
        if argument is not None:
            self.guards.of_arguments.append((argument.position, key, ABSENT))
        else:
            self.guards.entry(tensor.__dict__, key, ABSENT, A_TENSOR)

    def wrote_attribute(self, table: dict[str, Any], key: str, old: Any) -> None:
        """A module's attribute was assigned."""
        self.wrote(Item(table, key), old)

    def wrote(self, place: Place, old: Any) -> None:
        """Something else is stored at a place."""
        self.writes.setdefault(place.identity, (place, old))
        if place.identity not in self.assigned:
            self.assigned.add(place.identity)
            self.found_new = True
