"""A Module whose call is compiled."""

from __future__ import annotations

from typing import Any

from fxtorch.compiler.ahead import Lowered
from fxtorch.compiler.function import CompiledFunction
from fxtorch.nn import Module


class OptimizedModule(Module):
    """What ``compile(module)`` returns: the same parameters and attributes, the call as compiled programs.

    Called in eager code it takes part in ``.backward()``: its forward and its backward are two programs.
    """

    def __init__(self, module: Module, **options: Any) -> None:
        super().__init__()
        self._orig_mod = module
        self.__dict__["_compiled"] = CompiledFunction(module.__call__, name=type(module).__name__, **options)

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """Run the compiled call."""
        return self._compiled(*args, **kwargs)

    def lower(self, *args: Any, **kwargs: Any) -> Lowered:
        """Trace the call without a run, as :meth:`CompiledFunction.lower` does."""
        return self._compiled.lower(*args, **kwargs)

    def __getattr__(self, name: str) -> Any:
        try:
            return super().__getattr__(name)
        except AttributeError:
            return getattr(super().__getattr__("_orig_mod"), name)
