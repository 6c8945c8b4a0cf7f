"""What every optimizer has: parameter groups, state, hooks, and torch's layout of a state dict."""

from __future__ import annotations

import functools
import warnings
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Iterable
from copy import deepcopy
from itertools import chain
from typing import Any

from fxtorch.tensor import Tensor, modes, show_options
from fxtorch.tensor.handles import Hooks, RemovableHandle
from fxtorch.tensor.structure import Row, States, Table

Params = ParamsT = Iterable[Any]  # the second is torch's name, for annotations
Closure = Callable[[], Any]

_global_pre_hooks: Hooks = OrderedDict()
_global_post_hooks: Hooks = OrderedDict()


class _Required:
    """The default of an option that each parameter group must give."""

    def __repr__(self) -> str:
        return "<required parameter>"


required = _Required()


def register_optimizer_step_pre_hook(hook: Callable[..., Any]) -> RemovableHandle:
    """Call ``hook(optimizer, args, kwargs)`` before each step of every optimizer."""
    return RemovableHandle.add(_global_pre_hooks, hook)


def register_optimizer_step_post_hook(hook: Callable[..., Any]) -> RemovableHandle:
    """Call ``hook(optimizer, args, kwargs)`` after each step of every optimizer."""
    return RemovableHandle.add(_global_post_hooks, hook)


def step_hooks(optimizer: Optimizer) -> tuple[Hooks, ...]:
    """The tables of hooks that run around a step."""
    return _global_pre_hooks, optimizer._step_pre_hooks, optimizer._step_post_hooks, _global_post_hooks


def _with_hooks(step: Callable[..., Any]) -> Callable[..., Any]:
    """``step`` between its hooks; it also notes that a step was taken, which schedulers ask."""

    @functools.wraps(step)
    def hooked(self: Optimizer, *args: Any, **kwargs: Any) -> Any:
        if "_step_pre_hooks" not in self.__dict__:  # it wraps another optimizer and is none itself (accelerate's)
            return step(self, *args, **kwargs)
        if modes.capture is not None:
            modes.capture.optimizer(self)
        for hook in chain(tuple(_global_pre_hooks.values()), tuple(self._step_pre_hooks.values())):
            changed = hook(self, args, kwargs)
            if changed is None:
                continue
            if not (isinstance(changed, tuple) and len(changed) == 2):
                raise RuntimeError(
                    f"{step.__qualname__} must return None or a tuple of (new_args, new_kwargs), but got {changed}."
                )
            args, kwargs = changed
        result = step(self, *args, **kwargs)
        self._opt_called = True
        for hook in chain(tuple(self._step_post_hooks.values()), tuple(_global_post_hooks.values())):
            hook(self, args, kwargs)
        return result

    return hooked


class Optimizer:
    """Base class of all optimizers; a subclass says how it steps.

    Args:
        params: the Tensors to optimize, or ``(name, Tensor)`` pairs, or dicts that are parameter groups: each has
            ``params`` and may override any of ``defaults``.
        defaults: the options of a group that does not give its own.

    Attributes:
        param_groups: list of dicts; ``param_groups[0]["lr"]`` *is* the learning rate, and changing it never
            recompiles a step.
        state: what the optimizer remembers, a dict for each parameter, by torch's names.
        defaults: the options of a group that does not give its own.

    Raises:
        TypeError: ``params`` is one Tensor, or holds something that is no Tensor.
        ValueError: ``params`` is empty, holds a non-leaf Tensor, or a Tensor of another group.

    A subclass in torch's own manner works unchanged:

    >>> import fxtorch as torch
    >>> class SignDescent(torch.optim.Optimizer):
    ...     def __init__(self, params, lr):
    ...         super().__init__(params, {"lr": lr})
    ...     @torch.no_grad()
    ...     def step(self, closure=None):
    ...         for group in self.param_groups:
    ...             for p in group["params"]:
    ...                 p.add_(p.grad.sign(), alpha=-group["lr"])
    >>> w = torch.tensor([1.0, -1.0], requires_grad=True)
    >>> (w * w).sum().backward()
    >>> SignDescent([w], lr=0.5).step()
    >>> w.tolist()
    [0.5, -0.5]
    """

    def __init__(self, params: Params, defaults: dict[str, Any]) -> None:
        if isinstance(params, Tensor):
            raise TypeError(
                "params argument given to the optimizer should be an iterable of Tensors or dicts, "
                f"but got {type(params).__name__}"
            )
        self.defaults = defaults
        self.state: defaultdict[Any, Any] = States()
        self.param_groups: list[dict[str, Any]] = []
        self._opt_called = False
        self._make_hooks()
        groups = list(params)
        if not groups:
            raise ValueError("optimizer got an empty parameter list")
        for group in groups if isinstance(groups[0], dict) else [{"params": groups}]:
            self.add_param_group(group)

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "step" in cls.__dict__:
            cls.step = _with_hooks(cls.__dict__["step"])

    def _make_hooks(self) -> None:
        self._step_pre_hooks: Hooks = OrderedDict()
        self._step_post_hooks: Hooks = OrderedDict()
        self._state_dict_pre_hooks: Hooks = OrderedDict()
        self._state_dict_post_hooks: Hooks = OrderedDict()
        self._load_state_dict_pre_hooks: Hooks = OrderedDict()
        self._load_state_dict_post_hooks: Hooks = OrderedDict()

    def __getstate__(self) -> dict[str, Any]:
        return {"defaults": self.defaults, "state": self.state, "param_groups": self.param_groups}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        if "_step_pre_hooks" not in self.__dict__:
            self._opt_called = False
            self._make_hooks()

    def __repr__(self) -> str:
        lines = [f"{type(self).__name__} ("]
        for i, group in enumerate(self.param_groups):
            lines += [""] * (i > 0) + [f"Parameter Group {i}"]
            lines += [f"    {key}: {group[key]}" for key in sorted(group) if key != "params"]
        return "\n".join([*lines, ")"])

    def step(self, closure: Closure | None = None) -> Any:
        """Perform one step.

        Args:
            closure: reevaluates the model, calls ``backward()`` and returns the loss.

        Returns:
            what ``closure`` returned, or ``None``.
        """
        raise NotImplementedError

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Clear the gradient of every parameter.

        Args:
            set_to_none: drop the gradients; otherwise fill them with zeros.
        """
        for group in self.param_groups:
            for p in group["params"]:
                if set_to_none:  # without a look at it: a compiled step then does not depend on what was there
                    p.grad = None
                elif p.grad is not None:
                    p.grad.detach_().zero_()

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Add a group of parameters, with options of its own.

        Args:
            param_group: ``{"params": tensors, option: value, ...}``; what it does not say comes from ``defaults``.

        Raises:
            TypeError: it is no dict, or its ``params`` is a set or holds something that is no Tensor.
            ValueError: an option is missing, or a parameter is not a leaf or in another group already.
        """
        if not isinstance(param_group, dict):
            raise TypeError(f"param_group must be a dict, but got {type(param_group)}")
        params = param_group["params"]
        if isinstance(params, set):
            raise TypeError(
                "optimizer parameters need to be organized in ordered collections, but the ordering of tensors in "
                "sets will change between runs. Please use a list instead."
            )
        params = [params] if isinstance(params, Tensor) else list(params)
        names = [p[0] for p in params if isinstance(p, tuple)]
        if names and len(names) != len(params):
            raise ValueError("all optimizer params should be with/without names. Some param names are missing")
        params = Row(p[1] if isinstance(p, tuple) else p for p in params)
        self._check_params(params, bool(names))
        param_group["params"] = params
        if names:
            param_group["param_names"] = names
        for option, default in self.defaults.items():
            if default is required and option not in param_group:
                raise ValueError(f"parameter group didn't specify a value of required optimization parameter {option}")
            param_group.setdefault(option, default)
        self.param_groups.append(param_group)

    def _check_params(self, params: list[Any], named: bool) -> None:
        for p in params:
            if not isinstance(p, Tensor):
                raise TypeError(f"optimizer can only optimize Tensors, but one of the params is {type(p).__name__}")
            if not (self.defaults.get("differentiable") or p.is_leaf or p.retains_grad):
                raise ValueError("can't optimize a non-leaf Tensor")
        ids = {id(p) for p in params}
        if len(ids) != len(params):
            warnings.warn(
                "optimizer contains a parameter group with duplicate parameters; in future, this will cause an error; "
                "see github.com/pytorch/pytorch/issues/40967 for more information",
                stacklevel=4,
            )
        for group in self.param_groups:
            if named != ("param_names" in group):
                words = ("with names", "without names") if named else ("without names", "with names")
                raise ValueError(
                    "all optimizer param groups should be with/without names. "
                    f"cannot add param group {words[0]} to the optimizer {words[1]}"
                )
            if not ids.isdisjoint(id(p) for p in group["params"]):
                raise ValueError("some parameters appear in more than one parameter group")

    def state_dict(self) -> dict[str, Any]:
        """The state in torch's layout: ``{"state": {index: {...}}, "param_groups": [{..., "params": [index]}]}``.

        Parameters are numbered in the order of the groups.  The Tensors are those of the optimizer, not copies.
        """
        show_options(self)
        for hook in tuple(self._state_dict_pre_hooks.values()):
            hook(self)
        index: dict[int, int] = {}
        groups = []
        start = 0
        for group in self.param_groups:
            for i, p in enumerate(group["params"], start):
                index.setdefault(id(p), i)
            start += len(group["params"])
            packed = {key: value for key, value in group.items() if key != "params"}
            groups.append({**packed, "params": [index[id(p)] for p in group["params"]]})
        state = {
            index[id(k)] if isinstance(k, Tensor) else k: dict(v) if isinstance(v, Table) else v
            for k, v in self.state.items()
        }
        result: dict[str, Any] = {"state": state, "param_groups": groups}
        for hook in tuple(self._state_dict_post_hooks.values()):
            result = _or(hook(self, result), result)
        return result

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over a state that :meth:`state_dict` (fxtorch's or torch's) gave; nothing changes if it does not fit.

        Raises:
            ValueError: the groups differ in number or size.
        """
        state_dict = state_dict.copy()
        for hook in tuple(self._load_state_dict_pre_hooks.values()):
            state_dict = _or(hook(self, state_dict), state_dict)
        saved = deepcopy(state_dict["param_groups"])
        if len(saved) != len(self.param_groups):
            raise ValueError("loaded state dict has a different number of parameter groups")
        if any(len(g["params"]) != len(s["params"]) for g, s in zip(self.param_groups, saved, strict=True)):
            raise ValueError(
                "loaded state dict contains a parameter group that doesn't match the size of optimizer's group"
            )
        owner = {}
        for group, own in zip(saved, self.param_groups, strict=True):
            owner.update(zip(group["params"], own["params"], strict=True))
        state = States()
        for key, value in state_dict["state"].items():
            if key in owner:
                state[owner[key]] = _fit(owner[key], value)
            else:
                state[key] = value
        for group, own in zip(saved, self.param_groups, strict=True):
            group["params"] = own["params"]
            if "param_names" in own:
                group.setdefault("param_names", own["param_names"])
        self.__setstate__({"state": state, "param_groups": saved})
        for hook in tuple(self._load_state_dict_post_hooks.values()):
            hook(self)

    def register_step_pre_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Call ``hook(optimizer, args, kwargs)`` before each step; it may return new ``(args, kwargs)``."""
        return RemovableHandle.add(self._step_pre_hooks, hook)

    def register_step_post_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Call ``hook(optimizer, args, kwargs)`` after each step."""
        return RemovableHandle.add(self._step_post_hooks, hook)

    def register_state_dict_pre_hook(self, hook: Callable[..., Any], prepend: bool = False) -> RemovableHandle:
        """Call ``hook(optimizer)`` before :meth:`state_dict`."""
        return RemovableHandle.add(self._state_dict_pre_hooks, hook, prepend)

    def register_state_dict_post_hook(self, hook: Callable[..., Any], prepend: bool = False) -> RemovableHandle:
        """Call ``hook(optimizer, state_dict)`` after :meth:`state_dict`; it may return another one."""
        return RemovableHandle.add(self._state_dict_post_hooks, hook, prepend)

    def register_load_state_dict_pre_hook(self, hook: Callable[..., Any], prepend: bool = False) -> RemovableHandle:
        """Call ``hook(optimizer, state_dict)`` before loading; it may return another one."""
        return RemovableHandle.add(self._load_state_dict_pre_hooks, hook, prepend)

    def register_load_state_dict_post_hook(self, hook: Callable[..., Any], prepend: bool = False) -> RemovableHandle:
        """Call ``hook(optimizer)`` after loading."""
        return RemovableHandle.add(self._load_state_dict_post_hooks, hook, prepend)


def _or(new: Any, old: Any) -> Any:
    return old if new is None else new


def _fit(param: Tensor, value: Any, key: Any = None) -> Any:
    """A copy of a loaded ``value`` on the parameter's device and, ``step`` apart, in its floating type."""
    if isinstance(value, Tensor):
        if key == "step" or not (param.is_floating_point() and value.is_floating_point()):
            return value.detach().clone()
        return value.detach().clone().to(device=param.device, dtype=param.dtype)
    if isinstance(value, dict):
        return Table((k, _fit(param, v, k)) for k, v in value.items())
    if isinstance(value, list | tuple):
        return type(value)(_fit(param, v) for v in value)
    return value
