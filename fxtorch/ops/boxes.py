"""Choosing among boxes."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np

from fxtorch.ops.checks import check_concrete
from fxtorch.ops.table import Array, op


@op(where=("ops.torchvision",), differentiable=False, dynamic=True)
def nms(dets: Array, scores: Array, iou_threshold: float) -> Array:
    """Non-maximum suppression: the boxes that no better one covers by more than ``iou_threshold``, best first.

    Args:
        dets: ``(N, 4)`` corners ``(x1, y1, x2, y2)``.
        scores: ``(N,)``; of equal scores the first counts as better.
        iou_threshold: the intersection over union above which the worse of two boxes is dropped.

    Returns:
        the indexes of the boxes that stay, int64.

    Raises:
        RuntimeError: shapes do not fit, or the values are not known because a function is traced.

    >>> import jax.numpy as jnp
    >>> boxes = jnp.array([[0.0, 0.0, 2.0, 2.0], [0.0, 0.0, 2.0, 1.9], [5.0, 5.0, 6.0, 6.0]])
    >>> nms(boxes, jnp.array([0.5, 0.9, 0.7]), 0.5).tolist()
    [1, 2]
    """
    check_concrete("nms", "keep it out of the compiled part", dets, scores)
    if dets.ndim != 2 or dets.shape[1] != 4:
        raise RuntimeError(f"boxes should be a 2d tensor with 4 elements in dimension 1, got {list(dets.shape)}")
    if scores.ndim != 1 or scores.shape[0] != dets.shape[0]:
        raise RuntimeError(
            "boxes and scores should have same number of elements in dimension 0, got "
            f"{dets.shape[0]} and {list(scores.shape)}"
        )
    boxes, worth = np.asarray(dets), np.asarray(scores)
    left = np.argsort(-worth.astype(np.float64), kind="stable")
    low, high = boxes[:, :2], boxes[:, 2:]
    area = (high - low).prod(1)
    kept = []
    while left.size:
        best, left = left[0], left[1:]
        kept.append(best)
        sides = np.maximum(np.minimum(high[best], high[left]) - np.maximum(low[best], low[left]), 0)
        shared = sides.prod(1)
        with np.errstate(divide="ignore", invalid="ignore"):  # two boxes without area
            left = left[~(shared / (area[best] + area[left] - shared) > iou_threshold)]
    return jnp.asarray(np.array(kept, np.int64))
