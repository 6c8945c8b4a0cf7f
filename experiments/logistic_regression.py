"""Logistic regression on breast-cancer data: full-batch gradient descent in float64, as far as the likelihood's top.

Eight measurements, standardised; Nesterov's momentum; an epoch is a hundred steps.  Without regularisation there is
a maximum only where the classes overlap, as they do in these eight measurements.  At the end the weights are compared
with scikit-learn's unregularised solution, found by Newton's method.
"""

from __future__ import annotations

import sys

import numpy as np
from sklearn.linear_model import LogisticRegression as Reference

import fxtorch as torch
import fxtorch.nn.functional as F
from experiments.data import breast_cancer
from experiments.running import pictures
from experiments.running.errors import guarded
from experiments.running.options import parse, parser
from experiments.running.run import Run, compiled
from fxtorch import nn

BATCH = 456
STEPS_AN_EPOCH = 100


class LogisticRegression(nn.Module):
    """``P(y = 1) = sigmoid(w x + b)``; returns the argument of the sigmoid."""

    def __init__(self, features: int = 8) -> None:
        super().__init__()
        self.linear = nn.Linear(features, 1, dtype=torch.float64)

    def forward(self, x):
        return self.linear(x).squeeze(-1)


def make_model():
    return LogisticRegression()


def make_optimizer(model, lr=8.0):
    return torch.optim.SGD(model.parameters(), lr=lr, momentum=0.9, nesterov=True)


def make_step(model, optimizer):
    def step(x, y):
        optimizer.zero_grad()
        loss = F.binary_cross_entropy_with_logits(model(x), y)
        loss.backward()
        optimizer.step()
        return loss

    return step


def make_batch(n=BATCH):
    rng = np.random.default_rng(0)
    return torch.from_numpy(rng.normal(size=(n, 8))), torch.from_numpy(rng.integers(0, 2, n).astype(np.float64))


def maximum_likelihood(x, y):
    """scikit-learn's unregularised weights and bias."""
    solver = Reference(C=np.inf, solver="newton-cholesky", tol=1e-12, max_iter=1000).fit(x, y)
    return np.concatenate([solver.coef_[0], solver.intercept_])


def main(argv=None):
    options = parse(
        parser("logistic_regression", __doc__, epochs=20, batch_size=None, lr=8.0, brief={"epochs": 10}, files=False),
        argv,
    )
    data, source = breast_cancer()
    x, y = data["train_inputs"][: options.train_size], data["train_targets"][: options.train_size]

    torch.manual_seed(options.seed)
    model = make_model()
    optimizer = make_optimizer(model, options.lr)
    step = compiled(make_step(model, optimizer), options.mode)
    batch = torch.from_numpy(x), torch.from_numpy(y.astype(np.float64))

    run = Run(options, source, model=model, optimizer=optimizer)
    for _ in run.epochs():
        for _ in run.progress(range(STEPS_AN_EPOCH)):
            run.note(loss=step(*batch))

    with torch.no_grad():
        probability = torch.sigmoid(model(torch.from_numpy(data["test_inputs"]))).numpy()
    learnt = torch.cat([model.linear.weight.detach().reshape(-1), model.linear.bias.detach()]).numpy()
    truth = data["test_targets"]
    groups = {"malignant": probability[truth == 0], "benign": probability[truth == 1]}
    pictures.histograms(run.path("probabilities.png"), groups, "predicted probability of being benign")
    return run.finish(
        accuracy=((probability > 0.5) == truth).mean(),
        difference_from_closed_form=np.abs(learnt - maximum_likelihood(x, y)).max(),
    )


if __name__ == "__main__":
    sys.exit(guarded(main, "logistic_regression"))
