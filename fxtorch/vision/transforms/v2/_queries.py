"""What transforms of one's own ask of the parts of a sample."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from fxtorch.vision.transforms._inputs import get_dimensions, get_size, is_image
from fxtorch.vision.tv_tensors import BoundingBoxes, TVTensor

Wanted = type | Callable[[Any], bool]


def check_type(obj: Any, types_or_checks: Sequence[Wanted]) -> bool:
    """Whether ``obj`` is of one of the types, or passes one of the checks."""
    return any(isinstance(obj, want) if isinstance(want, type) else want(obj) for want in types_or_checks)


def has_any(flat_inputs: Sequence[Any], *types_or_checks: Wanted) -> bool:
    """Whether one of the parts is of one of the types, or passes one of the checks."""
    return any(check_type(part, types_or_checks) for part in flat_inputs)


def has_all(flat_inputs: Sequence[Any], *types_or_checks: Wanted) -> bool:
    """Whether for each of the types and checks there is a part."""
    return all(any(check_type(part, [want]) for part in flat_inputs) for want in types_or_checks)


def get_bounding_boxes(flat_inputs: Sequence[Any]) -> BoundingBoxes:
    """The first boxes.

    Raises:
        ValueError: there are none.
    """
    for part in flat_inputs:
        if isinstance(part, BoundingBoxes):
            return part
    raise ValueError("No bounding boxes were found in the sample")


def _one(found: set[tuple[int, ...]], what: str) -> tuple[int, ...]:
    if not found:
        raise TypeError("No image or video was found in the sample")
    if len(found) > 1:
        raise ValueError(f"Found multiple {what} values in the sample: {sorted(found)}")
    return found.pop()


def query_chw(flat_inputs: Sequence[Any]) -> tuple[int, int, int]:
    """Channels, height and width, which all pictures of the sample share.

    Raises:
        TypeError: there is no picture.
        ValueError: they differ.
    """
    channels, height, width = _one({tuple(get_dimensions(x)) for x in flat_inputs if is_image(x)}, "CxHxW dimension")
    return channels, height, width


def query_size(flat_inputs: Sequence[Any]) -> tuple[int, int]:
    """Height and width, which all parts of the sample share.

    Raises:
        TypeError: nothing in it has a size.
        ValueError: they differ.
    """
    sized = [x for x in flat_inputs if is_image(x) or isinstance(x, TVTensor)]
    height, width = _one({tuple(get_size(x)) for x in sized}, "HxW dimension")
    return height, width
