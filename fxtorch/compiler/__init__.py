"""The compiler: a PyTorch-style step becomes one XLA program, its state found, carried and restored.

Order of the files: errors, references (where state lives), guards (what was taken for granted), capture (watching a
trace), trace (a pure function), program (compiled: gather, run, write back), function and module (what is called),
public.
"""

from fxtorch.compiler.errors import DataDependent, Escaped, NotCompilable
from fxtorch.compiler.function import CompiledFunction, explain
from fxtorch.compiler.public import Jit, compile, jit

__all__ = ["CompiledFunction", "DataDependent", "Escaped", "Jit", "NotCompilable", "compile", "explain", "jit"]
