"""The Kullback-Leibler divergence, by a table of pairs of distributions."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

from fxtorch.distributions.distribution import Distribution
from fxtorch.tensor import Tensor

__all__ = ["kl_divergence", "register_kl"]

_Divergence = Callable[[Any, Any], Tensor]

_registry: dict[tuple[type, type], _Divergence] = {}


def register_kl(type_p: type, type_q: type) -> Callable[[_Divergence], _Divergence]:
    """Decorate the function that gives the divergence of a pair of classes and their subclasses.

    Args:
        type_p: the first distribution's class.
        type_q: the second's.

    Raises:
        TypeError: one of them is no class; as in torch, it need not be one of distributions.
    """
    for kind in (type_p, type_q):
        if not isinstance(kind, type):
            raise TypeError(f"Expected type_p and type_q to be Distribution subclasses but got {kind}")

    def declare(fn: _Divergence) -> _Divergence:
        _registry[type_p, type_q] = fn
        _find.cache.clear()
        return fn

    return declare


class _Find:
    """Finds the function for two classes, and remembers it."""

    def __init__(self) -> None:
        self.cache: dict[tuple[type, type], _Divergence | None] = {}

    def __call__(self, type_p: type, type_q: type) -> _Divergence | None:
        pair = type_p, type_q
        if pair not in self.cache:
            self.cache[pair] = _nearest(type_p, type_q)
        return self.cache[pair]


_find = _Find()


def _nearest(type_p: type, type_q: type) -> _Divergence | None:
    """The declared pair of base classes that is nearest; a warning where nearness of p and of q disagree."""
    above_p, above_q = type_p.__mro__, type_q.__mro__
    matches = [(above_p.index(p), above_q.index(q), p, q) for p, q in _registry if p in above_p and q in above_q]
    if not matches:
        return None
    left = min(matches, key=lambda m: (m[0], m[1]))
    right = min(matches, key=lambda m: (m[1], m[0]))
    if _registry[left[2:]] is not _registry[right[2:]]:
        warnings.warn(
            f"Ambiguous kl_divergence({type_p.__name__}, {type_q.__name__}). Please register_kl({left[2].__name__}, "
            f"{right[3].__name__})",
            RuntimeWarning,
            stacklevel=4,
        )
    return _registry[left[2:]]


def kl_divergence(p: Distribution, q: Distribution) -> Tensor:
    """The expectation under ``p`` of ``log p(x) - log q(x)``, of the batch's shape.

    >>> import fxtorch as torch
    >>> from fxtorch.distributions import Normal
    >>> kl_divergence(Normal(torch.tensor(0.0), 1.0), Normal(torch.tensor(1.0), 1.0))
    tensor(0.5000)

    Raises:
        NotImplementedError: no closed form is declared for the pair.
    """
    fn = _find(type(p), type(q))
    if fn is None:
        raise NotImplementedError(
            f"No KL(p || q) is implemented for p type {type(p).__name__} and q type {type(q).__name__}"
        )
    return fn(p, q)
