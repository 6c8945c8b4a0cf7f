"""Sines continued by LSTM cells in double precision, trained by LBFGS."""

import numpy as np
import torch
import torch.nn as nn
import torch.optim as optim
from common import fill, record, record_grads


class Sequence(nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm1 = nn.LSTMCell(1, 5)
        self.lstm2 = nn.LSTMCell(5, 5)
        self.linear = nn.Linear(5, 1)

    def forward(self, input, future=0):
        outputs = []
        h_t = torch.zeros(input.size(0), 5, dtype=torch.double)
        c_t = torch.zeros(input.size(0), 5, dtype=torch.double)
        h_t2 = torch.zeros(input.size(0), 5, dtype=torch.double)
        c_t2 = torch.zeros(input.size(0), 5, dtype=torch.double)
        for input_t in input.split(1, dim=1):
            h_t, c_t = self.lstm1(input_t, (h_t, c_t))
            h_t2, c_t2 = self.lstm2(h_t, (h_t2, c_t2))
            output = self.linear(h_t2)
            outputs += [output]
        for _ in range(future):
            h_t, c_t = self.lstm1(output, (h_t, c_t))
            h_t2, c_t2 = self.lstm2(h_t, (h_t2, c_t2))
            output = self.linear(h_t2)
            outputs += [output]
        return torch.cat(outputs, dim=1)


x = np.array(range(6)) + np.random.RandomState(2).randint(-8, 8, 3).reshape(3, 1)
data = np.sin(x / 1.0 / 2).astype("float64")
input, target = torch.from_numpy(data[:, :-1]), torch.from_numpy(data[:, 1:])
seq = fill(Sequence().double())
criterion = nn.MSELoss()
optimizer = optim.LBFGS(seq.parameters(), lr=0.8, max_iter=3)
losses = []


def closure():
    optimizer.zero_grad()
    out = seq(input)
    loss = criterion(out, target)
    losses.append(loss.item())
    loss.backward()
    return loss


for _ in range(2):
    optimizer.step(closure)
record("losses", losses)
record_grads(seq)
with torch.no_grad():
    record("future", seq(input, future=2)[:, -2:])
