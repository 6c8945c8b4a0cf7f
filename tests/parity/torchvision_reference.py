"""torchvision as a reference, with or without its compiled kernels: its wheels for CUDA load none elsewhere."""

from __future__ import annotations

import importlib
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="compares with PyTorch")

# Operators that torchvision describes further at import, whether or not its library brought them.
_DESCRIBED = (
    "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
)


def _load() -> bool:
    """Import torchvision; whether its kernels are there."""
    try:
        importlib.import_module("torchvision")
    except ModuleNotFoundError:
        pytest.skip("compares with torchvision", allow_module_level=True)
    except RuntimeError as error:
        if "torchvision::nms does not exist" not in str(error):
            raise
        for schema in _DESCRIBED:
            torch.library.define(f"torchvision::{schema.partition('(')[0]}", schema[schema.index("(") :])
        importlib.import_module("torchvision")
        torch.library.impl("torchvision::nms", "CPU")(_nms)
        boxes: Any = importlib.import_module("torchvision.ops.boxes")
        boxes._assert_has_ops = lambda: None
        regions: Any = importlib.import_module("torchvision.ops.roi_align")
        regions._roi_align = regions._roi_align.__wrapped__  # as it is written, not compiled
        return False
    return True


def _nms(boxes: Any, scores: Any, threshold: float) -> Any:
    """The definition: from the best box on, each that overlaps no kept one by more than ``threshold``."""
    overlap = importlib.import_module("torchvision.ops").box_iou(boxes, boxes)
    kept: list[int] = []
    for i in scores.argsort(descending=True, stable=True).tolist():
        if not any(overlap[i, k] > threshold for k in kept):
            kept.append(i)
    return torch.tensor(kept, dtype=torch.int64)


HAS_KERNELS = _load()
