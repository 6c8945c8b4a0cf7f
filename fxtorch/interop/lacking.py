"""Names of torch's that fxtorch lacks: what a program is told, and the record of them for a report."""

from __future__ import annotations

import difflib
import opcode
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from types import FrameType, ModuleType
from typing import Any


def near(name: str, known: Iterable[str]) -> list[str]:
    """The public ones of ``known`` that look like ``name``, the nearest first.

    >>> near("Conv2D", ["Conv2d", "Linear", "_Conv2D"])
    ['Conv2d']
    """
    public: dict[str, list[str]] = {}
    for k in sorted(known):
        if not k.startswith("_"):
            public.setdefault(k.lower(), []).append(k)
    return [k for found in difflib.get_close_matches(name.lower(), public, cutoff=0.7) for k in public[found]]


def lacks(owner: str, name: str, known: Iterable[str]) -> str:
    """The sentence for a name that ``owner`` lacks."""
    found = near(name, known)
    return f"{owner} has no attribute '{name}': fxtorch lacks it" + (
        f"; near names: {', '.join(found)}" if found else ""
    )


@dataclass
class Record:
    """The names that a program touched and fxtorch lacks, and where it did so first."""

    places: dict[str, str] = field(default_factory=dict)
    hints: dict[str, list[str]] = field(default_factory=dict)

    def add(self, name: str, place: str, hint: Iterable[str] = ()) -> None:
        """Note that ``place`` touched ``name``."""
        if name not in self.places:
            self.places[name] = place
            self.hints[name] = list(hint)

    def __bool__(self) -> bool:
        return bool(self.places)

    def __str__(self) -> str:
        width = max(map(len, self.places), default=0)
        lines = [
            f"  {name:{width}}  {place}" + (f"  near: {', '.join(self.hints[name])}" if self.hints[name] else "")
            for name, place in sorted(self.places.items())
        ]
        return "\n".join([f"fxtorch lacks {len(lines)} of the names that this program touches:", *lines])


class Missing:
    """Stands for a missing name while they are recorded: it can be called, subclassed, entered, and yields itself."""

    def __init__(self, name: str) -> None:
        self.__name = name

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """What a decorator would return, or another stand-in."""
        if len(args) == 1 and not kwargs and callable(args[0]) and not isinstance(args[0], Missing):
            return args[0]
        return Missing(f"{self.__name}()")

    def __getattr__(self, name: str) -> Missing:
        if name.startswith("__"):
            raise AttributeError(name)
        return Missing(f"{self.__name}.{name}")

    def __mro_entries__(self, bases: tuple[Any, ...]) -> tuple[type, ...]:
        return ()

    def __enter__(self) -> Missing:
        return self

    def __exit__(self, *exc: object) -> None:
        pass

    def __iter__(self) -> Any:
        return iter(())

    def __bool__(self) -> bool:
        return False

    def __getitem__(self, key: Any) -> Missing:
        return self

    def __repr__(self) -> str:
        return f"<{self.__name}, which fxtorch lacks>"


_record: Record | None = None


def record(into: Record | None) -> None:
    """From now on note missing names there, and let programs go on with a stand-in; None: raise where they are used."""
    global _record
    _record = into


def recording() -> bool:
    """Whether missing names are noted."""
    return _record is not None


def _instruction(frame: FrameType) -> str:
    return opcode.opname[frame.f_code.co_code[frame.f_lasti]] if frame.f_lasti >= 0 else ""


def _place(frame: FrameType) -> str:
    return f"{frame.f_code.co_filename}:{frame.f_lineno}"


def _touched(owner: str, name: str, known: Iterable[str], frame: FrameType) -> Missing | None:
    """A stand-in for a name that the program itself wants (``hasattr`` and the import system only ask)."""
    if (
        _record is None
        or name.startswith("__")
        or not _instruction(frame).startswith(("LOAD_ATTR", "LOAD_M", "IMPORT"))
    ):
        return None
    _record.add(f"{owner}.{name}", _place(frame), near(name, known))
    return Missing(f"{owner}.{name}")


def explain(module: ModuleType, public: str, elsewhere: Callable[[str], Any] = lambda name: None) -> None:
    """Let ``module``, which programs know as ``public``, say what it lacks.

    ``module.name`` then raises AttributeError and ``from module import name`` ImportError, each with names that are
    near; while names are recorded, both give a stand-in.
    """
    own = module.__dict__.get("__getattr__")  # asked first; then ``elsewhere``, by the full name
    if getattr(own, "explains", False):
        return

    def __getattr__(name: str) -> Any:
        if own is not None:
            try:
                return own(name)
            except AttributeError:
                pass
        found = elsewhere(f"{public}.{name}")
        if found is not None:
            return found
        frame = sys._getframe(1)
        stand_in = _touched(public, name, dir(module), frame)
        if stand_in is not None:
            return stand_in
        message = lacks(f"module '{public}'", name, dir(module))
        if _instruction(frame) == "IMPORT_FROM":
            raise ImportError(f"cannot import name '{name}': {message}", name=public)
        raise AttributeError(message, name=name, obj=module)

    __getattr__.explains = True  # type: ignore[attr-defined]
    module.__dict__["__getattr__"] = __getattr__


def no_such_module(public: str, parent: ModuleType | None) -> ModuleType:
    """Raise for ``import public``; while names are recorded, an empty module.

    Raises:
        ModuleNotFoundError: always, but while names are recorded.
    """
    owner, _, name = public.rpartition(".")
    known = [] if parent is None else dir(parent)
    if _record is not None:
        frame: FrameType | None = sys._getframe(1)
        while frame is not None and frame.f_globals.get("__name__", "").startswith(
            ("importlib", "fxtorch.interop.alias")
        ):
            frame = frame.f_back
        if frame is not None and _instruction(frame) == "IMPORT_NAME":
            _record.add(public, _place(frame), near(name, known))
            module = ModuleType(public, "A module that fxtorch lacks.")
            module.__path__ = []
            explain(module, public)
            return module
    message = f"No module named '{public}'"
    text = lacks(f"{message}: module '{owner}'", name, known) if owner else f"{message}: fxtorch lacks it"
    raise ModuleNotFoundError(text, name=public)


def of_tensor(tensor: Any, name: str) -> Any:
    """Tensor's ``__getattr__`` while names are recorded."""
    known = dir(type(tensor))
    stand_in = _touched("torch.Tensor", name, known, sys._getframe(1))
    if stand_in is None:
        raise AttributeError(lacks("'Tensor' object", name, known), name=name, obj=tensor)
    return stand_in
