"""The functional transforms under the names of what they act on: ``resize_image``, ``crop_mask``, ``pad_video``.

Each takes and gives plain Tensors; what boxes know of themselves is given apart, and given back where it changes.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from fxtorch.tensor import Tensor
from fxtorch.vision.transforms import _conversion, functional
from fxtorch.vision.transforms._inputs import get_size
from fxtorch.vision.transforms.v2 import _distort, _samples
from fxtorch.vision.tv_tensors import BoundingBoxes, BoundingBoxFormat, Image, Mask, Video

_COLOURS = (
    "adjust_brightness adjust_contrast adjust_gamma adjust_hue adjust_saturation adjust_sharpness autocontrast "
    "equalize erase five_crop gaussian_blur get_dimensions invert normalize posterize solarize ten_crop"
).split()
_PLACES = "affine center_crop crop elastic pad perspective resize resized_crop rotate".split()
_OTHERS: dict[str, Callable[..., Any]] = {
    "get_num_channels": functional.get_image_num_channels,
    "get_size": get_size,
    "grayscale_to_rgb": _distort.grayscale_to_rgb,
    "gaussian_noise": _samples.gaussian_noise,
    "horizontal_flip": functional.hflip,
    "jpeg": _distort.jpeg,
    "permute_channels": _distort.permute_channels,
    "rgb_to_grayscale": functional.rgb_to_grayscale,
    "to_dtype": _conversion.to_dtype,
    "vertical_flip": functional.vflip,
}
_NO_FILMS = ("grayscale_to_rgb", "rgb_to_grayscale")
_OF_ONE_SIZE = ("affine", "horizontal_flip", "perspective", "vertical_flip")


# What follows the arguments that must be there, which are so many: neither has a way of resampling to be told.
_AFTER: dict[str, tuple[int, tuple[str, ...], tuple[str, ...]]] = {
    "affine": (4, ("fill", "center"), ("center",)),
    "elastic": (1, ("fill",), ()),
    "pad": (1, ("fill", "padding_mode"), ("padding_mode",)),
    "perspective": (2, ("fill", "coefficients"), ("coefficients",)),
    "resize": (1, ("interpolation", "max_size"), ("max_size",)),
    "rotate": (1, ("expand", "center", "fill"), ("expand", "center")),
}


def _called(fn: Callable[..., Any], after: tuple[int, tuple[str, ...]], args: Any, kwargs: dict[str, Any]) -> Any:
    count, names = after
    return fn(*args[: count + 1], **dict(zip(names, args[count + 1 :], strict=False)), **kwargs)


def _of_masks(fn: Callable[..., Any], name: str) -> Callable[..., Tensor]:
    count, names, _ = _AFTER.get(name, (9, (), ()))

    @functools.wraps(fn)
    def kernel(mask: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        return _called(fn, (count, names), (Mask(mask), *args), kwargs).as_subclass(Tensor)

    return kernel


def _of_boxes(fn: Callable[..., Any], name: str) -> Callable[..., Any]:
    """For boxes with their format and their picture's size; gives the new size, too, where it may be another one."""
    count, _, names = _AFTER.get(name, (9, (), ()))

    @functools.wraps(fn)
    def kernel(
        bounding_boxes: Tensor, format: BoundingBoxFormat | str, canvas_size: tuple[int, int], *args: Any, **kwargs: Any
    ) -> Any:
        boxes = BoundingBoxes(bounding_boxes, format=format, canvas_size=canvas_size)
        moved = _called(fn, (count, names), (boxes, *args), kwargs)
        plain = moved.as_subclass(Tensor).reshape(bounding_boxes.shape)
        return plain if name in _OF_ONE_SIZE else (plain, moved.canvas_size)

    return kernel


def resize_bounding_boxes(
    bounding_boxes: Tensor,
    canvas_size: tuple[int, int],
    size: Any,
    max_size: int | None = None,
    format: BoundingBoxFormat | str = BoundingBoxFormat.XYXY,
) -> tuple[Tensor, tuple[int, int]]:
    """Boxes of a picture that is resized, and its new size."""
    return _of_boxes(functional.resize, "resize")(bounding_boxes, format, canvas_size, size, max_size=max_size)


def crop_bounding_boxes(
    bounding_boxes: Tensor, format: BoundingBoxFormat | str, top: int, left: int, height: int, width: int
) -> tuple[Tensor, tuple[int, int]]:
    """Boxes in a part of a picture, and its size."""
    return _of_boxes(functional.crop, "crop")(bounding_boxes, format, (height, width), top, left, height, width)


def resized_crop_bounding_boxes(
    bounding_boxes: Tensor,
    format: BoundingBoxFormat | str,
    top: int,
    left: int,
    height: int,
    width: int,
    size: Any,
) -> tuple[Tensor, tuple[int, int]]:
    """Boxes in a part of a picture that is resized, and its new size."""
    part, canvas = crop_bounding_boxes(bounding_boxes, format, top, left, height, width)
    return resize_bounding_boxes(part, canvas, size, format=format)


def is_pure_tensor(inpt: Any) -> bool:
    """Whether it is a Tensor of none of the kinds."""
    return isinstance(inpt, Tensor) and not isinstance(inpt, BoundingBoxes | Image | Mask | Video)


def get_num_frames(inpt: Tensor) -> int:
    """The frames of a film."""
    if not (is_pure_tensor(inpt) or isinstance(inpt, Video)):
        raise TypeError(f"The video should be a Tensor or a Video, got {type(inpt)}")
    return int(inpt.shape[-4])


def _made() -> dict[str, Callable[..., Any]]:
    on_pictures = {name: getattr(functional, name) for name in (*_COLOURS, *_PLACES)} | _OTHERS
    found = {f"{name}_image": fn for name, fn in on_pictures.items()}
    found |= {f"{name}_video": fn for name, fn in on_pictures.items() if name not in _NO_FILMS}
    moves = {name: on_pictures[name] for name in (*_PLACES, "horizontal_flip", "vertical_flip")}
    found |= {f"{name}_mask": _of_masks(fn, name) for name, fn in moves.items()}
    found |= {f"{name}_bounding_boxes": _of_boxes(fn, name) for name, fn in moves.items()}
    del found["elastic_bounding_boxes"]  # which nothing here moves
    return found | {
        "crop_bounding_boxes": crop_bounding_boxes,
        "get_num_frames": get_num_frames,
        "get_num_frames_video": get_num_frames,
        "get_size_bounding_boxes": get_size,
        "get_size_mask": get_size,
        "is_pure_tensor": is_pure_tensor,
        "resize_bounding_boxes": resize_bounding_boxes,
        "resized_crop_bounding_boxes": resized_crop_bounding_boxes,
        "uniform_temporal_subsample_video": _distort.uniform_temporal_subsample,
    }


KERNELS = _made()
