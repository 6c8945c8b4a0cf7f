"""Instance normalisation."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

from fxtorch.nn import functional as F
from fxtorch.nn.modules.batchnorm import _LazyNormBase, _NormBase
from fxtorch.tensor import Tensor


class _InstanceNorm(_NormBase):
    """Instance normalisation whatever the number of dimensions."""

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float = 0.1,
        affine: bool = False,
        track_running_stats: bool = False,
        device: Any = None,
        dtype: Any = None,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__(num_features, eps, momentum, affine, track_running_stats, device, dtype, bias=bias)

    def _load_from_state_dict(
        self,
        state_dict: Any,
        prefix: str,
        local_metadata: Mapping[str, Any],
        strict: bool,
        missing_keys: list[str],
        unexpected_keys: list[str],
        error_msgs: list[str],
    ) -> None:
        # Version 1 saved running statistics that were never used.
        if local_metadata.get("version") is None and not self.track_running_stats:
            stale = [key for key in ("running_mean", "running_var") if prefix + key in state_dict]
            if stale:
                error_msgs.append(
                    f"Unexpected running stats buffer(s) {' and '.join(repr(prefix + k) for k in stale)} for "
                    f"{type(self).__name__} with track_running_stats=False: delete them from the state_dict, or make "
                    "the layer with track_running_stats=True."
                )
        super()._load_from_state_dict(
            state_dict, prefix, local_metadata, strict, missing_keys, unexpected_keys, error_msgs
        )

    def forward(self, input: Tensor) -> Tensor:
        """``input`` (with or without a batch dimension), normalised by instance and channel."""
        self._check_input_dim(input)
        batched = input.ndim == max(self.dims)
        channels = input.shape[1 if batched else 0]
        if channels != self.num_features:
            if self.affine:
                raise ValueError(
                    f"expected input's size at dim={1 if batched else 0} to match num_features "
                    f"({self.num_features}), but got: {channels}."
                )
            warnings.warn(
                f"input's size at dim={1 if batched else 0} does not match num_features. You can silence this "
                f"warning by not passing in num_features, which is not used because affine=False",
                stacklevel=2,
            )
        out = F.instance_norm(
            input if batched else input.unsqueeze(0),
            self.running_mean,
            self.running_var,
            self.weight,
            self.bias,
            self.training or not self.track_running_stats,
            self.momentum if self.momentum is not None else 0.0,
            self.eps,
        )
        return out if batched else out.squeeze(0)


class InstanceNorm1d(_InstanceNorm):
    """y = (x - E[x]) / sqrt(Var[x] + eps) * weight + bias, the moments taken over positions, by sample and channel.

    Shapes: input and output (N, C, L) or (C, L).

    Args:
        num_features: C.
        eps: added to the (biased) variance.
        momentum: how fast running moments move.
        affine: whether ``weight`` (starts at 1) and ``bias`` (starts at 0) are learned.
        track_running_stats: whether running moments are kept, and used in evaluation mode.
        device: where the parameters live.
        dtype: their type.
        bias: whether there is a ``bias`` beside ``weight``.

    >>> import fxtorch as torch
    >>> y = torch.nn.InstanceNorm1d(3)(torch.randn(2, 3, 100))
    >>> bool((y.mean(-1).abs() < 1e-5).all())
    True
    """

    dims = (2, 3)


class InstanceNorm2d(_InstanceNorm):
    """:class:`InstanceNorm1d` for inputs (N, C, H, W) or (C, H, W)."""

    dims = (3, 4)


class InstanceNorm3d(_InstanceNorm):
    """:class:`InstanceNorm1d` for inputs (N, C, D, H, W) or (C, D, H, W)."""

    dims = (4, 5)


class _LazyInstanceNorm(_LazyNormBase, _InstanceNorm):
    """Learns ``num_features`` from the first input."""

    def initialize_parameters(self, input: Tensor) -> None:
        """Give parameters and statistics the shape that ``input`` asks for."""
        batched = input.ndim == max(self.dims)
        super().initialize_parameters(input if batched else input.unsqueeze(0))


class LazyInstanceNorm1d(_LazyInstanceNorm):
    """An :class:`InstanceNorm1d` without ``num_features``, which it learns from its first input."""

    dims = InstanceNorm1d.dims
    cls_to_become = InstanceNorm1d


class LazyInstanceNorm2d(_LazyInstanceNorm):
    """An :class:`InstanceNorm2d` without ``num_features``, which it learns from its first input."""

    dims = InstanceNorm2d.dims
    cls_to_become = InstanceNorm2d


class LazyInstanceNorm3d(_LazyInstanceNorm):
    """An :class:`InstanceNorm3d` without ``num_features``, which it learns from its first input."""

    dims = InstanceNorm3d.dims
    cls_to_become = InstanceNorm3d
