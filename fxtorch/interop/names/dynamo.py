"""``torch._dynamo``: nothing rewrites bytecode here; its decorators give the function itself."""

from __future__ import annotations

from typing import Any

from fxtorch.compiler import allow_in_graph as allow_in_graph
from fxtorch.compiler import disable as disable
from fxtorch.compiler import is_compiling as is_compiling
from fxtorch.compiler import reset as reset
from fxtorch.compiler.module import OptimizedModule as OptimizedModule
from fxtorch.interop.names import dynamo_config as config

__all__ = [
    "OptimizedModule",
    "allow_in_graph",
    "config",
    "disable",
    "graph_break",
    "is_compiling",
    "mark_dynamic",
    "reset",
]

optimize = disallow_in_graph = assume_constant_result = disable


class TransformGetItemToIndex:
    """A block in which Tensors may be indexes of others under ``vmap``: they always may."""

    def __enter__(self) -> None:
        pass

    def __exit__(self, *exc: object) -> None:
        pass


def is_dynamo_supported() -> bool:
    """False: nothing rewrites bytecode."""
    return False


def is_compile_supported(device_type: Any) -> bool:
    """False: nothing is gained by compiling apart what runs inside another program."""
    return False


def graph_break(*args: Any, **kwargs: Any) -> None:
    """Nothing."""


def mark_dynamic(t: Any, index: Any = None, **kwargs: Any) -> None:
    """Accepted: each shape is its own program."""


mark_static = maybe_mark_dynamic = mark_static_address = mark_dynamic
