"""Operators of detectors, and pictures to look at."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import fxtorch as torch
from fxtorch.vision import io as files
from fxtorch.vision import ops, utils

Image = pytest.importorskip("PIL.Image")


def test_suppression_of_each_category_leaves_the_others() -> None:
    boxes = torch.tensor([[0.0, 0.0, 2.0, 2.0], [0.0, 0.0, 2.0, 2.1], [0.0, 0.0, 2.0, 2.0]])
    scores, kinds = torch.tensor([0.5, 0.9, 0.8]), torch.tensor([0, 0, 1])
    assert ops.batched_nms(boxes, scores, kinds, 0.5).tolist() == [1, 2]
    assert ops.nms(boxes, scores, 0.5).tolist() == [1]
    assert ops.batched_nms(boxes[:0], scores[:0], kinds[:0], 0.5).shape == (0,)


def test_a_pyramid_gives_each_box_features_of_its_level() -> None:
    levels = {str(i): torch.full((1, 2, 64 >> i, 64 >> i), float(i)) for i in range(4)}
    pool = ops.MultiScaleRoIAlign(["0", "1", "2", "3"], 3, 2)
    boxes = torch.tensor([[0.0, 0.0, 20.0, 20.0], [0.0, 0.0, 230.0, 230.0]])
    out = pool(levels, [boxes], [(256, 256)])
    assert out.shape == (2, 2, 3, 3)
    assert out.mean(dim=(1, 2, 3)).tolist() == [0.0, 2.0]


def test_stochastic_depth_keeps_the_mean_and_drops_whole_samples() -> None:
    torch.manual_seed(0)
    layer = ops.StochasticDepth(0.5, "row")
    out = layer(torch.ones(400, 3))
    assert set(out.flatten().tolist()) == {0.0, 2.0}
    assert bool((out == out[:, :1]).all())
    assert abs(float(out.mean()) - 1) < 0.2
    assert torch.equal(layer.eval()(torch.ones(2, 3)), torch.ones(2, 3))


def test_frozen_batch_norm_takes_an_ordinary_ones_state() -> None:
    ordinary = torch.nn.BatchNorm2d(3)
    ordinary(torch.rand(4, 3, 2, 2))
    frozen = ops.FrozenBatchNorm2d(3)
    frozen.load_state_dict(ordinary.state_dict())
    x = torch.rand(2, 3, 2, 2)
    assert torch.allclose(frozen(x), ordinary.eval()(x), atol=1e-6)
    assert list(frozen.parameters()) == []


def test_a_deformable_convolution_without_offsets_is_a_convolution() -> None:
    torch.manual_seed(0)
    layer = ops.DeformConv2d(4, 6, 3, padding=1, groups=2)
    x = torch.rand(2, 4, 5, 6)
    plain = torch.nn.functional.conv2d(x, layer.weight, layer.bias, padding=1, groups=2)
    assert torch.allclose(layer(x, torch.zeros(2, 18, 5, 6)), plain, atol=1e-5)


def test_drop_block_drops_squares() -> None:
    torch.manual_seed(0)
    out = ops.drop_block2d(torch.ones(8, 1, 9, 9), 0.3, 3)
    dropped = torch.eq(out, 0).float()
    assert 0.05 < float(dropped.mean()) < 0.6
    assert set(torch.unique(out).tolist()) - {0.0} != set()


def test_a_grid_puts_pictures_side_by_side() -> None:
    pictures = torch.arange(3.0).reshape(3, 1, 1, 1).expand(3, 1, 2, 2)
    grid = utils.make_grid(pictures, nrow=2, padding=1, pad_value=9.0)
    assert grid.shape == (3, 7, 7)
    assert grid[0, 1].tolist() == [9, 0, 0, 9, 1, 1, 9]
    assert grid[0, 4].tolist() == [9, 2, 2, 9, 9, 9, 9]
    scaled = utils.make_grid(pictures, nrow=3, padding=0, normalize=True)
    assert scaled[0, 0].tolist() == [0, 0, 0.5, 0.5, 1, 1]


def test_a_saved_grid_can_be_read_again(tmp_path: Path) -> None:
    picture = torch.rand(3, 4, 5)
    utils.save_image(picture, tmp_path / "x.png")
    read = files.read_image(str(tmp_path / "x.png"))
    np.testing.assert_array_equal(read.numpy(), (picture.numpy() * 255 + 0.5).astype(np.uint8))
    assert files.read_image(tmp_path / "x.png", "GRAY").shape == (1, 4, 5)
    buffer = io.BytesIO()
    utils.save_image([picture, picture], buffer, format="png")
    assert Image.open(buffer).size == (5 * 2 + 6, 4 + 4)
    files.write_jpeg(read, tmp_path / "x.jpg")
    assert files.decode_image(files.read_file(tmp_path / "x.jpg")).shape == (3, 4, 5)


@pytest.mark.parametrize("dtype", [torch.uint8, torch.float32])
def test_boxes_and_masks_are_drawn(dtype: Any) -> None:
    picture = torch.zeros(3, 12, 12, dtype=dtype)
    drawn = utils.draw_bounding_boxes(picture, torch.tensor([[2.0, 3.0, 8.0, 9.0]]), colors="red")
    white = 255 if dtype == torch.uint8 else 1.0
    assert drawn.dtype == dtype and float(drawn[0, 3, 5]) == white and float(drawn[1].float().sum()) == 0
    assert float(drawn[0, 5, 5]) == 0
    mask = torch.zeros(12, 12, dtype=torch.bool)
    mask[:2] = True
    masked = utils.draw_segmentation_masks(picture, mask, alpha=1.0, colors=[(0, 255, 0)])
    assert float(masked[1, 1, 1]) == white and float(masked[1, 5, 5]) == 0
    points = utils.draw_keypoints(picture, torch.tensor([[[6, 6]]]), colors="blue", radius=1)
    assert float(points[2, 6, 6]) == white
    assert float(picture.float().sum()) == 0


def test_where_masks_overlap_the_picture_is_black() -> None:
    masks = torch.tensor([[[True, True, False]], [[False, True, True]]])
    drawn = utils.draw_segmentation_masks(torch.full((3, 1, 3), 10, dtype=torch.uint8), masks, 1.0, ["red", "lime"])
    assert drawn[:, 0].T.tolist() == [[255, 0, 0], [0, 0, 0], [0, 255, 0]]
    with pytest.raises(ValueError, match="Pass an RGB image"):
        utils.draw_segmentation_masks(torch.zeros(1, 1, 3), masks)


def test_colours_that_nobody_chose_are_torchvisions() -> None:
    masks = torch.eye(3, dtype=torch.bool)[:, None]
    drawn = utils.draw_segmentation_masks(torch.zeros(3, 1, 3, dtype=torch.uint8), masks, 1.0)
    assert drawn[:, 0].T.tolist() == [[0, 0, 0], [1, 127, 31], [2, 254, 62]]


def test_a_text_has_the_colours_it_is_given() -> None:
    box = torch.tensor([[0.0, 0.0, 39.0, 29.0]])
    drawn = utils.draw_bounding_boxes(
        torch.zeros(3, 30, 40, dtype=torch.uint8), box, ["a"], "red", label_colors="lime",
        label_background_colors="blue", fill_labels=True,
    )  # fmt: skip
    seen = {tuple(c) for c in drawn.flatten(1).T.tolist()}
    assert {(255, 0, 0), (0, 0, 255)} <= seen and any(c[1] > 100 for c in seen)


def test_a_point_that_is_not_visible_is_not_drawn_nor_a_line_to_it() -> None:
    black, points = torch.zeros(3, 9, 20, dtype=torch.uint8), torch.tensor([[[2.0, 4.0], [10.0, 4.0], [17.0, 4.0]]])
    options: dict[str, Any] = {"connectivity": [(0, 1), (1, 2)], "colors": "red", "radius": 1, "width": 1}
    drawn = utils.draw_keypoints(black, points, visibility=torch.tensor([[True, True, False]]), **options)
    assert drawn[:, 4, 6].tolist() == [255, 255, 255] and drawn[:, 4, 2].tolist() != [0, 0, 0]
    assert int(drawn[:, :, 13:].sum()) == 0
    with pytest.raises(ValueError, match="the same dimensionality"):
        utils.draw_keypoints(black, points, visibility=torch.ones(1, 2), **options)


def test_a_flow_is_coloured_by_where_it_goes() -> None:
    # the greatest speed goes right: the first colour of the wheel, red; what rests is white
    flow = torch.tensor([[[2.0, 0.0, -2.0]], [[0.0, 0.0, 0.0]]])
    picture = utils.flow_to_image(flow)
    assert picture.dtype == torch.uint8 and picture[:, 0, 0].tolist()[0] >= 254
    assert picture[:, 0, 1].tolist() == [255, 255, 255]
    assert picture[:, 0, 2].tolist() == [0, 209, 255]
    assert torch.equal(utils.flow_to_image(flow[None])[0], picture)
    with pytest.raises(ValueError, match=r"Input flow should have shape \(2, H, W\)"):
        utils.flow_to_image(torch.ones(3, 4, 5))
    with pytest.raises(ValueError, match="Flow should be of dtype"):
        utils.flow_to_image(torch.ones(2, 4, 5, dtype=torch.int64))


def test_what_is_no_picture_makes_no_grid() -> None:
    for wrong, words in ((3, "got <class 'int'>"), ([1, 2], "got a list containing <class 'int'>")):
        with pytest.raises(TypeError, match=words):
            utils.make_grid(wrong)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="value_range has to be a tuple"):
        utils.make_grid(torch.ones(1, 2, 2), normalize=True, value_range=3)  # type: ignore[arg-type]
