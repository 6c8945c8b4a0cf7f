"""The compiler: a PyTorch-style step becomes one XLA program, its state found, carried and restored.

Order of the files: errors, places and references (where state lives), naming, guards (what was taken for granted);
surroundings (what code names), objects (what its objects tell), stores, optimizers and capture (watching a trace),
results, nesting and opened (what is handed back), escape (what must not be); trace (a pure function), program
(compiled: gather, run, write back), function and module (what is called), explanation, public; then transition (a step
whose state goes round), rollout (many in one program), ensemble, fold.
"""

from fxtorch.compiler.ahead import Ahead, Cost, Lowered
from fxtorch.compiler.bucket import Bucketed
from fxtorch.compiler.ensemble import Ensemble, ensemble
from fxtorch.compiler.errors import DataDependent, Escaped, NotCompilable
from fxtorch.compiler.explanation import explain
from fxtorch.compiler.fold import Fold, fold
from fxtorch.compiler.function import CompiledFunction
from fxtorch.compiler.public import Jit, compile, jit
from fxtorch.compiler.torch_names import (
    allow_in_graph,
    assume_constant_result,
    cudagraph_mark_step_begin,
    disable,
    is_compiling,
    is_dynamo_compiling,
    is_exporting,
    list_backends,
    reset,
    set_stance,
)

__all__ = [
    "Ahead",
    "Bucketed",
    "CompiledFunction",
    "Cost",
    "DataDependent",
    "Ensemble",
    "Escaped",
    "Fold",
    "Jit",
    "Lowered",
    "NotCompilable",
    "allow_in_graph",
    "assume_constant_result",
    "compile",
    "cudagraph_mark_step_begin",
    "disable",
    "ensemble",
    "explain",
    "fold",
    "is_compiling",
    "is_dynamo_compiling",
    "is_exporting",
    "jit",
    "list_backends",
    "reset",
    "set_stance",
]
