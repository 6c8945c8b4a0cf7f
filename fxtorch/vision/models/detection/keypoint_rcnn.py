"""Keypoint R-CNN."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fxtorch import nn
from fxtorch.nn import functional as F
from fxtorch.nn import init
from fxtorch.tensor import Tensor
from fxtorch.vision.models._api import builder, weights
from fxtorch.vision.models.detection._utils import overwrite_eps
from fxtorch.vision.models.detection.backbone_utils import _resnet_fpn_extractor, norm_for, trainable_layers
from fxtorch.vision.models.detection.faster_rcnn import FasterRCNN
from fxtorch.vision.models.resnet import ResNet50_Weights, resnet50
from fxtorch.vision.ops import MultiScaleRoIAlign

KeypointRCNN_ResNet50_FPN_Weights = weights("KeypointRCNN_ResNet50_FPN_Weights")


class KeypointRCNNHeads(nn.Sequential):
    """3x3 convolutions of a region's features.

    Args:
        in_channels: channels of the features.
        layers: channels after each.
    """

    def __init__(self, in_channels: int, layers: Sequence[int]) -> None:
        blocks: list[nn.Module] = []
        for width in layers:
            convolution = nn.Conv2d(in_channels, width, 3, stride=1, padding=1)
            init.kaiming_normal_(convolution.weight, mode="fan_out", nonlinearity="relu")
            init.zeros_(convolution.bias)
            blocks += [convolution, nn.ReLU(inplace=True)]
            in_channels = width
        super().__init__(*blocks)


class KeypointRCNNPredictor(nn.Module):
    """A map for each keypoint, of four times as many pixels a side.

    Args:
        in_channels: channels of the features.
        num_keypoints: keypoints of an object.
    """

    def __init__(self, in_channels: int, num_keypoints: int) -> None:
        super().__init__()
        self.kps_score_lowres = nn.ConvTranspose2d(in_channels, num_keypoints, 4, stride=2, padding=1)
        init.kaiming_normal_(self.kps_score_lowres.weight, mode="fan_out", nonlinearity="relu")
        init.zeros_(self.kps_score_lowres.bias)
        self.up_scale = 2
        self.out_channels = num_keypoints

    def forward(self, x: Tensor) -> Tensor:
        """``(N, num_keypoints, 4 H, 4 W)`` logits."""
        low = self.kps_score_lowres(x)
        return F.interpolate(
            low, scale_factor=float(self.up_scale), mode="bilinear", align_corners=False, recompute_scale_factor=False
        )


class KeypointRCNN(FasterRCNN):
    """Faster R-CNN with the keypoints of each result.

    Args:
        backbone: gives features, and has ``out_channels``.
        num_classes: classes, the background among them; or give ``box_predictor``.
        min_size: the size of a picture's shorter side; while training one of these.
        keypoint_roi_pool: cuts regions for the keypoints.
        keypoint_head: from a region's features to features.
        keypoint_predictor: to a map for each keypoint; or give ``num_keypoints``.
        num_keypoints: keypoints of an object, 17 unless given.
        **kwargs: for :class:`FasterRCNN`.

    Source: He et al., "Mask R-CNN" (2017).
    """

    def __init__(
        self,
        backbone: Any,
        num_classes: int | None = None,
        min_size: int | tuple[int, ...] | None = None,
        *,
        keypoint_roi_pool: MultiScaleRoIAlign | None = None,
        keypoint_head: nn.Module | None = None,
        keypoint_predictor: nn.Module | None = None,
        num_keypoints: int | None = None,
        **kwargs: Any,
    ) -> None:
        if not isinstance(keypoint_roi_pool, MultiScaleRoIAlign | None):
            raise TypeError(
                "keypoint_roi_pool should be of type MultiScaleRoIAlign or None instead of "
                f"{type(keypoint_roi_pool)}"
            )  # fmt: skip
        if num_keypoints is not None and keypoint_predictor is not None:
            raise ValueError("num_keypoints should be None when keypoint_predictor is specified")
        super().__init__(backbone, num_classes, min_size or (640, 672, 704, 736, 768, 800), **kwargs)
        heads: Any = self.roi_heads
        heads.keypoint_roi_pool = keypoint_roi_pool or MultiScaleRoIAlign(["0", "1", "2", "3"], 14, 2)
        heads.keypoint_head = keypoint_head or KeypointRCNNHeads(backbone.out_channels, (512,) * 8)
        heads.keypoint_predictor = keypoint_predictor or KeypointRCNNPredictor(512, num_keypoints or 17)


@builder(
    KeypointRCNN_ResNet50_FPN_Weights,
    backbone=ResNet50_Weights.IMAGENET1K_V1,
    with_weights=lambda meta: {"_trained": meta["name"]},
)
def keypointrcnn_resnet50_fpn(
    num_classes: int = 2,
    num_keypoints: int | None = None,
    weights_backbone: Any = None,
    trainable_backbone_layers: int | None = None,
    _trained: str = "",
    **kwargs: Any,
) -> KeypointRCNN:
    """:class:`KeypointRCNN` on ResNet-50; takes ``num_classes`` (2), ``weights_backbone``, and its options."""
    trained = bool(_trained) or weights_backbone is not None
    layers = trainable_layers(trained, trainable_backbone_layers, 5, 3)
    backbone = resnet50(weights=weights_backbone, norm_layer=norm_for(trained))
    model = KeypointRCNN(_resnet_fpn_extractor(backbone, layers), num_classes, num_keypoints=num_keypoints, **kwargs)
    if _trained == "COCO_V1":
        overwrite_eps(model, 0.0)
    return model
