"""Faster R-CNN."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from fxtorch import nn
from fxtorch.nn import functional as F
from fxtorch.nn import init
from fxtorch.tensor import Tensor
from fxtorch.vision.models._api import builder, weights
from fxtorch.vision.models.detection._utils import overwrite_eps
from fxtorch.vision.models.detection.anchor_utils import AnchorGenerator
from fxtorch.vision.models.detection.backbone_utils import (
    _mobilenet_extractor,
    _resnet_fpn_extractor,
    norm_for,
    trainable_layers,
)
from fxtorch.vision.models.detection.generalized_rcnn import GeneralizedRCNN
from fxtorch.vision.models.detection.roi_heads import RoIHeads
from fxtorch.vision.models.detection.rpn import RegionProposalNetwork, RPNHead
from fxtorch.vision.models.detection.transform import GeneralizedRCNNTransform
from fxtorch.vision.models.mobilenetv3 import MobileNet_V3_Large_Weights, mobilenet_v3_large
from fxtorch.vision.models.resnet import ResNet50_Weights, resnet50
from fxtorch.vision.ops import MultiScaleRoIAlign
from fxtorch.vision.ops.misc import Conv2dNormActivation

FasterRCNN_ResNet50_FPN_Weights = weights("FasterRCNN_ResNet50_FPN_Weights")
FasterRCNN_ResNet50_FPN_V2_Weights = weights("FasterRCNN_ResNet50_FPN_V2_Weights")
FasterRCNN_MobileNet_V3_Large_FPN_Weights = weights("FasterRCNN_MobileNet_V3_Large_FPN_Weights")
FasterRCNN_MobileNet_V3_Large_320_FPN_Weights = weights("FasterRCNN_MobileNet_V3_Large_320_FPN_Weights")


class FasterRCNN(GeneralizedRCNN):
    """A network that proposes regions, and one that says what is in them.

    Args:
        backbone: gives features, and has ``out_channels``.
        num_classes: classes, the background among them; or give ``box_predictor``.
        min_size: the size of a picture's shorter side.
        max_size: the largest size of its longer side.
        image_mean: of each channel.
        image_std: of each channel.
        rpn_anchor_generator: makes anchors.
        rpn_head: scores and codes them.
        rpn_pre_nms_top_n_train: boxes of a level before suppression, while training.
        rpn_pre_nms_top_n_test: otherwise.
        rpn_post_nms_top_n_train: boxes of a picture after it, while training.
        rpn_post_nms_top_n_test: otherwise.
        rpn_nms_thresh: the overlap above which the worse proposal is dropped.
        rpn_fg_iou_thresh: the overlap from which an anchor is an object.
        rpn_bg_iou_thresh: the overlap below which it is background.
        rpn_batch_size_per_image: anchors that the loss looks at.
        rpn_positive_fraction: the largest share of objects among them.
        rpn_score_thresh: the least score of a proposal.
        box_roi_pool: cuts regions from features.
        box_head: from a region's features to a vector.
        box_predictor: from the vector to class logits and box codes.
        box_score_thresh: the least score of a result.
        box_nms_thresh: the overlap above which the worse result is dropped.
        box_detections_per_img: how many results are kept.
        box_fg_iou_thresh: the overlap from which a region is an object.
        box_bg_iou_thresh: the overlap below which it is background.
        box_batch_size_per_image: regions that the loss looks at.
        box_positive_fraction: the largest share of objects among them.
        bbox_reg_weights: what box codes are multiplied by.
        **kwargs: for :class:`GeneralizedRCNNTransform`.

    Source: Ren et al., "Faster R-CNN" (2015).
    """

    def __init__(
        self,
        backbone: Any,
        num_classes: int | None = None,
        min_size: int | tuple[int, ...] = 800,
        max_size: int = 1333,
        image_mean: list[float] | None = None,
        image_std: list[float] | None = None,
        rpn_anchor_generator: nn.Module | None = None,
        rpn_head: nn.Module | None = None,
        rpn_pre_nms_top_n_train: int = 2000,
        rpn_pre_nms_top_n_test: int = 1000,
        rpn_post_nms_top_n_train: int = 2000,
        rpn_post_nms_top_n_test: int = 1000,
        rpn_nms_thresh: float = 0.7,
        rpn_fg_iou_thresh: float = 0.7,
        rpn_bg_iou_thresh: float = 0.3,
        rpn_batch_size_per_image: int = 256,
        rpn_positive_fraction: float = 0.5,
        rpn_score_thresh: float = 0.0,
        box_roi_pool: nn.Module | None = None,
        box_head: nn.Module | None = None,
        box_predictor: nn.Module | None = None,
        box_score_thresh: float = 0.05,
        box_nms_thresh: float = 0.5,
        box_detections_per_img: int = 100,
        box_fg_iou_thresh: float = 0.5,
        box_bg_iou_thresh: float = 0.5,
        box_batch_size_per_image: int = 512,
        box_positive_fraction: float = 0.25,
        bbox_reg_weights: tuple[float, ...] | None = None,
        **kwargs: Any,
    ) -> None:
        if not hasattr(backbone, "out_channels"):
            raise ValueError(
                "backbone should contain an attribute out_channels specifying the number of output channels "
                "(assumed to be the same for all the levels)"
            )
        if (num_classes is None) == (box_predictor is None):
            raise ValueError("give either num_classes or box_predictor")
        anchors: Any = rpn_anchor_generator or default_anchors()
        width = backbone.out_channels
        rpn = RegionProposalNetwork(
            anchors,
            rpn_head or RPNHead(width, anchors.num_anchors_per_location()[0]),
            rpn_fg_iou_thresh,
            rpn_bg_iou_thresh,
            rpn_batch_size_per_image,
            rpn_positive_fraction,
            {"training": rpn_pre_nms_top_n_train, "testing": rpn_pre_nms_top_n_test},
            {"training": rpn_post_nms_top_n_train, "testing": rpn_post_nms_top_n_test},
            rpn_nms_thresh,
            score_thresh=rpn_score_thresh,
        )
        pool: Any = box_roi_pool or MultiScaleRoIAlign(["0", "1", "2", "3"], output_size=7, sampling_ratio=2)
        roi_heads = RoIHeads(
            pool,
            box_head or TwoMLPHead(width * pool.output_size[0] ** 2, 1024),
            box_predictor or FastRCNNPredictor(1024, num_classes or 0),
            box_fg_iou_thresh,
            box_bg_iou_thresh,
            box_batch_size_per_image,
            box_positive_fraction,
            bbox_reg_weights,
            box_score_thresh,
            box_nms_thresh,
            box_detections_per_img,
        )
        mean, std = image_mean or [0.485, 0.456, 0.406], image_std or [0.229, 0.224, 0.225]
        super().__init__(
            backbone, rpn, roi_heads, GeneralizedRCNNTransform(min_size, max_size, mean, std, **kwargs)
        )  # fmt: skip


def default_anchors() -> AnchorGenerator:
    """One size a level and three shapes, for a pyramid of five levels."""
    return AnchorGenerator(((32,), (64,), (128,), (256,), (512,)), ((0.5, 1.0, 2.0),) * 5)


class TwoMLPHead(nn.Module):
    """Two linear layers with ReLU.

    Args:
        in_channels: features of a region.
        representation_size: features after each.
    """

    def __init__(self, in_channels: int, representation_size: int) -> None:
        super().__init__()
        self.fc6 = nn.Linear(in_channels, representation_size)
        self.fc7 = nn.Linear(representation_size, representation_size)

    def forward(self, x: Tensor) -> Tensor:
        """A vector for each region."""
        return F.relu(self.fc7(F.relu(self.fc6(x.flatten(start_dim=1)))))


class FastRCNNConvFCHead(nn.Sequential):
    """Convolutions and linear layers.

    Args:
        input_size: channels, height and width of a region's features.
        conv_layers: channels after each convolution.
        fc_layers: features after each linear layer.
        norm_layer: makes the normalisations.
    """

    def __init__(
        self,
        input_size: tuple[int, int, int],
        conv_layers: Sequence[int],
        fc_layers: Sequence[int],
        norm_layer: Callable[..., nn.Module] | None = None,
    ) -> None:
        channels, height, width = input_size
        blocks: list[nn.Module] = []
        for out in conv_layers:
            blocks.append(Conv2dNormActivation(channels, out, norm_layer=norm_layer))
            channels = out
        blocks.append(nn.Flatten())
        features = channels * height * width
        for out in fc_layers:
            blocks += [nn.Linear(features, out), nn.ReLU(inplace=True)]
            features = out
        super().__init__(*blocks)
        for layer in self.modules():
            if isinstance(layer, nn.Conv2d):
                init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")
                if layer.bias is not None:
                    init.zeros_(layer.bias)


class FastRCNNPredictor(nn.Module):
    """Class logits, and box codes for each class.

    Args:
        in_channels: features.
        num_classes: classes, the background among them.
    """

    def __init__(self, in_channels: int, num_classes: int) -> None:
        super().__init__()
        self.cls_score = nn.Linear(in_channels, num_classes)
        self.bbox_pred = nn.Linear(in_channels, num_classes * 4)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Both."""
        x = x.flatten(start_dim=1)
        return self.cls_score(x), self.bbox_pred(x)


def _trained(meta: dict[str, Any]) -> dict[str, Any]:
    return {"_trained": True}


@builder(FasterRCNN_ResNet50_FPN_Weights, backbone=ResNet50_Weights.IMAGENET1K_V1, with_weights=_trained)
def fasterrcnn_resnet50_fpn(
    num_classes: int = 91,
    weights_backbone: Any = None,
    trainable_backbone_layers: int | None = None,
    _trained: bool = False,
    **kwargs: Any,
) -> FasterRCNN:
    """:class:`FasterRCNN` on ResNet-50; takes ``num_classes`` (91), ``weights_backbone``, and its options."""
    trained = _trained or weights_backbone is not None
    layers = trainable_layers(trained, trainable_backbone_layers, 5, 3)
    backbone = resnet50(weights=weights_backbone, norm_layer=norm_for(trained))
    model = FasterRCNN(_resnet_fpn_extractor(backbone, layers), num_classes, **kwargs)
    if _trained:
        overwrite_eps(model, 0.0)
    return model


@builder(FasterRCNN_ResNet50_FPN_V2_Weights, backbone=ResNet50_Weights.IMAGENET1K_V1, with_weights=_trained)
def fasterrcnn_resnet50_fpn_v2(
    num_classes: int = 91,
    weights_backbone: Any = None,
    trainable_backbone_layers: int | None = None,
    _trained: bool = False,
    **kwargs: Any,
) -> FasterRCNN:
    """:class:`FasterRCNN` on ResNet-50 with deeper heads and batch norm; takes what the first one takes."""
    trained = _trained or weights_backbone is not None
    layers = trainable_layers(trained, trainable_backbone_layers, 5, 3)
    backbone = _resnet_fpn_extractor(resnet50(weights=weights_backbone), layers, norm_layer=nn.BatchNorm2d)
    head = RPNHead(backbone.out_channels, default_anchors().num_anchors_per_location()[0], conv_depth=2)
    box_head = FastRCNNConvFCHead((backbone.out_channels, 7, 7), [256] * 4, [1024], norm_layer=nn.BatchNorm2d)
    return FasterRCNN(backbone, num_classes, rpn_head=head, box_head=box_head, **kwargs)


def _on_mobilenet(
    num_classes: int,
    weights_backbone: Any,
    trainable_backbone_layers: int | None,
    trained: bool,
    defaults: dict[str, Any],
    kwargs: dict[str, Any],
) -> FasterRCNN:
    trained = trained or weights_backbone is not None
    layers = trainable_layers(trained, trainable_backbone_layers, 6, 3)
    network = mobilenet_v3_large(weights=weights_backbone, norm_layer=norm_for(trained))
    anchors = AnchorGenerator(((32, 64, 128, 256, 512),) * 3, ((0.5, 1.0, 2.0),) * 3)
    backbone = _mobilenet_extractor(network, True, layers)
    return FasterRCNN(backbone, num_classes, rpn_anchor_generator=anchors, **{**defaults, **kwargs})


@builder(
    FasterRCNN_MobileNet_V3_Large_FPN_Weights,
    backbone=MobileNet_V3_Large_Weights.IMAGENET1K_V1,
    with_weights=_trained,
)
def fasterrcnn_mobilenet_v3_large_fpn(
    num_classes: int = 91,
    weights_backbone: Any = None,
    trainable_backbone_layers: int | None = None,
    _trained: bool = False,
    **kwargs: Any,
) -> FasterRCNN:
    """:class:`FasterRCNN` on MobileNet v3; takes ``num_classes`` (91), ``weights_backbone``, and its options."""
    return _on_mobilenet(
        num_classes, weights_backbone, trainable_backbone_layers, _trained, {"rpn_score_thresh": 0.05}, kwargs
    )


@builder(
    FasterRCNN_MobileNet_V3_Large_320_FPN_Weights,
    backbone=MobileNet_V3_Large_Weights.IMAGENET1K_V1,
    with_weights=_trained,
)
def fasterrcnn_mobilenet_v3_large_320_fpn(
    num_classes: int = 91,
    weights_backbone: Any = None,
    trainable_backbone_layers: int | None = None,
    _trained: bool = False,
    **kwargs: Any,
) -> FasterRCNN:
    """:class:`FasterRCNN` on MobileNet v3 for pictures of 320; takes what the other one takes."""
    small = {
        "min_size": 320,
        "max_size": 640,
        "rpn_pre_nms_top_n_test": 150,
        "rpn_post_nms_top_n_test": 150,
        "rpn_score_thresh": 0.05,
    }
    return _on_mobilenet(num_classes, weights_backbone, trainable_backbone_layers, _trained, small, kwargs)
