"""Batch normalisation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from fxtorch.autograd import no_grad
from fxtorch.nn import functional as F
from fxtorch.nn._torch import torch
from fxtorch.nn.modules._sync_batchnorm import processes, synchronised
from fxtorch.nn.modules.affine import Affine
from fxtorch.nn.modules.lazy import LazyModuleMixin
from fxtorch.nn.parameter import UninitializedBuffer, UninitializedParameter
from fxtorch.tensor import Tensor, modes


class _NormBase(Affine):
    """Parameters and running statistics that batch and instance normalisation share."""

    _version = 2
    dims: ClassVar[tuple[int, ...]] = ()  # how many dimensions an input may have
    running_mean: Any
    running_var: Any
    num_batches_tracked: Any

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        device: Any = None,
        dtype: Any = None,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__()
        self.num_features = num_features
        self.eps = eps
        self.momentum = momentum
        self.affine = affine
        self.track_running_stats = track_running_stats
        self._learn(num_features, affine, bias, device, dtype)
        if track_running_stats:
            self.register_buffer("running_mean", torch.zeros(num_features, device=device, dtype=dtype))
            self.register_buffer("running_var", torch.ones(num_features, device=device, dtype=dtype))
            self.register_buffer("num_batches_tracked", torch.zeros((), dtype=torch.int64, device=device))
        else:
            for name in ("running_mean", "running_var", "num_batches_tracked"):
                self.register_buffer(name, None)
        self.reset_parameters()

    def reset_running_stats(self) -> None:
        """Forget the statistics: mean 0, variance 1, no batches seen."""
        if self.track_running_stats:
            self.running_mean.zero_()
            self.running_var.fill_(1)
            self.num_batches_tracked.zero_()

    def reset_parameters(self) -> None:
        """Forget the statistics, and set weight to 1 and bias to 0."""
        self.reset_running_stats()
        super().reset_parameters()

    def _check_input_dim(self, input: Tensor) -> None:
        if input.ndim not in self.dims:
            expected = " or ".join(f"{d}D" for d in self.dims)
            raise ValueError(f"expected {expected} input (got {input.ndim}D input)")

    def extra_repr(self) -> str:
        return (
            f"{self.num_features}, eps={self.eps}, momentum={self.momentum}, affine={self.affine}, "
            f"bias={self.bias is not None}, track_running_stats={self.track_running_stats}"
        )

    def _load_from_state_dict(
        self, state_dict: Any, prefix: str, local_metadata: Mapping[str, Any], *rest: Any
    ) -> None:
        # Version 2 added num_batches_tracked.
        key = prefix + "num_batches_tracked"
        if local_metadata.get("version", 1) < 2 and self.track_running_stats and key not in state_dict:
            state_dict[key] = torch.zeros((), dtype=torch.int64)
        super()._load_from_state_dict(state_dict, prefix, local_metadata, *rest)


class _BatchNorm(_NormBase):
    """Batch normalisation whatever the number of dimensions."""

    process_group: Any = None
    by_part: ClassVar[bool] = True  # whether devices that share a batch may each take the moments of their part

    def forward(self, input: Tensor) -> Tensor:
        """``input``, normalised; in training mode the running statistics learn from it."""
        self._check_input_dim(input)
        momentum = 0.0 if self.momentum is None else self.momentum
        if self.training and self.num_batches_tracked is not None:
            with no_grad():
                self.num_batches_tracked.add_(1)
            if self.momentum is None:
                momentum = self.num_batches_tracked.to(torch.float32).reciprocal()
        by_batch = self.training or (self.running_mean is None and self.running_var is None)
        keep = not self.training or self.track_running_stats
        if by_batch and not self.by_part and processes(self.process_group) > 1:
            running = (self.running_mean, self.running_var) if keep else (None, None)
            return synchronised(input, self.weight, self.bias, running, momentum, self.eps, self.process_group)
        if by_batch and modes.batch_parts > 1 and self.by_part:
            return self._part_by_part(input, modes.batch_parts, momentum, keep)
        return F.batch_norm(
            input,
            self.running_mean if keep else None,
            self.running_var if keep else None,
            self.weight,
            self.bias,
            by_batch,
            momentum,
            self.eps,
        )

    def _part_by_part(self, input: Tensor, parts: int, momentum: Any, keep: bool) -> Tensor:
        """Normalise each of ``parts`` equal parts of the batch by its own moments: as channels of their own."""
        n, c, *positions = input.shape
        split = input.reshape(parts, n // parts, c, *positions).transpose(0, 1).reshape(n // parts, -1, *positions)
        own = [None if t is None else t.repeat(parts) for t in (self.weight, self.bias)]
        running = [t.repeat(parts) if keep and t is not None else None for t in (self.running_mean, self.running_var)]
        out = F.batch_norm(split, running[0], running[1], own[0], own[1], True, momentum, self.eps)
        with no_grad():
            for kept, new in zip((self.running_mean, self.running_var), running, strict=True):
                if kept is not None and new is not None:
                    kept.copy_(new.reshape(parts, c).mean(0))
        return out.reshape(n // parts, parts, c, *positions).transpose(0, 1).reshape(input.shape)


class BatchNorm1d(_BatchNorm):
    """y = (x - E[x]) / sqrt(Var[x] + eps) * weight + bias, the moments taken over batch and positions by channel.

    In training mode the batch's own moments are used (the biased variance), and the running ones move towards them:
    running = (1 - momentum) running + momentum batch (there with the unbiased variance).  In evaluation mode the
    running ones are used.

    Shapes: input and output (N, C) or (N, C, L).  ``weight`` starts at 1, ``bias`` at 0.

    Args:
        num_features: C.
        eps: added to the variance.
        momentum: how fast the running moments move; None takes the plain average over all batches.
        affine: whether ``weight`` and ``bias`` are learned.
        track_running_stats: whether running moments are kept; without them the batch's are always used.
        device: where the parameters live.
        dtype: their type.
        bias: whether there is a ``bias`` beside ``weight``.

    Raises:
        ValueError: the input has another number of dimensions, or one value a channel in training mode.

    >>> import fxtorch as torch
    >>> norm = torch.nn.BatchNorm1d(4)
    >>> y = norm(torch.randn(64, 4) * 3 + 1)
    >>> bool(y.mean().abs() < 1e-6), norm.num_batches_tracked.item()
    (True, 1)
    """

    dims = (2, 3)


class BatchNorm2d(_BatchNorm):
    """:class:`BatchNorm1d` for inputs (N, C, H, W)."""

    dims = (4,)


class BatchNorm3d(_BatchNorm):
    """:class:`BatchNorm1d` for inputs (N, C, D, H, W)."""

    dims = (5,)


class SyncBatchNorm(_BatchNorm):
    """Batch normalisation with moments over all devices of ``process_group``; on one process it is BatchNorm.

    Between the processes of ``init_process_group`` it sends two small messages a forward and two a backward.
    A step of ``distributed.parallel`` without ``sync_batchnorm`` takes the moments of other BatchNorms device by
    device, of these over the whole batch.

    Args:
        num_features: C.
        eps: added to the variance.
        momentum: how fast the running moments move.
        affine: whether ``weight`` and ``bias`` are learned.
        track_running_stats: whether running moments are kept.
        process_group: kept as given.
        device: where the parameters live.
        dtype: their type.
        bias: whether there is a ``bias`` beside ``weight``.
    """

    by_part = False

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        process_group: Any = None,
        device: Any = None,
        dtype: Any = None,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__(num_features, eps, momentum, affine, track_running_stats, device, dtype, bias=bias)
        self.process_group = process_group

    def _check_input_dim(self, input: Tensor) -> None:
        if input.ndim < 2:
            raise ValueError(f"expected at least 2D input (got {input.ndim}D input)")

    @classmethod
    def convert_sync_batchnorm(cls, module: Any, process_group: Any = None) -> Any:
        """``module`` with every BatchNorm in it replaced by one of this class, sharing parameters and statistics."""
        converted: Any = module
        if isinstance(module, _BatchNorm):
            config = (module.num_features, module.eps, module.momentum, module.affine, module.track_running_stats)
            converted = cls(*config, process_group, bias=module.bias is not None)
            converted.training = module.training
            if module.affine:
                converted.weight, converted.bias = module.weight, module.bias
            for name in ("running_mean", "running_var", "num_batches_tracked"):
                setattr(converted, name, getattr(module, name))
        for name, child in module.named_children():
            converted.add_module(name, cls.convert_sync_batchnorm(child, process_group))
        return converted


class _LazyNormBase(LazyModuleMixin, _NormBase):
    """Learns ``num_features`` from the first input."""

    def __init__(
        self,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        device: Any = None,
        dtype: Any = None,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__(0, eps, momentum, False, False, device, dtype)
        self.affine = affine
        self.track_running_stats = track_running_stats
        if affine:
            self.weight = UninitializedParameter(device=device, dtype=dtype)
            if bias:
                self.bias = UninitializedParameter(device=device, dtype=dtype)
        if track_running_stats:
            self.running_mean = UninitializedBuffer(device=device, dtype=dtype)
            self.running_var = UninitializedBuffer(device=device, dtype=dtype)
            self.num_batches_tracked = torch.zeros((), dtype=torch.int64, device=device)

    def reset_parameters(self) -> None:
        """Reset statistics and parameters, once they have shapes."""
        if not self.has_uninitialized_params() and self.num_features != 0:
            super().reset_parameters()

    def initialize_parameters(self, input: Tensor) -> None:
        """Give parameters and statistics the shape that ``input`` (N, C, ...) asks for."""
        self.num_features = input.shape[1]
        if self.has_uninitialized_params():
            state = (self.weight, self.bias, self.running_mean, self.running_var)
            for tensor in state:
                if tensor is not None:
                    tensor.materialize((self.num_features,))
            self.reset_parameters()


class LazyBatchNorm1d(_LazyNormBase, _BatchNorm):
    """A :class:`BatchNorm1d` without ``num_features``, which it learns from its first input."""

    dims = BatchNorm1d.dims
    cls_to_become = BatchNorm1d


class LazyBatchNorm2d(_LazyNormBase, _BatchNorm):
    """A :class:`BatchNorm2d` without ``num_features``, which it learns from its first input."""

    dims = BatchNorm2d.dims
    cls_to_become = BatchNorm2d


class LazyBatchNorm3d(_LazyNormBase, _BatchNorm):
    """A :class:`BatchNorm3d` without ``num_features``, which it learns from its first input."""

    dims = BatchNorm3d.dims
    cls_to_become = BatchNorm3d
