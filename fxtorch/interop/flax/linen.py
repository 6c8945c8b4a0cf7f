"""A Flax Linen module as an fxtorch Module."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import flax.linen as linen

from fxtorch import nn
from fxtorch.autograd import no_grad
from fxtorch.interop.flax._call import JaxFunction, arrays
from fxtorch.interop.flax._tree import Path, Variables, nested, paths
from fxtorch.tensor.generator import default_generator


class FromLinen(nn.Module):
    """A Linen module with its variables: ``params`` are Parameters, all other collections are buffers.

    ``backward()``, ``fxtorch.jit``, optimizers and ``state_dict`` work as with any Module.  While it is in training
    mode, the other collections are mutable, so that batch statistics move, and random keys are drawn from fxtorch's
    Generator.  What the Linen module wants to know itself (``train=True``) is passed to the call.

    Args:
        module: the Linen module.
        *example: arguments of a call, of the right shapes, to make its variables from.
        variables: its variables instead, where they are there already.
        draws: the names of the random keys that a call in training mode is given.
        **kwargs: keyword arguments of the example.

    Raises:
        ValueError: neither an example nor variables are given.

    >>> import flax.linen as linen
    >>> import fxtorch as torch
    >>> layer = FromLinen(linen.Dense(2), torch.ones(1, 3))
    >>> layer(torch.ones(4, 3)).sum().backward()
    >>> [(name, tuple(p.grad.shape)) for name, p in layer.named_parameters()]
    [('variables.params.bias', (2,)), ('variables.params.kernel', (3, 2))]
    """

    def __init__(
        self,
        module: linen.Module,
        *example: Any,
        variables: Any = None,
        draws: Sequence[str] = ("dropout",),
        **kwargs: Any,
    ) -> None:
        super().__init__()
        if variables is None and not example and not kwargs:
            raise ValueError("give an example of the arguments of a call, or variables=")
        if variables is None:
            keys = {name: default_generator.draw() for name in ("params", *draws)}
            variables = module.init(keys, *arrays(example), **arrays(kwargs))
        items = dict(sorted(paths(linen.meta.unbox(_plain(variables)))))
        self.module = module
        self.draws = tuple(draws)
        self.paths: tuple[Path, ...] = tuple(items)
        self.variables = Variables(items, lambda path: path[0] == "params")
        self._call = JaxFunction(type(module).__name__, self._make)

    def _make(self, method: Any, mutable: tuple[str, ...]) -> Callable[..., Any]:
        def call(variables: Any, keys: Any, args: Any, kwargs: Any) -> Any:
            out = self.module.apply(
                nested(dict(zip(self.paths, variables, strict=True))),
                *args,
                rngs=keys or None,
                method=method,
                mutable=list(mutable) if mutable else False,
                **kwargs,
            )
            result, changed = out if mutable else (out, {})
            return result, dict(paths(linen.meta.unbox(_plain(changed))))

        return call

    def forward(self, *args: Any, method: str | None = None, **kwargs: Any) -> Any:
        """Call the Linen module (or its ``method``) on Tensors."""
        collections = sorted({str(path[0]) for path in self.paths} - {"params"})
        mutable = tuple(collections) if self.training else ()
        keys = {name: default_generator.draw() for name in self.draws} if self.training else {}
        held = [self.variables.argument(path) for path in self.paths]
        result, changed = self._call((method, mutable), held, keys, args, kwargs)
        with no_grad():
            for path, value in changed.items():
                if path in self.paths:
                    self.variables.at(path).copy_(value.detach())
        return result

    def linen_variables(self) -> dict[str, Any]:
        """The variables as Linen has them, for ``module.apply``."""
        return nested({path: arrays(self.variables.at(path)) for path in self.paths})

    def extra_repr(self) -> str:
        """The Linen module."""
        return type(self.module).__name__


def _plain(variables: Any) -> dict[str, Any]:
    """Nested dicts, whatever mapping they were; lists and tuples of variables stay leaves' containers."""
    return {k: _plain(v) if hasattr(v, "items") else v for k, v in variables.items()}
