"""state_dict and load_state_dict of Modules.

Loading first walks the whole tree, checks every entry and notes what is to be copied; the copies are made only when
nothing was wrong, so that a failed load changes nothing.
"""

from __future__ import annotations

import functools
import warnings
from collections import OrderedDict, namedtuple
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from typing import Any

from fxtorch.autograd import no_grad
from fxtorch.nn.parameter import Parameter, is_lazy
from fxtorch.tensor import Tensor
from fxtorch.tensor.handles import RemovableHandle

EXTRA_STATE = "_extra_state"

_plan: ContextVar[list[Callable[[], Any]] | None] = ContextVar("fxtorch_load_plan", default=None)


class IncompatibleKeys(namedtuple("_IncompatibleKeys", ["missing_keys", "unexpected_keys"])):
    """What ``load_state_dict`` found missing from, and unexpected in, the dictionary."""

    __slots__ = ()

    def __repr__(self) -> str:
        return super().__repr__() if self.missing_keys or self.unexpected_keys else "<All keys matched successfully>"

    __str__ = __repr__


IncompatibleKeys.__name__ = IncompatibleKeys.__qualname__ = "_IncompatibleKeys"


class State:
    """The part of :class:`Module` that saves and loads."""

    _version: int = 1
    _parameters: dict[str, Parameter | None]
    _buffers: dict[str, Tensor | None]
    _modules: dict[str, Any]  # of Modules: typing.get_type_hints evaluates it, on every subclass
    _non_persistent_buffers_set: set[str]
    _state_dict_hooks: OrderedDict[int, Callable[..., Any]]
    _state_dict_pre_hooks: OrderedDict[int, Callable[..., Any]]
    _load_state_dict_pre_hooks: OrderedDict[int, Callable[..., Any]]
    _load_state_dict_post_hooks: OrderedDict[int, Callable[..., Any]]

    # --- saving ---------------------------------------------------------------------------------------------------

    def get_extra_state(self) -> Any:
        """What ``state_dict`` shall hold beyond parameters and buffers; a subclass that wants this overrides it."""
        raise RuntimeError(
            f"{type(self).__name__} does not override get_extra_state, which should then never be called"
        )

    def set_extra_state(self, state: Any) -> None:
        """Take back what :meth:`get_extra_state` gave; a subclass overrides both or neither."""
        raise RuntimeError(
            f"{type(self).__name__} does not override set_extra_state, which should then never be called"
        )

    def _own_state(self) -> dict[str, Tensor]:
        """This module's parameters and persistent buffers by name."""
        buffers = {k: v for k, v in self._buffers.items() if k not in self._non_persistent_buffers_set}
        return {k: v for k, v in (*self._parameters.items(), *buffers.items()) if v is not None}

    def _save_to_state_dict(self, destination: dict[str, Any], prefix: str, keep_vars: bool) -> None:
        """Put this module's own state, without its submodules', into ``destination``."""
        for name, value in self._own_state().items():
            destination[prefix + name] = value if keep_vars else value.detach()
        if type(self).get_extra_state is not State.get_extra_state:
            destination[prefix + EXTRA_STATE] = self.get_extra_state()

    def state_dict(self, *args: Any, destination: Any = None, prefix: str = "", keep_vars: bool = False) -> Any:
        """All parameters and persistent buffers, by dotted name.

        The entries share their values with the module: they follow when it is trained on.

        Args:
            *args: ``destination``, ``prefix`` and ``keep_vars`` by position, as old programs pass them.
            destination: the dictionary to fill; a new OrderedDict by default.
            prefix: put before every name.
            keep_vars: whether the Parameters themselves are put in, still part of the graph.

        Returns:
            The dictionary, with an attribute ``_metadata`` that holds each module's version.
        """
        if args:
            warnings.warn(
                "Positional args are being deprecated, use kwargs instead: destination=, prefix=, keep_vars=",
                FutureWarning,
                stacklevel=2,
            )
            given = dict(zip(("destination", "prefix", "keep_vars"), args, strict=False))
            destination = given.get("destination", destination)
            prefix = given.get("prefix", prefix)
            keep_vars = given.get("keep_vars", keep_vars)
        if destination is None:
            destination = OrderedDict()
            destination._metadata = OrderedDict()
        metadata = {"version": self._version}
        if hasattr(destination, "_metadata"):
            destination._metadata[prefix[:-1]] = metadata
        for hook in self._state_dict_pre_hooks.values():
            hook(self, prefix, keep_vars)
        self._save_to_state_dict(destination, prefix, keep_vars)
        for name, module in self._modules.items():
            if module is not None:
                module.state_dict(destination=destination, prefix=f"{prefix}{name}.", keep_vars=keep_vars)
        for hook in self._state_dict_hooks.values():
            changed = hook(self, destination, prefix, metadata)
            if getattr(hook, "_returns_nothing", False):
                if changed is not None:
                    raise RuntimeError("state_dict post-hook must return None")
            elif changed is not None:
                destination = changed
        return destination

    def register_state_dict_pre_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Call ``hook(module, prefix, keep_vars)`` before the module's state is collected."""
        return RemovableHandle.add(self._state_dict_pre_hooks, hook)

    def register_state_dict_post_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Call ``hook(module, state_dict, prefix, local_metadata)`` afterwards; it may change ``state_dict``."""

        @functools.wraps(hook)
        def post_hook(*args: Any) -> Any:
            return hook(*args)

        post_hook._returns_nothing = True  # type: ignore[attr-defined]
        return RemovableHandle.add(self._state_dict_hooks, post_hook)

    def _register_state_dict_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """As :meth:`register_state_dict_post_hook`, but what the hook returns replaces the dictionary."""
        return RemovableHandle.add(self._state_dict_hooks, hook)

    # --- loading --------------------------------------------------------------------------------------------------

    def register_load_state_dict_pre_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Call a hook before this module's part of a dictionary is loaded.

        Its arguments are ``(module, state_dict, prefix, local_metadata, strict, missing_keys, unexpected_keys,
        error_msgs)``; it may change all of them in place.
        """
        return self._register_load_state_dict_pre_hook(hook, with_module=True)

    def _register_load_state_dict_pre_hook(
        self, hook: Callable[..., Any], with_module: bool = False
    ) -> RemovableHandle:
        """As the public form; without ``with_module`` the hook is not given the module."""
        bound = functools.partial(hook, self) if with_module else hook
        return RemovableHandle.add(self._load_state_dict_pre_hooks, bound)

    def register_load_state_dict_post_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Call ``hook(module, incompatible_keys)`` after loading; it may empty the lists of keys in place."""
        return RemovableHandle.add(self._load_state_dict_post_hooks, hook)

    def _load_from_state_dict(
        self,
        state_dict: Mapping[str, Any],
        prefix: str,
        local_metadata: Mapping[str, Any],
        strict: bool,
        missing_keys: list[str],
        unexpected_keys: list[str],
        error_msgs: list[str],
    ) -> None:
        """Check and load this module's own entries; a subclass may override it to understand older dictionaries.

        Args:
            state_dict: the dictionary.
            prefix: what its keys of this module begin with.
            local_metadata: this module's entry in ``state_dict._metadata``.
            strict: whether keys that do not belong are to be listed.
            missing_keys: extended by what is not there.
            unexpected_keys: extended by what does not belong.
            error_msgs: extended by what is wrong.
        """
        for hook in tuple(self._load_state_dict_pre_hooks.values()):
            hook(state_dict, prefix, local_metadata, strict, missing_keys, unexpected_keys, error_msgs)
        own = self._own_state()
        assign = local_metadata.get("assign_to_params_buffers", False)
        for name, target in own.items():
            key = prefix + name
            if key in state_dict:
                self._load_entry(name, key, target, state_dict[key], assign, error_msgs)
            elif strict:
                missing_keys.append(key)
        extra = prefix + EXTRA_STATE
        if type(self).set_extra_state is not State.set_extra_state:
            if extra in state_dict:
                _do(functools.partial(self.set_extra_state, state_dict[extra]))
            elif strict:
                missing_keys.append(extra)
        elif strict and extra in state_dict:
            unexpected_keys.append(extra)
        if strict:
            for key in state_dict:
                if key.startswith(prefix) and key != extra:
                    name, _, rest = key[len(prefix) :].partition(".")
                    if name not in (self._modules if rest else own):
                        unexpected_keys.append(key)

    def _load_entry(self, name: str, key: str, target: Tensor, value: Any, assign: bool, error_msgs: list[str]) -> None:
        if not isinstance(value, Tensor):
            error_msgs.append(
                f'While copying the parameter named "{key}", expected torch.Tensor or Tensor-like object from '
                f"checkpoint but received {type(value)}"
            )
            return
        lazy = is_lazy(target)
        if not lazy and target.ndim == 0 and tuple(value.shape) == (1,):
            value = value[0]  # dictionaries older than 0-dim Tensors
        if not lazy and value.shape != target.shape:
            error_msgs.append(
                f"size mismatch for {key}: copying a param with shape {value.shape} from checkpoint, "
                f"the shape in current model is {target.shape}."
            )
            return
        if assign:
            if isinstance(target, Parameter) and not isinstance(value, Parameter):
                value = Parameter(value, requires_grad=target.requires_grad)
            _do(functools.partial(setattr, self, name, value))
        else:
            _do(functools.partial(_copy, target, value))

    def load_state_dict(
        self, state_dict: Mapping[str, Any], strict: bool = True, assign: bool = False
    ) -> IncompatibleKeys:
        """Copy the values of ``state_dict`` into this module's parameters and buffers.

        Args:
            state_dict: what :meth:`state_dict` returned.
            strict: whether missing and unexpected keys are errors.
            assign: put the Tensors of ``state_dict`` themselves in place of the module's.

        Returns:
            ``missing_keys`` and ``unexpected_keys``.

        Raises:
            TypeError: ``state_dict`` is no mapping.
            RuntimeError: keys or shapes do not fit; nothing has been changed then.
        """
        if not isinstance(state_dict, Mapping):
            raise TypeError(f"Expected state_dict to be dict-like, got {type(state_dict)}.")
        metadata = getattr(state_dict, "_metadata", None)
        state_dict = OrderedDict(state_dict)
        if metadata is not None:
            state_dict._metadata = metadata  # type: ignore[attr-defined]
        keys = IncompatibleKeys([], [])
        errors: list[str] = []
        plan: list[Callable[[], Any]] = []
        token = _plan.set(plan)
        try:
            has_post_hooks = self._plan_load(state_dict, "", metadata or {}, assign, keys, errors)
        finally:
            _plan.reset(token)
        if errors or not has_post_hooks:
            self._raise_load_errors(keys, errors, strict)
        for change in plan:
            change()
        if has_post_hooks:
            self._run_post_hooks(keys)
            self._raise_load_errors(keys, errors, strict)
        return keys

    def _plan_load(
        self,
        state_dict: Mapping[str, Any],
        prefix: str,
        metadata: Mapping[str, Any],
        assign: bool,
        keys: IncompatibleKeys,
        errors: list[str],
    ) -> bool:
        """Check this module's entries and those below; whether any of these modules has a post hook."""
        local = dict(metadata.get(prefix[:-1], {}))
        if assign:
            local["assign_to_params_buffers"] = True
        self._load_from_state_dict(state_dict, prefix, local, True, keys.missing_keys, keys.unexpected_keys, errors)
        found = bool(self._load_state_dict_post_hooks)
        for name, module in self._modules.items():
            if module is not None:
                below = f"{prefix}{name}."
                part = OrderedDict((k, v) for k, v in state_dict.items() if k.startswith(below))
                found |= module._plan_load(part, below, metadata, assign, keys, errors)
        return found

    def _run_post_hooks(self, keys: IncompatibleKeys) -> None:
        for module in self._modules.values():
            if module is not None:
                module._run_post_hooks(keys)
        for hook in self._load_state_dict_post_hooks.values():
            if hook(self, keys) is not None:
                raise RuntimeError(
                    "Hooks registered with ``register_load_state_dict_post_hook`` are not expected to return new "
                    "values, if incompatible_keys need to be modified, it should be done inplace."
                )

    def _raise_load_errors(self, keys: IncompatibleKeys, errors: list[str], strict: bool) -> None:
        messages = list(errors)
        if strict:
            lists = {"Unexpected": keys.unexpected_keys, "Missing": keys.missing_keys}
            for what, names in lists.items():
                if names:
                    listed = ", ".join(f'"{name}"' for name in names)
                    messages.insert(0, f"{what} key(s) in state_dict: {listed}. ")
        if messages:
            joined = "\n\t".join(messages)
            raise RuntimeError(f"Error(s) in loading state_dict for {type(self).__name__}:\n\t{joined}")


def _do(change: Callable[[], Any]) -> None:
    """Make a change now or, within ``load_state_dict``, once everything has been checked."""
    plan = _plan.get()
    if plan is None:
        change()
    else:
        plan.append(change)


def _copy(target: Tensor, value: Tensor) -> None:
    with no_grad():
        target.copy_(value)
