"""fxtorch: PyTorch's way of working on JAX's engine.  Reading this file is reading the architecture."""

from typing import Any as _Any

from fxtorch import _setup  # before JAX runs anything

from math import e, inf, nan, pi

# The eager shell, and the operators of the one table.
from fxtorch.tensor import Size, Tensor
from fxtorch.tensor.composite import empty_permuted, empty_strided, gradient, histogramdd
from fxtorch.tensor.construction import (
    as_tensor,
    asarray,
    get_default_dtype,
    scalar_tensor,
    set_default_dtype,
    tensor,
)
from fxtorch.tensor.conversion import from_dlpack, from_numpy, frombuffer
from fxtorch.tensor.device import device, get_default_device, set_default_device
from fxtorch.tensor.dispatch import namespace as _namespace
from fxtorch.tensor.dispatch import no_such_name as _no_such_name
from fxtorch.tensor.dtype import (
    bfloat16,
    bool,
    cdouble,
    cfloat,
    chalf,
    complex32,
    complex64,
    complex128,
    double,
    dtype,
    finfo,
    float,
    float4_e2m1fn_x2,
    float8_e4m3fn,
    float8_e4m3fnuz,
    float8_e5m2,
    float8_e5m2fnuz,
    float8_e8m0fnu,
    qint8,
    qint32,
    quint2x4,
    quint4x2,
    quint8,
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
from fxtorch.tensor.memory_format import (
    channels_last,
    channels_last_3d,
    contiguous_format,
    layout,
    memory_format,
    preserve_format,
    sparse_bsc,
    sparse_bsr,
    sparse_coo,
    sparse_csc,
    sparse_csr,
    strided,
)
from fxtorch.tensor.printing import set_printoptions
from fxtorch.tensor.storages import TypedStorage, UntypedStorage, is_storage
from fxtorch.tensor.traits import typename
from fxtorch.tensor.traits import functions as _methods
from fxtorch.tensor.assertions import ASSERTIONS as _ASSERTIONS
from fxtorch.tensor.foreach import FOREACH as _FOREACH
from fxtorch.tensor.typed import TYPED as _TYPED
from fxtorch.tensor.typed import set_default_tensor_type

newaxis = None
legacy_contiguous_format = contiguous_format
globals().update(_namespace("torch") | _methods() | _TYPED | _FOREACH | _ASSERTIONS)

# The families of the table that have a module of their own.
# Gradients.
# Layers and optimizers.
# Pure functions of Modules and Tensors, and the compiler.
# Data and files.
# The process and the machine.
from fxtorch import (
    amp,
    autograd,
    backends,
    compiler,
    cuda,
    debug,
    distributed,
    distributions,
    fft,
    func,
    linalg,
    masked,
    nn,
    optim,
    random,
    return_types,
    serialization,
    signal,
    sparse,
    special,
    testing,
    utils,
    version,
)
from fxtorch.amp import GradScaler, autocast, is_autocast_enabled
from fxtorch.amp.autocast_mode import (
    autocast_decrement_nesting,
    autocast_increment_nesting,
    clear_autocast_cache,
    get_autocast_cpu_dtype,
    get_autocast_dtype,
    get_autocast_gpu_dtype,
    is_autocast_cache_enabled,
    is_autocast_cpu_enabled,
    set_autocast_cache_enabled,
    set_autocast_cpu_dtype,
    set_autocast_cpu_enabled,
    set_autocast_dtype,
    set_autocast_enabled,
    set_autocast_gpu_dtype,
)
from fxtorch.autograd import (
    enable_grad,
    inference_mode,
    is_anomaly_check_nan_enabled,
    is_anomaly_enabled,
    is_grad_enabled,
    is_inference_mode_enabled,
    no_grad,
    set_anomaly_enabled,
    set_grad_enabled,
)
from fxtorch.compiler import compile, ensemble, fold, jit
from fxtorch.cuda import Event, OutOfMemoryError, Stream
from fxtorch.distributed import pmap
from fxtorch.func import cond, map, scan, vmap, while_loop
from fxtorch.removed import FUNCTIONS as _REMOVED
from fxtorch.serialization import load, save
from fxtorch.settings import (
    are_deterministic_algorithms_enabled,
    compiled_with_cxx11_abi,
    get_deterministic_debug_mode,
    get_float32_matmul_precision,
    get_num_interop_threads,
    get_num_threads,
    is_deterministic_algorithms_warn_only_enabled,
    is_warn_always_enabled,
    set_deterministic_debug_mode,
    set_float32_matmul_precision,
    set_flush_denormal,
    set_num_interop_threads,
    set_num_threads,
    set_warn_always,
    use_deterministic_algorithms,
)
from fxtorch.nn.native import (
    adaptive_max_pool1d,
    affine_grid_generator,
    batch_norm,
    binary_cross_entropy_with_logits,
    convolution,
    embedding,
    embedding_bag,
    feature_dropout,
    frobenius_norm,
    instance_norm,
    kl_div,
    max_pool1d_with_indices,
    native_batch_norm,
    native_dropout,
    native_group_norm,
    native_layer_norm,
    norm_except_dim,
    nuclear_norm,
    poisson_nll_loss,
)
from fxtorch.sparse import sparse_compressed_tensor, sparse_coo_tensor, sparse_csc_tensor, sparse_csr_tensor
from fxtorch.sparse.products import dsmm, hsmm, hspmm, saddmm, smm, spmm, sspaddmm
from fxtorch.utils.dlpack import to_dlpack
from fxtorch.version import __version__

globals().update(_REMOVED)

# Other people's programs.
from fxtorch import (
    accelerator,
    ao,
    cpu,
    functional,
    futures,
    fx,
    hub,
    interop,
    library,
    mps,
    mtia,
    multiprocessing,
    onnx,
    overrides,
    profiler,
    quantization,
    storage,
    types,
    xpu,
)
from fxtorch.futures import Future
from fxtorch.interop import alias
from fxtorch.interop.torchscript import ScriptModule, fork, wait
from fxtorch.interop.names import c as _C
from fxtorch.interop.names import dynamo as _dynamo
from fxtorch.interop.names import utils as _utils


def __getattr__(name: str) -> _Any:  # also tells type checkers that the generated names are there
    raise _no_such_name(__name__, name)
