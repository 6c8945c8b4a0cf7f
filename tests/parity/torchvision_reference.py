"""torchvision as a reference, with or without its compiled kernels: its wheels for CUDA load none elsewhere."""

from __future__ import annotations

import importlib

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
        return False
    return True


HAS_KERNELS = _load()
