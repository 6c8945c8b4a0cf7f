"""Causal dilated convolutions with normalised weights."""

import torch
import torch.nn as nn
from common import normal, record, record_grads
from torch.nn.utils import weight_norm


class Chomp1d(nn.Module):
    def __init__(self, chomp_size):
        super().__init__()
        self.chomp_size = chomp_size

    def forward(self, x):
        return x[:, :, : -self.chomp_size].contiguous()


class TemporalBlock(nn.Module):
    def __init__(self, n_inputs, n_outputs, kernel_size, dilation):
        super().__init__()
        padding = (kernel_size - 1) * dilation
        self.conv1 = weight_norm(nn.Conv1d(n_inputs, n_outputs, kernel_size, padding=padding, dilation=dilation))
        self.chomp1, self.relu1, self.dropout1 = Chomp1d(padding), nn.ReLU(), nn.Dropout(0.0)
        self.net = nn.Sequential(self.conv1, self.chomp1, self.relu1, self.dropout1)
        self.downsample = nn.Conv1d(n_inputs, n_outputs, 1) if n_inputs != n_outputs else None
        self.relu = nn.ReLU()
        self.init_weights()

    def init_weights(self):
        self.conv1.weight.data.normal_(0, 0.01)

    def forward(self, x):
        res = x if self.downsample is None else self.downsample(x)
        return self.relu(self.net(x) + res)


class TCN(nn.Module):
    def __init__(self):
        super().__init__()
        blocks = [TemporalBlock(2, 4, 3, 1), TemporalBlock(4, 4, 3, 2)]
        self.network = nn.Sequential(*blocks)
        self.linear = nn.Linear(4, 1)

    def forward(self, x):
        return self.linear(self.network(x)[:, :, -1])


model = TCN()
for i, (name, p) in enumerate(model.named_parameters()):
    p.data = normal(*p.shape, seed=i) * (1.0 if name.endswith("_g") else 0.3)
x, y = normal(4, 2, 10), normal(4, 1, seed=2)
optimizer = torch.optim.Adam(model.parameters(), lr=4e-3)
for step in range(2):
    optimizer.zero_grad()
    loss = nn.functional.mse_loss(model(x), y)
    loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    record(f"loss{step}", loss.item())
record_grads(model)
torch.nn.utils.remove_weight_norm(model.network[0].conv1)
record("plain", model.network[0].conv1.weight)
