"""A mixture of chains of augmentations."""

from __future__ import annotations

from typing import Any

import numpy as np

from fxtorch.vision._pil import is_pil
from fxtorch.vision._torch import torch
from fxtorch.vision.transforms._base import rng
from fxtorch.vision.transforms._conversion import pil_to_tensor, to_pil_image
from fxtorch.vision.transforms._inputs import InterpolationMode, as_float, back, get_size, like
from fxtorch.vision.transforms.autoaugment import _Augment, _signed

_BINS = 10


class AugMix(_Augment):
    """Weighted sums of a picture and of chains of operations on it.

    Args:
        severity: the strengths are drawn from the first so many of ten.
        mixture_width: how many chains.
        chain_depth: how many operations are in a chain; below 1 it is drawn, from 1 to 3.
        alpha: of the Beta and Dirichlet distributions that the weights are drawn from.
        all_ops: whether brightness, colour, contrast and sharpness are among the operations.
        interpolation: how pictures are resampled.
        fill: what lies outside.

    Source: Hendrycks et al., "AugMix" (2020).
    """

    def __init__(
        self,
        severity: int = 3,
        mixture_width: int = 3,
        chain_depth: int = -1,
        alpha: float = 1.0,
        all_ops: bool = True,
        interpolation: Any = InterpolationMode.BILINEAR,
        fill: Any = None,
    ) -> None:
        super().__init__(interpolation, fill)
        if not 1 <= severity <= _BINS:
            raise ValueError(f"The severity must be between [1, {_BINS}]. Got {severity} instead.")
        self.severity = severity
        self.mixture_width = mixture_width
        self.chain_depth = chain_depth
        self.alpha = alpha
        self.all_ops = all_ops

    def _augmentation_space(self, image_size: Any) -> dict[str, np.ndarray]:
        height, width = image_size
        space = {
            "ShearX": np.linspace(0.0, 0.3, _BINS),
            "ShearY": np.linspace(0.0, 0.3, _BINS),
            "TranslateX": np.linspace(0.0, width / 3.0, _BINS),
            "TranslateY": np.linspace(0.0, height / 3.0, _BINS),
            "Rotate": np.linspace(0.0, 30.0, _BINS),
            "Posterize": 4 - np.round(np.arange(_BINS) / ((_BINS - 1) / 4)),
            "Solarize": np.linspace(255.0, 0.0, _BINS),
            "AutoContrast": np.zeros(_BINS),
            "Equalize": np.zeros(_BINS),
        }
        names = ("Brightness", "Color", "Contrast", "Sharpness") if self.all_ops else ()
        return space | {name: np.linspace(0.0, 0.9, _BINS) for name in names}

    def make_params(self, flat_inputs: list[Any]) -> dict[str, Any]:
        """The chains, and their weights after that of the picture itself."""
        space = self._augmentation_space(get_size(flat_inputs[0]))
        draw = rng()
        names = list(space)

        def operation() -> tuple[str, float]:
            name = names[int(draw.integers(len(names)))]
            return _signed(name, float(space[name][draw.integers(self.severity)]), draw)

        kept, changed = draw.dirichlet([self.alpha, self.alpha])
        shares = draw.dirichlet([self.alpha] * self.mixture_width) * changed
        depths = [self.chain_depth if self.chain_depth > 0 else int(draw.integers(1, 4)) for _ in shares]
        return {"weights": [kept, *shares], "chains": [[operation() for _ in range(depth)] for depth in depths]}

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        """The mixture."""
        if is_pil(inpt):
            return to_pil_image(self.transform(pil_to_tensor(inpt), params))
        kept, *shares = params["weights"]
        mixed = kept * as_float(torch.as_tensor(inpt))
        for share, chain in zip(shares, params["chains"], strict=True):
            mixed = mixed + share * as_float(torch.as_tensor(self._run(inpt, chain)))
        return like(inpt, back(mixed, inpt.dtype))
