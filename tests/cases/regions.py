"""Boxes, features of regions, deformable convolution."""

from __future__ import annotations

from tests.cases import case, error
from tests.cases.data import distinct, randn, tensor, uniform

T = "ops.torchvision."
BOXES = tensor(
    [[0.0, 0.0, 4.0, 4.0], [0.5, 0.0, 4.0, 4.5], [10.0, 0.0, 12.0, 3.0], [0.0, 0.0, 4.0, 4.0], [9.0, 0.0, 12.0, 3.0]]
)
SCORES = tensor([0.3, 0.8, 0.6, 0.8, 0.1])
ROIS = tensor(
    [[0.0, 1.0, 2.0, 8.0, 9.5], [1.0, 0.2, 0.4, 3.1, 2.2], [1.0, -4.0, -3.0, 20.0, 25.0], [0.0, 5.0, 5.0, 5.2, 5.1]]
)
INNER = tensor([[0.0, 1.0, 2.0, 8.0, 9.5], [1.0, 0.2, 0.4, 3.1, 2.2]])
LENGTH = "the length of a dynamic result is not known while tracing"
CONSTANT = "regions get no gradient"
MASK = randn(1, 8, 2, 3)

CASES = [
    case(T + "nms", BOXES, SCORES, 0.5).but(jit=LENGTH, grad=False, types=False),
    case(T + "nms", BOXES, SCORES, 0.95).but(jit=LENGTH, grad=False, types=False),
    case(T + "roi_align", randn(2, 3, 7, 6), ROIS, 0.5, 2, 3, 2, True).but(slope=CONSTANT, types=False),
    case(T + "roi_align", randn(2, 3, 7, 6), ROIS, 0.5, 2, 2, 0, False).but(
        slope=CONSTANT, types=False, jit="how many samples there are depends on the regions"
    ),
    case(T + "roi_pool", distinct(2, 3, 7, 6), ROIS, 0.5, 2, 3).but(slope=CONSTANT, types=False),
    case(T + "ps_roi_align", randn(2, 12, 7, 6), ROIS, 0.5, 2, 3, 2).but(slope=CONSTANT, types=False),
    case(T + "ps_roi_pool", randn(2, 12, 7, 6), ROIS, 0.5, 2, 3).but(grad=False, types=False),
    case(T + "ps_roi_pool", randn(2, 12, 7, 6), INNER, 0.5, 2, 3).but(slope=CONSTANT, types=False),
    case(
        T + "deform_conv2d",
        randn(1, 4, 5, 6),
        randn(2, 2, 2, 2),
        uniform(1, 16, 2, 3),
        MASK,
        randn(2),
        2, 2, 0, 0, 2, 1, 2, 2, True,
    ).but(types=False),
    case(
        T + "deform_conv2d", randn(2, 2, 4, 4), randn(3, 2, 3, 3), uniform(2, 18, 4, 4), randn(2, 1), randn(3),
        1, 1, 1, 1, 1, 1, 1, 1, False,
    ).but(types=False),
]  # fmt: skip

ERRORS = [
    error(T + "nms", randn(3, 5), randn(3), 0.5, match="4 elements in dimension 1"),
    error(T + "nms", randn(3, 4), randn(2), 0.5, match="same number of elements in"),
]
