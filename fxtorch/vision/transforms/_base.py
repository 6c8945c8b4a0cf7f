"""The frame of the transforms: which parts of a sample are changed, and where the random numbers come from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from fxtorch import nn
from fxtorch.tensor import Tensor
from fxtorch.utils.data.random import host_rng
from fxtorch.vision._pil import is_pil
from fxtorch.vision.tv_tensors import BoundingBoxes, TVTensor


def rng() -> np.random.Generator:
    """Random numbers that follow ``torch.manual_seed``."""
    return host_rng(None)


def sample_of(inputs: Any) -> Any:
    """The arguments of a call as one sample: the only one, or a tuple of them."""
    return inputs if len(inputs) > 1 else inputs[0]


def map_parts(fn: Callable[[Any], Any], sample: Any) -> Any:
    """``sample`` with ``fn`` of each part; lists, tuples and dicts are walked through, in their order."""
    if isinstance(sample, dict):
        return type(sample)((name, map_parts(fn, value)) for name, value in sample.items())
    if isinstance(sample, tuple) and hasattr(sample, "_fields"):
        return type(sample)(*(map_parts(fn, value) for value in sample))
    if isinstance(sample, list | tuple):
        return type(sample)(map_parts(fn, value) for value in sample)
    return fn(sample)


def parts(sample: Any) -> list[Any]:
    """The parts of a sample."""
    found: list[Any] = []
    map_parts(found.append, sample)
    return found


class Transform(nn.Module):
    """What changes a picture, or all the pictures, masks and boxes of a sample alike.

    A subclass defines ``transform(inpt, params)``, and where it draws numbers ``make_params(flat_inputs)``, which is
    called once a sample.  Lists, tuples and dicts are walked through.  Of plain Tensors only the first is changed,
    and none where there is a picture of another kind.
    """

    _transformed_types: tuple[Any, ...] = (Tensor, is_pil)

    def make_params(self, flat_inputs: list[Any]) -> dict[str, Any]:
        """What is the same for all parts of a sample."""
        return {}

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        """One part, changed."""
        raise NotImplementedError(f"{type(self).__name__} defines transform")

    def _chosen(self, leaves: Sequence[Any]) -> list[bool]:
        """Which parts are changed."""
        plain = [isinstance(x, Tensor) and not isinstance(x, TVTensor) for x in leaves]
        pictures = any((isinstance(x, TVTensor) and not isinstance(x, BoundingBoxes)) or is_pil(x) for x in leaves)
        first = plain.index(True) if True in plain and not pictures else -1
        known = [
            any(isinstance(x, t) if isinstance(t, type) else t(x) for t in self._transformed_types) for x in leaves
        ]
        return [k and (not p or i == first) for i, (k, p) in enumerate(zip(known, plain, strict=True))]

    def forward(self, *inputs: Any) -> Any:
        """The sample, changed."""
        sample = sample_of(inputs)
        flat = parts(sample)
        chosen = self._chosen(flat)
        params = self.make_params([x for x, c in zip(flat, chosen, strict=True) if c]) if any(chosen) else {}
        wanted = iter(chosen)
        return map_parts(lambda x: self.transform(x, params) if next(wanted) else x, sample)

    def extra_repr(self) -> str:
        """The arguments."""
        shown = (int, float, str, bool, tuple, list)
        return ", ".join(
            f"{name}={value}"
            for name, value in self.__dict__.items()
            if not name.startswith("_") and name != "training" and (value is None or isinstance(value, shown))
        )


class RandomApplied(Transform):
    """A transform that is applied with probability ``p``, to all parts of a sample or to none."""

    def __init__(self, p: float = 0.5) -> None:
        super().__init__()
        if not 0.0 <= p <= 1.0:
            raise ValueError("`p` should be a floating point value in the interval [0.0, 1.0].")
        self.p = p

    def forward(self, *inputs: Any) -> Any:
        """The sample, changed or as it is."""
        if rng().random() >= self.p:
            return sample_of(inputs)
        return super().forward(*inputs)
