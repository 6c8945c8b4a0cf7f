"""Transforms for detectors, and those that distort pictures."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import fxtorch as torch
from fxtorch.vision import tv_tensors
from fxtorch.vision.ops import box_iou
from fxtorch.vision.transforms import v2
from fxtorch.vision.transforms.v2 import functional as F

PIXELS = np.random.default_rng(0).integers(0, 256, (3, 40, 60), dtype=np.uint8)


def _sample() -> tuple[Any, Any]:
    boxes = tv_tensors.BoundingBoxes([[5.0, 5, 25, 30], [40, 20, 55, 38]], format="XYXY", canvas_size=(40, 60))
    return tv_tensors.Image(torch.from_numpy(PIXELS)), boxes


@pytest.mark.parametrize("least", [0.0, 0.3, 0.7])
def test_an_iou_crop_overlaps_a_box_as_much_as_asked(least: float) -> None:
    torch.manual_seed(1)
    image, boxes = _sample()
    crop = v2.RandomIoUCrop(sampler_options=[least])
    for _ in range(10):
        params = crop.make_params([image, boxes])
        out, moved = crop.transform(image, params), crop.transform(boxes, params)
        top, left, height, width = (params[k] for k in ("top", "left", "height", "width"))
        assert np.array_equal(out.numpy(), PIXELS[:, top : top + height, left : left + width])
        assert 0.5 <= width / height <= 2 and moved.canvas_size == (height, width)
        area = torch.tensor([[left, top, left + width, top + height]], dtype=torch.float32)
        within = params["within"]
        assert box_iou(torch.as_tensor(boxes)[within], area).max() >= least
        assert not torch.as_tensor(moved)[~within].any()


def test_an_iou_crop_may_leave_the_sample_and_needs_boxes() -> None:
    image, boxes = _sample()
    same, _ = v2.RandomIoUCrop(sampler_options=[1.0])(image, boxes)
    assert same is image
    with pytest.raises(TypeError, match="bounding boxes"):
        v2.RandomIoUCrop()(image)


def test_zooming_out_puts_the_sample_on_a_larger_canvas() -> None:
    torch.manual_seed(0)
    image, boxes = _sample()
    zoom = v2.RandomZoomOut(fill=7, side_range=(1.5, 3.0), p=1.0)
    params = zoom.make_params([image, boxes])
    left, top, right, bottom = params["padding"]
    out, moved = zoom.transform(image, params), zoom.transform(boxes, params)
    assert out.shape == (3, 40 + top + bottom, 60 + left + right) and out.shape[2] >= 90
    assert np.array_equal(out[:, top : top + 40, left : left + 60].numpy(), PIXELS)
    assert int(out[0, 0, 0]) == 7 or (top == 0 or left == 0)
    shift = torch.tensor([left, top, left, top])
    assert torch.equal(torch.as_tensor(moved), torch.as_tensor(boxes) + shift)
    with pytest.raises(ValueError, match="side range"):
        v2.RandomZoomOut(side_range=(0.5, 1.0))


def test_sizes_are_drawn_from_their_ranges() -> None:
    torch.manual_seed(0)
    image, boxes = _sample()
    for _ in range(5):
        out, moved = v2.ScaleJitter((80, 80), scale_range=(0.5, 1.0))(image, boxes)
        assert 26 <= out.shape[1] <= 53 and moved.canvas_size == tuple(out.shape[1:])
        out = v2.RandomResize(20, 30)(image)
        assert 20 <= min(out.shape[1:]) < 30 and abs(out.shape[2] / out.shape[1] - 1.5) < 0.1


def test_channels_are_permuted_and_repeated() -> None:
    image, _ = _sample()
    assert np.array_equal(F.permute_channels(image, [2, 0, 1]).numpy(), PIXELS[[2, 0, 1]])
    grey = v2.RGB()(tv_tensors.Image(torch.from_numpy(PIXELS[:1])))
    assert np.array_equal(grey.numpy(), PIXELS[[0, 0, 0]])
    with pytest.raises(ValueError, match="number of channels"):
        F.permute_channels(image, [0, 1])


def test_jpeg_is_what_pillow_writes_and_reads() -> None:
    Image = pytest.importorskip("PIL.Image")
    import io

    image, _ = _sample()
    buffer = io.BytesIO()
    Image.fromarray(PIXELS.transpose(1, 2, 0)).save(buffer, format="JPEG", quality=40)
    expected = np.asarray(Image.open(io.BytesIO(buffer.getvalue()))).transpose(2, 0, 1)
    out = v2.JPEG(40)(image)
    assert isinstance(out, tv_tensors.Image) and np.array_equal(out.numpy(), expected)
    video = tv_tensors.Video(torch.from_numpy(np.stack([PIXELS, PIXELS])))
    assert np.array_equal(v2.JPEG([40, 40])(video).numpy(), np.stack([expected, expected]))
    with pytest.raises(ValueError, match="quality"):
        v2.JPEG(0)


def test_photometric_distortion_is_its_steps_in_order() -> None:
    torch.manual_seed(3)
    image, _ = _sample()
    distort = v2.RandomPhotometricDistort(p=1.0)
    params = distort.make_params([image])
    out = F.adjust_brightness(image, params["brightness"])
    if params["early"]:
        out = F.adjust_contrast(out, params["contrast"])
    out = F.adjust_hue(F.adjust_saturation(out, params["saturation"]), params["hue"])
    if not params["early"]:
        out = F.adjust_contrast(out, params["contrast"])
    out = F.permute_channels(out, params["order"])
    assert np.array_equal(distort.transform(image, params).numpy(), out.numpy())
    assert 0.875 <= params["brightness"] <= 1.125 and sorted(params["order"]) == [0, 1, 2]
    assert v2.RandomPhotometricDistort(p=0.0)(image) is image


def test_frames_are_chosen_evenly() -> None:
    video = tv_tensors.Video(torch.arange(10).reshape(10, 1, 1, 1).to(torch.uint8))
    assert v2.UniformTemporalSubsample(4)(video).flatten().tolist() == [0, 3, 6, 9]


def test_augmix_is_the_weighted_sum_of_its_chains() -> None:
    torch.manual_seed(0)
    image, _ = _sample()
    mix = v2.AugMix(mixture_width=2, chain_depth=2)
    params = mix.make_params([image])
    assert sum(params["weights"]) == pytest.approx(1.0) and [len(c) for c in params["chains"]] == [2, 2]
    assert mix(image).shape == image.shape and mix(image).dtype == torch.uint8
    alone = {"weights": [1.0, 0.0, 0.0], "chains": params["chains"]}
    assert np.array_equal(mix.transform(image, alone).numpy(), PIXELS)
    halves = {"weights": [0.5, 0.5], "chains": [[]]}
    assert np.array_equal(mix.transform(image, halves).numpy(), PIXELS)
    with pytest.raises(ValueError, match="severity"):
        v2.AugMix(severity=11)


def test_transforms_of_ones_own_can_ask_for_the_parts_of_a_sample() -> None:
    image, boxes = _sample()
    assert v2.query_size([image, boxes]) == (40, 60) and v2.query_chw([image, boxes]) == (3, 40, 60)
    assert v2.has_any([image], tv_tensors.BoundingBoxes, tv_tensors.Image)
    assert not v2.has_all([image], tv_tensors.BoundingBoxes, tv_tensors.Image)
    assert v2.get_bounding_boxes([image, boxes]) is boxes
    with pytest.raises(ValueError, match="multiple"):
        v2.query_size([image, image[:, :5]])
    with pytest.raises(TypeError, match="No image"):
        v2.query_chw([boxes])
