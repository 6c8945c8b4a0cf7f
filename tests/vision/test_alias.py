"""``torchvision`` in a program that runs by ``python -m fxtorch``, ours and, where it is installed, the real one."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from tests.running import python

ROOT = Path(__file__).parents[2]
PROGRAM = """
import torch
import torchvision
from torchvision import models, ops, tv_tensors
from torchvision.transforms import v2

torch.manual_seed(0)
net = models.resnet18(num_classes=3)
net(torch.randn(2, 3, 32, 32)).sum().backward()
assert net.conv1.weight.grad.shape == (64, 3, 7, 7)
boxes = torch.tensor([[0.0, 0.0, 2.0, 2.0], [0.0, 0.0, 2.0, 1.9], [5.0, 5.0, 6.0, 6.0]])
assert ops.nms(boxes, torch.tensor([0.5, 0.9, 0.7]), 0.5).tolist() == [1, 2]
assert ops.roi_align(torch.rand(1, 2, 8, 8), [boxes], (2, 2), sampling_ratio=2).shape == (3, 2, 2, 2)
sample = {
    "image": tv_tensors.Image(torch.zeros(3, 8, 10, dtype=torch.uint8)),
    "boxes": tv_tensors.BoundingBoxes([[1, 2, 4, 6]], format="XYXY", canvas_size=(8, 10)),
}
out = v2.Compose([v2.RandomHorizontalFlip(1.0), v2.Resize((16, 20)), v2.ToDtype(torch.float32, scale=True)])(sample)
assert out["boxes"].tolist() == [[12, 4, 18, 12]], out["boxes"]
assert type(out["image"]) is tv_tensors.Image and out["image"].shape == (3, 16, 20)
assert torchvision.utils.make_grid(torch.rand(4, 3, 4, 4)).shape == (3, 8, 26)
print(torchvision.__name__, "fxtorch" in torchvision.__file__)
"""


TRACED = """
import torch
from torchvision import models, tv_tensors
from torchvision.models.feature_extraction import create_feature_extractor, get_graph_node_names
from torchvision.transforms import v2

net = models.resnet18(num_classes=3).eval()
assert get_graph_node_names(net)[1][-2:] == ["flatten", "fc"]
features = create_feature_extractor(net, {"layer1.0.relu_1": "low", "avgpool": "pooled"})
x = torch.randn(1, 3, 32, 32)
out = features(x)
assert list(out) == ["low", "pooled"] and out["low"].shape == (1, 64, 8, 8)
assert torch.allclose(net.fc(out["pooled"].flatten(1)), net(x), atol=1e-5)
image = tv_tensors.Image(torch.arange(48, dtype=torch.uint8).reshape(3, 4, 4))
assert v2.functional.resize(image, [2, 2])[0].tolist() == [[4, 5], [10, 11]], v2.functional.resize(image, [2, 2])
assert type(image.to(torch.float32)) is tv_tensors.Image and type(image + 1) is torch.Tensor
print(repr(tv_tensors.Mask(torch.zeros(1))))
"""


def run(*command: str) -> str:
    ran = python(*command)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout.split()[-1]


@pytest.mark.skipif(importlib.util.find_spec("torchvision") is None, reason="runs the real torchvision's files")
def test_a_program_runs_with_the_real_torchvision(tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text(PROGRAM)
    assert run("-m", "fxtorch", str(tmp_path / "program.py")) == "False"


@pytest.mark.skipif(importlib.util.find_spec("torchvision") is None, reason="runs the real torchvision's files")
def test_the_real_torchvision_traces_models_and_keeps_the_classes_of_its_tensors(tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text(TRACED)
    assert run("-m", "fxtorch", str(tmp_path / "program.py")) == "Mask([0.])"


def test_our_stand_in_gives_features_from_inside_of_models() -> None:
    assert run("-c", "import fxtorch\nfxtorch.alias(['torch', 'torchvision'])\n" + TRACED) == "Mask([0.])"


def test_a_program_runs_with_our_stand_in() -> None:
    assert run("-c", "import fxtorch\nfxtorch.alias(['torch', 'torchvision'])\n" + PROGRAM) == "True"
