"""torch.backends: switches of torch's libraries; those that XLA has are connected, the others are remembered."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from types import ModuleType
from typing import Any

from numpy._core._multiarray_umath import __cpu_features__  # as numpy.show_runtime() tells them

from fxtorch import settings
from fxtorch.tensor import device as devices


class _Backend(ModuleType):
    """A library's switches, importable as ``fxtorch.backends.<name>``."""

    def __init__(self, name: str, available: bool, **switches: Any) -> None:
        super().__init__(f"{__name__}.{name}", f"torch.backends.{name}.")
        self._available = available
        self.__dict__.update(switches)
        sys.modules[self.__name__] = self

    def is_available(self) -> bool:
        """Whether there is such a library, or such a device."""
        return self._available

    def is_built(self) -> bool:
        """Whether it is part of this build."""
        return self._available

    @contextlib.contextmanager
    def flags(self, **switches: Any) -> Iterator[None]:
        """Set switches until the end of the block."""
        before = {k: self.__dict__.get(k) for k in switches}
        self.__dict__.update(switches)
        try:
            yield
        finally:
            self.__dict__.update(before)


def _switch(name: str) -> tuple[Any, Any]:
    state = {"on": True}

    def enable(enabled: bool) -> None:
        state["on"] = bool(enabled)

    def enabled() -> bool:
        return state["on"]

    enable.__doc__ = f"Remember whether {name} attention is allowed; XLA chooses the kernel."
    enabled.__doc__ = f"Whether {name} attention is allowed."
    return enable, enabled


@contextlib.contextmanager
def sdp_kernel(
    enable_flash: bool = True, enable_math: bool = True, enable_mem_efficient: bool = True, enable_cudnn: bool = True
) -> Iterator[None]:
    """Accepted: all kernels of attention compute the same, and XLA chooses."""
    yield


class _Cuda(_Backend):
    """The GPU: there where JAX sees one."""

    def is_available(self) -> bool:
        """Whether JAX sees a GPU."""
        return devices.is_there("cuda")

    def is_built(self) -> bool:
        """Whether JAX sees a GPU."""
        return devices.is_there("cuda")

    def version(self) -> None:
        """None: JAX does not tell."""


class _MatMul:
    """Products of matrices on the GPU."""

    allow_fp16_reduced_precision_reduction = True
    allow_bf16_reduced_precision_reduction = True

    @property
    def allow_tf32(self) -> bool:
        """Whether float32 products may be computed in TensorFloat-32."""
        return settings.get_float32_matmul_precision() != "highest"

    @allow_tf32.setter
    def allow_tf32(self, value: bool) -> None:
        settings.set_float32_matmul_precision("high" if value else "highest")


class _Cpu(_Backend):
    """The CPU: XLA compiles for what it has."""

    def get_cpu_capability(self) -> str:
        """The widest vectors of the processor, for which XLA compiles: ``"AVX512"``, ``"AVX2"`` or ``"DEFAULT"``."""
        found = __cpu_features__
        return "AVX512" if found.get("AVX512F") else "AVX2" if found.get("AVX2") else "DEFAULT"


cpu = _Cpu("cpu", True)
cudnn = _Cuda("cudnn", False, enabled=True, benchmark=False, deterministic=False, allow_tf32=True, benchmark_limit=10)
cuda = _Cuda("cuda", False, matmul=_MatMul(), sdp_kernel=sdp_kernel)
for _name in ("flash", "math", "mem_efficient", "cudnn"):
    cuda.__dict__[f"enable_{_name}_sdp"], cuda.__dict__[f"{_name}_sdp_enabled"] = _switch(_name)
mps = _Backend("mps", False)
mkl = _Backend("mkl", False)
quantized = _Backend("quantized", False, engine="none", supported_engines=["none"])
xnnpack = _Backend("xnnpack", False, enabled=False)
mkldnn = _Backend("mkldnn", False, enabled=False)
openmp = _Backend("openmp", False)
opt_einsum = _Backend("opt_einsum", True, enabled=True, strategy="auto")
