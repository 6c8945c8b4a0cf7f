"""Forward hooks of Modules, each module's own and the global ones, and the call that runs them."""

from __future__ import annotations

import warnings
from collections import OrderedDict
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from fxtorch.nn.modules.backward_hooks import (
    BackwardHooks,
    BackwardPass,
    global_backward_hooks,
    global_backward_pre_hooks,
)
from fxtorch.tensor.handles import RemovableHandle
from fxtorch.tensor.structure import HookTable

if TYPE_CHECKING:
    from fxtorch.nn.modules.module import Module

global_forward_pre_hooks: OrderedDict[int, Callable[..., Any]] = HookTable()
global_forward_hooks: OrderedDict[int, Callable[..., Any]] = HookTable()
GLOBAL_HOOKS = (global_forward_pre_hooks, global_forward_hooks, global_backward_pre_hooks, global_backward_hooks)
_global_with_kwargs: OrderedDict[int, bool] = OrderedDict()
_global_always_called: OrderedDict[int, bool] = OrderedDict()


def register_module_forward_pre_hook(hook: Callable[..., Any]) -> RemovableHandle:
    """Call ``hook(module, args)`` before every forward of every Module; what it returns replaces ``args``."""
    return RemovableHandle.add(global_forward_pre_hooks, hook)


def register_module_forward_hook(
    hook: Callable[..., Any], *, with_kwargs: bool = False, always_call: bool = False
) -> RemovableHandle:
    """Call ``hook(module, args, output)`` after every forward of every Module; what it returns replaces ``output``."""
    marks = [_global_with_kwargs] * with_kwargs + [_global_always_called] * always_call
    return RemovableHandle.add(global_forward_hooks, hook, marks=tuple(marks))


class Hooks(BackwardHooks):
    """The part of :class:`Module` that keeps hooks and calls ``forward`` between them."""

    _forward_hooks: OrderedDict[int, Callable[..., Any]]
    _forward_hooks_with_kwargs: OrderedDict[int, bool]
    _forward_hooks_always_called: OrderedDict[int, bool]
    _forward_pre_hooks: OrderedDict[int, Callable[..., Any]]
    _forward_pre_hooks_with_kwargs: OrderedDict[int, bool]
    forward: Callable[..., Any]

    def register_forward_pre_hook(
        self, hook: Callable[..., Any], *, prepend: bool = False, with_kwargs: bool = False
    ) -> RemovableHandle:
        """Call ``hook(module, args)`` before each ``forward``.

        What the hook returns, if not None, replaces the positional arguments (a single value stands for a tuple of
        one).

        Args:
            hook: the function.
            prepend: whether it runs before the hooks that are there already.
            with_kwargs: call ``hook(module, args, kwargs)``, which returns None or ``(args, kwargs)``.

        Returns:
            A handle whose ``remove()`` takes the hook out.
        """
        marks = (self._forward_pre_hooks_with_kwargs,) if with_kwargs else ()
        return RemovableHandle.add(self._forward_pre_hooks, hook, prepend, marks)

    def register_forward_hook(
        self,
        hook: Callable[..., Any],
        *,
        prepend: bool = False,
        with_kwargs: bool = False,
        always_call: bool = False,
    ) -> RemovableHandle:
        """Call ``hook(module, args, output)`` after each ``forward``; what it returns, if not None, is the output.

        Args:
            hook: the function.
            prepend: whether it runs before the hooks that are there already.
            with_kwargs: call ``hook(module, args, kwargs, output)``.
            always_call: call it, with the output so far or None, even where ``forward`` or another hook raised.

        Returns:
            A handle whose ``remove()`` takes the hook out.
        """
        marks = [self._forward_hooks_with_kwargs] * with_kwargs + [self._forward_hooks_always_called] * always_call
        return RemovableHandle.add(self._forward_hooks, hook, prepend, tuple(marks))

    def _call_with_hooks(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """``forward`` between all its hooks."""
        call = _Call(self, args, kwargs)
        if not (self._forward_hooks_always_called or _global_always_called):
            return call.run()
        try:
            return call.run()
        except Exception:
            call.run_always_called()
            raise


class _Call:
    """One call of a Module that has hooks."""

    def __init__(self, module: Hooks, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        self.module: Any = module
        self.args = args
        self.kwargs = kwargs
        self.result: Any = None
        self.called: set[int] = set()

    def run(self) -> Any:
        module: Module = self.module
        for key, hook in (*global_forward_pre_hooks.items(), *module._forward_pre_hooks.items()):
            self._before(hook, key in module._forward_pre_hooks_with_kwargs)
        backward = BackwardPass.of(module)
        if backward is not None:
            self.args = backward.enter(self.args)
        self.result = module.forward(*self.args, **self.kwargs)
        for key, hook in (*global_forward_hooks.items(), *module._forward_hooks.items()):
            self.called.add(key)
            self._after(key, hook)
        if backward is not None:
            self.result = backward.leave(self.result)
        return self.result

    def _before(self, hook: Callable[..., Any], with_kwargs: bool) -> None:
        if with_kwargs:
            changed = hook(self.module, self.args, self.kwargs)
            if changed is None:
                return
            if not (isinstance(changed, tuple) and len(changed) == 2):
                raise RuntimeError(
                    f"forward pre-hook must return None or a tuple of (new_args, new_kwargs), but got {changed}."
                )
            self.args, self.kwargs = changed
            return
        changed = hook(self.module, self.args)
        if changed is not None:
            self.args = changed if isinstance(changed, tuple) else (changed,)

    def _after(self, key: int, hook: Callable[..., Any]) -> None:
        if key in self.module._forward_hooks_with_kwargs or key in _global_with_kwargs:
            changed = hook(self.module, self.args, self.kwargs, self.result)
        else:
            changed = hook(self.module, self.args, self.result)
        if changed is not None:
            self.result = changed

    def run_always_called(self) -> None:
        """After an exception: the hooks that asked for it and have not been called yet."""
        module = self.module
        for key, hook in (*global_forward_hooks.items(), *module._forward_hooks.items()):
            wanted = key in module._forward_hooks_always_called or key in _global_always_called
            if not wanted or key in self.called:
                continue
            try:
                self._after(key, hook)
            except Exception as error:
                warnings.warn(
                    "module forward hook with ``always_call=True`` raised an exception that was silenced as another "
                    f"error was raised in forward: {error}",
                    stacklevel=2,
                )
