"""fxtorch.jit and fxtorch.compile: a function, or a Module's call, as compiled programs."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable, Collection, Sequence
from typing import Any

import jax
from jax._src.array import ArrayImpl
from jax.core import Tracer

from fxtorch.compiler import errors, nesting, reasons
from fxtorch.compiler.ahead import Lowered
from fxtorch.compiler.guards import signature
from fxtorch.compiler.program import Program
from fxtorch.compiler.timing import Making, timed
from fxtorch.compiler.trace import Traced
from fxtorch.tensor import Tensor
from fxtorch.tensor.meta import Abstract
from fxtorch.tensor.modes import modes
from fxtorch.tensor.tracing import traces

_lock = traces.lock  # one for all: programs of several functions may overwrite the same state
_EAGERLY = object()  # the answer of a call that cannot be compiled
_ROUNDS = 5  # traces of one function before it counts as never settling
_MOST = 16  # programs for the same arguments, after which Python state changes at each call and eager is cheaper


class CompiledFunction:
    """A function that runs as XLA programs, one for each combination of what it takes for granted.

    Attributes:
        traces: how many programs were made, ``reasons``: why each of them was, and ``makings``: how long it took.
    """

    def __init__(
        self,
        fn: Callable[..., Any],
        *,
        fullgraph: bool = False,
        donate: bool = True,
        max_traces: int | None = None,
        name: str | None = None,
    ) -> None:
        functools.update_wrapper(self, fn, updated=())
        self.fn = fn
        self.fullgraph = fullgraph
        self.donate = donate
        self.max_traces = max_traces
        self.name = name or getattr(fn, "__name__", type(fn).__name__)
        self.programs: dict[Any, list[Program]] = {}
        self.reasons: list[str] = []
        self.makings: list[Making] = []
        self._eager_for: set[Any] = set()

    @property
    def traces(self) -> int:
        """How many programs were made."""
        return len(self.reasons)

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        """A compiled method, bound."""
        return self if instance is None else functools.partial(self, instance)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run the program that fits; make one if there is none."""
        traces.wait()
        leaves, tree = _flatten(args, kwargs)
        if modes.capture is not None or modes.forward is not None or any(map(_is_unreal, leaves)):
            return self.fn(*args, **kwargs)
        with _lock:
            result = self._run(leaves, tree)
        return self.fn(*args, **kwargs) if result is _EAGERLY else result

    def _run(self, leaves: Sequence[Any], tree: Any) -> Any:
        key, pinned = self._key(leaves, tree), ()
        for program in self.programs.get(key, ()):
            if program.guards.hold() and (
                not (program.traced.pinned or program.guards.of_arguments) or program.fits(leaves)
            ):
                try:
                    return program(leaves)
                except errors.AlsoArgument as error:
                    pinned = error.positions
                except errors.StateChanged:
                    self.programs[key].remove(program)
                    return self._trace(key, leaves, tree, repeated=reasons.of_other_types(program, leaves))
                except errors.Shared as error:
                    return self._give_up(key, error)
        return _EAGERLY if key in self._eager_for else self._trace(key, leaves, tree, pinned=pinned)

    def _key(self, leaves: Sequence[Any], tree: Any) -> Any:
        """What decides, before the guards, which programs may fit."""
        return (tree, modes_now(), signature(leaves))

    def _trace(
        self, key: Any, leaves: Sequence[Any], tree: Any, *, repeated: str = "", pinned: Collection[int] = frozenset()
    ) -> Any:
        reason = repeated or self._reason(key)  # what did not fit a program that has tried this call
        if self.max_traces is not None and self.traces >= self.max_traces:
            raise RuntimeError(
                f"{self.name} would be traced for the {self.traces + 1}. time, more than max_traces={self.max_traces}; "
                f"{reason}"
            )
        traced = Traced(self.fn, leaves, tree, pinned, stacks=self.donate)
        for program in self.programs.get(key, ())[:1]:
            traced.known.assigned |= program.guards.moved() | program.traced.known.assigned
        try:
            if len(self.programs.get(key, ())) >= _MOST:
                raise errors.NotCompilable(f"it was compiled {_MOST} times for the same arguments; {reason}")
            with timed() as making:
                program, result = self._settle(traced, leaves)
        except errors.AlsoArgument as error:
            traced.abandon()
            if set(pinned).issuperset(error.positions):
                return self._give_up(key, error)
            return self._trace(key, leaves, tree, repeated=repeated, pinned={*pinned, *error.positions})
        except (errors.NotCompilable, *errors.VALUE_NEEDED) as error:
            traced.abandon()
            return self._give_up(key, error)
        except BaseException:
            traced.abandon()
            raise
        self.reasons.append(reason)
        self.makings.append(making)
        self.programs.setdefault(key, []).insert(0, program)
        return result

    def lower(self, *args: Any, **kwargs: Any) -> Lowered:
        """Trace for arguments like these, and do not run: ``.compile()`` follows.

        >>> import fxtorch as torch
        >>> "stablehlo.sine" in torch.jit(torch.sin).lower(torch.ones(2)).as_text()
        True

        Raises:
            NotCompilable: the function needs the value of a Tensor.
        """
        leaves, tree = nesting.flatten((args, kwargs))
        with _lock, timed() as making:
            key = self._key(leaves, tree)
            traced = Traced(self.fn, leaves, tree, stacks=self.donate)
            try:
                traced.discover()
                program, lowered = self._lowered(traced, leaves)
            except BaseException:
                traced.abandon()
                raise

        def keep(program: Program) -> None:
            self.reasons.append("compiled ahead of time")
            self.makings.append(making)
            self.programs.setdefault(key, []).insert(0, program)

        return Lowered(program, leaves, keep, lowered)

    def _lowered(self, traced: Traced, leaves: Sequence[Any]) -> tuple[Program, Any]:
        for _ in range(_ROUNDS):
            program = Program(traced, donate=self.donate, name=self.name)
            try:
                return program, program.lower(leaves)
            except errors.Unsettled:
                continue
        raise errors.NotCompilable("each trace of the function finds state that the one before had not")

    def _give_up(self, key: Any, error: Exception) -> Any:
        """Run the call eagerly, and say so once; with ``fullgraph`` raise."""
        if isinstance(error, errors.NotYet):
            return _EAGERLY
        told = errors.from_trace(error)
        if self.fullgraph:
            raise told from (None if told is error else error)
        if key not in self._eager_for:
            self._eager_for.add(key)
            warnings.warn(f"{self.name} runs eagerly, because it cannot be compiled: {told}", stacklevel=5)
        return _EAGERLY

    def _settle(self, traced: Traced, leaves: Sequence[Any]) -> tuple[Program, Any]:
        """Trace, compile and run; again while the trace still finds something new."""
        traced.discover()
        for _ in range(_ROUNDS):
            program = Program(traced, donate=self.donate, name=self.name)
            try:
                result = program(leaves)
            except errors.Unsettled:
                continue
            return program, result
        raise errors.NotCompilable("each trace of the function finds state that the one before had not")

    def _reason(self, key: Any) -> str:
        known = self.programs.get(key)
        if known:
            return "changed: " + (
                "; ".join(known[0].guards.broken()[:5]) or "which Tensors are arguments, and what hangs on them"
            )
        return reasons.of_another_key(key, list(self.programs)) if self.programs else "the first call"


def modes_now() -> tuple[Any, ...]:
    """The modes of the caller, of which each combination is a program of its own, in the order of ``reasons.MODES``."""
    autocast = None if modes.autocast is None else modes.autocast.key
    return modes.grad, modes.inference, modes.anomaly, modes.watch is not None, modes.overrides, autocast


def _is_unreal(x: Any) -> bool:
    """Whether it holds a tracer of JAX's, or no values at all: there is nothing to run a program on."""
    array = x._data if isinstance(x, Tensor) else x
    return array.__class__ is not ArrayImpl and isinstance(array, Tracer | Abstract)


def _flatten(args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Sequence[Any], Any]:
    """The leaves of the arguments, and their structure: at once where they are Tensors, one after the other."""
    if kwargs or not all(map(_is_tensor, args)):
        return nesting.flatten((args, kwargs))
    return args, _tensors_only(len(args))


def _is_tensor(x: Any) -> bool:
    return x.__class__ is Tensor


@functools.cache
def _tensors_only(count: int) -> Any:
    return jax.tree.structure(((0,) * count, {}))
