"""Forward-mode derivatives of eager calls: a Tensor may carry a tangent, and each operator pushes tangents on.

The tangent of a result is ``jax.jvp`` of the operator's plain form (:func:`fxtorch.ops.gradient.forward_mode`), run as
an operator of its own, so that it is compiled once and recorded on the tape: a backward through it is the
reverse-over-forward second derivative.
"""

from __future__ import annotations

import weakref
from collections import OrderedDict
from collections.abc import Sequence
from typing import Any, ClassVar

import jax
from jax import numpy as jnp

from fxtorch.ops.dtypes import is_inexact
from fxtorch.ops.gradient import forward_mode
from fxtorch.tensor.execute import apply
from fxtorch.tensor.modes import modes
from fxtorch.tensor.record import Record, outputs
from fxtorch.tensor.tensor import Tensor, unwrap_aval

_KEPT = 2000  # pushes remembered with their programs


class Level:
    """One stretch of forward-mode calls; with it end the tangents that were given out in it."""

    pushes: ClassVar[OrderedDict[Any, tuple[Record, Record]]] = OrderedDict()

    def __init__(self) -> None:
        self.holders: list[weakref.ref[Tensor]] = []

    def give(self, tensor: Tensor, tangent: Tensor | None) -> None:
        """Make ``tangent`` that of ``tensor``; None takes it away."""
        if tangent is None:
            tensor.__dict__.pop("_tangent", None)
            return
        tensor.__dict__["_tangent"] = tangent
        self.holders.append(weakref.ref(tensor))

    def close(self) -> None:
        """Take all tangents away."""
        for ref in self.holders:
            tensor = ref()
            if tensor is not None:
                tensor.__dict__.pop("_tangent", None)

    def push(self, record: Record, tensors: Sequence[Any], out: Any) -> None:
        """Give the results ``out`` of a call their tangents, where an argument has one."""
        duals = tuple(i for i, t in enumerate(tensors) if isinstance(t, Tensor) and "_tangent" in t.__dict__)
        if not duals:
            return
        results = outputs(out)
        carried = [t for t in results if isinstance(t, Tensor) and is_inexact(unwrap_aval(t).dtype)]
        if not carried:
            return
        pushed = self._push(record, len(tensors), duals)
        modes.forward = None
        try:
            found = apply(pushed, [*tensors, *(tensors[i].__dict__["_tangent"] for i in duals)])
        finally:
            modes.forward = self
        for t, tangent in zip(carried, outputs(found), strict=True):
            self.give(t, tangent)

    @classmethod
    def _push(cls, record: Record, n: int, duals: tuple[int, ...]) -> Record:
        """``record`` as a function of its ``n`` arguments and the tangents of some, to the tangents of its results."""
        key = id(record), duals
        if key in cls.pushes:
            cls.pushes.move_to_end(key)
            return cls.pushes[key][1]

        def pushed(*values: Any) -> Any:
            primals, tangents = values[:n], values[n:]

            def of_duals(*moved: Any) -> Any:
                full = list(primals)
                for i, value in zip(duals, moved, strict=True):
                    full[i] = value
                return [o for o in map(jnp.asarray, outputs(record.fn(*full))) if is_inexact(o.dtype)]

            with forward_mode():
                return tuple(jax.jvp(of_duals, tuple(primals[i] for i in duals), tangents)[1])

        made = Record(pushed, record.name, "residuals")
        cls.pushes[key] = record, made  # the record is held, so that its id stays its own
        if len(cls.pushes) > _KEPT:
            cls.pushes.popitem(last=False)
        return made
