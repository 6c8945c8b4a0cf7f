"""Learning to learn: a step of descent inside, whose result is differentiated with respect to where it began."""

from collections import OrderedDict

import torch
import torch.nn.functional as F
from common import fill, normal, record, record_grads
from torch import nn
from torch.func import functional_call, grad, vmap


class MLP(nn.Module):
    def __init__(self):
        super().__init__()
        self.model = nn.Sequential(OrderedDict([("l1", nn.Linear(1, 8)), ("relu", nn.ReLU()), ("l2", nn.Linear(8, 1))]))

    def forward(self, x):
        return self.model(x)

    def parameterised(self, x, weights):
        x = F.relu(F.linear(x, weights[0], weights[1]))
        return F.linear(x, weights[2], weights[3])


model = fill(MLP())
weights = list(model.parameters())
meta_optimiser = torch.optim.Adam(weights, 1e-2)
for step in range(2):
    meta_loss = 0
    for task in range(2):
        x, y = normal(5, 1, seed=task), normal(5, 1, seed=task + 5)
        temp_weights = [w.clone() for w in weights]
        loss = F.mse_loss(model.parameterised(x, temp_weights), y)
        gradients = torch.autograd.grad(loss, temp_weights, create_graph=True)
        temp_weights = [w - 0.1 * g for w, g in zip(temp_weights, gradients, strict=True)]
        meta_loss = meta_loss + F.mse_loss(model.parameterised(x * 0.5, temp_weights), y)
    meta_grads = torch.autograd.grad(meta_loss, weights)
    for w, g in zip(weights, meta_grads, strict=True):
        w.grad = g
    meta_optimiser.step()
    record(f"loss{step}", meta_loss.item() / 2)
record_grads(model)


def compute_loss(params, x, y):
    return F.mse_loss(functional_call(model, params, (x,)), y)


params = {k: v.detach() for k, v in model.named_parameters()}
per_sample = vmap(grad(compute_loss), in_dims=(None, 0, 0))(params, normal(3, 2, 1), normal(3, 2, 1, seed=1))
record("per_sample", per_sample["model.l1.weight"])
