"""The feature pyramid network."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Any

from fxtorch import nn
from fxtorch.nn import functional as F
from fxtorch.nn import init
from fxtorch.tensor import Tensor
from fxtorch.vision.ops.misc import Conv2dNormActivation


class ExtraFPNBlock(nn.Module):
    """What adds levels to a pyramid: ``forward(results, features, names)`` returns the longer results and names."""

    def forward(
        self, results: list[Tensor], x: list[Tensor], names: list[str]
    ) -> tuple[list[Tensor], list[str]]:  # fmt: skip
        """The longer lists."""
        raise NotImplementedError("an ExtraFPNBlock defines forward")


class FeaturePyramidNetwork(nn.Module):
    """Features of several sizes, each enriched by the coarser ones.

    Args:
        in_channels_list: channels of each level, the finest first.
        out_channels: channels of every result.
        extra_blocks: adds coarser levels.
        norm_layer: makes a normalisation after each convolution; None for none.

    Source: Lin et al., "Feature Pyramid Networks" (2017).

    >>> import fxtorch as torch
    >>> fpn = FeaturePyramidNetwork([10, 20], 5)
    >>> out = fpn(OrderedDict(fine=torch.rand(1, 10, 8, 8), coarse=torch.rand(1, 20, 4, 4)))
    >>> [(name, tuple(x.shape)) for name, x in out.items()]
    [('fine', (1, 5, 8, 8)), ('coarse', (1, 5, 4, 4))]
    """

    _version = 2

    def __init__(
        self,
        in_channels_list: Sequence[int],
        out_channels: int,
        extra_blocks: ExtraFPNBlock | None = None,
        norm_layer: Callable[..., nn.Module] | None = None,
    ) -> None:
        super().__init__()
        if 0 in in_channels_list:
            raise ValueError("in_channels=0 is currently not supported")
        options: dict[str, Any] = {"norm_layer": norm_layer, "activation_layer": None}
        self.inner_blocks = nn.ModuleList(
            Conv2dNormActivation(c, out_channels, kernel_size=1, padding=0, **options) for c in in_channels_list
        )
        self.layer_blocks = nn.ModuleList(
            Conv2dNormActivation(out_channels, out_channels, kernel_size=3, **options) for _ in in_channels_list
        )
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                init.kaiming_uniform_(module.weight, a=1)
                if module.bias is not None:
                    init.constant_(module.bias, 0)
        self.extra_blocks = extra_blocks

    def _load_from_state_dict(
        self, state_dict: dict[str, Any], prefix: str, local_metadata: dict[str, Any], *args: Any
    ) -> None:
        if (local_metadata.get("version") or 1) < 2:  # the blocks were bare convolutions
            for blocks in ("inner_blocks", "layer_blocks"):
                for i in range(len(getattr(self, blocks))):
                    for name in ("weight", "bias"):
                        old = f"{prefix}{blocks}.{i}.{name}"
                        if old in state_dict:
                            state_dict[f"{prefix}{blocks}.{i}.0.{name}"] = state_dict.pop(old)
        super()._load_from_state_dict(state_dict, prefix, local_metadata, *args)

    def forward(self, x: dict[str, Tensor]) -> dict[str, Tensor]:
        """The enriched features, under the same names, then those of ``extra_blocks``."""
        names, levels = list(x.keys()), list(x.values())
        above: Tensor | None = None
        results: list[Tensor] = []
        for level, inner, layer in reversed(
            list(zip(levels, self.inner_blocks, self.layer_blocks, strict=True))
        ):  # fmt: skip
            lateral = inner(level)
            above = lateral if above is None else lateral + F.interpolate(above, size=tuple(lateral.shape[-2:]))
            results.insert(0, layer(above))
        if self.extra_blocks is not None:
            results, names = self.extra_blocks(results, levels, names)
        return OrderedDict(zip(names, results, strict=True))


class LastLevelMaxPool(ExtraFPNBlock):
    """One more level, ``"pool"``: every second pixel of the coarsest result."""

    def forward(
        self, results: list[Tensor], x: list[Tensor], names: list[str]
    ) -> tuple[list[Tensor], list[str]]:  # fmt: skip
        """The longer lists."""
        coarser = F.max_pool2d(results[-1], kernel_size=1, stride=2, padding=0)
        return [*results, coarser], [*names, "pool"]


class LastLevelP6P7(ExtraFPNBlock):
    """Two more levels, ``"p6"`` and ``"p7"``, by strided convolutions of the coarsest feature.

    Args:
        in_channels: channels of what the first convolution reads: a result where equal to ``out_channels``, else a
            feature.
        out_channels: channels of the levels.

    Source: Lin et al., "Focal Loss for Dense Object Detection" (2017).
    """

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.p6 = nn.Conv2d(in_channels, out_channels, 3, 2, 1)
        self.p7 = nn.Conv2d(out_channels, out_channels, 3, 2, 1)
        for module in (self.p6, self.p7):
            init.kaiming_uniform_(module.weight, a=1)
            init.constant_(module.bias, 0)
        self.use_P5 = in_channels == out_channels

    def forward(
        self, results: list[Tensor], x: list[Tensor], names: list[str]
    ) -> tuple[list[Tensor], list[str]]:  # fmt: skip
        """The longer lists."""
        p6 = self.p6(results[-1] if self.use_P5 else x[-1])
        return [*results, p6, self.p7(F.relu(p6))], [*names, "p6", "p7"]
