"""Attention over the neighbours in a graph, several heads side by side."""

import torch
import torch.nn as nn
import torch.nn.functional as F
from common import fill, integers, normal, record, record_grads


class GraphAttentionLayer(nn.Module):
    def __init__(self, in_features, out_features, alpha, concat=True):
        super().__init__()
        self.out_features, self.concat = out_features, concat
        self.W = nn.Parameter(torch.empty(size=(in_features, out_features)))
        nn.init.xavier_uniform_(self.W.data, gain=1.414)
        self.a = nn.Parameter(torch.empty(size=(2 * out_features, 1)))
        nn.init.xavier_uniform_(self.a.data, gain=1.414)
        self.leakyrelu = nn.LeakyReLU(alpha)

    def forward(self, h, adj):
        Wh = torch.mm(h, self.W)
        Wh1 = torch.matmul(Wh, self.a[: self.out_features, :])
        Wh2 = torch.matmul(Wh, self.a[self.out_features :, :])
        e = self.leakyrelu(Wh1 + Wh2.T)
        zero_vec = -9e15 * torch.ones_like(e)
        attention = F.softmax(torch.where(adj > 0, e, zero_vec), dim=1)
        h_prime = torch.matmul(attention, Wh)
        return F.elu(h_prime) if self.concat else h_prime

    def __repr__(self):
        return f"{self.__class__.__name__}({self.out_features})"


class GAT(nn.Module):
    def __init__(self, nfeat, nhid, nclass, alpha, nheads):
        super().__init__()
        self.attentions = [GraphAttentionLayer(nfeat, nhid, alpha=alpha) for _ in range(nheads)]
        for i, attention in enumerate(self.attentions):
            self.add_module(f"attention_{i}", attention)
        self.out_att = GraphAttentionLayer(nhid * nheads, nclass, alpha=alpha, concat=False)

    def forward(self, x, adj):
        x = torch.cat([att(x, adj) for att in self.attentions], dim=1)
        return F.log_softmax(F.elu(self.out_att(x, adj)), dim=1)


model = fill(GAT(5, 4, 3, 0.2, 2))
adj = ((torch.eye(7) + torch.eye(7).roll(1, 0) + torch.eye(7).roll(3, 0)) > 0).float()
features, labels = normal(7, 5), integers(3, 7)
optimizer = torch.optim.Adam(model.parameters(), lr=0.005, weight_decay=5e-4)
for epoch in range(2):
    optimizer.zero_grad()
    output = model(features, adj)
    loss = F.nll_loss(output, labels)
    loss.backward()
    optimizer.step()
    record(f"loss{epoch}", loss.data.item())
record_grads(model)
record("repr", len(str(model)))
