"""A Flax NNX module as an fxtorch Module, and the other way round."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
from flax import nnx

from fxtorch import nn
from fxtorch.autograd import no_grad
from fxtorch.func import functional_call
from fxtorch.interop.flax._call import JaxFunction, arrays, drawing_from, is_key, raw_key, tensors
from fxtorch.interop.flax._tree import Path, Variables
from fxtorch.tensor import unwrap, wrap


class FromNNX(nn.Module):
    """An NNX module with its variables: each ``nnx.Param`` is a Parameter, all others are buffers.

    ``backward()``, ``fxtorch.jit``, optimizers and ``state_dict`` work as with any Module, and ``train()`` and
    ``eval()`` reach the NNX module.  Its variables are copied: the NNX module itself stays as it is.

    Args:
        module: the NNX module.

    >>> from flax import nnx
    >>> import fxtorch as torch
    >>> layer = FromNNX(nnx.Linear(3, 2, rngs=nnx.Rngs(0)))
    >>> layer(torch.ones(4, 3)).sum().backward()
    >>> [(name, tuple(p.grad.shape)) for name, p in layer.named_parameters()]
    [('variables.bias', (2,)), ('variables.kernel', (3, 2))]
    """

    def __init__(self, module: nnx.Module) -> None:
        super().__init__()
        self._definitions: dict[bool, Any] = {}
        twin = nnx.clone(module)
        for training in (False, True):
            twin.train() if training else twin.eval()
            self._definitions[training], state = nnx.split(twin)
        found: dict[Path, Any] = dict(nnx.to_flat_state(state))  # type: ignore[arg-type]
        self._variables = found
        self._keys = {path: jax.random.key_impl(v.get_value()) for path, v in found.items() if is_key(v.get_value())}
        values = {path: raw_key(v.get_value()) for path, v in found.items()}
        self.variables = Variables(values, lambda path: isinstance(found[path], nnx.Param))
        self._call = JaxFunction(type(module).__name__, self._make)

    def _merged(self, training: bool, values: Any) -> Any:
        """The NNX module with these values."""
        variables = []
        for (path, variable), value in zip(self._variables.items(), values, strict=True):
            value = jax.random.wrap_key_data(value, impl=self._keys[path]) if path in self._keys else value
            variables.append((path, variable.replace(value)))
        return nnx.merge(self._definitions[training], nnx.from_flat_state(variables))

    def _make(self, training: bool) -> Callable[..., Any]:
        def call(values: Any, args: Any, kwargs: Any) -> Any:
            module = self._merged(training, values)
            out = module(*args, **kwargs)
            after = dict(nnx.to_flat_state(nnx.state(module)))
            before = dict(zip(self._variables, values, strict=True))
            new = {path: raw_key(v.get_value()) for path, v in after.items() if path in before}
            changed = {path: x for path, x in new.items() if x is not before[path] and path not in self._keys}
            return out, {path: x for path, x in changed.items() if not isinstance(after[path], nnx.Param)}

        return call

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """Call the NNX module on Tensors."""
        held = [self.variables.argument(path) for path in self._variables]
        result, changed = self._call((self.training,), held, args, kwargs)
        with no_grad():
            for path, value in changed.items():
                self.variables.at(path).copy_(value.detach())
        return result

    def nnx_module(self) -> nnx.Module:
        """The NNX module with the present values."""
        return self._merged(self.training, [arrays(self.variables.at(path)) for path in self._variables])


class Buffer(nnx.Variable):
    """A buffer of an fxtorch Module."""


class _Held:
    """What NNX must not look into."""

    def __init__(self, module: nn.Module) -> None:
        self.module = module


class ToNNX(nnx.Module):
    """An fxtorch Module as an NNX module: Parameters are ``nnx.Param``, buffers :class:`Buffer`.

    ``nnx.grad``, ``nnx.jit`` and ``nnx.Optimizer`` work; arguments and results are arrays.  ``train()`` and ``eval()``
    reach the Module.  Its values are copied.

    Args:
        module: the fxtorch Module.
        rngs: where random layers draw from, its stream ``dropout``; needed only by those.

    >>> import jax.numpy as jnp
    >>> import fxtorch as torch
    >>> layer = ToNNX(torch.nn.Linear(3, 2))
    >>> layer(jnp.ones((4, 3), dtype="float32")).shape
    (4, 2)
    """

    def __init__(self, module: nn.Module, *, rngs: nnx.Rngs | None = None) -> None:
        self.held = _Held(module)
        self.deterministic = not module.training
        self.rngs = rngs
        self.parameters = nnx.Dict({name: nnx.Param(unwrap(p)) for name, p in module.named_parameters()})
        self.buffers = nnx.Dict({name: Buffer(unwrap(b)) for name, b in module.named_buffers()})

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call the Module on arrays."""
        module = self.held.module
        given = {name: wrap(v.get_value()) for name, v in [*self.parameters.items(), *self.buffers.items()]}
        key = self.rngs.dropout() if self.rngs is not None and not self.deterministic else None
        before = module.training
        module.train(not self.deterministic)
        try:
            with drawing_from(key):
                out = functional_call(module, given, tensors(args), tensors(kwargs))
        finally:
            module.train(before)
        for name, variable in self.buffers.items():
            new = unwrap(given[name])
            if new is not variable.get_value():
                variable.set_value(new)
        return arrays(out)

    def torch_module(self) -> nn.Module:
        """The fxtorch Module, with the present values."""
        module = self.held.module
        with no_grad():
            held = dict([*module.named_parameters(), *module.named_buffers()])
            for name, variable in [*self.parameters.items(), *self.buffers.items()]:
                held[name].copy_(wrap(variable.get_value()))
        return module
