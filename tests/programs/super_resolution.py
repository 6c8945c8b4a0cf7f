"""Pixels shuffled from channels into a larger image; orthogonal weights; a checkpoint of the whole model."""

import io

import torch
import torch.nn as nn
import torch.nn.init as init
from common import fill, normal, record, record_grads


class Net(nn.Module):
    def __init__(self, upscale_factor):
        super().__init__()
        self.relu = nn.ReLU()
        self.conv1 = nn.Conv2d(1, 6, (5, 5), (1, 1), (2, 2))
        self.conv2 = nn.Conv2d(6, upscale_factor**2, (3, 3), (1, 1), (1, 1))
        self.pixel_shuffle = nn.PixelShuffle(upscale_factor)
        self._initialize_weights()

    def forward(self, x):
        x = self.relu(self.conv1(x))
        return self.pixel_shuffle(self.conv2(x))

    def _initialize_weights(self):
        init.orthogonal_(self.conv1.weight, init.calculate_gain("relu"))
        init.orthogonal_(self.conv2.weight)


model = Net(upscale_factor=2)
rows = model.conv2.weight.detach().view(4, -1)
record("orthogonal", rows @ rows.t())
fill(model)
criterion = nn.MSELoss()
optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
input, target = normal(2, 1, 6, 6), normal(2, 1, 12, 12, seed=1)
for epoch in range(2):
    optimizer.zero_grad()
    loss = criterion(model(input), target)
    loss.backward()
    optimizer.step()
    record(f"psnr{epoch}", 10 * torch.log10(1 / loss).item())
record_grads(model)
file = io.BytesIO()
torch.save(model, file)
file.seek(0)
again = torch.load(file, weights_only=False)
record("again", again(input) - model(input))
