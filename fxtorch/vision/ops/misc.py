"""Layers that the models are built from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from fxtorch import nn
from fxtorch.nn.modules.utils import ntuple
from fxtorch.tensor import Tensor
from fxtorch.vision._torch import torch


class FrozenBatchNorm2d(nn.Module):
    """Batch normalisation with fixed moments and a fixed affine map, all of them buffers.

    Args:
        num_features: channels.
        eps: added to the variance.
    """

    weight: Tensor
    bias: Tensor
    running_mean: Tensor
    running_var: Tensor

    def __init__(self, num_features: int, eps: float = 1e-5) -> None:
        super().__init__()
        self.eps = eps
        self.register_buffer("weight", torch.ones(num_features))
        self.register_buffer("bias", torch.zeros(num_features))
        self.register_buffer("running_mean", torch.zeros(num_features))
        self.register_buffer("running_var", torch.ones(num_features))

    def _load_from_state_dict(self, state_dict: dict[str, Any], prefix: str, *args: Any) -> None:
        state_dict.pop(prefix + "num_batches_tracked", None)  # an ordinary batch norm counts; this one does not
        super()._load_from_state_dict(state_dict, prefix, *args)

    def forward(self, x: Tensor) -> Tensor:
        """``(x - mean) / sqrt(var + eps) * weight + bias`` for each channel."""
        scale = self.weight * (self.running_var + self.eps).rsqrt()
        shift = self.bias - self.running_mean * scale
        return x * scale.reshape(1, -1, 1, 1) + shift.reshape(1, -1, 1, 1)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.weight.shape[0]}, eps={self.eps})"


class ConvNormActivation(nn.Sequential):
    """A convolution, a normalisation and an activation.

    Args:
        in_channels: channels of the input.
        out_channels: channels of the result.
        kernel_size: taps.
        stride: step.
        padding: zeros around; by default so many that a stride of 1 keeps the size.
        groups: groups of channels that do not mix.
        norm_layer: makes the normalisation from ``out_channels``; None for none.
        activation_layer: makes the activation; None for none.
        dilation: distance between taps.
        inplace: passed to the activation unless None.
        bias: whether the convolution adds one; by default where there is no normalisation.
        conv_layer: the convolution's class.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int | Sequence[int] = 3,
        stride: int | Sequence[int] = 1,
        padding: int | Sequence[int] | str | None = None,
        groups: int = 1,
        norm_layer: Callable[..., nn.Module] | None = nn.BatchNorm2d,
        activation_layer: Callable[..., nn.Module] | None = nn.ReLU,
        dilation: int | Sequence[int] = 1,
        inplace: bool | None = True,
        bias: bool | None = None,
        conv_layer: Callable[..., nn.Module] = nn.Conv2d,
    ) -> None:
        if padding is None:
            if isinstance(kernel_size, int) and isinstance(dilation, int):
                padding = (kernel_size - 1) // 2 * dilation
            else:
                n = len(kernel_size) if not isinstance(kernel_size, int) else len(dilation)  # type: ignore[arg-type]
                sizes = zip(ntuple(kernel_size, n), ntuple(dilation, n), strict=True)
                padding = tuple((k - 1) // 2 * d for k, d in sizes)
        layers = [
            conv_layer(
                in_channels,
                out_channels,
                kernel_size,
                stride,
                padding,
                dilation=dilation,
                groups=groups,
                bias=norm_layer is None if bias is None else bias,
            )
        ]
        if norm_layer is not None:
            layers.append(norm_layer(out_channels))
        if activation_layer is not None:
            layers.append(activation_layer(**({} if inplace is None else {"inplace": inplace})))
        super().__init__(*layers)
        self.out_channels = out_channels


class Conv2dNormActivation(ConvNormActivation):
    """:class:`ConvNormActivation` of images."""


class Conv3dNormActivation(ConvNormActivation):
    """:class:`ConvNormActivation` of volumes; the normalisation is ``nn.BatchNorm3d`` unless given."""

    def __init__(self, in_channels: int, out_channels: int, *args: Any, **kwargs: Any) -> None:
        if len(args) < 5:
            kwargs.setdefault("norm_layer", nn.BatchNorm3d)
        super().__init__(in_channels, out_channels, *args, conv_layer=nn.Conv3d, **kwargs)


class SqueezeExcitation(nn.Module):
    """Channels, each scaled by a gate that two 1x1 convolutions compute from all channels' means.

    Args:
        input_channels: channels.
        squeeze_channels: channels between the two convolutions.
        activation: makes the activation between them.
        scale_activation: makes the gate.

    Source: Hu et al., "Squeeze-and-Excitation Networks" (2018).
    """

    def __init__(
        self,
        input_channels: int,
        squeeze_channels: int,
        activation: Callable[..., nn.Module] = nn.ReLU,
        scale_activation: Callable[..., nn.Module] = nn.Sigmoid,
    ) -> None:
        super().__init__()
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc1 = nn.Conv2d(input_channels, squeeze_channels, 1)
        self.fc2 = nn.Conv2d(squeeze_channels, input_channels, 1)
        self.activation = activation()
        self.scale_activation = scale_activation()

    def forward(self, input: Tensor) -> Tensor:
        """``input`` times its gates."""
        gate = self.activation(self.fc1(self.avgpool(input)))
        return self.scale_activation(self.fc2(gate)) * input


class MLP(nn.Sequential):
    """Linear layers with a normalisation, an activation and dropout after each but the last, which has dropout only.

    Args:
        in_channels: features of the input.
        hidden_channels: features after each layer.
        norm_layer: makes the normalisation; None for none.
        activation_layer: makes the activation; None for none.
        inplace: passed to activation and dropout unless None.
        bias: whether the layers add one.
        dropout: how likely a feature is dropped.
    """

    def __init__(
        self,
        in_channels: int,
        hidden_channels: Sequence[int],
        norm_layer: Callable[..., nn.Module] | None = None,
        activation_layer: Callable[..., nn.Module] | None = nn.ReLU,
        inplace: bool | None = None,
        bias: bool = True,
        dropout: float = 0.0,
    ) -> None:
        options = {} if inplace is None else {"inplace": inplace}
        layers: list[nn.Module] = []
        width = in_channels
        for hidden in hidden_channels[:-1]:
            layers.append(nn.Linear(width, hidden, bias=bias))
            if norm_layer is not None:
                layers.append(norm_layer(hidden))
            if activation_layer is not None:
                layers.append(activation_layer(**options))
            layers.append(nn.Dropout(dropout, **options))
            width = hidden
        layers += [nn.Linear(width, hidden_channels[-1], bias=bias), nn.Dropout(dropout, **options)]
        super().__init__(*layers)


class Permute(nn.Module):
    """``torch.permute`` as a layer; ``dims`` is the order."""

    def __init__(self, dims: Sequence[int]) -> None:
        super().__init__()
        self.dims = tuple(dims)

    def forward(self, x: Tensor) -> Tensor:
        """``x`` with its dimensions in another order."""
        return x.permute(self.dims)
