"""Transforms made of transforms."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from fxtorch import nn
from fxtorch.vision.transforms._base import rng, sample_of


class _Several(nn.Module):
    """What holds transforms, Modules or functions."""

    def __init__(self, transforms: Sequence[Callable[..., Any]]) -> None:
        super().__init__()
        if not isinstance(transforms, Sequence | nn.ModuleList):
            raise TypeError("Argument transforms should be a sequence of callables")
        self.transforms = transforms if isinstance(transforms, nn.ModuleList) else list(transforms)

    def __repr__(self) -> str:
        lines = "".join(f"\n    {t}" for t in self.transforms)
        return f"{type(self).__name__}({lines}\n)"


def _run(transforms: Any, inputs: Any) -> Any:
    several = len(inputs) > 1
    for transform in transforms:
        out = transform(*inputs)
        inputs = out if several else (out,)
    return sample_of(inputs)


class Compose(_Several):
    """One transform after the other.

    >>> import numpy as np
    >>> Compose([lambda x: x + 1, lambda x: x * 2])(np.array(3))
    np.int64(8)
    """

    def __call__(self, *inputs: Any) -> Any:
        """The sample after all of them."""
        return _run(self.transforms, inputs)


class RandomApply(_Several):
    """All of the transforms with probability ``p``, else none."""

    def __init__(self, transforms: Sequence[Callable[..., Any]], p: float = 0.5) -> None:
        super().__init__(transforms)
        self.p = p

    def forward(self, *inputs: Any) -> Any:
        """The sample, changed or as it is."""
        if rng().random() >= self.p:
            return sample_of(inputs)
        return _run(self.transforms, inputs)


class RandomChoice(_Several):
    """One of the transforms, ``p`` being how likely each is."""

    def __init__(self, transforms: Sequence[Callable[..., Any]], p: Sequence[float] | None = None) -> None:
        super().__init__(transforms)
        if p is not None and len(p) != len(transforms):
            raise ValueError(f"Length of p doesn't match the number of transforms: {len(p)} != {len(transforms)}")
        self.p = p

    def __call__(self, *inputs: Any) -> Any:
        """The sample after one of them."""
        weights = None if self.p is None else [v / sum(self.p) for v in self.p]
        return _run([self.transforms[int(rng().choice(len(self.transforms), p=weights))]], inputs)


class RandomOrder(_Several):
    """All of the transforms, in random order."""

    def __call__(self, *inputs: Any) -> Any:
        """The sample after all of them."""
        return _run([self.transforms[i] for i in rng().permutation(len(self.transforms))], inputs)


class Lambda:
    """A function as a transform of whatever it is given."""

    def __init__(self, lambd: Callable[..., Any]) -> None:
        if not callable(lambd):
            raise TypeError(f"Argument lambd should be callable, got {type(lambd).__name__!r}")
        self.lambd = lambd

    def __call__(self, img: Any) -> Any:
        """What the function gives."""
        return self.lambd(img)

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"
