"""What a Module registers when it is assigned: parameters and buffers, and the lazy ones whose shape comes later."""

from __future__ import annotations

from typing import Any, Self, cast

from fxtorch.nn._torch import torch
from fxtorch.tensor import Tensor, pytree
from fxtorch.tensor.overriding import disabled_torch_function, no_overrides


def _rebuild_parameter(cls: type[Parameter], data: Tensor, requires_grad: bool, state: dict[str, Any]) -> Parameter:
    parameter: Any = cls(data, requires_grad)
    parameter.__dict__.update(state)
    return parameter


class _Marked(type):
    """The class of Parameter: a Tensor of a class of its own is one, too, where it is marked as such."""

    def __instancecheck__(cls, instance: Any) -> bool:
        if super().__instancecheck__(instance):
            return True
        return cls is Parameter and isinstance(instance, Tensor) and getattr(instance, "_is_param", False)


class Parameter(Tensor, metaclass=_Marked):
    """A Tensor that a Module counts among its parameters when it is assigned as an attribute.

    One made of an instance of a subclass of Tensor stays of that subclass.

    Args:
        data: the values.
        requires_grad: whether ``backward()`` reaches it.

    Raises:
        RuntimeError: ``data`` is of a subclass whose ``detach()`` gives something else.

    >>> import fxtorch as torch
    >>> torch.nn.Parameter(torch.ones(2))
    Parameter containing:
    tensor([1., 1.], requires_grad=True)
    """

    def __new__(cls, data: Any = None, requires_grad: bool = True) -> Self:
        """A handle of its own on the values of ``data``."""
        if data is None:
            data = torch.empty(0)
        if type(data) in (Tensor, Parameter, Buffer) or not isinstance(data, Tensor):
            return Tensor._make_subclass(cls, data.detach(), requires_grad)
        own = data.detach().requires_grad_(requires_grad)
        if type(own) is not type(data):
            raise RuntimeError(
                f"Creating a Parameter from an instance of type {type(data).__name__} requires that detach() returns "
                f"an instance of the same type, but it returned one of type {type(own).__name__}"
            )
        own.__dict__["_is_param"] = True
        return cast("Any", own)

    def __init__(self, data: Any = None, requires_grad: bool = True) -> None:
        pass

    __torch_function__ = disabled_torch_function

    def __deepcopy__(self, memo: dict[int, Any]) -> Parameter:
        if id(self) in memo:
            return memo[id(self)]
        copied = _rebuild_parameter(type(self), self.data, self.requires_grad, pytree.user_attributes(self))
        memo[id(self)] = copied
        return copied

    def __reduce_ex__(self, protocol: Any) -> tuple[Any, ...]:
        return _rebuild_parameter, (type(self), self.data, self.requires_grad, pytree.user_attributes(self))

    def __repr__(self, **kwargs: Any) -> str:
        return "Parameter containing:\n" + super().__repr__(**kwargs)


class Buffer(Tensor):
    """A Tensor that a Module counts among its buffers when it is assigned as an attribute.

    Args:
        data: the values.
        persistent: whether ``state_dict`` holds it.
    """

    persistent: bool

    def __new__(cls, data: Any = None, *, persistent: bool = True) -> Self:
        """A handle of its own on the values of ``data``."""
        if data is None:
            data = torch.empty(0)
        buffer = Tensor._make_subclass(cls, data.detach(), data.requires_grad)
        buffer.persistent = persistent
        return buffer

    def __init__(self, data: Any = None, *, persistent: bool = True) -> None:
        pass

    __torch_function__ = disabled_torch_function


def _no_values_yet(name: str) -> property:
    def refuse(self: Any) -> Any:
        raise ValueError(
            f"Attempted to access .{name} of an uninitialized parameter: it has no values yet. Run the module once "
            "on an input (a dry run), or call `.materialize(shape)`."
        )

    return property(refuse)


_WITHOUT_VALUES = {"to_dtype", "copy_"}  # what casts, moves and loads a lazy module


class UninitializedTensorMixin:
    """What lazy parameters and buffers share: they know type and device, and get their shape on first use."""

    cls_to_become: type[Tensor] = Tensor
    shape = _no_values_yet("shape")

    @classmethod
    def __torch_function__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Let through what asks for no values; raise for all else."""
        if getattr(func, "__name__", "") in _WITHOUT_VALUES:
            with no_overrides():
                return func(*args, **(kwargs or {}))
        raise ValueError(
            f"Attempted to use an uninitialized parameter in {func}: it has no values yet. Run the module once on an "
            "input (a dry run), or call `.materialize(shape)`."
        )

    def materialize(self: Any, shape: tuple[int, ...], device: Any = None, dtype: Any = None) -> None:
        """Become an ordinary, uninitialised Tensor of ``shape``, in place: every holder of this object sees it.

        Args:
            shape: the shape.
            device: where; by default where this object was made for.
            dtype: the element type; by default the one this object was made for.
        """
        self.__class__ = self.cls_to_become
        self.data = torch.empty(shape, device=device or self.device, dtype=dtype or self.dtype)

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"


class UninitializedParameter(UninitializedTensorMixin, Parameter):
    """A Parameter whose shape is not known yet.

    Args:
        requires_grad: whether ``backward()`` will reach it.
        device: where its values will live.
        dtype: their type.
    """

    cls_to_become = Parameter

    def __new__(cls, requires_grad: bool = True, device: Any = None, dtype: Any = None) -> Self:
        """An empty handle."""
        return Tensor._make_subclass(cls, torch.empty(0, device=device, dtype=dtype), requires_grad)

    def __init__(self, requires_grad: bool = True, device: Any = None, dtype: Any = None) -> None:
        pass

    def __deepcopy__(self, memo: dict[int, Any]) -> UninitializedParameter:
        if id(self) not in memo:
            memo[id(self)] = type(self)(self.requires_grad, self.device, self.dtype)
        return memo[id(self)]

    def __reduce_ex__(self, protocol: Any) -> tuple[Any, ...]:
        return type(self), (self.requires_grad, self.device, self.dtype)


class UninitializedBuffer(UninitializedTensorMixin, Buffer):
    """A buffer whose shape is not known yet.

    Args:
        requires_grad: whether it will want a gradient.
        device: where its values will live.
        dtype: their type.
        persistent: whether ``state_dict`` holds it.
    """

    cls_to_become = Tensor

    def __new__(
        cls, requires_grad: bool = False, device: Any = None, dtype: Any = None, persistent: bool = True
    ) -> Self:
        """An empty handle."""
        buffer = Tensor._make_subclass(cls, torch.empty(0, device=device, dtype=dtype), requires_grad)
        buffer.persistent = persistent
        return buffer

    def __init__(
        self, requires_grad: bool = False, device: Any = None, dtype: Any = None, persistent: bool = True
    ) -> None:
        pass


pytree.register(Parameter)
pytree.register(Buffer)


def factory_kwargs(kwargs: dict[str, Any] | None) -> dict[str, Any]:
    """The options for making Tensors among the keywords of a layer, those in ``factory_kwargs`` included.

    >>> factory_kwargs({"device": "cpu", "factory_kwargs": {"dtype": None}})
    {'dtype': None, 'device': 'cpu'}

    Args:
        kwargs: ``device``, ``dtype``, ``memory_format``, and ``factory_kwargs`` with more of these.

    Raises:
        TypeError: there is something else, or an option is given twice.
    """
    given = dict(kwargs or {})
    found = dict(given.pop("factory_kwargs", {}))
    unknown = given.keys() - {"device", "dtype", "memory_format"}
    if unknown:
        raise TypeError(f"unexpected kwargs {unknown}")
    for key, value in given.items():
        if key in found:
            raise TypeError(f"{key} specified twice, in **kwargs and in factory_kwargs")
        found[key] = value
    return found


def is_lazy(value: Any) -> bool:
    """Whether ``value`` is a parameter or buffer that has no shape yet."""
    return isinstance(value, UninitializedTensorMixin)
