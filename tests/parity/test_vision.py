"""torchvision's transforms, operators and models, with the same pictures and the same weights.

A few models are compared in every run, all classifiers and segmenters by ``ALL_MODELS=1 pytest ... -k models``.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import fxtorch
import fxtorch.vision as ours
from tests.cases.run import assert_close, to_numpy
from tests.parity.torchvision_reference import torch

import torchvision as _torchvision  # isort: skip
import torchvision.transforms.functional
import torchvision.transforms.v2
import torchvision.tv_tensors

theirs: Any = _torchvision
Image = pytest.importorskip("PIL.Image")
RNG = np.random.default_rng(0)
BYTES = RNG.integers(0, 256, (3, 13, 18), dtype=np.uint8)
FLOATS = RNG.random((3, 13, 18), dtype=np.float32)
SMOOTH = np.clip(np.cumsum(np.cumsum(RNG.standard_normal((3, 24, 32)), 1), 2) * 4 + 128, 0, 255).astype(np.uint8)

# name, arguments; each is called with a float Tensor, a byte Tensor and a Pillow image.
CALLS: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = [
    ("resize", ([7, 9],), {"antialias": True}),
    ("resize", ([20, 30],), {"antialias": False}),
    ("resize", (8,), {"max_size": 10}),
    ("resize", ([9, 7],), {"interpolation": "nearest"}),
    ("resize", ([9, 7],), {"interpolation": "bicubic"}),
    ("pad", ([1, 2, 3, 4],), {"fill": 0.5}),
    ("pad", ([2, 1],), {"padding_mode": "reflect"}),
    ("pad", (2,), {"padding_mode": "symmetric"}),
    ("pad", (2,), {"padding_mode": "edge"}),
    ("crop", (-2, 3, 9, 20), {}),
    ("center_crop", ([20, 9],), {}),
    ("hflip", (), {}),
    ("vflip", (), {}),
    ("rotate", (33.0,), {"interpolation": "bilinear"}),
    ("rotate", (33.0,), {"expand": True, "fill": [1.0, 0.0, 1.0]}),
    ("rotate", (90.0,), {"center": [3, 4]}),
    ("affine", (20.0, [2, -1], 1.2, [5.0, -7.0]), {"interpolation": "bilinear"}),
    ("affine", (20.0, [2, -1], 0.8, [5.0, 0.0]), {"fill": [1.0]}),
    ("perspective", ([[0, 0], [17, 0], [17, 12], [0, 12]], [[2, 1], [15, 0], [16, 11], [1, 12]]), {}),
    ("adjust_brightness", (1.4,), {}),
    ("adjust_contrast", (0.6,), {}),
    ("adjust_saturation", (1.7,), {}),
    ("adjust_hue", (0.2,), {}),
    ("adjust_gamma", (0.7, 0.9), {}),
    ("adjust_sharpness", (1.8,), {}),
    ("rgb_to_grayscale", (), {"num_output_channels": 3}),
    ("invert", (), {}),
    ("posterize", (3,), {}),
    ("solarize", (0.5,), {}),
    ("autocontrast", (), {}),
    ("equalize", (), {}),
    ("gaussian_blur", ([3, 5],), {"sigma": [0.8, 1.1]}),
]
# Kernels for bytes and floats of which only one exists, or whose numbers are of the other's range.
ONLY = {"posterize": ("byte", "pil"), "equalize": ("byte", "pil")}
NO_PIL = {1}  # Pillow always smooths, and torchvision warns of it


def calls() -> list[Any]:
    kinds = ("float", "byte", "pil")
    return [
        pytest.param(*call, kind, id=f"{call[0]}-{i}-{kind}")
        for i, call in enumerate(CALLS)
        for kind in ONLY.get(call[0], kinds)
        if not (kind == "pil" and i in NO_PIL)
    ]


def picture(library: Any, kind: str) -> Any:
    if kind == "pil":
        return Image.fromarray(BYTES.transpose(1, 2, 0))
    return library.from_numpy((FLOATS if kind == "float" else BYTES).copy())


def result(module: Any, library: Any, name: str, args: Any, kwargs: dict[str, Any], kind: str) -> np.ndarray:
    if kind != "float":  # fills and thresholds between 0 and 1 are of floats
        kwargs = {k: [int(255 * f) for f in v] if k == "fill" and isinstance(v, list) else v for k, v in kwargs.items()}
        kwargs = {k: int(255 * v) if k == "fill" and isinstance(v, float) else v for k, v in kwargs.items()}
        args = (128,) if name == "solarize" else args
    if "interpolation" in kwargs:
        kwargs = kwargs | {"interpolation": module.InterpolationMode(kwargs["interpolation"])}
    out = getattr(module.functional, name)(picture(library, kind), *args, **kwargs)
    return np.asarray(out).astype(np.int64) if kind == "pil" else to_numpy(out)


@pytest.mark.parametrize(("name", "args", "kwargs", "kind"), calls())
def test_functions_of_pictures_are_torchvisions(name: str, args: Any, kwargs: dict[str, Any], kind: str) -> None:
    actual = result(ours.transforms, fxtorch, name, args, kwargs, kind)
    expected = result(theirs.transforms, torch, name, args, kwargs, kind)
    assert actual.shape == expected.shape
    if kind == "byte":  # halves are rounded from floats that differ in their last digit
        off = np.abs(actual.astype(int) - expected.astype(int))
        assert off.max() <= 1
        assert (off > 0).mean() <= 0.02
    else:
        np.testing.assert_allclose(actual, expected, rtol=1.3e-6, atol=1e-5 if kind == "float" else 0)


@pytest.mark.parametrize("kind", ["float", "byte", "pil"])
def test_conversions_are_torchvisions(kind: str) -> None:
    for name in ("to_tensor", "pil_to_tensor") if kind == "pil" else ("to_pil_image",):
        a = getattr(ours.transforms.functional, name)(picture(fxtorch, kind))
        e = getattr(theirs.transforms.functional, name)(picture(torch, kind))
        np.testing.assert_array_equal(np.asarray(a) if kind != "pil" else a.numpy(), np.asarray(e))


@pytest.mark.parametrize(("before", "after"), [("uint8", "float32"), ("float32", "uint8"), ("uint8", "int32")])
def test_types_of_pictures_are_converted_as_by_torchvision(before: str, after: str) -> None:
    array = BYTES if before == "uint8" else FLOATS
    a = ours.transforms.functional.convert_image_dtype(fxtorch.from_numpy(array.copy()), getattr(fxtorch, after))
    e = theirs.transforms.functional.convert_image_dtype(torch.from_numpy(array.copy()), getattr(torch, after))
    assert_close(to_numpy(a), e.numpy())


BOX_CALLS = [
    ("hflip", ()), ("vflip", ()), ("resize", ([26, 30],)), ("pad", ([1, 2, 3, 4],)), ("crop", (2, 3, 9, 10)),
    ("center_crop", ([8, 9],)), ("rotate", (30.0,)), ("affine", (20.0, [2, -1], 1.2, [5.0, -7.0])),
]  # fmt: skip


@pytest.mark.parametrize(("name", "args"), BOX_CALLS)
def test_boxes_move_as_in_torchvision(name: str, args: Any) -> None:
    boxes = [[1.0, 2.0, 5.0, 9.0], [3.0, 0.0, 17.0, 6.0]]
    found = []
    for library in (ours, theirs):
        made = library.tv_tensors.BoundingBoxes(boxes, format="XYXY", canvas_size=(13, 18))
        moved = getattr(library.transforms.v2.functional, {"hflip": "horizontal_flip"}.get(name, name))(made, *args)
        found.append((np.asarray(moved.tolist()), tuple(moved.canvas_size)))
    assert found[0][1] == found[1][1]
    np.testing.assert_allclose(found[0][0], found[1][0], atol=1e-4)


PAIRS = [
    "box_iou", "generalized_box_iou", "distance_box_iou", "complete_box_iou", "generalized_box_iou_loss",
    "distance_box_iou_loss", "complete_box_iou_loss",
]  # fmt: skip


@pytest.mark.parametrize("name", PAIRS)
def test_overlaps_and_their_gradients_are_torchvisions(name: str) -> None:
    low = RNG.random((4, 2)) * 5
    boxes = [np.concatenate([low + s, low + s + 1 + RNG.random((4, 2)) * 4], 1) for s in (0, 0.7)]
    found = []
    for module, library in ((ours, fxtorch), (theirs, torch)):
        a, b = (library.from_numpy(x.copy()).requires_grad_() for x in boxes)
        out = getattr(module.ops, name)(a, b)
        out.sum().backward()
        found.append([to_numpy(t) for t in (out, a.grad, b.grad)])
    for a, e in zip(*found, strict=True):
        assert_close(a, e)


def test_focal_loss_and_box_helpers_are_torchvisions() -> None:
    logits, targets = RNG.standard_normal((5, 3)), RNG.integers(0, 2, (5, 3)).astype(float)
    masks = RNG.random((3, 6, 7)) > 0.7
    boxes = RNG.random((4, 4)) * 9
    for call in (
        lambda m, lib: m.ops.sigmoid_focal_loss(lib.from_numpy(logits), lib.from_numpy(targets), reduction="mean"),
        lambda m, lib: m.ops.masks_to_boxes(lib.from_numpy(masks)),
        lambda m, lib: m.ops.clip_boxes_to_image(lib.from_numpy(boxes), (5, 6)),
        lambda m, lib: m.ops.box_convert(lib.from_numpy(boxes), "cxcywh", "xywh"),
        lambda m, lib: m.ops.box_area(lib.from_numpy(boxes)),
        lambda m, lib: m.utils.make_grid(lib.from_numpy(FLOATS[:, None]), nrow=2, normalize=True),
    ):
        assert_close(to_numpy(call(ours, fxtorch)), call(theirs, torch).numpy())


# The models of every run, small ones; each is made from both libraries' ``models``.
SMALL: dict[str, Callable[[Any], Any]] = {
    "resnet": lambda m: m.ResNet(
        m.resnet.Bottleneck, [1, 1, 1, 1], 5, width_per_group=8, replace_stride_with_dilation=[False, True, True]
    ),
    "densenet": lambda m: m.DenseNet(4, (2, 2), 8, num_classes=5),
    "efficientnet": lambda m: m.EfficientNet(
        [m.efficientnet.MBConvConfig(2, 5, 2, 8, 16, 2), m.efficientnet.FusedMBConvConfig(2, 3, 1, 16, 16, 1)], 0.1
    ),
    "vision_transformer": lambda m: m.VisionTransformer(32, 16, 1, 2, 8, 16, num_classes=5),
    "swin_v2": lambda m: m.SwinTransformer(
        [4, 4], 8, [2, 1], [2, 2], [4, 4], num_classes=5, block=m.swin_transformer.SwinTransformerBlockV2,
        downsample_layer=m.swin_transformer.PatchMergingV2,
    ),
    "maxvit": lambda m: m.MaxVit((32, 32), 8, 2, [8, 16], [1, 2], 4, 0.2, num_classes=5),
}  # fmt: skip
DETECTORS = ("fasterrcnn", "maskrcnn", "retinanet")
SEGMENTERS = ("fcn", "deeplab", "lraspp")
SIZES = {"inception_v3": 96, "maxvit_t": 224, "vit_h_14": 224}


def by_name(name: str) -> Callable[[Any], Any]:
    """The maker of a published model."""
    backbone = {"weights_backbone": None} if name.startswith(SEGMENTERS) else {}
    return lambda m: m.get_model(name, weights=None, **backbone)


def makers() -> dict[str, tuple[Callable[[Any], Any], int]]:
    if not os.environ.get("ALL_MODELS"):
        return {name: (make, 32) for name, make in SMALL.items()}
    names = [name for name in ours.models.list_models() if not name.startswith(DETECTORS)]
    return {n: (by_name(n), SIZES.get(n, 224 if n.startswith("vit") else 64)) for n in names}


MAKERS = makers()


def pair_of(make: Callable[[Any], Any]) -> tuple[Any, Any]:
    """The model of both libraries, with the same random weights, none of them left at zero."""
    reference, model = make(theirs.models), make(ours.models)
    generator = torch.Generator().manual_seed(0)
    state = reference.state_dict()
    for key, value in state.items():
        if key.endswith("running_var"):
            value.copy_(torch.rand(value.shape, generator=generator) + 0.5)
        elif value.is_floating_point() and not value.any():
            value.copy_(torch.randn(value.shape, generator=generator) * 0.1)
    assert list(model.state_dict()) == list(state)
    model.load_state_dict({k: fxtorch.from_numpy(v.numpy().copy()) for k, v in state.items()})
    return model, reference


def compare(actual: Any, expected: Any) -> None:
    if isinstance(expected, dict):
        assert list(actual) == list(expected)
        for name in expected:
            compare(actual[name], expected[name])
    else:
        e = expected.detach().numpy()
        scale = max(float(np.abs(e).max()), 1.0)
        np.testing.assert_allclose(to_numpy(actual), e, rtol=1e-3, atol=1e-4 * scale)


@pytest.mark.filterwarnings("ignore::FutureWarning")
@pytest.mark.parametrize("name", MAKERS)
def test_models_have_torchvisions_parameters_and_results(name: str) -> None:
    make, size = MAKERS[name]
    model, reference = pair_of(make)
    pictures = np.random.default_rng(1).standard_normal((2, 3, size, size)).astype(np.float32)
    with torch.no_grad():
        expected = reference.eval()(torch.from_numpy(pictures))
    with fxtorch.no_grad():
        actual = fxtorch.jit(model.eval())(fxtorch.from_numpy(pictures))
    compare(actual, expected)


def test_the_nearest_pixel_of_a_perspective_is_found_in_torchvisions_precision() -> None:
    points = [[[0, 0], [17, 0], [17, 12], [0, 12]], [[2, 1], [15, 0], [16, 11], [1, 12]]]
    found = [
        to_numpy(m.transforms.functional.perspective(lib.from_numpy(SMOOTH), *points, interpolation=mode))
        for m, lib in ((ours, fxtorch), (theirs, torch))
        for mode in (m.transforms.InterpolationMode.NEAREST,)
    ]
    np.testing.assert_array_equal(found[0], found[1])
