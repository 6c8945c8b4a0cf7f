"""Depthwise convolutions, squeeze and excitation, hard swishes; an average of the weights over time."""

from functools import partial

import torch
from common import fill, integers, normal, record, record_grads
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel


def _make_divisible(v: float, divisor: int, min_value: int | None = None) -> int:
    new_v = max(min_value or divisor, int(v + divisor / 2) // divisor * divisor)
    return new_v + divisor if new_v < 0.9 * v else new_v


class ConvBNActivation(nn.Sequential):
    def __init__(self, i, o, kernel_size=3, stride=1, groups=1, norm_layer=None, activation_layer=nn.ReLU6):
        padding = (kernel_size - 1) // 2
        super().__init__(
            nn.Conv2d(i, o, kernel_size, stride, padding, groups=groups, bias=False),
            (norm_layer or nn.BatchNorm2d)(o),
            activation_layer(inplace=True),
        )
        self.out_channels = o


class SqueezeExcitation(nn.Module):
    def __init__(self, channels: int, squeeze_factor: int = 4):
        super().__init__()
        squeeze = _make_divisible(channels // squeeze_factor, 8)
        self.fc1 = nn.Conv2d(channels, squeeze, 1)
        self.relu = nn.ReLU(inplace=True)
        self.fc2 = nn.Conv2d(squeeze, channels, 1)

    def forward(self, input: Tensor) -> Tensor:
        scale = nn.functional.adaptive_avg_pool2d(input, 1)
        scale = self.fc2(self.relu(self.fc1(scale)))
        return nn.functional.hardsigmoid(scale, inplace=True) * input


class InvertedResidual(nn.Module):
    def __init__(self, c, expanded, norm_layer):
        super().__init__()
        self.block = nn.Sequential(
            ConvBNActivation(c, expanded, 1, norm_layer=norm_layer, activation_layer=nn.Hardswish),
            ConvBNActivation(expanded, expanded, 3, groups=expanded, norm_layer=norm_layer),
            SqueezeExcitation(expanded),
            ConvBNActivation(expanded, c, 1, norm_layer=norm_layer, activation_layer=nn.Identity),
        )

    def forward(self, input: Tensor) -> Tensor:
        return input + self.block(input)


model = nn.Sequential(
    ConvBNActivation(3, 8, stride=2),
    InvertedResidual(8, 16, partial(nn.BatchNorm2d, eps=0.001, momentum=0.01)),
    nn.AdaptiveAvgPool2d(1),
    nn.Flatten(),
    nn.Linear(8, 5),
)
fill(model)
for m in model.modules():
    if isinstance(m, nn.BatchNorm2d | nn.GroupNorm):
        nn.init.ones_(m.weight)
        nn.init.zeros_(m.bias)
ema = AveragedModel(model, avg_fn=lambda old, new, n: 0.9 * old + 0.1 * new)
optimizer = torch.optim.RMSprop(model.parameters(), lr=0.01, alpha=0.9, eps=0.0316, momentum=0.9)
schedule = torch.optim.lr_scheduler.SequentialLR(
    optimizer,
    [
        torch.optim.lr_scheduler.LinearLR(optimizer, start_factor=0.1, total_iters=1),
        torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=3),
    ],
    milestones=[1],
)
x, y = normal(3, 3, 8, 8), integers(5, 3)
for step in range(2):
    loss = nn.functional.cross_entropy(model(x), y, label_smoothing=0.1)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    schedule.step()
    ema.update_parameters(model)
    record(f"loss{step}", loss)
    record(f"lr{step}", schedule.get_last_lr())
record_grads(model)
record("average", ema.module[4].weight)
