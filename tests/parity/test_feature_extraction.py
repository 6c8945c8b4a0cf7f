"""Features from inside our stand-ins against torchvision's own: the names of steps, and what they give."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import fxtorch
from fxtorch.vision import models
from fxtorch.vision.models import feature_extraction as ours

torch = pytest.importorskip("torch", reason="compares with PyTorch")
pytest.importorskip("tests.parity.torchvision_reference", reason="compares with torchvision")
torchvision = pytest.importorskip("torchvision", reason="compares with torchvision")
theirs = pytest.importorskip("torchvision.models.feature_extraction", reason="compares with torchvision")

MODELS: dict[str, Callable[[Any], Any]] = {
    "resnet18": lambda m: m.resnet18(num_classes=2),
    "mobilenet_v2": lambda m: m.mobilenet_v2(num_classes=2),
    "squeezenet": lambda m: m.squeezenet1_1(num_classes=2),
    "vit": lambda m: m.VisionTransformer(32, 16, 2, 2, 8, 16, num_classes=2),
    "convnext": lambda m: m.ConvNeXt([m.convnext.CNBlockConfig(8, None, 2)], num_classes=2),
    "densenet": lambda m: m.DenseNet(4, (2, 2), 8, num_classes=2),
}


@pytest.mark.parametrize("name", MODELS)
def test_steps_have_torchvisions_names(name: str) -> None:
    here, there = MODELS[name](models), MODELS[name](torchvision.models)
    expected = theirs.get_graph_node_names(there, suppress_diff_warning=True)
    assert ours.get_graph_node_names(here, suppress_diff_warning=True) == expected


def test_features_are_torchvisions_in_both_modes() -> None:
    here, there = MODELS["resnet18"](models), MODELS["resnet18"](torchvision.models)
    here.load_state_dict({k: fxtorch.from_numpy(v.numpy().copy()) for k, v in there.state_dict().items()})
    nodes = {"layer1": "low", "layer2.0.relu_1": "middle", "flatten": "flat"}
    mine = ours.create_feature_extractor(here, return_nodes=nodes)
    its = theirs.create_feature_extractor(there, return_nodes=nodes)
    x = np.random.RandomState(0).randn(2, 3, 64, 64).astype(np.float32)
    for mode in (False, True):
        mine.train(mode)
        its.train(mode)
        a, b = mine(fxtorch.tensor(x)), its(torch.tensor(x))
        assert list(a) == list(b)
        for key, value in b.items():
            np.testing.assert_allclose(a[key].detach().numpy(), value.detach().numpy(), rtol=1e-3, atol=1e-4)
    assert [n for n, _ in mine.named_parameters()] == [n for n, _ in its.named_parameters()]
