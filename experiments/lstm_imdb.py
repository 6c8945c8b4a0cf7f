"""An LSTM that tells favourable film reviews from others: embeddings, both directions, the maximum over time.

The last 200 words of a review are read; rarer words than the 20,000 most frequent are one unknown word.
"""

from __future__ import annotations

import itertools
import sys

import numpy as np

import fxtorch as torch
import fxtorch.nn.functional as F
from experiments.data import IMDB
from experiments.data.imdb import PADDING, UNKNOWN
from experiments.running import pictures
from experiments.running.batches import ArrayDataset, in_order, shuffled
from experiments.running.errors import guarded
from experiments.running.options import parse, parser
from experiments.running.run import Run, compiled
from fxtorch import nn

BATCH = 64
WORDS = 20_000
LENGTH = 200


class SentimentLSTM(nn.Module):
    """Embedding, bidirectional LSTM, maximum over time, one number: its sigmoid is P(favourable)."""

    def __init__(self, words: int = WORDS, embedding: int = 100, hidden: int = 64, dropout: float = 0.4) -> None:
        super().__init__()
        self.embedding = nn.Embedding(words, embedding, padding_idx=PADDING)
        with torch.no_grad():
            self.embedding.weight.mul_(0.1)  # at deviation 1, chance meanings take epochs to unlearn
        self.lstm = nn.LSTM(embedding, hidden, batch_first=True, bidirectional=True)
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(2 * hidden, 1)

    def forward(self, reviews):
        outputs, _ = self.lstm(self.dropout(self.embedding(reviews)))
        return self.head(self.dropout(outputs.amax(dim=1))).squeeze(-1)


def make_model():
    return SentimentLSTM()


def make_optimizer(model, lr=3e-3):
    return torch.optim.Adam(model.parameters(), lr=lr)


def make_step(model, optimizer):
    def step(reviews, labels):
        optimizer.zero_grad()
        loss = F.binary_cross_entropy_with_logits(model(reviews), labels)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        return loss

    return step


def make_batch(n=BATCH):
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, n).astype(np.float32)
    return torch.from_numpy(rng.integers(1, WORDS, (n, LENGTH))), torch.from_numpy(labels)


def padded(ids, starts, length, words):
    """The last ``length`` words of each review as one int64 matrix, padded at the front."""
    matrix = np.full((len(starts) - 1, length), PADDING, np.int64)
    for row, (begin, end) in zip(matrix, itertools.pairwise(starts), strict=True):
        review = ids[max(begin, end - length) : end]
        row[length - len(review) :] = review
    matrix[matrix >= words] = UNKNOWN
    return matrix


def main(argv=None):
    options = parser(
        "lstm_imdb",
        __doc__,
        epochs=4,
        batch_size=BATCH,
        lr=3e-3,
        brief={"epochs": 1, "batch_size": 32, "lr": 6e-3, "train_size": 2000, "test_size": 1000, "length": 100},
    )
    options.add_argument("--length", type=int, metavar="N", help=f"words read of a review (default: {LENGTH})")
    options.add_argument("--test-size", type=int, metavar="N", help="test on N random reviews only")
    options.defaults |= {"length": LENGTH, "test_size": None}  # type: ignore[attr-defined]
    options = parse(options, argv)
    data, source = IMDB.find(options.data_dir, options.embedded)

    def part(name, size):
        labels = data[f"{name}_labels"]
        pick = np.random.default_rng(0).permutation(len(labels))[:size]
        reviews = padded(data[f"{name}_ids"], data[f"{name}_starts"], options.length, WORDS)
        return ArrayDataset(reviews[pick], labels[pick].astype(np.float32))

    train, test = part("train", options.train_size), part("test", options.test_size)
    truth = test.arrays[1] == 1

    torch.manual_seed(options.seed)
    model = make_model()
    optimizer = make_optimizer(model, options.lr)
    steps = options.epochs * len(shuffled(train, options.batch_size, options.seed, 0))
    scheduler = torch.optim.lr_scheduler.OneCycleLR(optimizer, options.lr, total_steps=steps, cycle_momentum=False)
    step = compiled(make_step(model, optimizer), options.mode)
    forward = compiled(model, options.mode)

    def probabilities():
        model.eval()
        with torch.no_grad():
            logits = np.concatenate([forward(reviews).numpy() for reviews, _ in in_order(test, 500)])
        model.train()
        return 1 / (1 + np.exp(-logits))

    run = Run(options, source, model=model, optimizer=optimizer, scheduler=scheduler)
    for epoch in run.epochs():
        for reviews, labels in run.progress(shuffled(train, options.batch_size, options.seed, epoch)):
            run.note(loss=step(reviews, labels))
            scheduler.step()
        run.record(accuracy=((probabilities() > 0.5) == truth).mean())

    probability = probabilities()
    groups = {"unfavourable": probability[~truth], "favourable": probability[truth]}
    pictures.histograms(run.path("probabilities.png"), groups, "predicted probability of being favourable")
    return run.finish(accuracy=((probability > 0.5) == truth).mean())


if __name__ == "__main__":
    sys.exit(guarded(main, "lstm_imdb"))
