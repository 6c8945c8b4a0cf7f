"""Recommendations from dense and sparse features: bags of embeddings with sparse gradients, products of all pairs."""

import numpy as np
import torch
import torch.nn as nn
from common import normal, record, record_grads


class DLRM_Net(nn.Module):
    def create_mlp(self, ln, sigmoid_layer):
        layers = nn.ModuleList()
        for i in range(len(ln) - 1):
            n, m = ln[i], ln[i + 1]
            LL = nn.Linear(int(n), int(m), bias=True)
            W = np.random.normal(0.0, np.sqrt(2 / (m + n)), size=(m, n)).astype(np.float32)
            LL.weight.data = torch.tensor(W, requires_grad=True)
            LL.bias.data = torch.tensor(np.random.normal(0.0, np.sqrt(1 / m), size=m).astype(np.float32))
            layers.append(LL)
            layers.append(nn.Sigmoid() if i == sigmoid_layer else nn.ReLU())
        return torch.nn.Sequential(*layers)

    def create_emb(self, m, ln):
        emb_l = nn.ModuleList()
        for n in ln:
            EE = nn.EmbeddingBag(n, m, mode="sum", sparse=True)
            W = np.random.uniform(low=-np.sqrt(1 / n), high=np.sqrt(1 / n), size=(n, m)).astype(np.float32)
            EE.weight.data = torch.tensor(W, requires_grad=True)
            emb_l.append(EE)
        return emb_l

    def __init__(self):
        super().__init__()
        np.random.seed(7)
        self.emb_l = self.create_emb(4, [5, 6])
        self.bot_l = self.create_mlp([3, 8, 4], -1)
        self.top_l = self.create_mlp([7, 6, 1], 1)

    def interact_features(self, x, ly):
        batch_size, d = x.shape
        T = torch.cat([x, *ly], dim=1).view((batch_size, -1, d))
        Z = torch.bmm(T, torch.transpose(T, 1, 2))
        _, ni, nj = Z.shape
        li = torch.tensor([i for i in range(ni) for j in range(i)])
        lj = torch.tensor([j for i in range(nj) for j in range(i)])
        return torch.cat([x, Z[:, li, lj]], dim=1)

    def forward(self, dense_x, lS_o, lS_i):
        x = self.bot_l(dense_x)
        ly = [self.emb_l[k](index, lS_o[k]) for k, index in enumerate(lS_i)]
        return self.top_l(self.interact_features(x, ly))


dlrm = DLRM_Net()
X = normal(3, 3)
lS_o = torch.tensor([[0, 2, 3], [0, 1, 3]])
lS_i = [torch.LongTensor([1, 2, 4, 0]), torch.LongTensor([5, 2, 2, 3])]
T = torch.tensor([[1.0], [0.0], [1.0]])
loss_fn = torch.nn.BCELoss(reduction="mean")
optimizer = torch.optim.SGD(dlrm.parameters(), lr=0.1)
for step in range(2):
    Z = dlrm(X, lS_o, lS_i)
    E = loss_fn(Z, T)
    optimizer.zero_grad()
    E.backward()
    optimizer.step()
    record(f"loss{step}", E.detach().cpu().numpy())
record("sparse", dlrm.emb_l[0].weight.grad.is_sparse)
record_grads(dlrm)
record("table", dlrm.emb_l[1].weight)
