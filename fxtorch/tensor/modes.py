"""The switches that decide how an operator is run, one set a thread."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager
    from typing import Any

    from fxtorch.tensor.stacks import Stacks
    from fxtorch.tensor.tensor import Tensor


class Capture(Protocol):
    """What the compiler wants to hear of while it traces a function."""

    @property
    def stacks(self) -> Stacks | None:
        """Where state of one shape is held as one array."""

    @property
    def no_graph(self) -> str:
        """What a backward of a Tensor without a graph is told beside that."""
        ...

    def made(self, tensor: Tensor) -> None:
        """A Tensor was created."""

    def touch(self, tensor: Tensor) -> None:
        """A Tensor is about to be read or rebound."""

    def touch_grad(self, tensor: Tensor, *, adds: bool = False) -> None:
        """The ``.grad`` of a Tensor is about to be read; ``adds``: by a backward that adds to it."""

    def adding(self) -> AbstractContextManager[None]:
        """A backward adds to a gradient meanwhile."""
        ...

    def write_grad(self, tensor: Tensor, *, adds: bool = False) -> None:
        """The ``.grad`` of a Tensor is about to be set; ``adds``: by a backward that adds to it."""

    def scalar(self, owner: dict[Any, Any], key: Any) -> Any:
        """A number that lives in a dictionary and may change between calls is read."""

    def guard(self, name: str, compute: Callable[[], Any]) -> Any:
        """A fact about Python state decides what is computed."""

    def optimizer(self, optimizer: Any) -> None:
        """An optimizer is about to step."""

    def materialize(self, build: Callable[[], Any], undo: Callable[[], None]) -> Any:
        """State is created lazily; ``build`` must run outside of the trace."""

    def place(self, tensor: Tensor) -> Any:
        """Where the array of ``tensor`` lies, if ``stacks`` may hold it with others; else None."""

    def options_shown(self, owner: Any, key: str | None) -> None:
        """An optimizer or a scheduler shows one of its numbers, or all."""

    def effect(self, run: Callable[[], None], owner: Any, scalars: tuple[tuple[dict[Any, Any], Any], ...]) -> None:
        """Something is to be done on the host at each call, which changes attributes of ``owner`` and ``scalars``."""

    def side(self, kind: str) -> None:
        """The program does something beside computing: ``"check"``, ``"callback"`` or ``"print"``."""

    def needs_value(self, tensor: Tensor, what: str) -> BaseException:
        """Python asked for the value of a traced Tensor; the exception to raise."""
        ...

    def not_yet(self, why: str) -> BaseException | None:
        """What is done once only, and eagerly, is about to be done; the exception to raise, if any."""
        ...


class Autocast(Protocol):
    """What brings the arguments of operators to the types that they are to be computed in."""

    @property
    def key(self) -> tuple[Any, ...]:
        """What of it decides the result; a compiled program belongs to one."""
        ...

    def inputs(self, operator: Any, args: tuple[Any, ...]) -> tuple[Any, ...]:
        """The arguments of a call, cast."""
        ...


class _Modes(threading.local):
    grad: bool = True
    inference: bool = False
    anomaly: bool = False
    check_nan: bool = True
    overrides: bool = True  # whether __torch_function__ is asked
    function_modes: int = 0  # how many TorchFunctionModes hear of every operator
    autocast: Autocast | None = None
    capture: Capture | None = None
    watch: Callable[[str, Any], None] | None = None  # told of each operator's name and results
    on_draw: Callable[[Any], Any] | None = None  # what vmap makes of a random key
    forward: Any = None  # the level of forward-mode derivatives (dual.py)
    saved_hooks: tuple[Callable[..., Any], Callable[..., Any]] | None = None  # pack what is saved, and unpack
    walk: Any = None  # the Nodes of the backward that is running, the latest first
    batch_parts: int = 1  # how many parts of a batch have moments of their own in batch norm


modes = _Modes()
