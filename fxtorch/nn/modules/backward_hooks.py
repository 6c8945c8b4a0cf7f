"""Backward hooks of Modules: what watches, and may replace, the gradients of a module's outputs and inputs.

A call of a module that has such hooks passes its inputs and its outputs through two identities.  Their backward
functions see all gradients of the outputs, and of the inputs, at once, which is where the hooks run.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from fxtorch.autograd import Function, is_grad_enabled
from fxtorch.tensor import Tensor, unwrap, wrap
from fxtorch.tensor.handles import RemovableHandle
from fxtorch.tensor.structure import HookTable

if TYPE_CHECKING:
    from fxtorch.nn.modules.module import Module

global_backward_pre_hooks: OrderedDict[int, Callable[..., Any]] = HookTable()
global_backward_hooks: OrderedDict[int, Callable[..., Any]] = HookTable()

_MIXED = (
    "Cannot use both regular backward hooks and full backward hooks on a single Module. Please use only one of them."
)


def register_module_full_backward_pre_hook(hook: Callable[..., Any]) -> RemovableHandle:
    """Call ``hook(module, grad_output)`` before the backward of every Module."""
    return RemovableHandle.add(global_backward_pre_hooks, hook)


def register_module_full_backward_hook(hook: Callable[..., Any]) -> RemovableHandle:
    """Call ``hook(module, grad_input, grad_output)`` after the backward of every Module."""
    return RemovableHandle.add(global_backward_hooks, hook)


class BackwardHooks:
    """The part of :class:`Module` that keeps backward hooks."""

    _backward_pre_hooks: OrderedDict[int, Callable[..., Any]]
    _backward_hooks: OrderedDict[int, Callable[..., Any]]
    _is_full_backward_hook: bool | None

    def register_full_backward_pre_hook(self, hook: Callable[..., Any], prepend: bool = False) -> RemovableHandle:
        """Call ``hook(module, grad_output)`` when the gradients of the module's outputs are known.

        Args:
            hook: may return a tuple that replaces ``grad_output``.
            prepend: whether it runs before the hooks that are there already.

        Returns:
            A handle whose ``remove()`` takes the hook out.
        """
        return RemovableHandle.add(self._backward_pre_hooks, hook, prepend)

    def register_full_backward_hook(self, hook: Callable[..., Any], prepend: bool = False) -> RemovableHandle:
        """Call ``hook(module, grad_input, grad_output)`` when the gradients of the module's inputs are known.

        ``grad_input`` has an entry for each positional argument, None where that is no Tensor or wants no gradient.

        Args:
            hook: may return a tuple that replaces ``grad_input``.
            prepend: whether it runs before the hooks that are there already.

        Returns:
            A handle whose ``remove()`` takes the hook out.

        Raises:
            RuntimeError: the module has a hook from :meth:`register_backward_hook`.
        """
        if self._is_full_backward_hook is False:
            raise RuntimeError(_MIXED)
        self._is_full_backward_hook = True
        return RemovableHandle.add(self._backward_hooks, hook, prepend)

    def register_backward_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """The older name: as :meth:`register_full_backward_hook`, which it does not mix with.

        Raises:
            RuntimeError: the module has a hook from :meth:`register_full_backward_hook`.
        """
        if self._is_full_backward_hook is True:
            raise RuntimeError(_MIXED)
        self._is_full_backward_hook = False
        return RemovableHandle.add(self._backward_hooks, hook)


class BackwardPass:
    """The hooks around one call's backward.

    Args:
        module: the module that is called.
        pre_hooks: called with the gradients of the outputs.
        hooks: called with the gradients of the inputs too.
    """

    def __init__(self, module: Module, pre_hooks: list[Callable[..., Any]], hooks: list[Callable[..., Any]]) -> None:
        self.module = module
        self.pre_hooks = pre_hooks
        self.hooks = hooks
        self.arguments = 0
        self.grad_output: tuple[Any, ...] | None = None
        self.enters = False

    @classmethod
    def of(cls, module: Module) -> BackwardPass | None:
        """The hooks of ``module``, or None where it has none."""
        pre_hooks = [*global_backward_pre_hooks.values(), *module._backward_pre_hooks.values()]
        hooks = [*global_backward_hooks.values(), *module._backward_hooks.values()]
        return cls(module, pre_hooks, hooks) if pre_hooks or hooks else None

    def enter(self, args: tuple[Any, ...]) -> tuple[Any, ...]:
        """The call's arguments, watched."""
        self.arguments = len(args)
        watched = self._watch(args, self._inputs_known)
        self.enters = watched is not None
        return args if watched is None else watched

    def leave(self, result: Any) -> Any:
        """The call's result, watched."""
        single = not isinstance(result, tuple)
        watched = self._watch((result,) if single else result, self._outputs_known)
        if watched is None:
            return result
        if single:
            return watched[0]
        return type(result)(*watched) if hasattr(result, "_fields") else watched

    def _watch(self, values: tuple[Any, ...], known: Callable[..., Any]) -> tuple[Any, ...] | None:
        """``values`` with their Tensors passed through an identity, or None where no gradient will come."""
        places = [i for i, v in enumerate(values) if isinstance(v, Tensor)]
        if not (is_grad_enabled() and any(values[i].requires_grad for i in places)):
            return None

        count = len(values)  # a compiled step keeps the function below, and must not keep the values with it

        def spread(grads: tuple[Any, ...]) -> tuple[Any, ...]:
            by_place = dict(zip(places, grads, strict=True))
            changed = known(tuple(by_place.get(i) for i in range(count)))
            return tuple(changed[i] for i in places)

        passed = iter(_Watch.apply(spread, *(values[i] for i in places)))
        return tuple(next(passed) if isinstance(v, Tensor) else v for v in values)

    def _outputs_known(self, grads: tuple[Any, ...]) -> tuple[Any, ...]:
        grads = self._replace(self.pre_hooks, grads, "grad_output", lambda hook, g: hook(self.module, g))
        if self.enters:
            self.grad_output = grads
        else:
            for hook in self.hooks:
                if hook(self.module, (None,) * self.arguments, grads) is not None:
                    raise RuntimeError(
                        "Backward hook for Modules where no input requires gradient should always return None or None "
                        "for all gradients."
                    )
        return grads

    def _inputs_known(self, grads: tuple[Any, ...]) -> tuple[Any, ...]:
        grad_output, self.grad_output = self.grad_output, None
        if grad_output is None:
            return grads
        return self._replace(self.hooks, grads, "grad_input", lambda hook, g: hook(self.module, g, grad_output))

    @staticmethod
    def _replace(hooks: list[Any], grads: tuple[Any, ...], what: str, call: Callable[..., Any]) -> tuple[Any, ...]:
        for hook in hooks:
            changed = call(hook, grads)
            if changed is None:
                continue
            changed = changed if isinstance(changed, tuple) else (changed,)
            if len(changed) != len(grads):
                raise RuntimeError(
                    f"Backward hook returned an invalid number of {what}, got {len(changed)}, but expected {len(grads)}"
                )
            grads = changed
        return grads


class _Watch(Function):
    """The identity on several Tensors; its backward passes their gradients through a function."""

    @staticmethod
    def forward(ctx: Any, known: Callable[..., Any], *tensors: Tensor) -> tuple[Tensor, ...]:
        ctx.known, ctx.of_hooks = known, True
        ctx.set_materialize_grads(False)
        passed = tuple(wrap(unwrap(t)) for t in tensors)
        ctx.mark_non_differentiable(*(p for p, t in zip(passed, tensors, strict=True) if not t.requires_grad))
        return passed

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> tuple[Any, ...]:
        return (None, *ctx.known(grads))
