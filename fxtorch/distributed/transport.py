"""Collectives of arrays: one device a process, an array with a row for each, and XLA moves the rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from fxtorch.distributed.errors import DistBackendError

_REDUCED_BY_XLA = frozenset({"float32", "float64", "int32", "int64"})  # other types are gathered and reduced here


class Transport:
    """The collectives of some processes.

    Args:
        ranks: their ranks, that is, JAX's process indices.
    """

    def __init__(self, ranks: Sequence[int]) -> None:
        self.ranks = list(ranks)
        self._programs: dict[Any, Callable[..., Any]] = {}

    @cached_property
    def mesh(self) -> Mesh:
        """One device of each process."""
        first: dict[int, Any] = {}
        for device in jax.devices():
            first.setdefault(device.process_index, device)
        if missing := [r for r in self.ranks if r not in first]:
            raise DistBackendError(f"JAX knows no process {missing[0]}")
        return Mesh(np.array([first[r] for r in self.ranks], object), ("ranks",))

    def reduce(self, x: Any, op: str) -> Any:
        """The reduction of every process's ``x``."""
        fold = REDUCTIONS[op]
        if op in ("sum", "product", "max", "min") and x.dtype.name in _REDUCED_BY_XLA:
            return self._run(op, fold, x, split=False)
        return fold(self.gather(x)).astype(x.dtype)

    def gather(self, x: Any) -> Any:
        """Every process's ``x``, stacked by rank."""
        return self._run("gather", lambda rows: rows, x, split=False)

    def pick(self, x: Any, source: int) -> Any:
        """The ``x`` of the process that is number ``source`` in the group."""
        return self._run(("pick", source), lambda rows: rows[source], x, split=False)

    def exchange(self, x: Any) -> Any:
        """``x`` has a row for each process; the rows that the others have for this one."""
        return self._run("exchange", lambda rows: rows.swapaxes(0, 1), x, split=True)[0]

    def _run(self, key: Any, fn: Callable[[Any], Any], x: Any, *, split: bool) -> Any:
        x = jnp.asarray(x)
        if len(self.ranks) == 1:
            out = fn(x[None])
            return out
        boolean = x.dtype == jnp.bool_
        x = x.astype(jnp.uint8) if boolean else x
        home = next(d for d in self.mesh.devices.flat if d.process_index == jax.process_index())
        rows = NamedSharding(self.mesh, PartitionSpec("ranks"))
        own = jax.device_put(x[None], home)
        whole = jax.make_array_from_single_device_arrays((len(self.ranks), *x.shape), rows, [own])
        program = self._programs.get((key, split))
        if program is None:
            to = rows if split else NamedSharding(self.mesh, PartitionSpec())
            program = self._programs[(key, split)] = jax.jit(fn, out_shardings=to)
        try:
            out = program(whole).addressable_data(0)
            out.block_until_ready()
        except jax.errors.JaxRuntimeError as error:
            raise DistBackendError(f"a collective of ranks {self.ranks} failed: {error}") from error
        return out.astype(jnp.bool_) if boolean else out


REDUCTIONS: dict[str, Callable[[Any], Any]] = {
    "sum": lambda rows: rows.sum(0, dtype=rows.dtype),
    "avg": lambda rows: rows.mean(0).astype(rows.dtype),
    "product": lambda rows: rows.prod(0, dtype=rows.dtype),
    "max": lambda rows: rows.max(0),
    "min": lambda rows: rows.min(0),
    "band": lambda rows: jnp.bitwise_and.reduce(rows, axis=0),
    "bor": lambda rows: jnp.bitwise_or.reduce(rows, axis=0),
    "bxor": lambda rows: jnp.bitwise_xor.reduce(rows, axis=0),
}
