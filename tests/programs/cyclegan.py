"""Two generators with residual blocks in a cycle, the rate falling by a function."""

import itertools

import torch
import torch.nn as nn
from common import fill, normal, record, record_grads


class ResidualBlock(nn.Module):
    def __init__(self, in_features):
        super().__init__()
        self.block = nn.Sequential(
            nn.ReflectionPad2d(1),
            nn.Conv2d(in_features, in_features, 3),
            nn.InstanceNorm2d(in_features),
            nn.ReLU(inplace=True),
        )

    def forward(self, x):
        return x + self.block(x)


def generator():
    layers = [nn.ReflectionPad2d(1), nn.Conv2d(1, 4, 3), nn.InstanceNorm2d(4), nn.ReLU(inplace=True)]
    layers += [ResidualBlock(4)]
    layers += [nn.Upsample(scale_factor=2), nn.Conv2d(4, 1, 3, stride=2, padding=1), nn.Tanh()]
    return nn.Sequential(*layers)


class LambdaLR:
    def __init__(self, n_epochs, offset, decay_start_epoch):
        self.n_epochs, self.offset, self.decay_start_epoch = n_epochs, offset, decay_start_epoch

    def step(self, epoch):
        over = max(0, epoch + self.offset - self.decay_start_epoch)
        return 1.0 - over / (self.n_epochs - self.decay_start_epoch)


G_AB, G_BA = fill(generator(), 1), fill(generator(), 2)
criterion_cycle, criterion_identity = torch.nn.L1Loss(), nn.L1Loss()
optimizer_G = torch.optim.Adam(itertools.chain(G_AB.parameters(), G_BA.parameters()), lr=0.01, betas=(0.5, 0.999))
lr_scheduler_G = torch.optim.lr_scheduler.LambdaLR(optimizer_G, lr_lambda=LambdaLR(4, 0, 1).step)
real_A, real_B = normal(1, 1, 8, 8, seed=1), normal(1, 1, 8, 8, seed=2)
for epoch in range(2):
    optimizer_G.zero_grad()
    loss_identity = (criterion_identity(G_BA(real_A), real_A) + criterion_identity(G_AB(real_B), real_B)) / 2
    loss_cycle = criterion_cycle(G_BA(G_AB(real_A)), real_A)
    loss_G = 10.0 * loss_cycle + 5.0 * loss_identity
    loss_G.backward()
    optimizer_G.step()
    lr_scheduler_G.step()
    record(f"loss{epoch}", loss_G.item())
    record(f"lr{epoch}", optimizer_G.param_groups[0]["lr"])
record_grads(G_AB, "AB")
record_grads(G_BA, "BA")
