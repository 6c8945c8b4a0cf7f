"""From PyTorch's values to fxtorch's, and from either to NumPy's."""

from __future__ import annotations

import copy
import dataclasses
import inspect
import types
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import jax.numpy as jnp
import ml_dtypes
import numpy as np
import torch

import fxtorch
from fxtorch.tensor.tensor import unwrap, wrap


def array_of(tensor: torch.Tensor) -> np.ndarray:
    """A copy of PyTorch's values; bfloat16 as ml_dtypes' type."""
    tensor = tensor.detach().resolve_conj().resolve_neg()
    if tensor.dtype == torch.bfloat16:
        return tensor.contiguous().view(torch.int16).numpy().view(ml_dtypes.bfloat16).copy()
    return np.array(tensor.clone().numpy())


def tensor_of(array: np.ndarray, *, requires_grad: bool = False) -> fxtorch.Tensor:
    """fxtorch's Tensor with these values."""
    made = wrap(jnp.array(array, dtype=array.dtype))
    return made.requires_grad_() if requires_grad else made


def _converted(tensor: torch.Tensor, requires_grad: bool) -> fxtorch.Tensor:
    many = tensor.ndim > 64  # more dimensions than NumPy has
    made = tensor_of(array_of(tensor.flatten() if many else tensor))
    made = made.reshape(tuple(tensor.shape)) if many else made
    return made.requires_grad_(requires_grad)


def numpy_of(value: Any) -> np.ndarray:
    """The values of a Tensor of either library."""
    return array_of(value) if isinstance(value, torch.Tensor) else np.array(unwrap(value))


class Slot:
    """Where a Tensor stood in the arguments."""

    def __init__(self, index: int) -> None:
        self.index = index


class Arguments:
    """The arguments of a sample, with its Tensors taken out.

    Args:
        sample: PyTorch's ``SampleInput``, or what has its ``input``, ``args`` and ``kwargs``.
    """

    def __init__(self, sample: Any) -> None:
        self.tensors: list[torch.Tensor] = []
        self._known: dict[int, int] = {}
        self._made: dict[int, Any] = {}  # what is no number becomes one object of ours, not a new one at each call
        self._tree = self._take_out(((sample.input, *sample.args), dict(sample.kwargs)))
        self.process: Callable[[Any], Any] = getattr(sample, "output_process_fn_grad", None) or _same
        self.broadcasts = bool(getattr(sample, "broadcasts_input", False))
        self.ranks: tuple[int, bool] | None = None  # dim and keepdim, where equal elements may change places

    def _take_out(self, value: Any) -> Any:
        if isinstance(value, torch.Tensor):
            if id(value) not in self._known:
                self._known[id(value)] = len(self.tensors)
                self.tensors.append(value)
            return Slot(self._known[id(value)])
        return _mapped(value, self._take_out)

    def of_torch(self, tensors: Sequence[Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """The arguments for PyTorch, with these Tensors."""

        def put(value: Any) -> Any:
            return tensors[value.index] if isinstance(value, Slot) else _mapped(value, put)

        return put(self._tree)

    def of_fxtorch(self, tensors: Sequence[Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """The arguments for fxtorch, with these Tensors."""

        def put(value: Any) -> Any:
            if isinstance(value, Slot):
                return tensors[value.index]
            if isinstance(value, torch.nn.Module):
                return self._made.setdefault(id(value), _translated(value))
            return _mapped(_translated(value), put)

        return put(self._tree)

    def fresh(self, *, grad: bool = True, change: Callable[[torch.Tensor], torch.Tensor] | None = None) -> list[Any]:
        """PyTorch's Tensors, copied, each a leaf."""
        made = []
        for t in self.tensors:
            copy = t.detach().clone() if change is None else change(t.detach().clone())
            made.append(copy.requires_grad_(grad and t.requires_grad))
        return made

    def converted(self, *, grad: bool = True) -> list[Any]:
        """fxtorch's Tensors."""
        return [_converted(t, grad and t.requires_grad) for t in self.tensors]

    def but(self, tensors: Iterable[torch.Tensor]) -> Arguments:
        """The same call on other Tensors."""
        other = copy.copy(self)
        other.tensors = list(tensors)
        return other

    def elements(self) -> int:
        """How many numbers the Tensors hold together."""
        return sum(t.numel() for t in self.tensors)

    def __str__(self) -> str:
        def show(value: Any) -> str:
            if isinstance(value, Slot):
                t = self.tensors[value.index]
                return f"{str(t.dtype).removeprefix('torch.')}{list(t.shape)}"
            if isinstance(value, list | tuple):
                return "[" + ", ".join(map(show, value)) + "]"
            return str(value)

        args, kwargs = self._tree
        return ", ".join([*map(show, args), *(f"{k}={show(v)}" for k, v in kwargs.items())])


def _same(value: Any) -> Any:
    return value


def _mapped(value: Any, fn: Callable[[Any], Any]) -> Any:
    """``fn`` over the items of a container; anything else as it is."""
    if isinstance(value, torch.Size):
        return value
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return type(value)(*map(fn, value))
    if isinstance(value, list | tuple):
        return type(value)(map(fn, value))
    if isinstance(value, dict):
        return {k: fn(v) for k, v in value.items()}
    if isinstance(value, slice):
        return slice(fn(value.start), fn(value.stop), fn(value.step))
    return value


def _translated(value: Any) -> Any:
    """A static argument as fxtorch knows it."""
    if isinstance(value, torch.Size):
        return fxtorch.Size(value)
    if isinstance(value, torch.dtype | torch.layout | torch.memory_format):
        return getattr(fxtorch, str(value).removeprefix("torch."))
    if isinstance(value, torch.device):
        return fxtorch.device(str(value))
    if isinstance(value, torch.Generator):
        return fxtorch.Generator().manual_seed(value.initial_seed())
    if isinstance(value, torch.nn.Module) or dataclasses.is_dataclass(value):
        return _alike(value)
    if isinstance(value, types.FunctionType):
        return rebuilt(value, fxtorch)
    if isinstance(value, types.BuiltinFunctionType) and getattr(torch, value.__name__, None) is value:
        return getattr(fxtorch, value.__name__)
    return value


def _alike(value: Any) -> Any:
    """fxtorch's object of that class of ``torch.nn``, constructed alike."""
    made = getattr(fxtorch.nn, type(value).__name__)
    names = inspect.signature(made).parameters
    return made(**{name: getattr(value, name) for name in names if hasattr(value, name)})


def rebuilt(fn: types.FunctionType, library: Any) -> types.FunctionType:
    """A function of PyTorch's tests, with ``torch`` meaning ``library`` and no seed set inside."""
    scope = dict(fn.__globals__)
    scope["torch"] = library
    scope["wrapper_set_seed"] = _plain_call
    for name in fn.__code__.co_names:
        helper = fn.__globals__.get(name)
        if isinstance(helper, types.FunctionType) and helper is not fn and name != "wrapper_set_seed":
            scope[name] = rebuilt(helper, library) if is_of_the_tests(helper) else _counterpart(helper, library)
    cells = tuple(_rebuilt_cell(cell, library) for cell in fn.__closure__ or ())
    made = types.FunctionType(fn.__code__, scope, fn.__name__, fn.__defaults__, cells)
    made.__kwdefaults__ = fn.__kwdefaults__
    return made


def is_of_the_tests(fn: Any) -> bool:
    """Whether PyTorch's tests define this function, in Python."""
    return isinstance(fn, types.FunctionType) and str(fn.__module__).startswith("torch.testing")


def _counterpart(helper: types.FunctionType, library: Any) -> Any:
    found: Any = library
    for part in f"{helper.__module__}.{helper.__name__}".split(".")[1:]:
        found = getattr(found, part, None)
    return helper if found is None else found


def _rebuilt_cell(cell: Any, library: Any) -> Any:
    inner = cell.cell_contents
    return types.CellType(rebuilt(inner, library)) if is_of_the_tests(inner) else cell


def _plain_call(fn: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    return fn(*args, **kwargs)
