"""Models: their weights, their training, their parts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import fxtorch as torch
import fxtorch.nn.functional as F
from fxtorch.vision import _download, models
from fxtorch.vision.models.detection._utils import BoxCoder
from fxtorch.vision.models.detection.anchor_utils import AnchorGenerator
from fxtorch.vision.models.resnet import BasicBlock
from fxtorch.vision.ops import MultiScaleRoIAlign


def test_models_are_found_by_name() -> None:
    assert {"resnet50", "vit_b_16", "fasterrcnn_resnet50_fpn"} <= set(models.list_models())
    assert models.list_models(include="vgg*", exclude="*_bn") == ["vgg11", "vgg13", "vgg16", "vgg19"]
    assert models.list_models(models.segmentation)[0].startswith("deeplabv3")
    with pytest.raises(ValueError, match="Unknown model resnet1"):
        models.get_model("resnet1")


def test_weights_are_named_as_torchvisions() -> None:
    weights = models.ResNet50_Weights
    assert weights.DEFAULT is weights.IMAGENET1K_V2
    assert models.get_weight("ResNet50_Weights.IMAGENET1K_V1").url.endswith("resnet50-0676ba61.pth")
    assert models.get_model_weights("vit_l_16").DEFAULT.meta["num_classes"] == 1000
    picture = torch.zeros(3, 300, 400, dtype=torch.uint8)
    assert weights.DEFAULT.transforms()(picture).shape == (3, 224, 224)
    with pytest.raises(ValueError, match="has no member 'IMAGENET1K_V9'"):
        models.resnet18(weights="IMAGENET1K_V9")
    with pytest.raises(TypeError, match="expected ResNet18_Weights but received ResNet50_Weights"):
        models.resnet18(weights=weights.DEFAULT)


@pytest.mark.parametrize("wanted", [{"pretrained": True}, {"weights": "DEFAULT"}])
def test_weights_that_cannot_be_had_are_told_in_words(
    wanted: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*args: Any, **kwargs: Any) -> None:
        raise OSError("no route to host")

    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setattr(_download.urllib.request, "urlopen", refuse)
    with pytest.raises(RuntimeError, match=r"squeezenet1_1-b8a52dc0.pth cannot be downloaded .*checkpoints/squeezenet"):
        models.squeezenet1_1(**wanted)


def test_a_checkpoint_that_lies_where_pytorch_keeps_it_is_loaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setattr("fxtorch.vision.models._api.matches", lambda path, **digest: path.is_file())
    folder = tmp_path / "hub" / "checkpoints"
    folder.mkdir(parents=True)
    torch.manual_seed(0)
    state = models.squeezenet1_1().state_dict()
    torch.save(state, folder / "squeezenet1_1-b8a52dc0.pth")
    loaded = models.squeezenet1_1(weights=models.SqueezeNet1_1_Weights.DEFAULT).state_dict()
    assert all(torch.equal(loaded[name], value) for name, value in state.items())
    with pytest.raises(ValueError, match="expected value 1000 but got 10"):
        models.squeezenet1_1(weights="DEFAULT", num_classes=10)


def test_a_resnet_learns_in_compiled_steps() -> None:
    torch.manual_seed(0)
    net = models.ResNet(BasicBlock, [1, 1, 1, 1], num_classes=2)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.02, momentum=0.9)
    x = torch.randn(4, 3, 32, 32)
    y = torch.tensor([0, 1, 0, 1])

    @torch.jit(fullgraph=True)
    def step(x: Any, y: Any) -> Any:
        optimizer.zero_grad()
        loss = F.cross_entropy(net(x), y)
        loss.backward()
        optimizer.step()
        return loss

    losses = [step(x, y).item() for _ in range(8)]
    assert losses[-1] < 0.5 * losses[0]


class Tiny(torch.nn.Module):
    """A backbone of one level."""

    out_channels = 8

    def __init__(self) -> None:
        super().__init__()
        self.conv = torch.nn.Conv2d(3, 8, 3, stride=8, padding=1)

    def forward(self, x: Any) -> Any:
        return self.conv(x).relu()


def tiny_detector() -> Any:
    torch.manual_seed(0)
    anchors = AnchorGenerator(((16, 32),), ((0.5, 1.0, 2.0),))
    return models.detection.MaskRCNN(
        Tiny(),
        num_classes=3,
        rpn_anchor_generator=anchors,
        box_roi_pool=MultiScaleRoIAlign(["0"], 3, 2),
        mask_roi_pool=MultiScaleRoIAlign(["0"], 4, 2),
        mask_head=torch.nn.Conv2d(8, 256, 1),
        min_size=64,
        max_size=64,
        rpn_post_nms_top_n_train=20,
        rpn_post_nms_top_n_test=20,
        box_score_thresh=0.0,
        box_detections_per_img=5,
    )


def test_a_detector_gives_losses_while_training_and_boxes_after() -> None:
    net = tiny_detector()
    images = [torch.rand(3, 60, 64)]
    masks = torch.zeros(1, 60, 64, dtype=torch.uint8)
    masks[:, 10:40, 12:42] = 1
    target = {"boxes": torch.tensor([[12.0, 10.0, 42.0, 40.0]]), "labels": torch.tensor([1]), "masks": masks}
    losses = net(images, [target])
    assert sorted(losses) == ["loss_box_reg", "loss_classifier", "loss_mask", "loss_objectness", "loss_rpn_box_reg"]
    torch.stack(list(losses.values())).sum().backward()
    assert all(p.grad is not None and bool(torch.isfinite(p.grad).all()) for p in net.parameters())
    found = net.eval()(images)
    assert [sorted(f) for f in found] == [["boxes", "labels", "masks", "scores"]]
    assert found[0]["boxes"].shape == (5, 4) and found[0]["masks"].shape == (5, 1, 60, 64)
    assert bool((found[0]["scores"][:-1] >= found[0]["scores"][1:]).all())
    with pytest.raises(ValueError, match="All bounding boxes should have positive height and width"):
        net.train()(images, [{"boxes": torch.tensor([[3.0, 3.0, 3.0, 9.0]]), "labels": torch.tensor([1])}])


def test_boxes_of_no_detection_are_none() -> None:
    coder = BoxCoder((1.0, 1.0, 1.0, 1.0))
    assert coder.decode_single(torch.zeros(0, 4), torch.zeros(0, 4)).shape == (0, 4)
    assert coder.decode(torch.zeros(0, 8), [torch.zeros(0, 4)]).shape == (0, 2, 4)
