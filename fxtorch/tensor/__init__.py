"""The eager shell: Tensor, the tape, and how a pure operator becomes ``torch.f``.

Order of the files, each knowing only those before it: modes, size, dtype, device, tensor (the state), record (compiled
programs), tape, execute (a record on Tensors), operator (one call), quick (the short way to it), views, engine (the
backward walk), generator, dispatch (from the table to public functions), and then the groups of methods.
"""

import fxtorch.ops  # noqa: F401  (fills the table)
from fxtorch.tensor import (  # noqa: F401
    arithmetic,
    construction,
    conversion,
    differentiation,
    inquiry,
    printing,
    pytree,
    resident,
    saved,
    subclasses,
)
from fxtorch.tensor.modes import modes
from fxtorch.tensor.size import Size
from fxtorch.tensor.tensor import Tensor, unwrap, wrap
from fxtorch.tensor.tracing import (
    host_effect,
    is_tracing,
    materialize,
    once_eagerly,
    rely_on,
    scalar_input,
    show_options,
)

__all__ = [
    "Size",
    "Tensor",
    "host_effect",
    "is_tracing",
    "materialize",
    "modes",
    "once_eagerly",
    "rely_on",
    "scalar_input",
    "show_options",
    "unwrap",
    "wrap",
]
