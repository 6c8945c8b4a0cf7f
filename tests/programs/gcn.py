"""A graph convolution over a sparse adjacency matrix, half of the nodes labelled."""

import math

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from common import integers, normal, record, record_grads
from torch.nn.modules.module import Module
from torch.nn.parameter import Parameter


class GraphConvolution(Module):
    def __init__(self, in_features, out_features, bias=True):
        super().__init__()
        self.in_features, self.out_features = in_features, out_features
        self.weight = Parameter(torch.FloatTensor(in_features, out_features))
        if bias:
            self.bias = Parameter(torch.FloatTensor(out_features))
        else:
            self.register_parameter("bias", None)
        self.reset_parameters()

    def reset_parameters(self):
        stdv = 1.0 / math.sqrt(self.weight.size(1))
        rng = np.random.RandomState(1)
        self.weight.data.copy_(torch.from_numpy(rng.uniform(-stdv, stdv, tuple(self.weight.shape))))
        if self.bias is not None:
            self.bias.data.uniform_(-stdv, stdv).zero_()

    def forward(self, input, adj):
        support = torch.mm(input, self.weight)
        output = torch.spmm(adj, support)
        return output + self.bias if self.bias is not None else output


class GCN(nn.Module):
    def __init__(self, nfeat, nhid, nclass, dropout):
        super().__init__()
        self.gc1 = GraphConvolution(nfeat, nhid)
        self.gc2 = GraphConvolution(nhid, nclass)
        self.dropout = dropout

    def forward(self, x, adj):
        x = F.relu(self.gc1(x, adj))
        x = F.dropout(x, self.dropout, training=self.training)
        return F.log_softmax(self.gc2(x, adj), dim=1)


def normalize(mx):
    return mx / mx.sum(1, keepdims=True)


dense = np.eye(7, dtype=np.float32) + np.roll(np.eye(7, dtype=np.float32), 1, 1) + np.roll(np.eye(7), -2, 1)
rows, columns = np.nonzero(normalize(dense))
indices = torch.from_numpy(np.vstack((rows, columns)).astype(np.int64))
values = torch.from_numpy(normalize(dense)[rows, columns].astype(np.float32))
adj = torch.sparse_coo_tensor(indices, values, torch.Size((7, 7)))
features, labels, idx_train = normal(7, 5), integers(3, 7), torch.LongTensor(range(4))
model = GCN(5, 6, 3, dropout=0.0)
optimizer = torch.optim.Adam(model.parameters(), lr=0.01, weight_decay=5e-4)
for epoch in range(2):
    model.train()
    optimizer.zero_grad()
    output = model(features, adj)
    loss_train = F.nll_loss(output[idx_train], labels[idx_train])
    preds = output.max(1)[1].type_as(labels)
    correct = preds.eq(labels).double().sum()
    loss_train.backward()
    optimizer.step()
    record(f"loss{epoch}", loss_train.item())
    record(f"correct{epoch}", correct / len(labels))
record_grads(model)
