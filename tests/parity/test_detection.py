"""torchvision's detectors: parameters, losses, gradients and results with the same weights.

The samplers of boxes are given so much room that they leave nothing out, so no random number matters. No region leaves
the features: where it does, torchvision's kernels read zeros, but its form without kernels does not.
"""

from __future__ import annotations

import os
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import fxtorch
import fxtorch.vision as ours
from tests.cases.run import to_numpy
from tests.parity.torchvision_reference import torch

import torchvision as _torchvision  # isort: skip

theirs: Any = _torchvision
PICTURES = [
    np.random.default_rng(i).random((3, *size), dtype=np.float32) for i, size in enumerate(((32, 32), (32, 24)))
]
BOXES = [[[2.0, 3.0, 15.0, 20.0], [10.0, 10.0, 30.0, 25.0]], [[5.0, 2.0, 20.0, 17.0]]]


def backbone(library: Any, channels: int) -> Any:
    """Two levels, a quarter and an eighth of the picture's size; no two features are equal, so no two scores are."""
    nn = library.nn

    class Levels(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.out_channels = channels
            self.fine = nn.Conv2d(3, channels, 3, stride=4, padding=1)
            self.coarse = nn.Conv2d(channels, channels, 3, stride=2, padding=1)

        def forward(self, x: Any) -> Any:
            x = self.fine(x).tanh()
            return OrderedDict([("0", x), ("1", self.coarse(x).tanh())])

    return Levels()


def fcos(vision: Any, library: Any) -> Any:
    detection = vision.models.detection
    anchors = detection.anchor_utils.AnchorGenerator(((4,), (8,)), ((1.0,),) * 2)
    head = detection.fcos.FCOSHead(32, 1, 3, num_convs=1)
    return detection.FCOS(backbone(library, 32), 3, 32, 32, anchor_generator=anchors, head=head, detections_per_img=20)


def retinanet(vision: Any, library: Any) -> Any:
    detection = vision.models.detection
    anchors = detection.anchor_utils.AnchorGenerator(((8, 16), (16, 24)), ((0.5, 1.0),) * 2)
    return detection.RetinaNet(backbone(library, 8), 3, 32, 32, anchor_generator=anchors, score_thresh=0.005)


def ssd(vision: Any, library: Any) -> Any:
    module = vision.models.detection.ssd
    boxes = vision.models.detection.anchor_utils.DefaultBoxGenerator([[2], [2, 3]])
    return module.SSD(
        backbone(library, 8), boxes, (40, 32), 3, head=module.SSDHead([8, 8], [4, 6], 3), score_thresh=0.3
    )


def ssdlite(vision: Any, library: Any) -> Any:
    """Its own backbone: blocks of MobileNet, and four levels more."""
    mobilenet, lite = vision.models.mobilenetv3, vision.models.detection.ssdlite
    block = mobilenet.InvertedResidualConfig
    settings = [block(8, 3, 16, 8, False, "RE", 2, 1, 1.0), block(8, 3, 16, 8, True, "HS", 2, 1, 1.0)]
    network = mobilenet.MobileNetV3(settings, 16, norm_layer=library.nn.BatchNorm2d).features
    body = lite.SSDLiteFeatureExtractorMobileNet(network, 2, library.nn.BatchNorm2d, 0.01, 8)
    boxes = vision.models.detection.anchor_utils.DefaultBoxGenerator([[2]] * 6, 0.2, 0.95)
    widths = vision.models.detection._utils.retrieve_out_channels(body, (64, 64))
    head = lite.SSDLiteHead(widths, boxes.num_anchors_per_location(), 3, library.nn.BatchNorm2d)
    return vision.models.detection.ssd.SSD(body, boxes, (64, 64), 3, head=head, score_thresh=0.3)


def rcnn(vision: Any, library: Any, name: str = "FasterRCNN", **options: Any) -> Any:
    detection = vision.models.detection
    return getattr(detection, name)(
        backbone(library, 8),
        num_classes=None,
        min_size=32,
        max_size=32,
        rpn_anchor_generator=detection.anchor_utils.AnchorGenerator(((8,), (16,)), ((0.5, 1.0),) * 2),
        rpn_batch_size_per_image=4096,
        box_roi_pool=vision.ops.MultiScaleRoIAlign(["0", "1"], 3, 2),
        box_head=detection.faster_rcnn.TwoMLPHead(72, 16),
        box_predictor=detection.faster_rcnn.FastRCNNPredictor(16, 3),
        rpn_post_nms_top_n_train=20,
        rpn_post_nms_top_n_test=10,
        box_batch_size_per_image=4096,
        box_detections_per_img=4,
        box_score_thresh=0.01,
        **options,
    )


def keypoint_rcnn(vision: Any, library: Any) -> Any:
    parts = vision.models.detection.keypoint_rcnn
    return rcnn(
        vision,
        library,
        "KeypointRCNN",
        keypoint_roi_pool=vision.ops.MultiScaleRoIAlign(["0", "1"], 4, 2),
        keypoint_head=parts.KeypointRCNNHeads(8, (8,)),
        keypoint_predictor=parts.KeypointRCNNPredictor(8, 3),
    )


MAKERS: dict[str, Callable[[Any, Any], Any]] = {
    "fcos": fcos, "retinanet": retinanet, "ssd": ssd, "ssdlite": ssdlite, "faster_rcnn": rcnn,
    "keypoint_rcnn": keypoint_rcnn,
}  # fmt: skip


def inputs(library: Any, size: int) -> tuple[list[Any], list[dict[str, Any]]]:
    """Pictures and targets."""
    images = [library.tensor(picture.repeat(size, 1).repeat(size, 2), dtype=library.float64) for picture in PICTURES]
    targets = []
    for boxes in BOXES:
        box = library.tensor(boxes, dtype=library.float64) * size
        seen = library.tensor([[1.0], [0.0], [1.0]])
        points = [library.cat([(box[:, :2] + k).float(), seen[k].expand(len(boxes), 1)], 1) for k in range(3)]
        labels = library.tensor([1, 2][: len(boxes)])
        targets.append({"boxes": box, "labels": labels, "keypoints": library.stack(points, 1)})
    return images, targets


def close(actual: Any, expected: Any) -> None:
    a, e = to_numpy(actual), expected.detach().numpy()
    assert a.dtype == e.dtype
    rtol, atol = (1.3e-6, 1e-5) if e.dtype == np.float32 else (1e-7, 1e-7)
    np.testing.assert_allclose(a, e, rtol=rtol, atol=atol * max(1.0, float(np.abs(e).max(initial=0))))


# The others in the run of all models: each new shape is compiled, and they have many.
CHECKED = list(MAKERS) if os.environ.get("ALL_MODELS") else ["fcos", "ssd", "keypoint_rcnn"]


@pytest.mark.parametrize("name", CHECKED)
def test_detectors_have_torchvisions_losses_gradients_and_results(name: str) -> None:
    torch.manual_seed(0)
    reference, model = MAKERS[name](theirs, torch).double(), MAKERS[name](ours, fxtorch).double()
    state = reference.state_dict()
    for value in state.values():  # no bias at zero, no normalisation the identity
        if value.is_floating_point():
            value.add_((torch.rand(value.shape, dtype=value.dtype) - 0.5) * 0.5)
    assert list(model.state_dict()) == list(state)
    model.load_state_dict({key: fxtorch.from_numpy(value.numpy().copy()) for key, value in state.items()})
    size = 2 if name == "ssdlite" else 1

    expected, actual = reference.train()(*inputs(torch, size)), model.train()(*inputs(fxtorch, size))
    assert set(actual) == set(expected)
    for key, loss in expected.items():
        close(actual[key], loss)
    torch.stack([loss.double() for loss in expected.values()]).sum().backward()
    fxtorch.stack([loss.double() for loss in actual.values()]).sum().backward()
    gradients = dict(model.named_parameters())
    for key, parameter in reference.named_parameters():
        assert (gradients[key].grad is None) == (parameter.grad is None), key
        if parameter.grad is not None:
            close(gradients[key].grad, parameter.grad)

    results = zip(reference.eval()(inputs(torch, size)[0]), model.eval()(inputs(fxtorch, size)[0]), strict=True)
    for wanted, found in results:
        assert list(found) == list(wanted)
        assert len(wanted["boxes"]) > 0
        for key in wanted:
            close(found[key], wanted[key])


LARGE = ["fcos_resnet50_fpn", "keypointrcnn_resnet50_fpn", "ssd300_vgg16", "ssdlite320_mobilenet_v3_large"]


@pytest.mark.skipif(not os.environ.get("ALL_MODELS"), reason="makes large models")
@pytest.mark.filterwarnings("ignore::FutureWarning")
@pytest.mark.parametrize("name", LARGE)
def test_published_detectors_have_torchvisions_parameters(name: str) -> None:
    model, reference = (vision.models.get_model(name, weights=None, weights_backbone=None) for vision in (ours, theirs))
    shapes = {key: tuple(value.shape) for key, value in reference.state_dict().items()}
    assert {key: tuple(value.shape) for key, value in model.state_dict().items()} == shapes
    assert [p.requires_grad for p in model.parameters()] == [p.requires_grad for p in reference.parameters()]
