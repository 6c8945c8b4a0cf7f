"""Calling a function of Tensors as a pure function of arrays: the boundary that every transformation crosses."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import jax

from fxtorch.func.order import in_order, order_of
from fxtorch.func.saving import Needs, Start, behind
from fxtorch.func.watch import Carry, Lift, Watch
from fxtorch.tensor import Tensor, modes, unwrap, wrap
from fxtorch.tensor.execute import run_traced
from fxtorch.tensor.record import Record

LEAF = "a leaf Variable that requires grad is being used in an in-place operation."


def is_tensor(x: Any) -> bool:
    """What arguments and results are taken apart to."""
    return isinstance(x, Tensor)


def is_leaf(x: Any) -> bool:
    """What the arguments of a call are taken apart to: Modules stay whole."""
    return isinstance(x, Tensor) or hasattr(x, "named_parameters")


class Box:
    """Something that is known only once the function has run, carried out of a trace."""

    value: Any = None


class Call:
    """One call of a user's function under a transformation.

    Args:
        fn: the function.
        args: its positional arguments, nested as one likes.
        kwargs: its keyword arguments.
        lifted: Tensors from outside (a Module's parameters) that are inputs too.

    Attributes:
        tensors: the Tensors among the arguments, in order.
        given: the order of keys in the dictionaries among the arguments.
        returned: the order of keys in those of the result, once the function has run.
    """

    def __init__(
        self, fn: Callable[..., Any], args: Any, kwargs: dict[str, Any] | None = None, lifted: Sequence[Tensor] = ()
    ) -> None:
        self.fn = fn
        self.given = order_of((tuple(args), kwargs or {}))
        self.returned: Any = None
        self.leaves, self.tree = jax.tree.flatten((tuple(args), kwargs or {}), is_leaf=is_leaf)
        self.places = [i for i, x in enumerate(self.leaves) if isinstance(x, Tensor | jax.Array)]
        self.tensors = [x if isinstance(x, Tensor) else wrap(x) for x in (self.leaves[i] for i in self.places)]
        self.lifted = list(lifted)
        self.fixed: set[int] = set()  # positions among ``tensors`` that must not be changed in place
        self.outside = modes.grad
        self.lift = modes.grad
        self.carried: list[Tensor] = []  # those of ``lifted`` that may change: their new values are returned
        self.carries = False  # whether others that change may come to them

    def inside(self, arrays: Sequence[Any]) -> tuple[Any, dict[int, Any]]:
        """Run the function on Tensors around ``arrays``: first those of ``tensors``, then those of ``lifted``.

        Returns:
            what it returned, with arrays for Tensors, and the new values of the arguments that it changed in place.
        """
        n = len(self.tensors)
        given = dict(zip(map(id, self.lifted), arrays[n:], strict=True))
        outer = modes.capture
        outside = [t._data for t in (*self.tensors, *self.lifted)]
        watch = Watch(given, self.lift, outer, outside, self.carried, self.carries)
        modes.capture = watch
        try:
            try:
                out, changed = self._on_tensors(arrays[:n])
            finally:
                modes.capture = outer
            changed |= {
                i: t._data
                for i, t in enumerate(self.lifted, n)
                if id(t) in watch.carried and watch.met(t) and t._data is not arrays[i]
            }
            if watch.to_lift:
                raise Lift(watch.to_lift)
        except BaseException:
            watch.roll_back()
            raise
        watch.settle()
        watch.check_nothing_escaped()
        if not self.fixed.isdisjoint(changed):
            raise RuntimeError(LEAF)
        self.is_foreign = watch.is_foreign
        return out, changed

    def _on_tensors(self, arrays: Sequence[Any]) -> tuple[Any, dict[int, Any]]:
        handles = [wrap(a) for a in arrays]
        out = self._on_handles(handles)
        self.returned = order_of(out)
        out = jax.tree.map(lambda x: unwrap(x) if isinstance(x, Tensor) else x, out, is_leaf=is_tensor)
        return out, {i: unwrap(h) for i, h in enumerate(handles) if unwrap(h) is not arrays[i]}

    def _on_handles(self, handles: Sequence[Tensor]) -> Any:
        leaves = list(self.leaves)
        for i, handle in zip(self.places, handles, strict=True):
            leaves[i] = handle
        args, kwargs = in_order(self.given, jax.tree.unflatten(self.tree, leaves))
        return self.fn(*args, **kwargs)

    def recorded(self, arrays: Sequence[Any], wanting: Sequence[bool]) -> tuple[list[Needs], list[Tensor]]:
        """Run the function recorded on the tape, look at that, and take everything back.

        Args:
            arrays: as for :meth:`inside`.
            wanting: which of them want gradients.

        Returns:
            what stands behind each Tensor that it returned, and the Tensors from outside that it met.
        """
        n, outer = len(self.tensors), modes.capture
        given = dict(zip(map(id, self.lifted), arrays[n:], strict=True))
        lifted = [t for t, wants in zip(self.lifted, wanting[n:], strict=True) if wants]
        watch = modes.capture = Watch(given, False, outer, arrays, wanting=lifted)
        try:
            handles = [wrap(a) for a in arrays[:n]]
            for handle, wants in zip(handles, wanting, strict=False):
                if wants:
                    handle._rg, handle._node = True, Start("argument", [], [])
            results = [
                x for x in jax.tree.leaves(self._on_handles(handles), is_leaf=is_tensor) if isinstance(x, Tensor)
            ]
            return behind(handles, results, watch.outside()), watch.outside()
        finally:
            modes.capture = outer
            watch.roll_back()

    def arrays(self) -> list[Any]:
        """The values of all inputs."""
        return [unwrap(t) for t in (*self.tensors, *self.lifted)]

    def run(self, pure: Callable[[Sequence[Any]], tuple[Any, dict[int, Any]]], name: str) -> Any:
        """Run ``pure`` on the values of all inputs, recorded on the tape where one requires a gradient.

        Args:
            pure: takes arrays as :meth:`inside` does; returns a tree of arrays (and of other things, which are passed
                through) and the new values of changed arguments.
            name: what to call it in the graph.
        """
        while True:
            try:
                return self._run(pure, name)
            except Lift as found:
                self.lifted += found.tensors
            except Carry as found:
                self.carried += found.tensors
                self.lifted += [t for t in found.tensors if not any(t is u for u in self.lifted)]

    def _run(self, pure: Callable[[Sequence[Any]], Any], name: str) -> Any:
        inputs = [*self.tensors, *self.lifted]
        leaves = self.arrays()
        mask = sum(1 << i for i, t in enumerate(inputs) if t._rg) if self.outside else 0
        box = Box()

        def flat(*arrays: Any) -> tuple[Any, ...]:
            results, tree = jax.tree.flatten(pure(arrays))
            where = [i for i, x in enumerate(results) if isinstance(x, jax.Array)]
            box.value = (tree, [None if i in where else x for i, x in enumerate(results)], where)
            return tuple(results[i] for i in where)

        if mask:
            results = list(run_traced(Record(flat, name, "residuals"), inputs, leaves, mask))
        else:
            results = [wrap(x) for x in flat(*leaves)]
        tree, everything, where = box.value
        for i, t in zip(where, results, strict=True):
            everything[i] = t
        out, changed = jax.tree.unflatten(tree, everything)
        for i, t in changed.items():
            inputs[i]._rebind(unwrap(t))
        return out


@contextlib.contextmanager
def recording() -> Iterator[None]:
    """Gradients enabled: what a derivative needs inside, whatever is set outside."""
    before, modes.grad = modes.grad, True
    try:
        yield
    finally:
        modes.grad = before
