"""Matching boxes with truths, sampling them, and what else detectors share."""

from __future__ import annotations

from typing import Any

from fxtorch import nn
from fxtorch.nn import init
from fxtorch.tensor import Tensor
from fxtorch.vision._torch import torch
from fxtorch.vision.models.detection.box_coders import BoxCoder as BoxCoder
from fxtorch.vision.models.detection.box_coders import BoxLinearCoder as BoxLinearCoder
from fxtorch.vision.ops import FrozenBatchNorm2d


class Matcher:
    """To each prediction, the ground truth that it overlaps most.

    Args:
        high_threshold: the overlap from which a match counts.
        low_threshold: the overlap below which there is none; between the two a prediction is left out.
        allow_low_quality_matches: whether the best predictions of a ground truth count in any case.
    """

    BELOW_LOW_THRESHOLD = -1
    BETWEEN_THRESHOLDS = -2

    def __init__(
        self, high_threshold: float, low_threshold: float, allow_low_quality_matches: bool = False
    ) -> None:  # fmt: skip
        if low_threshold > high_threshold:
            raise ValueError("low_threshold should be <= high_threshold")
        self.high_threshold = high_threshold
        self.low_threshold = low_threshold
        self.allow_low_quality_matches = allow_low_quality_matches

    def __call__(self, match_quality_matrix: Tensor) -> Tensor:
        """From ``(truths, predictions)`` overlaps, each prediction's truth; -1 for none, -2 for left out."""
        if match_quality_matrix.numel() == 0:
            which = "ground-truth" if match_quality_matrix.shape[0] == 0 else "proposal"
            raise ValueError(f"No {which} boxes available for one of the images during training")
        best, matches = match_quality_matrix.max(dim=0)
        found = torch.where(best < self.low_threshold, self.BELOW_LOW_THRESHOLD, matches)
        between = (best >= self.low_threshold) & (best < self.high_threshold)
        found = torch.where(between, self.BETWEEN_THRESHOLDS, found)
        if self.allow_low_quality_matches:
            highest = match_quality_matrix.max(dim=1, keepdim=True).values
            found = torch.where((match_quality_matrix == highest).any(dim=0), matches, found)
        return found


class SSDMatcher(Matcher):
    """A :class:`Matcher` by which every ground truth gets the prediction that overlaps it most.

    Args:
        threshold: the overlap from which any other prediction matches.
    """

    def __init__(self, threshold: float) -> None:
        super().__init__(threshold, threshold, allow_low_quality_matches=False)

    def __call__(self, match_quality_matrix: Tensor) -> Tensor:
        """As :class:`Matcher`; where two truths share their best prediction, it goes to the later one."""
        found = super().__call__(match_quality_matrix)
        best = match_quality_matrix.max(dim=1).indices
        truths = torch.arange(best.shape[0], device=best.device)
        return found.scatter_reduce(0, best, truths, "amax", include_self=False)


class BalancedPositiveNegativeSampler:
    """Some of the positives and so many negatives that their number is fixed.

    Args:
        batch_size_per_image: how many for each picture.
        positive_fraction: the largest share of positives.
    """

    def __init__(self, batch_size_per_image: int, positive_fraction: float) -> None:
        self.batch_size_per_image = batch_size_per_image
        self.positive_fraction = positive_fraction

    def __call__(self, matched_idxs: list[Tensor]) -> tuple[list[Tensor], list[Tensor]]:
        """Masks of the chosen positives and negatives, from labels: 1 and more, 0, and negative for neither."""
        chosen: tuple[list[Tensor], list[Tensor]] = ([], [])
        for labels in matched_idxs:
            wanted = int(self.batch_size_per_image * self.positive_fraction)
            for kind, masks in ((labels >= 1, chosen[0]), (labels == 0, chosen[1])):
                at = torch.where(kind)[0]
                wanted = min(at.numel(), wanted)
                mask = torch.zeros_like(labels, dtype=torch.uint8)
                mask[at[torch.randperm(at.numel())[:wanted]]] = 1
                masks.append(mask)
                wanted = self.batch_size_per_image - wanted
        return chosen


def overwrite_eps(model: nn.Module, eps: float) -> None:
    """Set ``eps`` of every frozen batch norm."""
    for module in model.modules():
        if isinstance(module, FrozenBatchNorm2d):
            module.eps = eps


def retrieve_out_channels(model: nn.Module, size: tuple[int, int]) -> list[int]:
    """The channels of each level that ``model`` gives, found by a picture of zeros, ``size = (width, height)``."""
    training = model.training
    model.eval()
    parameter = next(model.parameters())
    with torch.no_grad():
        levels: Any = model(torch.zeros((1, 3, size[1], size[0]), dtype=parameter.dtype, device=parameter.device))
    model.train(training)
    return [level.shape[1] for level in ([levels] if isinstance(levels, Tensor) else levels.values())]


def draw(module: nn.Module, std: float = 0.01) -> None:
    """Draw convolutions anew from a normal distribution, without biases."""
    for layer in module.modules():
        if isinstance(layer, nn.Conv2d):
            init.normal_(layer.weight, std=std)
            if layer.bias is not None:
                init.constant_(layer.bias, 0)


def check_boxes(targets: list[dict[str, Any]]) -> None:
    """Raise where a target's boxes are no ``(N, 4)`` boxes with sides above zero."""
    for i, target in enumerate(targets):
        boxes = target["boxes"]
        if not isinstance(boxes, Tensor):
            raise TypeError(f"Expected target boxes to be of type Tensor, got {type(boxes)}.")
        if boxes.ndim != 2 or boxes.shape[-1] != 4:
            raise ValueError(f"Expected target boxes to be a tensor of shape [N, 4], got {boxes.shape}.")
        degenerate = (boxes[:, 2:] <= boxes[:, :2]).any(dim=1)
        if degenerate.any():
            box = boxes[torch.where(degenerate)[0][0]].tolist()
            raise ValueError(
                f"All bounding boxes should have positive height and width. Found invalid box {box} for target at "
                f"index {i}."
            )
