"""``fxtorch.jit`` and ``fxtorch.compile``."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Sequence
from types import ModuleType
from typing import Any

from fxtorch.compiler.bucket import Axes, bucketed
from fxtorch.compiler.function import CompiledFunction
from fxtorch.compiler.module import OptimizedModule
from fxtorch.nn import Module
from fxtorch.nn.modules.module import set_compiler


def _compiled(target: Any, *, dynamic: Any = None, axes: Any = None, sizes: Any = None, **options: Any) -> Any:
    if dynamic == "bucket":
        return bucketed(target, axes, sizes, **options)
    if axes is not None or sizes is not None or dynamic not in (None, False, True):
        raise ValueError(f'axes and sizes are for dynamic="bucket", not for dynamic={dynamic!r}')
    if isinstance(target, Module):
        return OptimizedModule(target, **options)
    if isinstance(target, CompiledFunction):
        return target
    if not callable(target):
        raise TypeError(f"jit needs a function or a Module, not {type(target).__name__}")
    return CompiledFunction(target, **options)


class Jit(ModuleType):
    """Compile a function or a Module; every ordinary training step is one program, with no state listed.

    The function is traced with its arguments; parameters, buffers, gradients, optimizer state and random generators
    that it reads or changes are found and carried.  What the trace took for granted (shapes, Python values, training
    flags, the structure of modules) is checked at each call, and a change compiles another program.

    >>> import fxtorch as torch
    >>> model = torch.nn.Linear(3, 1)
    >>> opt = torch.optim.SGD(model.parameters(), lr=0.1)
    >>> @torch.jit
    ... def step(x, y):
    ...     opt.zero_grad()
    ...     loss = ((model(x) - y) ** 2).mean()
    ...     loss.backward()
    ...     opt.step()
    ...     return loss
    >>> first, second = (step(torch.ones(4, 3), torch.zeros(4, 1)) for _ in range(2))
    >>> bool(second < first)
    True

    Args:
        target: what to compile; leave it out to use ``@jit(...)`` with options.
        fullgraph: raise where the function needs the value of a Tensor, instead of running it eagerly with a warning.
        donate: reuse the memory of state that the function overwrites.
        max_traces: raise when more programs than this would be made.
        dynamic: ``"bucket"`` pads arguments whose size varies, so that a few programs do for all sizes; the function
            takes a ``mask`` that says what is real (:class:`fxtorch.compiler.Bucketed`).
        axes: for that: for each argument to pad, by name, its axis (or its axes, ``{axis: name}``).
        sizes: for that: the sizes to pad to; powers of two where there are none.

    >>> @torch.jit(dynamic="bucket", axes={"x": 0})
    ... def mean(x, mask):
    ...     return torch.where(mask, x, 0.0).sum() / mask.sum()
    >>> [mean(torch.ones(n)).item() for n in (5, 6, 7, 8)], mean.traces
    ([1.0, 1.0, 1.0, 1.0], 1)
    >>> round(mean.waste, 2)
    0.19

    The object carries the names of ``torch.jit`` (``interop/torchscript.py``), so that programs that use TorchScript
    run, and can be imported from, as ``torch.jit`` can.
    """

    def __call__(
        self,
        target: Any = None,
        *,
        fullgraph: bool = False,
        donate: bool = True,
        max_traces: int | None = None,
        dynamic: str | bool | None = None,
        axes: Axes | None = None,
        sizes: Sequence[int] | None = None,
    ) -> Any:
        """The compiled form of ``target``, or without one a decorator."""
        options: dict[str, Any] = {"fullgraph": fullgraph, "donate": donate, "max_traces": max_traces}
        options |= {"dynamic": dynamic, "axes": axes, "sizes": sizes}
        if target is None:
            return functools.partial(_compiled, **options)
        return _compiled(target, **options)


jit = Jit("fxtorch.jit", "The compiler, and the names of torch.jit.")
sys.modules[jit.__name__] = jit


def compile(
    model: Any = None,
    *,
    fullgraph: bool = False,
    dynamic: bool | None = None,
    backend: Any = "xla",
    mode: str | None = None,
    options: dict[str, Any] | None = None,
    disable: bool = False,
) -> Any:
    """:data:`fxtorch.jit` under ``torch.compile``'s signature.

    Args:
        model: the function or Module; leave it out to use ``@compile(...)``.
        fullgraph: raise instead of running eagerly where the function cannot be one program.
        dynamic: accepted; each combination of shapes is its own program.
        backend: accepted; XLA compiles.
        mode: accepted.
        options: ``donate`` and ``max_traces`` of :data:`fxtorch.jit`.
        disable: return the model as it is.
    """
    if model is None:
        return functools.partial(compile, fullgraph=fullgraph, options=options, disable=disable)
    if disable:
        return model
    known = {k: v for k, v in (options or {}).items() if k in ("donate", "max_traces")}
    return _compiled(model, fullgraph=fullgraph, **known)


def _compile_call(call: Callable[..., Any], fullgraph: bool = False, **kwargs: Any) -> CompiledFunction:
    return CompiledFunction(call, fullgraph=fullgraph)


set_compiler(_compile_call)
