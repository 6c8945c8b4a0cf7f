"""``torch._C``: what programs ask of torch's C++ half in passing."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

from fxtorch.autograd import is_grad_enabled as is_grad_enabled
from fxtorch.nn.modules.convert import parse_to
from fxtorch.ops.singular import LinAlgError
from fxtorch.tensor import Size as Size
from fxtorch.tensor import Tensor as _Tensor
from fxtorch.tensor.device import device as device
from fxtorch.tensor.dtype import dtype as dtype
from fxtorch.tensor.generator import Generator as Generator
from fxtorch.tensor.memory_format import layout as layout
from fxtorch.tensor.memory_format import memory_format as memory_format
from fxtorch.tensor.overriding import disabled_torch_function as _disabled_torch_function_impl
from fxtorch.tensor.overriding import no_overrides

__all__ = ["BoolType", "DisableTorchFunction", "DisableTorchFunctionSubclass", "FloatType", "Generator", "IntType"]
__all__ += ["JitType", "ListType", "NoneType", "Size", "StringType", "TensorType", "Type", "device", "dtype"]

TensorBase = _TensorBase = _Tensor
_LinAlgError = LinAlgError
_TensorMeta = type(_Tensor)
_disabled_torch_dispatch_impl = _disabled_torch_function_impl
DisableTorchFunctionSubclass = DisableTorchFunction = no_overrides
has_cuda = has_mps = has_xpu = has_cudnn = has_mkldnn = has_lapack = False
ScriptObject = Graph = Node = Value = Block = type("Nothing", (), {"__doc__": "A class of which there are no objects."})
JitType = Type = TensorType = IntType = FloatType = BoolType = StringType = ListType = NoneType = ScriptObject


class DispatchKey:
    """torch's dispatch keys: there are none here."""

    AutocastCPU = AutocastCUDA = AutocastXPU = CPU = CUDA = Meta = Autograd = 0


class DispatchKeySet:
    """A set of no keys."""

    def __init__(self, key: Any = None) -> None:
        pass

    def __or__(self, other: Any) -> DispatchKeySet:
        return self


@contextlib.contextmanager
def _ExcludeDispatchKeyGuard(keys: Any) -> Iterator[None]:
    """The block."""
    yield


def _get_tracing_state() -> None:
    """None: nothing is traced in torch's way."""


def _log_api_usage_once(*args: Any) -> None:
    """Nothing: no use is counted."""


def _get_default_device() -> str:
    """Where Tensors are made by default."""
    return "cpu"


def _are_functorch_transforms_active() -> bool:
    """False: JAX's transformations are not torch's."""
    return False


def _is_tracing() -> bool:
    """False: nothing is traced in torch's way."""
    return False


def _cuda_getDeviceCount() -> int:
    """0: CUDA is JAX's own."""
    return 0


def _jit_set_profiling_mode(mode: bool) -> bool:
    """Accepted."""
    return False


_jit_set_profiling_executor = _jit_override_can_fuse_on_cpu = _jit_override_can_fuse_on_gpu = _jit_set_profiling_mode
_jit_set_texpr_fuser_enabled = _jit_set_nvfuser_enabled = _set_graph_executor_optimize = _jit_set_profiling_mode
_get_graph_executor_optimize = functools.partial(_jit_set_profiling_mode, False)
_functions = SimpleNamespace()


def _parse_to(*args: Any, **kwargs: Any) -> tuple[Any, Any, bool, Any]:
    """The device, type, ``non_blocking`` and memory format that the arguments of ``Module.to`` name."""
    wanted, kind = parse_to(*args, **kwargs)
    flags = [a for a in args if isinstance(a, bool)]
    non_blocking = bool(kwargs.get("non_blocking", flags[0] if flags else False))
    return wanted, kind, non_blocking, kwargs.get("memory_format")


_nn = SimpleNamespace(_parse_to=_parse_to)
