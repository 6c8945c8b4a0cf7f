"""Tensors on the ``meta`` device: shape and type without values.

Such a Tensor holds an :class:`Abstract` instead of an array.  An operator on it is evaluated abstractly by JAX, which
finds shape and type of the results and computes nothing; what cannot be said without values raises.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from fxtorch.ops import dtypes as rules
from fxtorch.ops import random
from fxtorch.tensor.modes import modes
from fxtorch.tensor.tape import Node
from fxtorch.tensor.tensor import Tensor, unwrap, wrap

_NOWHERE = SimpleNamespace(platform="meta", id=0)  # as much of a JAX device as is asked for
NO_DATA = "Cannot copy out of meta tensor; no data!"


@dataclass(frozen=True)
class Abstract:
    """What a Tensor on the ``meta`` device holds.

    Attributes:
        shape: the size of each dimension.
        dtype: the element type, NumPy's.
    """

    shape: tuple[int, ...]
    dtype: Any
    weak_type = False

    @property
    def ndim(self) -> int:
        """The number of dimensions."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """The number of elements that there would be."""
        return int(np.prod(self.shape, dtype=np.int64))

    def devices(self) -> Any:
        """Where it is: nowhere."""
        return [_NOWHERE]

    def __array__(self, *args: Any, **kwargs: Any) -> Any:
        raise NotImplementedError(NO_DATA)

    __jax_array__ = __array__


class AbstractNode(Node):
    """A call on ``meta`` Tensors: its gradients have shapes and types, and no values either."""

    __slots__ = ("inputs", "n_results")

    def __init__(self, label: str, tensors: Sequence[Tensor], n_results: int) -> None:
        edges = [t if t._node is None else t._node for t in tensors]
        super().__init__(label, edges, [t._index for t in tensors])
        self.inputs = [of(unwrap(t)) for t in tensors]
        self.n_results = n_results

    @property
    def n_outputs(self) -> int:
        """How many results the call had."""
        return self.n_results

    def pull(self, cts: Sequence[Any]) -> Sequence[Any]:
        """A gradient for each edge."""
        return self.inputs

    def pull_tensors(self, cts: Sequence[Tensor | None]) -> Sequence[Tensor | None]:
        """The same as Tensors."""
        return [wrap(a) for a in self.inputs]


def of(array: Any) -> Abstract:
    """The shape and type of an array."""
    return Abstract(tuple(array.shape), np.dtype(array.dtype))


def no_value(what: str) -> Exception:
    """torch's error where ``what`` needs values."""
    if what == ".numpy()":
        return TypeError(
            "can't convert meta device type tensor to numpy. Use Tensor.cpu() to copy the tensor to host memory first."
        )
    if what == ".tolist()":
        return NotImplementedError(NO_DATA)
    return RuntimeError("Tensor.item() cannot be called on meta tensors")


def is_meta(tensor: Tensor) -> bool:
    """Whether ``tensor`` has no values."""
    return isinstance(tensor._data, Abstract)


def draw() -> Any:
    """A key in place of a drawn one: the generator stays where it is."""
    return random.make_key(0)


def filled(value: Any) -> Any:
    """``value``; for a Tensor without values zeros in its place, for what only looks at shape and type."""
    return (
        wrap(jnp.zeros(value._data.shape, value._data.dtype)) if isinstance(value, Tensor) and is_meta(value) else value
    )


def run(operator: Any, args: Sequence[Any]) -> Any:
    """What ``operator`` gives for ``args``, some of which have no values, or for a factory on the ``meta`` device.

    Raises:
        NotImplementedError: it would change a Tensor that has values.
    """
    given = [draw if p.kind == "key" and a is not None else a for p, a in zip(operator.op.params, args, strict=True)]
    tensors = [t for a in given for t in (a if isinstance(a, list | tuple) else (a,)) if isinstance(t, Tensor)]
    if operator.inplace and not is_meta(tensors[0]):
        raise NotImplementedError(NO_DATA)

    def call(stand_ins: dict[int, Tensor]) -> Any:
        def swapped(a: Any) -> Any:
            if isinstance(a, list | tuple) and any(id(x) in stand_ins for x in a):
                return [stand_ins.get(id(x), x) for x in a]
            return stand_ins.get(id(a), a)

        return operator(*map(swapped, given))

    return _evaluate(call, tensors, operator.name, operator.differentiable)


def run_record(record: Any, values: Sequence[Any]) -> Any:
    """What a record gives for ``values``, some of which are Tensors without values."""

    def call(stand_ins: dict[int, Tensor]) -> Any:
        leaves = [stand_ins.get(id(v), v) for v in values]
        out = record.fn(*(unwrap(v) if isinstance(v, Tensor) else v for v in leaves))
        return tuple(map(wrap, out)) if isinstance(out, tuple) else wrap(out)

    return _evaluate(call, [v for v in values if isinstance(v, Tensor)], record.name, True)


def _evaluate(call: Callable[[dict[int, Tensor]], Any], tensors: Sequence[Tensor], label: str, recorded: bool) -> Any:
    """The results of ``call``, which gets a traced Tensor for each one without values, as such Tensors."""
    metas = [t for t in tensors if is_meta(t)]
    found: list[Any] = []

    def traced(*values: Any) -> Any:
        found.append(call({id(t): wrap(v) for t, v in zip(metas, values, strict=True)}))
        out = found[-1] if isinstance(found[-1], tuple) else (found[-1],)
        return [unwrap(t) for t in out if isinstance(t, Tensor)]

    grad, modes.grad = modes.grad, False
    try:
        shapes = iter(jax.eval_shape(traced, *(jax.ShapeDtypeStruct(t._data.shape, t._data.dtype) for t in metas)))
    finally:
        modes.grad = grad
    out = found[-1]
    items = out if isinstance(out, tuple) else (out,)
    results = [wrap(of(next(shapes))) if isinstance(t, Tensor) else t for t in items]
    wanted = [t for t in tensors if t._rg]
    if grad and recorded and wanted:
        _record(label, wanted, results)
    if not isinstance(out, tuple):
        return results[0]
    return type(out)(*results) if hasattr(out, "_fields") else tuple(results)


def _record(label: str, wanted: Sequence[Tensor], results: Sequence[Any]) -> None:
    node = AbstractNode(label, wanted, len(results))
    for i, t in enumerate(results):
        if isinstance(t, Tensor) and rules.is_inexact(t._data.dtype):
            t._rg, t._node, t._index = True, node, i


def moved(tensor: Tensor) -> Tensor:
    """``tensor`` on the ``meta`` device."""
    out = wrap(of(unwrap(tensor)))
    if modes.grad and tensor._rg:
        _record("to_copy", [tensor], [out])
    return out
