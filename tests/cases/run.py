"""Calling a case with fxtorch or with torch: the same code for both libraries."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from fxtorch.nn import functional
from fxtorch.tensor.dispatch import namespace
from tests.cases import Case

# PyTorch's own tolerances (torch.testing.assert_close), relative and absolute.
TOLERANCES = {
    "float16": (1e-3, 1e-5),
    "bfloat16": (1.6e-2, 1e-5),
    "float32": (1.3e-6, 1e-5),
    "float64": (1e-7, 1e-7),
    "complex64": (1.3e-6, 1e-5),
    "complex128": (1e-7, 1e-7),
}


def function(library: Any, name: str) -> Callable[..., Any]:
    """What ``library`` calls ``name``."""
    space, _, short = name.rpartition(".")
    if space == "Tensor":
        return lambda self, *args, **kwargs: getattr(self, short)(*args, **kwargs)
    if library.__name__ == "fxtorch" and space == "nn.functional":
        return getattr(functional, short)
    if library.__name__ == "fxtorch" and short in (table := namespace(space or "torch")):
        return table[short]
    for part in name.split("."):
        library = getattr(library, part)
    return library


class Call:
    """A case with its Tensors made: ``call(*call.tensors)`` runs it.

    Args:
        case: what to call.
        library: ``fxtorch`` or ``torch``.
        sample: which of the case's random fillings.
        double: whether single precision becomes double.
        fn: what to call instead of the case's function.
    """

    def __init__(
        self,
        case: Case,
        library: Any,
        *,
        sample: int = 0,
        double: bool = False,
        fn: Callable[..., Any] | None = None,
        cast: str | None = None,
    ) -> None:
        self.case = case
        self.library = library
        self.fn = function(library, case.name) if fn is None else fn
        self.tensors: list[Any] = []
        args, kwargs = case.fill(sample, double=double)
        self._args = [self._plan(a, cast) for a in args]
        self._kwargs = {k: self._plan(v, cast) for k, v in kwargs.items()}

    def _plan(self, value: Any, cast: str | None) -> Callable[[Sequence[Any]], Any]:
        """How to find the argument's value among the Tensors."""
        if isinstance(value, np.ndarray):
            place = len(self.tensors)
            if cast is not None and value.dtype == np.float32:
                value = np.clip(np.nan_to_num(value), -100, 100) * 2 if cast.startswith("int") else value
                value = value.astype(cast)
            self.tensors.append(self.library.from_numpy(value.copy()) if value.ndim else self.library.tensor(value))
            return lambda tensors: tensors[place]
        if isinstance(value, np.dtype):
            dtype = getattr(self.library, value.name)
            return lambda tensors: dtype
        if isinstance(value, list | tuple):
            parts = [self._plan(v, cast) for v in value]
            kind = type(value)
            return lambda tensors: kind(part(tensors) for part in parts)
        return lambda tensors: value

    def arguments(self, tensors: Sequence[Any]) -> tuple[list[Any], dict[str, Any]]:
        """The call's arguments, given its Tensors."""
        return [a(tensors) for a in self._args], {k: v(tensors) for k, v in self._kwargs.items()}

    def __call__(self, *tensors: Any) -> list[Any]:
        """Run it; all results, in a list."""
        args, kwargs = self.arguments(tensors)
        results = flat(self.fn(*args, **kwargs))
        return results if self.case.through is None else [self.case.through(r) for r in results]

    def differentiable(self) -> list[int]:
        """The positions of the Tensors that can want a gradient."""
        return [i for i, t in enumerate(self.tensors) if t.dtype.is_floating_point or t.dtype.is_complex]

    def gradients(self) -> list[np.ndarray | None]:
        """The gradients of its Tensors for cotangents that depend on the case alone; None where there is none."""
        wanted = self.differentiable()
        tensors = [t.clone().requires_grad_() if i in wanted else t for i, t in enumerate(self.tensors)]
        results = self(*tensors)
        cts = cotangents(self.case, [to_numpy(r) for r in results])
        pairs = [(r, self.library.from_numpy(ct)) for r, ct in zip(results, cts, strict=True) if r.requires_grad]
        if not pairs:
            return [None for _ in wanted]
        found = self.library.autograd.grad(
            [r for r, _ in pairs], [tensors[i] for i in wanted], [ct for _, ct in pairs], allow_unused=True
        )
        return [None if g is None else to_numpy(g) for g in found]


def flat(result: Any) -> list[Any]:
    """A result as a list of Tensors."""
    if isinstance(result, tuple | list):
        return [r for item in result for r in flat(item)]
    return [result]


def to_numpy(tensor: Any) -> np.ndarray:
    """The Tensor's values; half precision as float32."""
    tensor = tensor.detach()
    if hasattr(tensor, "resolve_conj"):
        tensor = tensor.resolve_conj().resolve_neg()
    if getattr(tensor, "_is_zerotensor", lambda: False)():
        tensor = tensor.clone()
    if str(tensor.dtype) in ("torch.bfloat16", "torch.float16"):
        tensor = tensor.float()
    return np.array(tensor.numpy())


def cotangents(case: Case, results: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Random cotangents, the same ones for the same case."""
    rng = np.random.default_rng(zlib.crc32(str(case).encode()))
    cts = []
    for r in results:
        ct = rng.standard_normal(r.shape)
        if np.iscomplexobj(r):
            ct = ct + 1j * rng.standard_normal(r.shape)
        cts.append(ct.astype(r.dtype) if r.ndim else np.asarray(ct, dtype=r.dtype))
    return cts


def assert_close(actual: Any, expected: Any, what: str = "result", dtype: str | None = None) -> None:
    """Compare arrays at PyTorch's tolerance for their type; NaN equals NaN."""
    expected = np.asarray(expected)
    rtol, atol = TOLERANCES.get(dtype or expected.dtype.name, (0, 0))
    np.testing.assert_allclose(np.asarray(actual), expected, rtol=rtol, atol=atol, err_msg=what)
