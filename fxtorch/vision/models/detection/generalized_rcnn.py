"""The frame of two-stage detectors."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

from fxtorch import nn
from fxtorch.tensor import Tensor
from fxtorch.vision.models.detection._utils import check_boxes


class GeneralizedRCNN(nn.Module):
    """Features, proposals, and what is in them.

    Args:
        backbone: gives features.
        rpn: gives proposals.
        roi_heads: says what is in them.
        transform: what pictures go through before, and results after.
    """

    def __init__(self, backbone: nn.Module, rpn: nn.Module, roi_heads: nn.Module, transform: Any) -> None:
        super().__init__()
        self.transform = transform
        self.backbone = backbone
        self.rpn = rpn
        self.roi_heads = roi_heads

    def forward(self, images: list[Tensor], targets: list[dict[str, Tensor]] | None = None) -> Any:
        """The losses by name while training, else for each picture ``boxes``, ``labels``, ``scores`` (``masks``,
        ``keypoints``).

        Args:
            images: ``(3, H, W)`` each, between 0 and 1.
            targets: while training, for each picture ``boxes`` ``(N, 4)`` and ``labels`` ``(N,)`` (1 and more), and
                for masks ``masks`` ``(N, H, W)``, for keypoints ``keypoints`` ``(N, K, 3)``.
        """
        if self.training:
            if targets is None:
                raise ValueError("targets should not be none when in training mode")
            check_boxes(targets)
        sizes = [(int(image.shape[-2]), int(image.shape[-1])) for image in images]
        batch, targets = self.transform(images, targets)
        features = self.backbone(batch.tensors)
        if isinstance(features, Tensor):
            features = OrderedDict([("0", features)])
        proposals, proposal_losses = self.rpn(batch, features, targets)
        found, losses = self.roi_heads(features, proposals, batch.image_sizes, targets)
        if self.training:
            return losses | proposal_losses
        return self.transform.postprocess(found, batch.image_sizes, sizes)
