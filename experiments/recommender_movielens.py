"""Recommending films on MovieLens-100K: matrix factorisation, or a neural network over the same embeddings.

A tenth of the ratings, the same random tenth at every run, is held out for the test.  Embeddings are kept small by
an L2 penalty on those that take part in a batch, as is usual in matrix factorisation: who rates much is shrunk little.
"""

from __future__ import annotations

import sys

import numpy as np

import fxtorch as torch
import fxtorch.nn.functional as F
from experiments.data import MOVIELENS
from experiments.running import pictures
from experiments.running.batches import ArrayDataset, in_order, shuffled
from experiments.running.errors import guarded
from experiments.running.options import parse, parser
from experiments.running.run import Run, compiled
from fxtorch import nn

BATCH = 512
USERS, FILMS = 943, 1682


class MatrixFactorisation(nn.Module):
    """``rating = mean + b_user + b_film + <p_user, q_film>`` (Koren, Bell and Volinsky, 2009)."""

    def __init__(self, users: int = USERS, films: int = FILMS, factors: int = 64, mean: float = 3.5) -> None:
        super().__init__()
        self.users = nn.Embedding(users, factors)
        self.films = nn.Embedding(films, factors)
        self.user_bias = nn.Embedding(users, 1)
        self.film_bias = nn.Embedding(films, 1)
        self.register_buffer("mean", torch.tensor(mean))
        for part in (self.users, self.films):
            nn.init.normal_(part.weight, std=0.05)
        for part in (self.user_bias, self.film_bias):
            nn.init.zeros_(part.weight)

    def forward(self, user, film):
        """The predicted ratings, and the mean square of what was used to predict them."""
        p, q = self.users(user), self.films(film)
        b, c = self.user_bias(user).squeeze(-1), self.film_bias(film).squeeze(-1)
        size = (p.square().sum(-1) + q.square().sum(-1) + b.square() + c.square()).mean()
        return self.mean + b + c + (p * q).sum(-1), size


class NeuralRecommender(nn.Module):
    """Matrix factorisation and a perceptron over the same two embeddings, added up (after He et al., 2017)."""

    def __init__(self, users: int = USERS, films: int = FILMS, factors: int = 64, mean: float = 3.5) -> None:
        super().__init__()
        self.factorisation = MatrixFactorisation(users, films, factors, mean)
        self.perceptron = nn.Sequential(
            nn.Dropout(0.5), nn.Linear(2 * factors, 64), nn.ReLU(), nn.Dropout(0.5), nn.Linear(64, 1)
        )

    def forward(self, user, film):
        """The predicted ratings, and the mean square of what was used to predict them."""
        linear, size = self.factorisation(user, film)
        both = torch.cat([self.factorisation.users(user), self.factorisation.films(film)], dim=-1)
        return linear + self.perceptron(both).squeeze(-1), size


MODELS = {"mf": MatrixFactorisation, "neural": NeuralRecommender}


def make_model(kind="mf", users=USERS, films=FILMS, mean=3.5):
    return MODELS[kind](users, films, mean=mean)


def make_optimizer(model, lr=2e-3):
    return torch.optim.Adam(model.parameters(), lr=lr)


def make_step(model, optimizer, penalty=0.08):
    def step(user, film, rating):
        optimizer.zero_grad()
        predicted, size = model(user, film)
        loss = F.mse_loss(predicted, rating)
        (loss + penalty * size).backward()
        optimizer.step()
        return loss

    return step


def make_batch(n=BATCH):
    rng = np.random.default_rng(0)
    ratings = rng.integers(1, 6, n).astype(np.float32)
    return tuple(torch.from_numpy(a) for a in (rng.integers(0, USERS, n), rng.integers(0, FILMS, n), ratings))


def main(argv=None):
    options = parser("recommender_movielens", __doc__, epochs=20, batch_size=BATCH, lr=2e-3, brief={"epochs": 3})
    options.add_argument("--model", choices=MODELS, default="mf", help="matrix factorisation, or neural (default: mf)")
    options.add_argument("--penalty", type=float, default=0.08, metavar="X", help="L2 penalty (default: 0.08)")
    options = parse(options, argv)
    data, source = MOVIELENS.find(options.data_dir, options.embedded)
    users, films, ratings = data["users"].astype(np.int64), data["films"].astype(np.int64), data["ratings"]
    order = np.random.default_rng(0).permutation(len(ratings))
    held = len(ratings) // 10
    test_part, train_part = order[:held], order[held:][: options.train_size]
    train = ArrayDataset(users[train_part], films[train_part], ratings[train_part])
    test = ArrayDataset(users[test_part], films[test_part], ratings[test_part])
    truth = ratings[test_part]

    torch.manual_seed(options.seed)
    model = make_model(options.model, int(users.max()) + 1, int(films.max()) + 1, float(ratings[train_part].mean()))
    optimizer = make_optimizer(model, options.lr)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, options.epochs)
    step = compiled(make_step(model, optimizer, options.penalty), options.mode)
    forward = compiled(model, options.mode)

    def predictions():
        model.eval()
        with torch.no_grad():
            ratings = np.concatenate([forward(user, film)[0].numpy() for user, film, _ in in_order(test, 2500)])
        model.train()
        return np.clip(ratings, 1, 5)

    run = Run(options, source, model=model, optimizer=optimizer, scheduler=scheduler)
    for epoch in run.epochs():
        for batch in run.progress(shuffled(train, options.batch_size, options.seed, epoch)):
            run.note(loss=step(*batch))
        scheduler.step()
        run.record(rmse=np.sqrt(np.square(predictions() - truth).mean()))

    predicted = predictions()
    errors = {f"{stars} stars": predicted[truth == stars] - stars for stars in (1, 2, 3, 4, 5)}
    pictures.histograms(run.path("errors.png"), errors, "predicted minus given rating")
    return run.finish(
        rmse=np.sqrt(np.square(predicted - truth).mean()), mean_error=float(np.abs(predicted - truth).mean())
    )


if __name__ == "__main__":
    sys.exit(guarded(main, "recommender_movielens"))
