"""Pruning: weights with some elements held at 0 by a mask.

A pruned parameter ``weight`` becomes ``weight_orig`` (trained) and the buffer ``weight_mask``; a hook sets ``weight``
to their product before each forward.  Pruning again prunes what is left.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import Any, TypeVar

from fxtorch.nn._torch import torch
from fxtorch.nn.modules.module import Module
from fxtorch.nn.utils.convert_parameters import parameters_to_vector
from fxtorch.tensor import Tensor
from fxtorch.tensor.dispatch import namespace

M = TypeVar("M", bound=Module)
Amount = int | float
_topk = namespace("torch")["topk"]


class BasePruningMethod(ABC):
    """How to choose what is pruned; a subclass says so in :meth:`compute_mask`.

    Attributes:
        PRUNING_TYPE: ``"unstructured"`` (elements), ``"structured"`` (whole slices along ``dim``) or ``"global"``: what
            a further pruning may still choose of.
    """

    PRUNING_TYPE: str
    _tensor_name: str

    def __call__(self, module: Module, inputs: Any) -> None:
        """Set the pruned Tensor of ``module``; it is a hook."""
        setattr(module, self._tensor_name, self.apply_mask(module))

    @abstractmethod
    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        """The mask for ``t``, of which ``default_mask`` has pruned a part already."""

    def apply_mask(self, module: Module) -> Tensor:
        """The product of mask and original.

        Raises:
            AssertionError: the module is not pruned.
        """
        if self._tensor_name is None:
            raise AssertionError(f"Module {module} has to be pruned")
        mask = getattr(module, self._tensor_name + "_mask")
        original = getattr(module, self._tensor_name + "_orig")
        return mask.to(dtype=original.dtype) * original

    @classmethod
    def apply(
        cls, module: Module, name: str, *args: Any, importance_scores: Tensor | None = None, **kwargs: Any
    ) -> BasePruningMethod:
        """Prune ``module.name`` by a method made of the further arguments; returns the hook that does it.

        Args:
            module: the layer.
            name: the parameter's name.
            *args: for the method.
            importance_scores: what to choose by, instead of the parameter; of its shape.
            **kwargs: for the method.

        Raises:
            AssertionError: the scores have another shape.
        """
        before = _hook_of(module, name)
        old = None if before is None else module._forward_pre_hooks.pop(before)
        method: BasePruningMethod = cls(*args, **kwargs)
        method._tensor_name = name
        original = getattr(module, name)
        if importance_scores is not None and importance_scores.shape != original.shape:
            raise AssertionError(f"importance_scores should have the same shape as parameter {name} of {module}")
        scores = original if importance_scores is None else importance_scores
        if old is None:
            mask = torch.ones_like(scores)
            parameter = module._parameters.pop(name)
            module.register_parameter(f"{name}_orig", parameter)
        else:
            mask = getattr(module, f"{name}_mask").detach().clone()
            container = old if isinstance(old, PruningContainer) else PruningContainer(old)
            container.add_pruning_method(method)
            method = container
        new_mask = method.compute_mask(scores.detach(), default_mask=mask)
        if old is None:
            module.register_buffer(f"{name}_mask", new_mask)
        else:
            setattr(module, f"{name}_mask", new_mask)
        setattr(module, name, method.apply_mask(module))
        module.register_forward_pre_hook(method)
        return method

    def prune(self, t: Tensor, default_mask: Tensor | None = None, importance_scores: Tensor | None = None) -> Tensor:
        """``t`` with what the method chooses at 0; nothing is registered anywhere."""
        scores = t if importance_scores is None else importance_scores
        mask = torch.ones_like(t) if default_mask is None else default_mask
        return t * self.compute_mask(scores, default_mask=mask).to(dtype=t.dtype)

    def remove(self, module: Module) -> None:
        """Make the pruned values the parameter again; what was pruned stays 0, and may be trained."""
        name = self._tensor_name
        original = module._parameters.pop(f"{name}_orig")
        assert original is not None
        mask = module._buffers.pop(f"{name}_mask")
        assert mask is not None
        original.data = (mask.to(dtype=original.dtype) * original).detach()
        module.__dict__.pop(name, None)
        setattr(module, name, original)


class PruningContainer(BasePruningMethod):
    """Methods applied one after the other, each to what those before it left.

    Args:
        *args: the methods, or one iterable of them; all for the same parameter.
    """

    def __init__(self, *args: Any) -> None:
        self._pruning_methods: tuple[BasePruningMethod, ...] = ()
        methods = args[0] if len(args) == 1 and isinstance(args[0], Iterable) else args
        for method in methods:
            if not self._pruning_methods:
                self._tensor_name = method._tensor_name
            self.add_pruning_method(method)

    def add_pruning_method(self, method: Any) -> None:
        """Add a method at the end.

        Raises:
            TypeError: it is none.
            ValueError: it is for another parameter.
        """
        if not isinstance(method, BasePruningMethod):
            raise TypeError(f"{type(method)} is not a BasePruningMethod subclass")
        if self._tensor_name != method._tensor_name:
            raise ValueError(
                "Can only add pruning methods acting on the parameter named "
                f"'{self._tensor_name}' to PruningContainer {self}. Found '{method._tensor_name}'"
            )
        self._pruning_methods += (method,)

    def __len__(self) -> int:
        return len(self._pruning_methods)

    def __iter__(self) -> Any:
        return iter(self._pruning_methods)

    def __getitem__(self, index: int) -> BasePruningMethod:
        return self._pruning_methods[index]

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        """What the last method leaves of what the others left.

        Raises:
            ValueError: its type is unknown.
        """
        method: Any = self._pruning_methods[-1]
        mask = default_mask.to(dtype=t.dtype)
        if method.PRUNING_TYPE == "unstructured":
            left: Any = mask == 1
        elif method.PRUNING_TYPE == "structured":
            dim = method.dim % t.ndim
            others = [d for d in range(t.ndim) if d != dim]
            kept = (mask.sum(others) != 0 if others else mask != 0).nonzero().flatten()
            left = (*(slice(None),) * dim, kept)
        elif method.PRUNING_TYPE == "global":
            left = (slice(None),) * t.ndim
        else:
            raise ValueError(f"Unrecognized PRUNING_TYPE {method.PRUNING_TYPE}")
        new = mask.clone()
        new[left] = method.compute_mask(t[left], default_mask=mask[left]).to(dtype=mask.dtype)
        return new


class Identity(BasePruningMethod):
    """Prunes nothing, but registers the mask."""

    PRUNING_TYPE = "unstructured"

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        """The mask as it is."""
        return default_mask


class RandomUnstructured(BasePruningMethod):
    """Prunes elements at random.

    Args:
        amount: how many, or (a float) which part.
    """

    PRUNING_TYPE = "unstructured"

    def __init__(self, amount: Amount) -> None:
        _check_amount(amount)
        self.amount = amount

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        """``default_mask`` with as many further zeros."""
        count = _count(self.amount, t.numel())
        return _without(default_mask, _topk(torch.rand(t.numel()), count).indices)


class L1Unstructured(BasePruningMethod):
    """Prunes the elements of least magnitude.

    Args:
        amount: how many, or (a float) which part.
    """

    PRUNING_TYPE = "unstructured"

    def __init__(self, amount: Amount) -> None:
        _check_amount(amount)
        self.amount = amount

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        """``default_mask`` with as many further zeros."""
        count = _count(self.amount, t.numel())
        return _without(default_mask, _topk(t.abs().reshape(-1), count, largest=False).indices)


def _without(mask: Tensor, places: Tensor) -> Tensor:
    flat = mask.clone().reshape(-1)
    flat[places] = 0
    return flat.reshape(mask.shape)


class RandomStructured(BasePruningMethod):
    """Prunes slices along a dimension at random.

    Args:
        amount: how many, or (a float) which part.
        dim: the dimension.
    """

    PRUNING_TYPE = "structured"

    def __init__(self, amount: Amount, dim: int = -1) -> None:
        _check_amount(amount)
        self.amount, self.dim = amount, dim

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        """``default_mask`` with as many further slices of zeros."""
        size = _sliced(t, self.dim)
        count = _count(self.amount, size)
        return default_mask * _slices(t, self.dim, _topk(torch.rand(size), size - count).indices).to(default_mask.dtype)


class LnStructured(BasePruningMethod):
    """Prunes the slices along a dimension that have the least norm.

    Args:
        amount: how many, or (a float) which part.
        n: which norm.
        dim: the dimension.
    """

    PRUNING_TYPE = "structured"

    def __init__(self, amount: Amount, n: Any, dim: int = -1) -> None:
        _check_amount(amount)
        self.amount, self.n, self.dim = amount, n, dim

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        """``default_mask`` with as many further slices of zeros."""
        size = _sliced(t, self.dim)
        count = _count(self.amount, size)
        others = [d for d in range(t.ndim) if d != self.dim % t.ndim]
        norms = torch.norm(t, p=self.n, dim=others)
        return default_mask * _slices(t, self.dim, _topk(norms, size - count).indices).to(default_mask.dtype)


def _sliced(t: Tensor, dim: int) -> int:
    if t.ndim <= 1:
        raise ValueError(
            "Structured pruning can only be applied to multidimensional tensors. Found tensor of shape "
            f"{t.shape} with {t.ndim} dims"
        )
    if not -t.ndim <= dim < t.ndim:
        raise IndexError(f"Invalid index {dim} for tensor of size {t.shape}")
    return t.shape[dim]


def _slices(t: Tensor, dim: int, kept: Tensor) -> Tensor:
    """1 in the slices ``kept`` along ``dim``, 0 elsewhere."""
    mask = torch.zeros_like(t)
    mask[(*(slice(None),) * (dim % t.ndim), kept)] = 1
    return mask


class CustomFromMask(BasePruningMethod):
    """Prunes what a mask says.

    Args:
        mask: 0 where to prune.
    """

    PRUNING_TYPE = "global"

    def __init__(self, mask: Tensor) -> None:
        self.mask = mask

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        """Both masks together."""
        if default_mask.shape != self.mask.shape:
            raise AssertionError("the mask must have the shape of the parameter")
        return default_mask * self.mask.to(dtype=default_mask.dtype)


def identity(module: M, name: str) -> M:
    """Register a mask of ones for ``module.name``."""
    Identity.apply(module, name)
    return module


def random_unstructured(module: M, name: str, amount: Amount) -> M:
    """Prune elements of ``module.name`` at random: ``amount`` of them, or that part if it is a float.

    >>> import fxtorch as torch
    >>> layer = random_unstructured(torch.nn.Linear(2, 3), "weight", amount=1)
    >>> int((layer.weight == 0).sum())
    1
    """
    RandomUnstructured.apply(module, name, amount)
    return module


def l1_unstructured(module: M, name: str, amount: Amount, importance_scores: Tensor | None = None) -> M:
    """Prune the elements of ``module.name`` of least magnitude (or of least score)."""
    L1Unstructured.apply(module, name, amount, importance_scores=importance_scores)
    return module


def random_structured(module: M, name: str, amount: Amount, dim: int) -> M:
    """Prune slices of ``module.name`` along ``dim`` at random."""
    RandomStructured.apply(module, name, amount, dim)
    return module


def ln_structured(module: M, name: str, amount: Amount, n: Any, dim: int, importance_scores: Tensor | None = None) -> M:
    """Prune the slices of ``module.name`` along ``dim`` that have the least ``n``-norm."""
    LnStructured.apply(module, name, amount, n, dim, importance_scores=importance_scores)
    return module


def custom_from_mask(module: M, name: str, mask: Tensor) -> M:
    """Prune ``module.name`` where ``mask`` is 0."""
    CustomFromMask.apply(module, name, mask)
    return module


def global_unstructured(
    parameters: Iterable[tuple[Module, str]],
    pruning_method: type[BasePruningMethod],
    importance_scores: dict[tuple[Module, str], Tensor] | None = None,
    **kwargs: Any,
) -> None:
    """Prune several parameters as if they were one vector.

    Args:
        parameters: ``(module, name)`` pairs.
        pruning_method: an unstructured method.
        importance_scores: what to choose by, for some of the pairs.
        **kwargs: for the method.

    Raises:
        TypeError: ``parameters`` is no iterable, or the method not unstructured.
    """
    if not isinstance(parameters, Iterable):
        raise TypeError("global_unstructured(): parameters is not an Iterable")
    pairs = list(parameters)
    scores = importance_scores or {}
    values: list[Any] = [scores.get((m, n), getattr(m, n)) for m, n in pairs]
    flat = parameters_to_vector(values)
    kept: list[Tensor] = []
    for module, name in pairs:
        mask = getattr(module, f"{name}_mask", None)
        kept.append(torch.ones_like(getattr(module, name)) if mask is None else mask)
    container = PruningContainer()
    container._tensor_name = "temp"
    method = pruning_method(**kwargs)
    method._tensor_name = "temp"
    if method.PRUNING_TYPE != "unstructured":
        raise TypeError(
            'Only "unstructured" PRUNING_TYPE supported for the `pruning_method`. Found method '
            f"{pruning_method} of type {method.PRUNING_TYPE}"
        )
    container.add_pruning_method(method)
    mask = container.compute_mask(flat.detach(), parameters_to_vector(kept))
    at = 0
    for module, name in pairs:
        parameter = getattr(module, name)
        custom_from_mask(module, name, mask=mask[at : at + parameter.numel()].reshape(parameter.shape))
        at += parameter.numel()


def _hook_of(module: Module, name: str) -> int | None:
    for key, hook in module._forward_pre_hooks.items():
        if isinstance(hook, BasePruningMethod) and hook._tensor_name == name:
            return key
    return None


def remove(module: M, name: str) -> M:
    """Make the pruned values of ``module.name`` an ordinary parameter again.

    Raises:
        ValueError: it is not pruned.
    """
    key = _hook_of(module, name)
    if key is None:
        raise ValueError(f"Parameter '{name}' of module {module} has to be pruned before pruning can be removed")
    hook: Any = module._forward_pre_hooks.pop(key)
    hook.remove(module)
    return module


def is_pruned(module: Module) -> bool:
    """Whether anything in a module is pruned."""
    return any(isinstance(h, BasePruningMethod) for m in module.modules() for h in m._forward_pre_hooks.values())


def _check_amount(amount: Any) -> None:
    if isinstance(amount, bool) or not isinstance(amount, int | float):
        raise TypeError(f"Invalid type for amount: {amount}. Must be int or float.")
    if amount < 0 or (isinstance(amount, float) and amount > 1.0):
        raise ValueError(f"amount={amount} should either be a float in the range [0, 1] or a non-negative integer")


def _count(amount: Amount, size: int) -> int:
    """How many of ``size`` that is."""
    if isinstance(amount, float):
        return round(amount * size)
    if amount > size:
        raise ValueError(f"amount={amount} should be smaller than the number of parameters to prune={size}")
    return amount
