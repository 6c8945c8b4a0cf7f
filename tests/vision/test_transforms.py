"""Transforms of pictures and of samples."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest

import fxtorch as torch
from fxtorch.vision import transforms, tv_tensors
from fxtorch.vision import transforms as T
from fxtorch.vision.transforms import functional as F
from fxtorch.vision.transforms import v2

Image = pytest.importorskip("PIL.Image")
PIXELS = np.random.default_rng(0).integers(0, 256, (8, 10, 3), dtype=np.uint8)


def test_the_usual_pipeline_of_a_training_set_runs() -> None:
    torch.manual_seed(0)
    pipeline = transforms.Compose(
        [
            transforms.RandomResizedCrop(6),
            transforms.RandomHorizontalFlip(),
            transforms.ColorJitter(0.2, 0.2, 0.2, 0.1),
            transforms.RandomRotation(10),
            transforms.ToTensor(),
            transforms.Normalize([0.5] * 3, [0.5] * 3),
            transforms.RandomErasing(p=1.0),
        ]
    )
    out = pipeline(Image.fromarray(PIXELS))
    assert out.shape == (3, 6, 6) and out.dtype == torch.float32
    assert "RandomResizedCrop(size=(6, 6)" in repr(pipeline)


def test_pictures_survive_the_way_to_tensors_and_back() -> None:
    picture = Image.fromarray(PIXELS)
    for there in (F.to_tensor, F.pil_to_tensor):
        np.testing.assert_array_equal(np.asarray(F.to_pil_image(there(picture))), PIXELS)
    for mode in ("L", "I", "F", "RGBA", "LA"):
        converted = picture.convert(mode)
        again = F.to_pil_image(F.pil_to_tensor(converted), "F" if mode == "F" else None)
        np.testing.assert_array_equal(np.asarray(again), np.asarray(converted))


def test_manual_seed_fixes_the_random_transforms() -> None:
    crop = T.RandomCrop(4)
    found = []
    for seed in (1, 1, 2, 3):
        torch.manual_seed(seed)
        found.append(crop.get_params(torch.zeros(3, 30, 30), (4, 4)))
    assert found[0] == found[1]
    assert len(set(found)) == 3


def test_random_crop_pads_and_refuses_what_is_too_small() -> None:
    assert T.RandomCrop(12, padding=2)(torch.zeros(1, 8, 8)).shape == (1, 12, 12)
    assert T.RandomCrop(12, pad_if_needed=True)(torch.zeros(1, 8, 20)).shape == (1, 12, 12)
    with pytest.raises(ValueError, match=r"\(12, 12\) is larger than input image size \(8, 8\)"):
        T.RandomCrop(12)(torch.zeros(1, 8, 8))


@pytest.mark.parametrize("p", [0.0, 1.0])
def test_flips_are_applied_as_often_as_said(p: float) -> None:
    x = torch.arange(6.0).reshape(1, 2, 3)
    assert torch.equal(T.RandomHorizontalFlip(p)(x), x.flip(-1) if p else x)
    assert torch.equal(T.RandomVerticalFlip(p)(x), x.flip(-2) if p else x)
    assert torch.equal(T.RandomApply([lambda t: t + 1], p)(x), x + p)


def test_a_v1_lambda_gets_all_crops_and_a_v2_lambda_each() -> None:
    x = torch.zeros(1, 4, 4)
    assert T.Compose([T.FiveCrop(2), T.Lambda(lambda crops: torch.stack(crops))])(x).shape == (5, 1, 2, 2)
    assert [t.shape for t in v2.Lambda(lambda t: t[0])([x, x])] == [(4, 4), (4, 4)]


def sample() -> dict[str, Any]:
    return {
        "image": tv_tensors.Image(torch.arange(3 * 8 * 10, dtype=torch.uint8).reshape(3, 8, 10)),
        "boxes": tv_tensors.BoundingBoxes([[1, 2, 4, 6]], format="XYXY", canvas_size=(8, 10)),
        "mask": tv_tensors.Mask(torch.zeros(1, 8, 10, dtype=torch.uint8)),
        "labels": torch.tensor([3]),
        "path": "a.png",
    }


def test_parts_of_a_sample_move_together_and_keep_their_kinds() -> None:
    out = v2.Compose([v2.RandomHorizontalFlip(p=1.0), v2.Resize([16, 20]), v2.CenterCrop(12)])(sample())
    assert isinstance(out["image"], tv_tensors.Image) and out["image"].shape == (3, 12, 12)
    assert isinstance(out["mask"], tv_tensors.Mask) and out["mask"].shape == (1, 12, 12)
    boxes = out["boxes"]
    assert isinstance(boxes, tv_tensors.BoundingBoxes) and boxes.canvas_size == (12, 12)
    assert boxes.tolist() == [[8, 2, 12, 10]]
    assert out["labels"].tolist() == [3] and out["path"] == "a.png"


def test_colours_of_a_sample_change_its_picture_alone() -> None:
    torch.manual_seed(0)
    before = sample()
    out = v2.ColorJitter(brightness=(0.2, 0.3))(before)
    assert not torch.equal(out["image"], before["image"])
    assert out["boxes"].tolist() == before["boxes"].tolist()
    assert torch.equal(out["mask"], before["mask"])


def test_only_the_first_plain_tensor_is_a_picture() -> None:
    image, target = v2.Resize([4, 4])(torch.zeros(3, 8, 8), torch.zeros(5, 8, 8))
    assert image.shape == (3, 4, 4) and target.shape == (5, 8, 8)


def test_a_sample_keeps_its_order_and_its_first_plain_tensor_is_the_picture() -> None:
    out = v2.Resize([4, 4])({"x": torch.zeros(3, 8, 8), "label": torch.zeros(2, 8, 8)})
    assert list(out) == ["x", "label"]
    assert out["x"].shape == (3, 4, 4) and out["label"].shape == (2, 8, 8)


def test_types_are_converted_and_scaled_for_pictures_alone() -> None:
    out = v2.Compose([v2.ToImage(), v2.ToDtype(torch.float32, scale=True)])(Image.fromarray(PIXELS))
    assert isinstance(out, tv_tensors.Image) and out.dtype == torch.float32 and float(out.max()) <= 1.0
    boxes = v2.ToDtype(torch.float32, scale=True)(sample())["boxes"]
    assert boxes.dtype == torch.int64


def test_bad_boxes_are_dropped_with_their_labels() -> None:
    boxes = [[0, 0, 5, 5], [3, 3, 3, 9], [0, 0, 99, 5]]
    made = tv_tensors.BoundingBoxes(boxes, format="XYXY", canvas_size=(10, 10))
    out = v2.SanitizeBoundingBoxes()({"boxes": made, "labels": torch.tensor([1, 2, 3])})
    assert out["boxes"].tolist() == [[0, 0, 5, 5]] and out["labels"].tolist() == [1]


@pytest.mark.parametrize("kind", [v2.MixUp, v2.CutMix])
def test_batches_are_mixed_with_their_labels(kind: Any) -> None:
    torch.manual_seed(0)
    pictures = torch.arange(3.0).reshape(3, 1, 1, 1).expand(3, 1, 8, 8)
    images, labels = kind(num_classes=3)(pictures, torch.tensor([0, 1, 2]))
    assert labels.shape == (3, 3)
    np.testing.assert_allclose(labels.sum(1).numpy(), 1.0, rtol=1e-6)
    share = float(labels[1, 1])
    np.testing.assert_allclose(float(images[1].mean()), share * 1 + (1 - share) * 0, rtol=1e-5)


@pytest.mark.parametrize("augment", [T.AutoAugment(), T.RandAugment(), T.TrivialAugmentWide()])
def test_augmentations_keep_size_and_type(augment: Any) -> None:
    torch.manual_seed(0)
    for picture in (Image.fromarray(PIXELS), torch.from_numpy(PIXELS.transpose(2, 0, 1).copy())):
        for _ in range(4):
            out = augment(picture)
            assert type(out) is type(picture)
            assert (out.size if isinstance(out, Image.Image) else out.shape) == (
                picture.size if isinstance(picture, Image.Image) else picture.shape
            )


def test_what_is_no_picture_is_refused_in_words() -> None:
    with pytest.raises(TypeError, match="pic should be PIL Image or ndarray"):
        T.ToTensor()("x")
    with pytest.raises(TypeError, match="should be a float tensor"):
        T.Normalize([0.5], [0.5])(torch.zeros(1, 2, 2, dtype=torch.uint8))
    with pytest.raises(ValueError, match="division by zero"):
        T.Normalize([0.5], [0.0])(torch.zeros(1, 2, 2))


def test_transforms_of_tensors_compile() -> None:
    x = torch.rand(3, 8, 8)
    chain = T.Compose([T.Resize([6, 6]), T.CenterCrop(4), T.Normalize([0.5] * 3, [0.5] * 3)])
    assert torch.allclose(torch.jit(chain, fullgraph=True)(x), chain(x), atol=1e-6)


def test_operators_give_plain_tensors_and_copies_keep_what_they_know() -> None:
    boxes = tv_tensors.BoundingBoxes([[0, 1, 2, 3]], format="XYWH", canvas_size=(4, 5))
    assert [type(x) for x in (boxes + 1, boxes[0], boxes.float(), torch.stack([boxes, boxes]))] == [torch.Tensor] * 4
    for kept in (boxes.clone(), boxes.to(torch.float64), boxes.detach(), copy.deepcopy(boxes)):
        assert type(kept) is tv_tensors.BoundingBoxes and kept.canvas_size == (4, 5) and kept.format == boxes.format
    with tv_tensors.set_return_type("TVTensor"):
        assert (boxes + 1).canvas_size == (4, 5)
    assert type(boxes + 1) is torch.Tensor
    assert repr(boxes) == "BoundingBoxes([[0, 1, 2, 3]], format=BoundingBoxFormat.XYWH, canvas_size=(4, 5))"


def test_boxes_are_padded_with_a_constant_alone() -> None:
    boxes = tv_tensors.BoundingBoxes([[0, 1, 2, 3]], format="XYXY", canvas_size=(4, 5))
    assert v2.functional.pad(boxes, [1, 2]).tolist() == [[1, 3, 3, 5]]
    with pytest.raises(ValueError, match="Padding mode 'edge' is not supported with bounding boxes"):
        v2.functional.pad(boxes, [1, 2], padding_mode="edge")


def test_pillow_images_are_bent_and_erased_as_their_tensors_are() -> None:
    array = np.arange(4 * 5 * 3, dtype=np.uint8).reshape(4, 5, 3)
    picture, tensor = Image.fromarray(array), torch.from_numpy(array.transpose(2, 0, 1).copy())
    move = torch.linspace(-0.5, 0.5, 40).reshape(1, 4, 5, 2)
    for change in (
        lambda x: v2.functional.elastic(x, move),
        lambda x: v2.functional.erase(x, 1, 2, 2, 2, torch.tensor(7)),
    ):
        changed = change(picture)
        assert isinstance(changed, Image.Image) and changed.mode == "RGB"
        assert torch.equal(torch.from_numpy(np.array(changed)).permute(2, 0, 1), change(tensor))
    assert np.array(picture).tolist() == array.tolist()


def test_a_quarter_turn_exchanges_the_sides() -> None:
    x = torch.arange(24.0).reshape(1, 4, 6)
    for turned in (v2.functional.rotate(x, 90, expand=True), F.rotate(x, -270, expand=True)):
        assert torch.equal(turned, x.rot90(1, [1, 2]))


def test_tensors_of_booleans_are_moved_and_scaled() -> None:
    x = torch.tensor([[[True, False], [False, False]]])
    assert v2.functional.rotate(x, 180).tolist() == [[[False, False], [False, True]]]
    assert v2.functional.resize(x, [4, 4], interpolation="nearest").sum() == 4
    assert v2.functional.to_dtype(x, torch.float32, scale=True).tolist() == [[[1.0, 0.0], [0.0, 0.0]]]
    assert v2.functional.adjust_brightness(x, 0.0).tolist() == [[[False, False], [False, False]]]


def test_tensors_are_turned_by_the_nearest_or_by_lines_alone() -> None:
    with pytest.raises(ValueError, match="'bicubic' is unsupported"):
        v2.functional.rotate(torch.zeros(1, 4, 4), 30, interpolation=v2.InterpolationMode.BICUBIC)


def test_converting_a_picture_gives_a_tensor_and_the_transform_a_picture() -> None:
    picture = tv_tensors.Image(torch.full((1, 2, 2), 255, dtype=torch.uint8))
    assert type(v2.functional.convert_image_dtype(picture)) is torch.Tensor
    assert type(v2.ConvertImageDtype()(picture)) is tv_tensors.Image
    assert v2.ConvertImageDtype()(picture).tolist() == [[[1.0, 1.0], [1.0, 1.0]]]


def test_a_pillow_image_is_padded_with_a_colour_of_floats() -> None:
    padded = v2.functional.pad(Image.new("RGB", (1, 1)), 1, fill=[1.0, 2.0, 3.0])
    assert padded.getpixel((0, 0)) == (1, 2, 3)
