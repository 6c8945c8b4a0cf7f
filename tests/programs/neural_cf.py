"""Collaborative filtering fed by a stream: an IterableDataset, a collate function, samplers, split data."""

import numpy as np
import torch
import torch.utils.data as data
from common import fill, record, record_grads
from torch import nn


class Stream(data.IterableDataset):
    def __init__(self, start, end):
        super().__init__()
        self.start, self.end = start, end

    def __iter__(self):
        worker_info = data.get_worker_info()
        assert worker_info is None
        for i in range(self.start, self.end):
            yield {"user": i % 5, "item": torch.tensor(i % 7), "rating": np.float32(i % 3), "pair": (i, float(i))}


class NCF(nn.Module):
    def __init__(self, user_num, item_num, factor_num):
        super().__init__()
        self.embed_user_GMF = nn.Embedding(user_num, factor_num)
        self.embed_item_GMF = nn.Embedding(item_num, factor_num, padding_idx=0)
        self.embed_user_MLP = nn.Embedding(user_num, factor_num, max_norm=1.0)
        self.MLP_layers = nn.Sequential(nn.Dropout(p=0.0), nn.Linear(factor_num * 2, factor_num), nn.ReLU())
        self.predict_layer = nn.Linear(factor_num * 2, 1)

    def forward(self, user, item):
        output_GMF = self.embed_user_GMF(user) * self.embed_item_GMF(item)
        interaction = torch.cat((self.embed_user_MLP(user), self.embed_item_GMF(item)), -1)
        concat = torch.cat((output_GMF, self.MLP_layers(interaction)), -1)
        return self.predict_layer(concat).view(-1)


model = fill(NCF(5, 7, 4))
loss_function = nn.BCEWithLogitsLoss(reduction="none")
optimizer = torch.optim.Adam(model.parameters(), lr=0.001)
for step, batch in enumerate(data.DataLoader(Stream(0, 8), batch_size=4)):
    assert batch["pair"][0].dtype == torch.int64 and batch["pair"][1].dtype == torch.float64
    model.zero_grad()
    prediction = model(batch["user"], batch["item"])
    loss = loss_function(prediction, (batch["rating"] > 0).float()).mean()
    loss.backward()
    optimizer.step()
    record(f"loss{step}", loss)
record_grads(model)
dataset = data.TensorDataset(torch.arange(10).float(), torch.arange(10) % 2)
first, second = data.random_split(dataset, [7, 3], generator=torch.Generator().manual_seed(42))
sampler = data.WeightedRandomSampler([1.0] * 7, 6, replacement=True)
sizes = [len(x) for x, _ in data.DataLoader(first, batch_sampler=data.BatchSampler(sampler, 4, drop_last=False))]
record("sizes", [*sizes, len(second), len(data.ConcatDataset([first, second]))])
padded = data.DataLoader(
    [torch.ones(n) for n in (1, 3, 2)],
    batch_size=3,
    collate_fn=lambda rows: nn.utils.rnn.pad_sequence(rows, batch_first=True, padding_value=-1),
)
record("padded", next(iter(padded)))
