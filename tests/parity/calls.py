"""One call in PyTorch and in fxtorch: the same values, types, shapes and flags, or an exception of the same class."""

from __future__ import annotations

import enum
import inspect
import types
import warnings
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import torch

import fxtorch

Call = Callable[[Any], Any]
NARROW = {"float16": 1e-3, "bfloat16": 1.6e-2, "float32": 1.3e-6, "complex64": 1.3e-6}
SMALLEST = {"float64": 1e-7, "complex128": 1e-7}


def wave(t: Any, *shape: int) -> Any:
    """Numbers of both signs that differ from one another."""
    n = 1
    for s in shape:
        n *= s
    return t.sin(t.arange(float(n)) * 1.3).reshape(shape)


def assert_same(call: Call) -> None:
    """Give ``call`` both libraries and compare what it returns, or the class of what it raises.

    Tensors, modules, storages and types are compared by what they hold, classes and functions by their name.
    """
    theirs, ours = _outcome(call, torch), _outcome(call, fxtorch)
    _compare(ours, theirs, "result")


def _outcome(call: Call, library: Any) -> Any:
    library.manual_seed(0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # which warnings come is another test's subject
        try:
            return _plain(call(library))
        except Exception as error:
            return "raises", type(error).__name__, str(error)


def _plain(value: Any) -> Any:
    if isinstance(value, torch.Tensor | fxtorch.Tensor):
        return _plain_tensor(value)
    if isinstance(value, types.FunctionType | types.BuiltinFunctionType | type):
        return value.__name__
    if isinstance(value, Mapping):
        return {k: _plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple | set | Iterator) or inspect.isgenerator(value):
        items: list[Any] = list(value)
        return [_plain(v) for v in (sorted(items) if isinstance(value, set) else items)]
    if isinstance(value, bool | int | float | complex | str | bytes | None | np.ndarray) and not isinstance(
        value, enum.Enum
    ):
        return value
    return str(value).replace("fxtorch", "torch")


def _plain_tensor(value: Any) -> Any:
    sparse = value.layout not in (torch.strided, fxtorch.strided)
    x = value.detach()
    x = x.to_dense() if sparse else x
    dtype = str(x.dtype).replace("fxtorch", "torch").removeprefix("torch.")
    if dtype == "bfloat16" or dtype.startswith("float8"):
        x = x.float()
    x = x.resolve_conj().resolve_neg()
    return "Tensor", dtype, str(value.layout).split(".")[-1], value.requires_grad, np.asarray(x.numpy())


def _compare(ours: Any, theirs: Any, where: str) -> None:
    if isinstance(theirs, tuple) and theirs[0] == "raises":
        assert isinstance(ours, tuple), f"{where}: {ours} where PyTorch raises {theirs[1:]}"
        assert ours[:2] == theirs[:2], f"{where}: {ours[1:]} where PyTorch raises {theirs[1:]}"
    elif isinstance(theirs, tuple):
        assert isinstance(ours, tuple), f"{where}: {ours} where PyTorch has {theirs}"
        assert ours[:-1] == theirs[:-1], f"{where}: {ours[:4]} where PyTorch has {theirs[:4]}"
        assert ours[-1].shape == theirs[-1].shape, f"{where}: {ours[-1].shape} where PyTorch has {theirs[-1].shape}"
        rtol, atol = NARROW.get(theirs[1], 1e-7), SMALLEST.get(theirs[1], 1e-5)
        np.testing.assert_allclose(ours[-1], theirs[-1], rtol, atol, err_msg=where)
    elif isinstance(theirs, dict):
        assert isinstance(ours, dict) and list(ours) == list(theirs), f"{where}: {ours} where PyTorch has {theirs}"
        for key, value in theirs.items():
            _compare(ours[key], value, f"{where}[{key!r}]")
    elif isinstance(theirs, list):
        assert isinstance(ours, list) and len(ours) == len(theirs), f"{where}: {ours} where PyTorch has {theirs}"
        for i, value in enumerate(theirs):
            _compare(ours[i], value, f"{where}[{i}]")
    elif isinstance(theirs, float) and isinstance(ours, float):
        np.testing.assert_allclose(ours, theirs, 1.3e-6, 1e-7, err_msg=where)
    elif isinstance(theirs, np.ndarray):
        np.testing.assert_array_equal(ours, theirs, err_msg=where)
    else:
        assert type(ours) is type(theirs) and ours == theirs, f"{where}: {ours!r} where PyTorch has {theirs!r}"
