"""A pickle machine that runs no code from the file: it knows few instructions and calls only what is admitted."""

from __future__ import annotations

import pickle
import struct
from _compat_pickle import IMPORT_MAPPING, NAME_MAPPING
from collections import Counter, OrderedDict
from collections.abc import Callable, Mapping
from typing import Any

UnpicklingError = pickle.UnpicklingError
_END = object()
# what reading on from a wrong byte runs into
_DAMAGE = (LookupError, ValueError, TypeError, AttributeError, OverflowError, struct.error)


def full_name(module: str, name: str) -> str:
    """The dotted name of what a pickle names, which older protocols do as Python 2 did.

    >>> full_name("__builtin__", "set")
    'builtins.set'
    """
    module, name = NAME_MAPPING.get((module, name), (module, name))
    return f"{IMPORT_MAPPING.get(module, module)}.{name}"


class Machine:
    """Reads one pickle.

    Args:
        data: the pickle.
        admitted: by dotted name, what the file may name: values, classes and functions.
        trusted: those that the user let in; they may also be built by their own state.
        load_storage: turns a reference to a storage into what the admitted functions take.

    Raises:
        UnpicklingError: (from :meth:`run`) the file names something else, or is no pickle of this kind.
    """

    def __init__(
        self,
        data: bytes,
        admitted: Mapping[str, Any],
        trusted: Mapping[str, Any],
        load_storage: Callable[[tuple[Any, ...]], Any],
    ) -> None:
        self._data = data
        self._at = 0
        self._named = {**admitted, **trusted}
        # compared by identity: what a file makes may define any equality
        self._callable = {id(value) for value in self._named.values() if callable(value)}
        self._trusted = {id(value) for value in trusted.values()}
        self._load_storage = load_storage
        self._stack: list[Any] = []
        self._marks: list[list[Any]] = []
        self._memo: dict[int, Any] = {}

    def run(self) -> Any:
        """The object that the pickle describes."""
        try:
            while True:
                code = self._take(1)[0]
                instruction = _INSTRUCTIONS.get(code)
                if instruction is None:
                    raise UnpicklingError(f"Unsupported operand {code}")
                if instruction(self) is _END:
                    return self._stack.pop()
        except _DAMAGE as error:
            raise UnpicklingError(f"the pickle is damaged at byte {self._at} ({error!r})") from error

    # --- reading --------------------------------------------------------------------------------------------------

    def _take(self, count: int) -> bytes:
        taken = self._data[self._at : self._at + count]
        if len(taken) != count:
            raise UnpicklingError("the pickle is cut short")
        self._at += count
        return taken

    def _line(self) -> str:
        end = self._data.find(b"\n", self._at)
        if end < 0:
            raise UnpicklingError("the pickle is cut short")
        line = self._data[self._at : end].decode()
        self._at = end + 1
        return line

    def _number(self, form: str) -> Any:
        return struct.unpack(form, self._take(struct.calcsize(form)))[0]

    def _text(self, form: str) -> None:
        self._stack.append(self._take(self._number(form)).decode("utf-8", "surrogatepass"))

    def _bytes(self, form: str) -> None:
        self._stack.append(self._take(self._number(form)))

    def _long(self) -> None:
        self._stack.append(int.from_bytes(self._take(self._number("<B")), "little", signed=True))

    # --- stack and memo -------------------------------------------------------------------------------------------

    def _push(self, value: Any) -> None:
        self._stack.append(value)

    def _mark(self) -> None:
        self._marks.append(self._stack)
        self._stack = []

    def _since_mark(self) -> list[Any]:
        items = self._stack
        self._stack = self._marks.pop()
        return items

    def _tuple(self, count: int) -> None:
        if len(self._stack) < count:
            raise IndexError("stack")
        items = tuple(self._stack[-count:])
        del self._stack[-count:]
        self._stack.append(items)

    def _pop(self) -> None:
        self._stack.pop()

    def _put(self, form: str) -> None:
        self._memo[self._number(form)] = self._stack[-1]

    def _memoize(self) -> None:
        self._memo[len(self._memo)] = self._stack[-1]

    def _get(self, form: str) -> None:
        self._stack.append(self._memo[self._number(form)])

    # --- containers -----------------------------------------------------------------------------------------------

    def _append(self, items: list[Any]) -> None:
        target = self._stack[-1]
        if type(target) is not list:
            raise UnpicklingError(f"Can only append to lists, but got {type(target)}")
        target.extend(items)

    def _set_items(self, items: list[Any]) -> None:
        target = self._stack[-1]
        if type(target) not in (dict, OrderedDict, Counter):
            raise UnpicklingError(
                f"Can only set items of dict, collections.OrderedDict, collections.Counter, but got {type(target)}"
            )
        for key, value in zip(items[0::2], items[1::2], strict=True):
            target[key] = value

    def _add_items(self) -> None:
        items = self._since_mark()
        target = self._stack[-1]
        if type(target) is not set:
            raise UnpicklingError(f"Can only add to sets, but got {type(target)}")
        target.update(items)

    # --- objects --------------------------------------------------------------------------------------------------

    def _global(self) -> None:
        module, name = self._line(), self._line()
        self._name(module, name)

    def _stack_global(self) -> None:
        name, module = self._stack.pop(), self._stack.pop()
        self._name(module, name)

    def _name(self, module: str, name: str) -> None:
        full = full_name(module, name)
        if full not in self._named:
            shown = full.removeprefix("builtins.")
            raise UnpicklingError(
                f"Unsupported global: GLOBAL {shown} was not an allowed global by default. Please use "
                f"`torch.serialization.add_safe_globals([{shown}])` or the "
                f"`torch.serialization.safe_globals([{shown}])` context manager to allowlist this global if you trust "
                "this class/function."
            )
        self._stack.append(self._named[full])

    def _reduce(self) -> None:
        args, function = self._stack.pop(), self._stack[-1]
        if id(function) not in self._callable:
            raise UnpicklingError(f"Trying to call reduce for unrecognized function {function}")
        self._stack[-1] = self._call(function, args)

    def _new_object(self) -> None:
        args, cls = self._stack.pop(), self._stack.pop()
        if id(cls) not in self._trusted:
            raise UnpicklingError(
                f"Can only create new object for classes allowlisted via `add_safe_globals` but got {cls}"
            )
        self._stack.append(self._call(cls.__new__, (cls, *args)))

    def _call(self, function: Callable[..., Any], args: Any) -> Any:
        if not isinstance(args, tuple):
            raise UnpicklingError("the pickle is damaged: arguments are no tuple")
        try:
            return function(*args)
        except _DAMAGE as error:
            name = getattr(function, "__name__", function)
            raise UnpicklingError(f"the file's arguments of {name} are wrong: {error}") from error

    def _build(self) -> None:
        state, made = self._stack.pop(), self._stack[-1]
        if type(made) is OrderedDict:
            if not isinstance(state, dict):
                raise UnpicklingError("the pickle is damaged: attributes are no dict")
            made.__dict__.update(state)
            return
        if id(type(made)) not in self._trusted:
            raise UnpicklingError(
                "Can only build Tensor, Parameter, OrderedDict or types allowlisted via `add_safe_globals`, but got "
                f"{type(made)}"
            )
        if hasattr(made, "__setstate__"):
            made.__setstate__(state)
            return
        attributes, slots = state if isinstance(state, tuple) and len(state) == 2 else (state, None)
        made.__dict__.update(attributes or {})
        for name, value in (slots or {}).items():
            setattr(made, name, value)

    def _persistent(self) -> None:
        reference = self._stack.pop()
        if not isinstance(reference, tuple) or len(reference) not in (5, 6) or reference[0] != "storage":
            raise UnpicklingError(f"Only persistent_load of storage is allowed, but got {reference!r:.80}")
        self._stack.append(self._load_storage(reference))


_INSTRUCTIONS: dict[int, Callable[[Machine], Any]] = {
    code[0]: run
    for code, run in {
        pickle.PROTO: lambda m: m._take(1),
        pickle.FRAME: lambda m: m._take(8),
        pickle.STOP: lambda m: _END,
        pickle.MARK: Machine._mark,
        pickle.POP: Machine._pop,
        pickle.NONE: lambda m: m._push(None),
        pickle.NEWTRUE: lambda m: m._push(True),
        pickle.NEWFALSE: lambda m: m._push(False),
        pickle.BININT: lambda m: m._push(m._number("<i")),
        pickle.BININT1: lambda m: m._push(m._number("<B")),
        pickle.BININT2: lambda m: m._push(m._number("<H")),
        pickle.BINFLOAT: lambda m: m._push(m._number(">d")),
        pickle.LONG1: Machine._long,
        pickle.BINUNICODE: lambda m: m._text("<I"),
        pickle.SHORT_BINUNICODE: lambda m: m._text("<B"),
        pickle.SHORT_BINSTRING: lambda m: m._text("<B"),
        pickle.BINBYTES: lambda m: m._bytes("<I"),
        pickle.SHORT_BINBYTES: lambda m: m._bytes("<B"),
        pickle.EMPTY_TUPLE: lambda m: m._push(()),
        pickle.EMPTY_LIST: lambda m: m._push([]),
        pickle.EMPTY_DICT: lambda m: m._push({}),
        pickle.EMPTY_SET: lambda m: m._push(set()),
        pickle.TUPLE: lambda m: m._push(tuple(m._since_mark())),
        pickle.TUPLE1: lambda m: m._tuple(1),
        pickle.TUPLE2: lambda m: m._tuple(2),
        pickle.TUPLE3: lambda m: m._tuple(3),
        pickle.APPEND: lambda m: m._append([m._stack.pop()]),
        pickle.APPENDS: lambda m: m._append(m._since_mark()),
        pickle.SETITEM: lambda m: m._set_items([m._stack.pop(), m._stack.pop()][::-1]),
        pickle.SETITEMS: lambda m: m._set_items(m._since_mark()),
        pickle.ADDITEMS: Machine._add_items,
        pickle.BINPUT: lambda m: m._put("<B"),
        pickle.LONG_BINPUT: lambda m: m._put("<I"),
        pickle.MEMOIZE: Machine._memoize,
        pickle.BINGET: lambda m: m._get("<B"),
        pickle.LONG_BINGET: lambda m: m._get("<I"),
        pickle.GLOBAL: Machine._global,
        pickle.STACK_GLOBAL: Machine._stack_global,
        pickle.REDUCE: Machine._reduce,
        pickle.NEWOBJ: Machine._new_object,
        pickle.BUILD: Machine._build,
        pickle.BINPERSID: Machine._persistent,
    }.items()
}
