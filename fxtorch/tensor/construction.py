"""Tensors of Python's and NumPy's values: ``tensor``, ``as_tensor`` and the ``new_*`` methods."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NoReturn

import jax
import jax.numpy as jnp
import numpy as np

from fxtorch.ops import dtypes as rules
from fxtorch.tensor import device as devices
from fxtorch.tensor import dispatch
from fxtorch.tensor import dtype as types
from fxtorch.tensor.operator import Operator
from fxtorch.tensor.size import Size
from fxtorch.tensor.tensor import Tensor, made, method, unwrap, wrap


def _values(data: Any, *, exact: bool = False) -> Any:
    """``data`` as an array of the type torch would infer; ``exact``: of a type that holds Python's numbers exactly."""
    if isinstance(data, Tensor):
        return unwrap(data)
    if isinstance(data, jax.Array):
        return data
    if isinstance(data, np.ndarray | np.generic):
        types.of(data.dtype)
        return np.array(data)  # a copy: JAX may take over the memory itself, and the caller may change it
    if isinstance(data, str):
        raise TypeError("new(): invalid data type 'str'")
    if isinstance(data, Sequence) and isinstance(_first(data), Tensor):
        return _stacked(data)
    try:
        array = np.asarray(data)
    except ValueError:
        array = np.asarray(None)
    kind = array.dtype.kind
    if kind == "U":
        if isinstance(_first(data), str):
            raise ValueError("too many dimensions 'str'")
        raise TypeError("new(): invalid data type 'str'")
    if kind == "O":
        if _holds_tensor(data):
            return _stacked(data)
        _explain(data)
    if exact:
        return array
    if kind == "f" and not _has_numpy(data):
        return array.astype(rules.default_float())
    if kind == "c" and not _has_numpy(data):
        return array.astype(rules.complex_of(rules.default_float()))
    if kind in "iu" and not _has_numpy(data):
        return array.astype(np.int64)
    return array


def _stacked(data: Any) -> jax.Array:
    """The values of nested sequences with Tensors in them, each of which counts as a number."""
    if isinstance(data, Sequence):
        return jnp.stack([_stacked(part) for part in data])
    array = jnp.asarray(_values(data))
    if array.size != 1:
        raise ValueError("only one element tensors can be converted to Python scalars")
    return jnp.reshape(array, ())


def _holds_tensor(data: Any) -> bool:
    return isinstance(data, Tensor) or (
        isinstance(data, Sequence) and not isinstance(data, str) and any(map(_holds_tensor, data))
    )


def _explain(data: Any) -> NoReturn:
    """Raise torch's error for values that do not make a block of numbers."""
    row, dim, nested = [data], 0, (Sequence, np.ndarray)
    while isinstance(row[0], nested) and not isinstance(row[0], str):
        for part in row:
            if not isinstance(part, nested):
                raise TypeError(f"not a sequence: {type(part).__name__}, at dim {dim} beside sequences")
            if len(part) != len(row[0]):
                raise ValueError(f"expected sequence of length {len(row[0])} at dim {dim} (got {len(part)})")
        row, dim = [item for part in row for item in part], dim + 1
    odd = next(item for item in row if np.asarray(item).dtype.kind == "O" or isinstance(item, nested))
    raise RuntimeError(f"Could not infer dtype of {type(odd).__name__}")


def _first(data: Any) -> Any:
    while isinstance(data, Sequence) and not isinstance(data, str) and len(data):
        data = data[0]
    return data


def _has_numpy(data: Any) -> bool:
    return isinstance(_first(data), np.ndarray | np.generic)


def tensor(
    data: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False, pin_memory: bool = False
) -> Tensor:
    """A new leaf with the values of ``data``: a number, nested sequences, a NumPy array or a Tensor; always a copy.

    >>> import fxtorch as torch
    >>> torch.tensor([[1, 2], [3, 4]])
    tensor([[1, 2],
            [3, 4]])

    Args:
        data: the values.
        dtype: the type; inferred if None (floats become the default type, integers int64).
        device: where to put it.
        requires_grad: whether operations on it are recorded.
        pin_memory: accepted, without effect.

    Raises:
        RuntimeError: no type can be inferred.
        ValueError: the nested sequences are ragged.
    """
    wanted = types.to_np(dtype)
    values = _values(data, exact=wanted is not None)
    if wanted is not None and isinstance(values, np.ndarray) and not rules.has_own_rule(wanted):
        values = values.astype(wanted)
    array = jnp.asarray(values) if wanted is None else rules.cast(jnp.asarray(values), wanted)
    return dispatch.place(wrap(array), "tensor", None, device, requires_grad)


def as_tensor(data: Any, dtype: Any = None, device: Any = None) -> Tensor:
    """``data`` as a Tensor; itself where it already is one of that type on that device."""
    if not isinstance(data, Tensor):
        return tensor(data, dtype=dtype, device=device)
    out = data if dtype is None else data.to(types.of(types.to_np(dtype)))
    return out if device is None else out.to(devices.device(device))


def asarray(
    obj: Any, *, dtype: Any = None, device: Any = None, copy: bool | None = None, requires_grad: bool = False
) -> Tensor:
    """``obj`` as a Tensor, outside of any graph: itself where it already is such a Tensor and ``copy`` is not asked.

    Args:
        obj: a Tensor, an array, a number, or nested sequences of them.
        dtype: the element type; by default that of ``obj``.
        device: where.
        copy: ``True`` for values of its own; ``False`` to refuse what would need a copy.
        requires_grad: whether the result is a leaf that wants a gradient; ``True`` keeps the graph of a Tensor.

    Raises:
        ValueError: ``copy`` is ``False``, and a Tensor is of another type or on another device.
    """
    out = as_tensor(obj, dtype=dtype, device=device)
    if isinstance(obj, Tensor):
        if copy is False and out is not obj:
            raise ValueError("can't alias tensor with the requested dtype or device: pass copy=None")
        out = obj.clone() if copy and out is obj else out
    if not requires_grad:
        return out.detach() if out.requires_grad else out
    return out if out.requires_grad else out.detach().requires_grad_()


def scalar_tensor(value: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """A 0-dim Tensor, of the default floating type if ``dtype`` is None."""
    return tensor(value, dtype=dtype or types.of(rules.default_float()), device=device, requires_grad=requires_grad)


def _constructor(cls: type, *args: Any, device: Any = None, **for_init: Any) -> Tensor:
    """``Tensor(2, 3)``, ``Tensor([1.0, 2.0])`` and ``Tensor(array)``, always of the default floating type."""
    if for_init and cls is Tensor:
        raise TypeError(f"Tensor() got an unexpected keyword argument '{next(iter(for_init))}'")
    dtype = rules.default_float()
    if len(args) == 1 and not isinstance(args[0], int | Size):
        array = rules.cast(jnp.asarray(_values(args[0])), dtype)
    else:
        shape = args[0] if args and isinstance(args[0], Size) else args if args else (0,)
        array = jnp.zeros(shape, dtype)
    self = object.__new__(cls)
    self._data = array
    made(self)
    return self


Tensor.__new__ = _constructor  # type: ignore[method-assign, assignment]


def _new_sized(name: str, *, fill: bool = False) -> Any:
    factory = dispatch.namespace("torch")[name]

    def new(
        self: Tensor, *size: Any, dtype: Any = None, device: Any = None, requires_grad: bool = False, **kw: Any
    ) -> Tensor:
        if fill:
            size, kw = (kw.pop("size", size[0] if size else None),), {"fill_value": kw.pop("fill_value", size[-1])}
        elif "size" in kw:
            size = (kw.pop("size"),)
        return factory(
            *size, **kw, dtype=dtype or self.dtype, device=device or self.device, requires_grad=requires_grad
        )

    new.__name__ = f"new_{name}"
    new.__doc__ = f"``{name}`` with this Tensor's type and device."
    return new


for _name in ("zeros", "ones", "empty"):
    setattr(Tensor, f"new_{_name}", _new_sized(_name))
Tensor.new_full = _new_sized("full", fill=True)  # type: ignore[attr-defined]


@method
def new_tensor(self: Tensor, data: Any, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """A new Tensor of ``data`` with this Tensor's type and device."""
    return tensor(data, dtype=dtype or self.dtype, device=device or self.device, requires_grad=requires_grad)


def set_default_dtype(dtype: types.dtype) -> None:
    """Set the floating type of results that no operand decides."""
    if not isinstance(dtype, types.dtype) or not dtype.is_floating_point:
        raise TypeError("invalid dtype object: only floating-point types are supported as the default type")
    if dtype.np != rules.default_float():
        rules.set_default_float(dtype.np)
        Operator.forget_programs()


def get_default_dtype() -> types.dtype:
    """The floating type of results that no operand decides."""
    return types.of(rules.default_float())
