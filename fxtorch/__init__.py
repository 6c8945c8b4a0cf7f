"""fxtorch: PyTorch's way of working on JAX's engine.  Reading this file is reading the architecture."""

from fxtorch import _setup  # noqa: F401  isort: skip  (before JAX runs anything)

# The eager shell, and the operators of the one table.
from fxtorch.tensor import Size, Tensor
from fxtorch.tensor.construction import (
    as_tensor,
    asarray,
    get_default_dtype,
    scalar_tensor,
    set_default_dtype,
    tensor,
)
from fxtorch.tensor.conversion import from_dlpack, from_numpy
from fxtorch.tensor.device import device, get_default_device, set_default_device
from fxtorch.tensor.dispatch import namespace as _namespace
from fxtorch.tensor.dtype import (
    bfloat16,
    bool,
    cdouble,
    cfloat,
    complex64,
    complex128,
    double,
    dtype,
    finfo,
    float,
    float8_e4m3fn,
    float8_e5m2,
    float16,
    float32,
    float64,
    half,
    iinfo,
    int,
    int8,
    int16,
    int32,
    int64,
    long,
    short,
    uint8,
    uint16,
    uint32,
    uint64,
)
from fxtorch.tensor.generator import (
    Generator,
    default_generator,
    get_rng_state,
    initial_seed,
    manual_seed,
    seed,
    set_rng_state,
)
from fxtorch.tensor.inquiry import (
    broadcast_shapes,
    can_cast,
    is_complex,
    is_floating_point,
    is_nonzero,
    is_signed,
    is_tensor,
    numel,
    promote_types,
    result_type,
)
from fxtorch.tensor.printing import set_printoptions

globals().update(_namespace("torch"))

# Gradients.
from fxtorch import autograd  # noqa: E402
from fxtorch.autograd import (  # noqa: E402
    enable_grad,
    inference_mode,
    is_grad_enabled,
    is_inference_mode_enabled,
    no_grad,
    set_grad_enabled,
)

# Layers and optimizers.
from fxtorch import nn, optim  # noqa: E402

# Pure functions of Modules and Tensors, and the compiler.
from fxtorch import compiler, func  # noqa: E402
from fxtorch.compiler import compile, jit  # noqa: E402
from fxtorch.func import vmap  # noqa: E402

# Data and files.
from fxtorch import serialization, utils  # noqa: E402
from fxtorch.serialization import load, save  # noqa: E402
