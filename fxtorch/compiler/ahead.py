"""Compiling before the first call, and what a compiled program costs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from fxtorch.compiler.program import Program


@dataclass(frozen=True)
class Cost:
    """What one run of a program costs, as XLA counts it; 0 where it does not say.

    Attributes:
        flops: floating-point operations.
        bytes_accessed: bytes read and written.
        argument_bytes: the size of what goes in, ``output_bytes``: of what comes out.
        temporary_bytes: the size of what is held in between.
        reused_bytes: how much of the output takes the place of donated input.
        code_bytes: the size of the program.
    """

    flops: float
    bytes_accessed: float
    argument_bytes: int
    output_bytes: int
    temporary_bytes: int
    reused_bytes: int
    code_bytes: int

    @property
    def peak_bytes(self) -> int:
        """The most memory in use at once: input, output and what is between, less what is reused."""
        return self.argument_bytes + self.output_bytes + self.temporary_bytes - self.reused_bytes

    @classmethod
    def of(cls, compiled: Any) -> Cost:
        """That of a program of JAX's."""
        counts = compiled.cost_analysis() or {}
        memory = compiled.memory_analysis()
        sizes = [
            int(getattr(memory, f"{name}_size_in_bytes", 0))
            for name in ("argument", "output", "temp", "alias", "generated_code")
        ]
        return cls(float(counts.get("flops", 0.0)), float(counts.get("bytes accessed", 0.0)), *sizes)

    def __str__(self) -> str:
        return (
            f"{self.flops:.3g} FLOPs, {self.bytes_accessed:.3g} bytes read and written, "
            f"{self.peak_bytes} bytes at most in memory"
        )


class Lowered:
    """A function traced for certain arguments, not yet compiled: what ``jit(f).lower(*args)`` gives."""

    def __init__(self, program: Program, leaves: Sequence[Any], keep: Callable[[Program], None], lowered: Any) -> None:
        self._program = program
        self._leaves = leaves
        self._keep = keep
        self._lowered = lowered

    def as_text(self, dialect: str | None = None) -> str:
        """The program before XLA's optimisation: StableHLO, or another dialect that JAX knows."""
        return self._lowered.as_text(dialect)

    def compile(self) -> Ahead:
        """Compile it; calls of the function with such arguments then run this program."""
        compiled = self._lowered.compile()
        self._program.executable.use(compiled)
        self._keep(self._program)
        return Ahead(self._program, compiled)


class Ahead:
    """A compiled program: what ``jit(f).lower(*args).compile()`` gives; call the function itself to run it.

    >>> import fxtorch as torch
    >>> f = torch.jit(lambda x: x @ x)
    >>> program = f.lower(torch.ones(8, 8)).compile()
    >>> program.cost.flops >= 2 * 7 * 8 * 8
    True
    >>> f(torch.ones(8, 8)).shape, f.traces
    (torch.Size([8, 8]), 1)
    """

    def __init__(self, program: Program, compiled: Any) -> None:
        self._program = program
        self._compiled = compiled

    @property
    def cost(self) -> Cost:
        """FLOPs, bytes and memory of one run."""
        return Cost.of(self._compiled)

    def as_text(self) -> str:
        """The optimised program, in HLO."""
        return self._compiled.as_text()

    def __repr__(self) -> str:
        return f"<compiled {self._program.name}: {self.cost}>"
