"""Functional transforms under the names of what they act on, against torchvision's own."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import fxtorch
from fxtorch.vision.transforms.v2 import functional as ours

torch = pytest.importorskip("torch", reason="compares with PyTorch")
pytest.importorskip("tests.parity.torchvision_reference", reason="compares with torchvision")
theirs = pytest.importorskip("torchvision.transforms.v2.functional", reason="compares with torchvision")

RNG = np.random.default_rng(0)
PICTURE = RNG.random((3, 12, 15)).astype("float32")
BYTES = RNG.integers(0, 256, (3, 12, 15), dtype=np.uint8)
FILM = RNG.integers(0, 256, (4, 3, 12, 16), dtype=np.uint8)
MASK = RNG.integers(0, 5, (12, 15), dtype=np.int64)
BOXES = {
    "XYXY": np.array([[1.0, 2.0, 9.0, 7.0], [0.0, 0.0, 16.0, 12.0]], dtype=np.float32),
    "XYWH": np.array([[1, 2, 8, 5], [3, 3, 4, 6]], dtype=np.int64),
    "CXCYWH": np.array([[5.0, 4.0, 6.0, 6.0]], dtype=np.float32),
}
MOVES: dict[str, tuple[Any, ...]] = {
    "affine": (20.0, [2, 1], 1.2, [3.0, 1.0]),
    "center_crop": ([7, 18],),
    "crop": (2, -1, 8, 9),
    "horizontal_flip": (),
    "pad": ([1, 2, 3, 4],),
    "perspective": ([[0, 0], [15, 0], [15, 11], [0, 11]], [[1, 1], [14, 2], [13, 10], [2, 9]]),
    "resize": ([7, 9],),
    "resized_crop": (1, 2, 8, 9, [5, 6]),
    "rotate": (30.0,),
    "vertical_flip": (),
}
COLOURS: dict[str, tuple[Any, ...]] = {
    "adjust_brightness": (1.3,),
    "adjust_contrast": (0.7,),
    "adjust_gamma": (0.8,),
    "adjust_hue": (0.2,),
    "adjust_saturation": (1.4,),
    "adjust_sharpness": (1.5,),
    "autocontrast": (),
    "equalize": (),
    "five_crop": ([5, 6],),
    "gaussian_blur": ([3, 5],),
    "get_dimensions": (),
    "get_num_channels": (),
    "get_size": (),
    "invert": (),
    "permute_channels": ([2, 0, 1],),
    "posterize": (3,),
    "solarize": (100,),
    "ten_crop": ([5, 6],),
}


def compared(name: str, array: np.ndarray, args: tuple[Any, ...], before: tuple[Any, ...] = ()) -> None:
    """Both give the same of ``array``, with ``before`` between it and the arguments."""
    mine = getattr(ours, name)(fxtorch.from_numpy(array.copy()), *before, *args)
    its = getattr(theirs, name)(torch.from_numpy(array.copy()), *before, *args)
    flat_a, flat_b = (list(x) if isinstance(x, tuple | list) else [x] for x in (mine, its))
    assert len(flat_a) == len(flat_b)
    for a, b in zip(flat_a, flat_b, strict=True):
        if not isinstance(b, torch.Tensor):
            assert a == b
            continue
        assert type(a) is fxtorch.Tensor and str(a.dtype) == str(b.dtype) and tuple(a.shape) == tuple(b.shape)
        off = 1 if b.dtype == torch.uint8 else 0  # where a sum of floats is rounded
        np.testing.assert_allclose(a.numpy(), b.numpy(), rtol=1.3e-6, atol=max(off, 1e-5))


@pytest.mark.parametrize("name", [*MOVES, *COLOURS])
def test_pictures_and_films(name: str) -> None:
    args = {**MOVES, **COLOURS}[name]
    arrays = (BYTES,) if name in ("equalize", "posterize", "solarize") else (PICTURE, BYTES)
    for array in arrays:
        compared(f"{name}_image", array, args)
    compared(f"{name}_video", FILM, args)


@pytest.mark.parametrize("name", MOVES)
def test_masks(name: str) -> None:
    compared(f"{name}_mask", MASK, (30.0, True) if name == "rotate" else MOVES[name])
    compared(f"{name}_mask", np.stack([MASK, MASK[::-1]]), (30.0, True) if name == "rotate" else MOVES[name])


@pytest.mark.parametrize("format", BOXES)
@pytest.mark.parametrize("name", MOVES)
def test_boxes(name: str, format: str) -> None:
    boxes, here = BOXES[format], f"{name}_bounding_boxes"
    if name == "resize":
        for library, space in ((ours, fxtorch), (theirs, torch)):
            assert len(getattr(library, here)(space.from_numpy(boxes.copy()), (12, 15), [7, 9])) == 2
        compared(here, BOXES["XYXY"], ((12, 15), [7, 9]))
        return
    fixed = theirs.convert_bounding_box_format.__globals__["tv_tensors"].BoundingBoxFormat[format]
    sized = () if name in ("crop", "resized_crop") else ((12, 15),)
    args = (30.0, True) if name == "rotate" else MOVES[name]
    its = getattr(theirs, here)(torch.from_numpy(boxes.copy()), fixed, *sized, *args)
    mine = getattr(ours, here)(fxtorch.from_numpy(boxes.copy()), format, *sized, *args)
    if isinstance(its, tuple):
        assert tuple(mine[1]) == tuple(its[1])
        mine, its = mine[0], its[0]
    assert str(mine.dtype) == str(its.dtype)
    np.testing.assert_allclose(mine.numpy(), its.numpy(), rtol=1.3e-6, atol=1e-5)


def test_masks_may_be_read_at_exact_neighbours() -> None:
    compared("resize_mask", MASK, ([7, 9], "nearest-exact"))


def test_the_rest() -> None:
    compared("rgb_to_grayscale_image", PICTURE, ())
    compared("grayscale_to_rgb_image", PICTURE[:1], ())
    compared("normalize_image", PICTURE, ([0.5, 0.4, 0.3], [0.2, 0.3, 0.4]))
    compared("normalize_video", FILM.astype("float32"), ([0.5, 0.4, 0.3], [0.2, 0.3, 0.4]))
    compared("uniform_temporal_subsample_video", FILM, (2,))
    compared("get_num_frames_video", FILM, ())
    compared("get_num_frames", FILM, ())
    compared("get_size_mask", MASK, ())
    for array in (PICTURE, BYTES):
        compared("gaussian_noise_image", array, (0.0, 0.0))
        compared("gaussian_noise_video", array[None], (0.5, 0.0))
    boxes = np.array([[0, 0, 4, 4], [2, 2, 2, 8], [5, 5, 30, 8], [1, 1, 2, 2]], dtype=np.float32)
    sanitize = "sanitize_bounding_boxes"
    mine = getattr(ours, sanitize)(fxtorch.from_numpy(boxes), "XYXY", (12, 15), 2.0)
    format = theirs.convert_bounding_box_format.__globals__["tv_tensors"].BoundingBoxFormat.XYXY
    for a, b in zip(mine, getattr(theirs, sanitize)(torch.from_numpy(boxes), format, (12, 15), 2.0), strict=True):
        assert a.tolist() == b.tolist()
