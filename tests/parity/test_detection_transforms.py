"""torchvision's transforms for detectors, with the same drawn numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import fxtorch
import fxtorch.vision as ours
from fxtorch.vision.transforms import v2
from tests.parity.torchvision_reference import torch

import torchvision as _torchvision  # isort: skip
import torchvision.transforms.v2
import torchvision.tv_tensors

theirs: Any = _torchvision
PIXELS = np.random.default_rng(0).integers(0, 256, (3, 40, 60), dtype=np.uint8)
BOXES = [[5.0, 5.0, 25.0, 30.0], [40.0, 20.0, 55.0, 38.0]]
CASES = [
    (
        "RandomIoUCrop",
        (),
        {"top": 4, "left": 2, "height": 30, "width": 40},
        {"within": [True, False]},
        {"is_within_crop_area": [True, False]},
    ),
    ("RandomZoomOut", (), {"padding": [3, 4, 10, 2]}, {}, {}),
    ("ScaleJitter", ((50, 50),), {"size": (30, 45)}, {}, {}),
    ("RandomResize", (20, 30), {"size": [22]}, {}, {}),
]


def _parts(library: Any, engine: Any) -> list[Any]:
    picture = library.tv_tensors.Image(engine.from_numpy(PIXELS.copy()))
    return [picture, library.tv_tensors.BoundingBoxes(engine.tensor(BOXES), format="XYXY", canvas_size=(40, 60))]


@pytest.mark.parametrize(("name", "args", "params", "own", "others"), CASES, ids=[c[0] for c in CASES])
def test_a_sample_is_changed_as_by_torchvision(name: str, args: Any, params: Any, own: Any, others: Any) -> None:
    found = []
    for library, engine, extra in ((ours, fxtorch, own), (theirs, torch, others)):
        masks = {key: engine.tensor(value) for key, value in extra.items()}
        change = getattr(library.transforms.v2, name)(*args)
        found.append([change.transform(part, {**params, **masks}) for part in _parts(library, engine)])
    (picture, boxes), (picture_, boxes_) = found
    assert np.abs(picture.numpy().astype(int) - picture_.numpy().astype(int)).max() <= 1
    np.testing.assert_allclose(boxes.numpy(), boxes_.numpy(), atol=1e-4)
    assert tuple(boxes.canvas_size) == tuple(boxes_.canvas_size)


@pytest.mark.parametrize("early", [True, False])
def test_colours_are_distorted_as_by_torchvision(early: bool) -> None:
    values = {"brightness": 1.1, "contrast": 0.7, "saturation": 1.3, "hue": 0.04}
    order = [2, 0, 1]
    floats = np.random.default_rng(2).random((3, 9, 11), dtype=np.float32)
    change = v2.RandomPhotometricDistort()
    picture = ours.tv_tensors.Image(fxtorch.from_numpy(floats.copy()))
    actual = change.transform(picture, {**values, "early": early, "order": order})
    named = {f"{key}_factor": value for key, value in values.items()}
    change = theirs.transforms.v2.RandomPhotometricDistort()
    drawn = {**named, "contrast_before": early, "channel_permutation": torch.tensor(order)}
    expected = change.transform(theirs.tv_tensors.Image(torch.from_numpy(floats.copy())), drawn)
    assert isinstance(actual, ours.tv_tensors.Image)
    np.testing.assert_allclose(actual.numpy(), expected.numpy(), rtol=1.3e-6, atol=1e-5)


def test_frames_and_channels_are_chosen_as_by_torchvision() -> None:
    pixels = np.random.default_rng(1).integers(0, 256, (9, 1, 4, 5), dtype=np.uint8)
    calls = [("Video", pixels, "uniform_temporal_subsample", (4,)), ("Image", pixels[0], "grayscale_to_rgb", ())]
    for kind, values, name, args in calls:
        actual, expected = (
            getattr(library.transforms.v2.functional, name)(
                getattr(library.tv_tensors, kind)(engine.from_numpy(values)), *args
            )
            for library, engine in ((ours, fxtorch), (theirs, torch))
        )
        np.testing.assert_array_equal(actual.numpy(), expected.numpy())
