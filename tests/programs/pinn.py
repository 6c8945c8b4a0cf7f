"""An equation solved by a network: first and second derivatives with respect to the input, then with respect to it."""

import torch
import torch.nn as nn
from common import fill, record, record_grads
from torch.autograd import grad


class Sine(nn.Module):
    def forward(self, x):
        return torch.sin(x)


net = nn.Sequential(nn.Linear(2, 8), nn.Tanh(), nn.Linear(8, 6), Sine(), nn.Linear(6, 1))
fill(net)
x = torch.linspace(0, 1, 5)
t = torch.linspace(0, 2, 4)
X, T = torch.meshgrid(x, t, indexing="ij")
inputs = torch.stack([X.reshape(-1), T.reshape(-1)], dim=1).requires_grad_(True)
optimizer = torch.optim.Adam(net.parameters(), lr=1e-2)
for step in range(2):
    optimizer.zero_grad()
    u = net(inputs)
    du = grad(u, inputs, torch.ones_like(u), create_graph=True)[0]
    u_x, u_t = du[:, 0:1], du[:, 1:2]
    u_xx = grad(u_x, inputs, grad_outputs=torch.ones_like(u_x), create_graph=True)[0][:, 0:1]
    residual = u_t + u * u_x - 0.01 * u_xx
    boundary = net(torch.zeros(1, 2)) - 1.0
    loss = residual.pow(2).mean() + boundary.pow(2).mean()
    loss.backward()
    optimizer.step()
    record(f"loss{step}", loss.item())
record_grads(net)
jacobian = torch.autograd.functional.jacobian(lambda z: net(z).squeeze(), torch.ones(2))
hessian = torch.func.hessian(lambda z: net(z).squeeze())(torch.ones(2))
record("jacobian", jacobian)
record("hessian", hessian)
