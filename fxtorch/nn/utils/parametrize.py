"""Parameters that are computed of others: ``module.weight`` as a function of what is trained."""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Iterator, Sequence
from typing import Any, TypeVar

from fxtorch.autograd import no_grad
from fxtorch.nn.modules.container import ModuleDict, ModuleList
from fxtorch.nn.modules.module import Module
from fxtorch.nn.parameter import Parameter
from fxtorch.tensor import Tensor

__all__ = [
    "ParametrizationList",
    "cached",
    "is_parametrized",
    "register_parametrization",
    "remove_parametrizations",
    "transfer_parametrizations_and_params",
    "type_before_parametrizations",
]

M = TypeVar("M", bound=Module)
_caching = 0
_cache: dict[tuple[int, str], Tensor] = {}


@contextlib.contextmanager
def cached() -> Iterator[None]:
    """Compute each parametrized Tensor once within the block, however often it is used."""
    global _caching
    _caching += 1
    try:
        yield
    finally:
        _caching -= 1
        if not _caching:
            _cache.clear()


def _register(module: Module, name: str, tensor: Tensor) -> None:
    if isinstance(tensor, Parameter):
        module.register_parameter(name, tensor)
    else:
        module.register_buffer(name, tensor)


def _become(tensor: Tensor, value: Tensor) -> None:
    """Give ``tensor`` the values of ``value``, whatever its shape; it stays the object that optimizers know."""
    tensor.data = value.detach()


class ParametrizationList(ModuleList):
    """The functions that make a Tensor, in order, with what they make it of.

    Args:
        modules: each is called on the result of the one before, the first on ``original`` (or ``original0``,
            ``original1`` ... where its ``right_inverse`` gives several).
        original: the Tensor as it is now: a parameter or a buffer.
        unsafe: leave out the checks that shape and type stay.

    Raises:
        ValueError: the functions change the shape or type, or ``right_inverse`` gives no Tensor.
    """

    original: Tensor
    unsafe: bool

    def __init__(self, modules: Sequence[Module], original: Tensor, unsafe: bool = False) -> None:
        if len(modules) == 0:
            raise ValueError("ParametrizationList requires one or more modules.")
        super().__init__(modules)
        self.unsafe = unsafe
        new: Any = original
        with no_grad():
            for module in reversed(list(self)):
                if hasattr(module, "right_inverse"):
                    with contextlib.suppress(NotImplementedError):
                        new = module.right_inverse(new)
        if not isinstance(new, Tensor | Sequence):
            raise ValueError(
                "'right_inverse' must return a Tensor or a Sequence of tensors (list, tuple...). "
                f"Got {type(new).__name__}"
            )
        self.is_tensor = isinstance(new, Tensor)
        self.ntensors = 1 if isinstance(new, Tensor) else len(new)
        shape, dtype = original.shape, original.dtype
        if isinstance(new, Tensor):
            if original.dtype is not new.dtype:
                raise ValueError(
                    "When `right_inverse` outputs one tensor, it may not change the dtype.\n"
                    f"original.dtype: {original.dtype}\nright_inverse(original).dtype: {new.dtype}"
                )
            _become(original, new)
            _register(self, "original", original)
        else:
            for i, part in enumerate(new):
                if not isinstance(part, Tensor):
                    raise ValueError(
                        f"'right_inverse' must return a Tensor or a Sequence of tensors. Got element {i} of the "
                        f"sequence with type {type(part).__name__}."
                    )
                part = part.detach()
                wrapped = Parameter(part, original.requires_grad) if isinstance(original, Parameter) else part
                _register(self, f"original{i}", wrapped.requires_grad_(original.requires_grad))
        if not self.unsafe:
            self._check(shape, dtype)

    def _check(self, shape: Any, dtype: Any) -> None:
        made = self()
        if not isinstance(made, Tensor):
            raise ValueError(f"A parametrization must return a tensor. Got {type(made).__name__}.")
        if made.dtype is not dtype:
            raise ValueError(
                "Registering a parametrization may not change the dtype of the tensor, unless the `unsafe` flag is "
                f"enabled.\nunparametrized dtype: {dtype}\nparametrized dtype: {made.dtype}"
            )
        if made.shape != shape:
            raise ValueError(
                "Registering a parametrization may not change the shape of the tensor, unless the `unsafe` flag is "
                f"enabled.\nunparametrized shape: {shape}\nparametrized shape: {made.shape}"
            )

    def originals(self) -> list[Tensor]:
        """The Tensors that it is made of."""
        return [self.original] if self.is_tensor else [getattr(self, f"original{i}") for i in range(self.ntensors)]

    def right_inverse(self, value: Tensor) -> None:
        """Set the originals so that they make ``value``.

        Raises:
            RuntimeError: a function has no ``right_inverse``.
            ValueError: it gives something else than it did at first.
        """
        with no_grad():
            new: Any = value
            for module in reversed(list(self)):
                if not hasattr(module, "right_inverse"):
                    raise RuntimeError(f"parametrization {type(module).__name__} does not implement right_inverse.")
                new = module.right_inverse(new)
            given = [new] if self.is_tensor else list(new)
            if len(given) != self.ntensors or not all(isinstance(t, Tensor) for t in given):
                raise ValueError(f"'right_inverse' must return {self.ntensors} tensor(s), as it did at first")
            for old, part in zip(self.originals(), given, strict=True):
                if old.dtype is not part.dtype:
                    raise ValueError(
                        f"The tensor returned by `right_inverse` has dtype {part.dtype} while `original` has dtype "
                        f"{old.dtype}"
                    )
                _become(old, part)

    def forward(self) -> Any:
        """The Tensor that is made."""
        first, *rest = list(self)
        made = first(*self.originals())
        for module in rest:
            made = module(made)
        return made


def _property(name: str) -> property:
    def read(self: Any) -> Any:
        made: ParametrizationList = self.parametrizations[name]
        if not _caching:
            return made()
        key = (id(self), name)
        if key not in _cache:
            _cache[key] = made()
        return _cache[key]

    def write(self: Any, value: Tensor) -> None:
        self.parametrizations[name].right_inverse(value)

    return property(read, write)


def _own_class(module: Module) -> None:
    """Give ``module`` a class of its own, whose properties are the parametrized Tensors."""
    parent = type(module)

    def refuse(self: Any) -> Any:
        raise RuntimeError(
            "Serialization of parametrized modules is only supported through state_dict(): save that, and load it "
            "into a module that is parametrized alike."
        )

    def copied(self: Any, memo: dict[int, Any]) -> Any:
        twin: Any = object.__new__(type(self))
        memo[id(self)] = twin
        twin.__dict__.update(copy.deepcopy(self.__dict__, memo))
        return twin

    body = {"__getstate__": refuse, "__deepcopy__": copied, "__module__": parent.__module__}
    module.__class__ = type(f"Parametrized{parent.__name__}", (parent,), body)


def register_parametrization(module: M, tensor_name: str, parametrization: Module, *, unsafe: bool = False) -> M:
    """Make ``module.tensor_name`` the result of ``parametrization(original)``, computed anew at each use.

    What was the Tensor becomes ``module.parametrizations.tensor_name.original``, and is trained.  A second
    parametrization is applied to the result of the first.  Assigning to ``module.tensor_name`` goes through
    ``right_inverse``, where the parametrization has one.

    Args:
        module: the layer.
        tensor_name: a parameter or buffer of it.
        parametrization: the function, a Module.
        unsafe: leave out the checks that shape and type stay, and do not call the function now.

    Returns:
        ``module``.

    Raises:
        ValueError: there is no such Tensor, or shape or type would change.

    >>> import fxtorch as torch
    >>> class Symmetric(torch.nn.Module):
    ...     def forward(self, x):
    ...         return x.triu() + x.triu(1).T
    >>> layer = register_parametrization(torch.nn.Linear(3, 3), "weight", Symmetric())
    >>> torch.equal(layer.weight, layer.weight.T), [name for name, _ in layer.named_parameters()]
    (True, ['bias', 'parametrizations.weight.original'])
    """
    parametrization.train(module.training)
    if is_parametrized(module, tensor_name):
        made: Any = module.parametrizations[tensor_name]
        if not unsafe:
            _check_further(getattr(module, tensor_name), parametrization)
        made.append(parametrization)
        made.unsafe |= unsafe
        return module
    if tensor_name not in module._parameters and tensor_name not in module._buffers:
        raise ValueError(
            f"Module '{module}' does not have a parameter, a buffer, or a parametrized element with name "
            f"'{tensor_name}'"
        )
    made = ParametrizationList([parametrization], getattr(module, tensor_name), unsafe=unsafe)
    delattr(module, tensor_name)
    if not is_parametrized(module):
        _own_class(module)
        module.parametrizations = ModuleDict()
    setattr(type(module), tensor_name, _property(tensor_name))
    module.parametrizations[tensor_name] = made
    return module


def _check_further(value: Tensor, parametrization: Any) -> None:
    """Raise unless ``parametrization`` keeps the shape and type of what it is put on top of."""
    made = parametrization(value)
    if not isinstance(made, Tensor):
        raise ValueError(f"A parametrization must return a tensor. Got {type(made).__name__}.")
    for what in ("dtype", "shape"):
        old, new = getattr(value, what), getattr(made, what)
        if old != new:
            raise ValueError(
                f"Registering a parametrization may not change the {what} of the tensor, unless the `unsafe` flag is "
                f"enabled.\nmodule.{what}: {old}\nparametrization(module).{what}: {new}"
            )
    if hasattr(parametrization, "right_inverse"):
        back = parametrization.right_inverse(made)
        if not isinstance(back, Tensor) or back.dtype is not value.dtype or back.shape != value.shape:
            raise ValueError("parametrization.right_inverse must return a tensor of the same shape and dtype")


def is_parametrized(module: Module, tensor_name: str | None = None) -> bool:
    """Whether a module, or one Tensor of it, is parametrized."""
    made = getattr(module, "parametrizations", None)
    if not isinstance(made, ModuleDict):
        return False
    return len(made) > 0 if tensor_name is None else tensor_name in made


def remove_parametrizations(module: M, tensor_name: str, leave_parametrized: bool = True) -> M:
    """Make ``module.tensor_name`` an ordinary parameter or buffer again.

    Args:
        module: the layer.
        tensor_name: which Tensor of it.
        leave_parametrized: keep the value that the functions make; otherwise that of the original.

    Returns:
        ``module``.

    Raises:
        ValueError: it is not parametrized, or there is no single original to leave.
    """
    if not is_parametrized(module, tensor_name):
        raise ValueError(f"Module {module} does not have a parametrization on {tensor_name}")
    made: Any = module.parametrizations[tensor_name]
    if made.is_tensor:
        original = made.original
        if leave_parametrized:
            with no_grad():
                _become(original, getattr(module, tensor_name))
    elif leave_parametrized:
        value = getattr(module, tensor_name)
        original = Parameter(value.detach()) if value.requires_grad else value
    else:
        raise ValueError(
            "Cannot leave unparametrized (`leave_parametrized=False`) a tensor that is parametrized in terms of a "
            "sequence of tensors."
        )
    delattr(type(module), tensor_name)
    del module.parametrizations[tensor_name]
    _register(module, tensor_name, original)
    if not is_parametrized(module):
        del module._modules["parametrizations"]
        module.__class__ = type(module).__bases__[0]
    return module


def type_before_parametrizations(module: Module) -> type:
    """The class that a module had before it was parametrized."""
    return type(module).__bases__[0] if is_parametrized(module) else type(module)


def transfer_parametrizations_and_params(from_module: Module, to_module: M, tensor_name: str | None = None) -> M:
    """Parametrize ``to_module`` as ``from_module`` is, with the same originals (copied).

    Args:
        from_module: a parametrized module.
        to_module: one of the same class.
        tensor_name: which Tensor; all if None.

    Returns:
        ``to_module``.

    Raises:
        ValueError: ``from_module`` is not parametrized.
    """
    if not is_parametrized(from_module, tensor_name):
        raise ValueError(f"{from_module} has no parametrization{f' on {tensor_name}' if tensor_name else ''}")
    names = list(from_module.parametrizations) if tensor_name is None else [tensor_name]
    for name in names:
        source: Any = from_module.parametrizations[name]
        if not hasattr(to_module, name):
            _register(to_module, name, Parameter(source().detach()))
        for function in source:
            register_parametrization(to_module, name, function)
        target: Any = to_module.parametrizations[name]
        for old, new in zip(target.originals(), source.originals(), strict=True):
            _become(old, new.clone())
    return to_module
