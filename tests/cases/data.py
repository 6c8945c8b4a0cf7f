"""What Tensors in a case are filled with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Data:
    """How to make an array, and how to write that down."""

    text: str
    make: Callable[[np.random.Generator], np.ndarray]

    def __str__(self) -> str:
        return self.text


def _data(name: str, shape: tuple[int, ...], options: dict[str, Any], make: Callable[..., Any], dtype: str) -> Data:
    shown = [*map(str, shape), *(f"{k}={v}" for k, v in options.items())]
    return Data(f"{name}({', '.join(shown)})", lambda rng: np.asarray(make(rng), dtype=dtype))


def _unusual(options: dict[str, Any], usual: dict[str, Any]) -> dict[str, Any]:
    return {k: v for k, v in options.items() if usual[k] != v}


def randn(*shape: int, dtype: str = "float32") -> Data:
    """Standard normal numbers, complex ones for a complex ``dtype``."""
    options = _unusual({"dtype": dtype}, {"dtype": "float32"})
    if dtype.startswith("complex"):
        return _data("randn", shape, options, lambda r: r.standard_normal(shape) + 1j * r.standard_normal(shape), dtype)
    return _data("randn", shape, options, lambda r: r.standard_normal(shape), dtype)


def uniform(*shape: int, low: float = 0.1, high: float = 0.9, dtype: str = "float32") -> Data:
    """Numbers between ``low`` and ``high``."""
    options = _unusual({"low": low, "high": high, "dtype": dtype}, {"low": 0.1, "high": 0.9, "dtype": "float32"})
    return _data("uniform", shape, options, lambda r: r.uniform(low, high, shape), dtype)


def distinct(*shape: int, dtype: str = "float32") -> Data:
    """Numbers without ties, in random order."""
    size = int(np.prod(shape))
    options = _unusual({"dtype": dtype}, {"dtype": "float32"})
    return _data(
        "distinct", shape, options, lambda r: r.permutation(np.linspace(-2, 2, size) + 0.01).reshape(shape), dtype
    )


def rising(*shape: int, dtype: str = "float32") -> Data:
    """Numbers that rise along the last dimension."""
    return _data("rising", shape, {}, lambda r: np.sort(r.standard_normal(shape), axis=-1), dtype)


def randint(*shape: int, low: int = -4, high: int = 5, dtype: str = "int64") -> Data:
    """Integers from ``low`` to ``high - 1``."""
    options = _unusual({"low": low, "high": high, "dtype": dtype}, {"low": -4, "high": 5, "dtype": "int64"})
    return _data("randint", shape, options, lambda r: r.integers(low, high, shape), dtype)


def randbool(*shape: int) -> Data:
    """True and False."""
    return _data("randbool", shape, {}, lambda r: r.integers(0, 2, shape), "bool")


def tensor(values: Any, dtype: str | None = None) -> Data:
    """The values given; float32 unless they are integers or booleans."""
    array = np.asarray(values)
    kind = dtype or {"f": "float32", "c": "complex64"}.get(array.dtype.kind, str(array.dtype))
    text = f"tensor({values}, {kind})" if dtype else f"tensor({values})"
    return Data(text, lambda rng: np.asarray(values, dtype=kind))


def square(*shape: int, dtype: str = "float32") -> Data:
    """Matrices far from singular: random ones plus a multiple of the identity; the last size counts twice."""
    size = shape[-1]
    options = _unusual({"dtype": dtype}, {"dtype": "float32"})

    def make(r: np.random.Generator) -> Any:
        full = (*shape, size)
        noise = r.standard_normal(full) + (1j * r.standard_normal(full) if dtype.startswith("complex") else 0)
        return noise * 0.5 + 2 * np.eye(size)

    return _data("square", shape, options, make, dtype)


def positive_definite(*shape: int, dtype: str = "float32") -> Data:
    """Symmetric (Hermitian) positive definite matrices; the last size counts twice."""
    size = shape[-1]
    options = _unusual({"dtype": dtype}, {"dtype": "float32"})

    def make(r: np.random.Generator) -> Any:
        full = (*shape, size)
        a = r.standard_normal(full) + (1j * r.standard_normal(full) if dtype.startswith("complex") else 0)
        return a @ np.conj(np.swapaxes(a, -1, -2)) + np.eye(size)

    return _data("positive_definite", shape, options, make, dtype)
