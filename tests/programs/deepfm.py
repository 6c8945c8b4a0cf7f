"""Factorisation machine and deep net over the same embeddings; the fields shifted into one table."""

import numpy as np
import torch
from common import fill, integers, record, record_grads


class FeaturesEmbedding(torch.nn.Module):
    def __init__(self, field_dims, embed_dim):
        super().__init__()
        self.embedding = torch.nn.Embedding(sum(field_dims), embed_dim)
        self.offsets = np.array((0, *np.cumsum(field_dims)[:-1]), dtype=np.int64)
        torch.nn.init.xavier_uniform_(self.embedding.weight.data)

    def forward(self, x):
        x = x + x.new_tensor(self.offsets).unsqueeze(0)
        return self.embedding(x)


class FactorizationMachine(torch.nn.Module):
    def __init__(self, reduce_sum=True):
        super().__init__()
        self.reduce_sum = reduce_sum

    def forward(self, x):
        square_of_sum = torch.sum(x, dim=1) ** 2
        sum_of_square = torch.sum(x**2, dim=1)
        ix = square_of_sum - sum_of_square
        if self.reduce_sum:
            ix = torch.sum(ix, dim=1, keepdim=True)
        return 0.5 * ix


class DeepFM(torch.nn.Module):
    def __init__(self, field_dims, embed_dim, mlp_dims):
        super().__init__()
        self.linear = FeaturesEmbedding(field_dims, 1)
        self.bias = torch.nn.Parameter(torch.zeros((1,)))
        self.fm = FactorizationMachine(reduce_sum=True)
        self.embedding = FeaturesEmbedding(field_dims, embed_dim)
        layers, input_dim = [], len(field_dims) * embed_dim
        for dim in mlp_dims:
            layers += [torch.nn.Linear(input_dim, dim), torch.nn.BatchNorm1d(dim), torch.nn.ReLU()]
            input_dim = dim
        self.mlp = torch.nn.Sequential(*layers, torch.nn.Linear(input_dim, 1))

    def forward(self, x):
        embed_x = self.embedding(x)
        linear = torch.sum(self.linear(x), dim=1) + self.bias
        x = linear + self.fm(embed_x) + self.mlp(embed_x.flatten(1))
        return torch.sigmoid(x.squeeze(1))


model = fill(DeepFM([4, 5, 3], 4, [8]))
criterion = torch.nn.BCELoss()
optimizer = torch.optim.Adagrad(model.parameters(), lr=0.01, weight_decay=1e-6)
fields = torch.stack([integers(d, 6, seed=d) for d in (4, 5, 3)], dim=1)
target = integers(2, 6)
for step in range(2):
    loss = criterion(model(fields), target.float())
    model.zero_grad()
    loss.backward()
    optimizer.step()
    record(f"loss{step}", loss)
record_grads(model)
