"""The loss that holds the last linear layer of a classifier, and how it cuts the batch."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from fxtorch.nn import functional as F
from fxtorch.nn.modules.linear import Linear
from fxtorch.nn.modules.module import Module
from fxtorch.ops.linear_cross_entropy import rows_at_once
from fxtorch.tensor import Tensor
from fxtorch.tensor import dtype as types

_POLICIES = ("accurate", "balanced", "compact", "auto")


@dataclass(frozen=True)
class LinearCrossEntropyOptions:
    """How ``linear_cross_entropy`` takes the batch in pieces, so that the scores of all rows are never there at once.

    Attributes:
        allow_retain_graph: accepted; a second backward is always possible.
        batch_chunk_size: rows in a piece; None leaves it to ``chunking_method``.
        chunking_method: ``"auto"``, ``"aspect_ratio"`` or ``"aspect_ratio:N"``: pieces whose scores are as large as the
            input, or an N-th of it; None for ``batch_chunk_size``, or one piece.
        acc_policy: accepted; XLA adds up in float32 whatever it is.
        acc_dtype: the type of the scores; that of the input by default.

    Raises:
        ValueError: an option is not one of these.

    >>> LinearCrossEntropyOptions(batch_chunk_size=4).rows(10, 8, 100)
    4
    """

    allow_retain_graph: bool = False
    batch_chunk_size: int | None = None
    chunking_method: str | None = "auto"
    acc_policy: str = "auto"
    acc_dtype: types.dtype | None = None

    def __post_init__(self) -> None:
        if self.acc_policy not in _POLICIES:
            raise ValueError(f"invalid acc_policy: {self.acc_policy!r}")
        method = self.chunking_method
        if method is not None and method != "auto":
            name, colon, factor = method.partition(":")
            if name != "aspect_ratio" or (colon and not (factor.isdigit() and int(factor) > 0)):
                raise ValueError(f"invalid chunking_method: {method!r}")
        size = self.batch_chunk_size
        if size is not None and not (isinstance(size, int) and size > 0):
            raise ValueError(f"batch_chunk_size must be positive int or None, got {size!r}")
        if self.acc_dtype is not None and not self.acc_dtype.is_floating_point:
            raise ValueError(f"acc_dtype must be a floating type or None, got {self.acc_dtype}")

    def rows(self, batch: int, features: int, classes: int) -> int:
        """How many rows a piece has.

        Raises:
            ValueError: ``batch_chunk_size`` and ``chunking_method`` say different things.
        """
        method = self.chunking_method
        if method == "auto":
            method = None if self.batch_chunk_size is not None else "aspect_ratio:2"
        given = min(self.batch_chunk_size or batch, batch)
        if method is None:
            return max(1, given)
        rows = rows_at_once(method, batch, features, classes)
        if self.batch_chunk_size not in (None, rows):
            raise ValueError(
                f"batch_chunk_size (={self.batch_chunk_size}) and chunking_method ({method!r}) give different chunk "
                f"sizes ({self.batch_chunk_size} vs {rows}); pass only one."
            )
        return rows


class LinearCrossEntropyLoss(Module):
    """The cross-entropy of scores ``linear(input)``; with ``options`` the scores are never all in memory.

    Args:
        in_features: the size of an input.
        num_classes: C.
        out_features: further dimensions of a loss at several places: targets are then ``(N, *out_features)``.
        bias: whether the layer has one.
        device: where its weights live.
        dtype: their type.
        reduction: ``"none"``, ``"mean"`` or ``"sum"``.
        weight: a factor for each class.
        ignore_index: the class that does not count.
        label_smoothing: how much of each target is spread evenly over all classes.
        options: a :class:`LinearCrossEntropyOptions`.

    Raises:
        RuntimeError: ``weight`` has not one entry a class, or the smoothing is not in ``[0, 1]``.

    >>> import fxtorch as torch
    >>> loss = LinearCrossEntropyLoss(5, 10, options=LinearCrossEntropyOptions(batch_chunk_size=2))
    >>> loss(torch.randn(4, 5), torch.tensor([1, 0, 9, 3])).shape
    torch.Size([])
    """

    weight: Tensor | None

    def __init__(
        self,
        in_features: int,
        num_classes: int,
        *,
        out_features: tuple[int, ...] = (),
        bias: bool = False,
        device: Any = None,
        dtype: Any = None,
        reduction: str = "mean",
        weight: Tensor | None = None,
        ignore_index: int | None = None,
        label_smoothing: float = 0.0,
        options: LinearCrossEntropyOptions | None = None,
    ) -> None:
        if weight is not None and tuple(weight.shape) != (num_classes,):
            raise RuntimeError(f"expected weight shape to be {(num_classes,)}, got {tuple(weight.shape)}")
        if not 0.0 <= label_smoothing <= 1.0:
            raise RuntimeError(f"expected label_smoothing to be in range [0, 1], got {label_smoothing}")
        super().__init__()
        self.reduction = reduction
        self.register_buffer("weight", weight)
        self.num_classes, self.out_features = num_classes, out_features
        self.ignore_index, self.label_smoothing = ignore_index, label_smoothing
        self.linear = Linear(in_features, math.prod(out_features, start=num_classes), bias, device, dtype)
        self.options = options

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """The loss."""
        outputs, layer = (self.num_classes, *self.out_features), self.linear
        return F.linear_cross_entropy(
            input,
            layer.weight.reshape(*outputs, layer.in_features),
            target,
            linear_bias=None if layer.bias is None else layer.bias.reshape(outputs),
            weight=self.weight,
            reduction=self.reduction,
            ignore_index=self.ignore_index,
            label_smoothing=self.label_smoothing,
            options=self.options,
        )

    def extra_repr(self) -> str:  # noqa: D102
        names = ("num_classes", "out_features", "reduction", "ignore_index", "label_smoothing", "options")
        shown = {"in_features": self.linear.in_features} | {n: getattr(self, n) for n in names[:2]}
        shown |= {"bias": self.linear.bias is not None} | {n: getattr(self, n) for n in names[2:]}
        return ", ".join(f"{name}={value}" for name, value in shown.items())
