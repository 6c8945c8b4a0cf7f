"""Layers that learn the size of their input from the first one they get."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fxtorch.nn.modules.module import Module
from fxtorch.nn.parameter import is_lazy
from fxtorch.tensor import once_eagerly


class LazyModuleMixin:
    """Put before a layer's class, it makes a layer whose parameters get their shapes at the first call.

    A subclass makes UninitializedParameters in ``__init__``, gives them shapes in ``initialize_parameters(*args)``,
    and names in ``cls_to_become`` the class that its objects then turn into.

    >>> import fxtorch as torch
    >>> layer = torch.nn.LazyLinear(2)
    >>> layer(torch.ones(1, 3)).shape, type(layer).__name__
    (torch.Size([1, 2]), 'Linear')
    """

    cls_to_become: type[Module] | None = None

    def __init__(self: Any, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[call-arg]
        self._load_hook = self._register_load_state_dict_pre_hook(self._materialize_as_loaded)
        self._initialize_hook = self.register_forward_pre_hook(self._infer_parameters, with_kwargs=True)

    def initialize_parameters(self, *args: Any, **kwargs: Any) -> None:
        """Give the parameters the shapes that these arguments of ``forward`` ask for; each subclass defines it."""
        raise NotImplementedError(f"initialize_parameters is not implemented for {type(self).__name__}")

    def has_uninitialized_params(self: Any) -> bool:
        """Whether a parameter or buffer has no shape yet."""
        return any(is_lazy(t) for t in (*self._parameters.values(), *self._buffers.values()))

    def _save_to_state_dict(self: Any, destination: dict[str, Any], prefix: str, keep_vars: bool) -> None:
        for name, value in self._own_state().items():
            destination[prefix + name] = value if keep_vars or is_lazy(value) else value.detach()

    def _materialize_as_loaded(self: Any, state_dict: Mapping[str, Any], prefix: str, *rest: Any) -> None:
        """Before loading: take the shapes from what is to be loaded."""
        for name, value in self._own_state().items():
            loaded = state_dict.get(prefix + name)
            if is_lazy(value) and loaded is not None and not is_lazy(loaded):
                value.materialize(loaded.shape)

    @staticmethod
    def _infer_parameters(module: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """Before the first forward: get the shapes, and be an ordinary layer from then on."""
        once_eagerly("a lazy module gets its parameters in its first call: call it once before")
        module.initialize_parameters(*args, **kwargs)
        if module.has_uninitialized_params():
            raise RuntimeError(f"module {module._get_name()} has not been fully initialized")
        module._initialize_hook.remove()
        module._load_hook.remove()
        del module._initialize_hook, module._load_hook
        if module.cls_to_become is not None:
            module.__class__ = module.cls_to_become
