"""Running one sample in either library, forward, backward and twice backward."""

from __future__ import annotations

import warnings
import zlib
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from scipy import special

import fxtorch
from tests.conformance.compare import flat
from tests.conformance.convert import Arguments, array_of, numpy_of, rebuilt, tensor_of


class Side:
    """One library, and how a sample is run in it.

    Args:
        library: ``torch`` or ``fxtorch``.
        fn: its function.
        arguments: the sample.
        double: float32 and complex64 become float64 and complex128 (in PyTorch only).
        grad: whether Tensors want a gradient where the sample's do.
    """

    def __init__(
        self, library: Any, fn: Callable[..., Any], arguments: Arguments, *, double: bool = False, grad: bool = True
    ) -> None:
        self.library = library
        self.fn = fn
        self.arguments = arguments
        self.double = double
        self.process = arguments.process
        self.ranks = arguments.ranks
        if library is fxtorch:
            self.tensors = arguments.converted(grad=grad)
            if hasattr(self.process, "__code__"):
                self.process = rebuilt(self.process, fxtorch)  # type: ignore[arg-type]
        else:
            self.tensors = arguments.fresh(grad=grad, change=widened if double else None)

    def bound(self, tensors: Sequence[Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """The arguments with these Tensors in their places."""
        of = self.arguments.of_fxtorch if self.library is fxtorch else self.arguments.of_torch
        args, kwargs = of(tensors)
        if self.double:
            args, kwargs = _widened_types(args), _widened_types(kwargs)
        return args, kwargs

    def call(self, *tensors: Any) -> Any:
        """The function on these Tensors; what is compared of its result."""
        args, kwargs = self.bound(tensors)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            result = self.process(self.fn(*args, **kwargs))
        return result if self.ranks is None else _picked(result, tensors[0], *self.ranks)

    def __call__(self) -> Any:
        """The function on its own Tensors."""
        return self.call(*self.tensors)

    def gradients(self, *, twice: bool = False) -> list[Any]:
        """The gradient of each Tensor that wants one, for fixed random cotangents; None where there is none.

        With ``twice``, that gradient's own gradient, for other cotangents.
        """
        wanted = [t for t in self.tensors if t.requires_grad]
        results = [r for r in flat(self()) if isinstance(r, torch.Tensor | fxtorch.Tensor)]
        found = self._grad(results, wanted, seed=1, create_graph=twice)
        if not twice:
            return found
        return self._grad([g for g in found if g is not None], wanted, seed=2)

    def _grad(self, results: Sequence[Any], wanted: Sequence[Any], seed: int, create_graph: bool = False) -> list[Any]:
        pairs = [(r, self._cotangent(r, i, seed)) for i, r in enumerate(results) if r.requires_grad]
        if not pairs:
            return [None] * len(wanted)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return list(
                self.library.autograd.grad(
                    [r for r, _ in pairs],
                    wanted,
                    [ct for _, ct in pairs],
                    allow_unused=True,
                    create_graph=create_graph,
                )
            )

    def _cotangent(self, result: Any, index: int, seed: int) -> Any:
        rng = np.random.default_rng([zlib.crc32(str(self.arguments).encode()), index, seed])
        ct = rng.standard_normal(tuple(result.shape)).astype(np.float32)
        if result.dtype.is_complex:
            ct = ct + 1j * rng.standard_normal(ct.shape).astype(np.float32)
        ct = np.asarray(ct).astype(numpy_of(result.detach()).dtype)
        if self.library is fxtorch:
            return tensor_of(ct)
        return torch.from_numpy(np.array(ct, np.float32)).to(result.dtype) if ct.dtype.kind == "V" else _from_numpy(ct)


def _picked(result: Any, among: Any, dim: int, keepdim: bool) -> list[Any]:
    """A result whose places are replaced by the elements that stand there: which of equal ones is not said."""
    *found, places = result if isinstance(result, tuple) else (result,)
    if among.ndim:
        found.append(among.take_along_dim(places if keepdim else places.unsqueeze(dim), dim))
    return [*found, places.shape, places.dtype]


def _from_numpy(array: np.ndarray) -> torch.Tensor:
    if array.dtype.name == "bfloat16":
        return torch.from_numpy(array.astype(np.float32)).bfloat16()
    return torch.from_numpy(array)


_WIDER = {
    torch.float32: torch.float64,
    torch.complex64: torch.complex128,
    torch.float16: torch.float64,
    torch.bfloat16: torch.float64,
}


def widened(tensor: torch.Tensor) -> torch.Tensor:
    """The same numbers in double precision."""
    return tensor.to(_WIDER.get(tensor.dtype, tensor.dtype))


def _widened_types(value: Any) -> Any:
    if isinstance(value, torch.dtype):
        return _WIDER.get(value, value)
    if isinstance(value, tuple | list):
        return type(value)(map(_widened_types, value))
    if isinstance(value, dict):
        return {k: _widened_types(v) for k, v in value.items()}
    return value


# PyTorch's own float64 is off by 1e-6 between the pieces of its approximations.
SCIPY = {torch.special.bessel_j0: special.j0, torch.special.bessel_y1: special.y1}


def exactly(fn: Callable[..., Any], arguments: Arguments, *, of: str = "value") -> Callable[[], list[Any]]:
    """PyTorch's answer in double precision, when it is asked for; all None where PyTorch refuses."""

    def answer() -> list[Any]:
        if fn in SCIPY:
            return [SCIPY[fn](array_of(arguments.tensors[0]).astype(np.float64))]
        try:
            side = Side(torch, fn, arguments, double=True)
            if of == "value":
                return flat(side())
            return [g if g is None else array_of(g) for g in side.gradients(twice=of == "second")]
        except (RuntimeError, TypeError, ValueError):
            return _Nothing()

    return answer


class _Nothing(list):
    def __getitem__(self, index: Any) -> None:
        return None
