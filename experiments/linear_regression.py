"""Linear regression on diabetes data: full-batch gradient descent in float64, as far as the normal equation.

The measurements are standardised, so that one learning rate suits all of them; they are correlated all the same
(the curvature differs by a factor of 500 between directions), which Nesterov's momentum bridges in some hundred
steps; an epoch is a hundred.  At the end the weights are compared with the solution of the normal equation.
"""

from __future__ import annotations

import sys

import numpy as np

import fxtorch as torch
import fxtorch.nn.functional as F
from experiments.data import diabetes
from experiments.running import pictures
from experiments.running.errors import guarded
from experiments.running.options import parse, parser
from experiments.running.run import Run, compiled
from fxtorch import nn

BATCH = 354
STEPS_AN_EPOCH = 100


class LinearRegression(nn.Module):
    """``y = w x + b``."""

    def __init__(self, features: int = 10) -> None:
        super().__init__()
        self.linear = nn.Linear(features, 1, dtype=torch.float64)

    def forward(self, x):
        return self.linear(x).squeeze(-1)


def make_model():
    return LinearRegression()


def make_optimizer(model, lr=0.1):
    return torch.optim.SGD(model.parameters(), lr=lr, momentum=0.9, nesterov=True)


def make_step(model, optimizer):
    def step(x, y):
        optimizer.zero_grad()
        loss = F.mse_loss(model(x), y)
        loss.backward()
        optimizer.step()
        return loss

    return step


def make_batch(n=BATCH):
    rng = np.random.default_rng(0)
    return torch.from_numpy(rng.normal(size=(n, 10))), torch.from_numpy(rng.normal(size=n))


def normal_equation(x, y):
    """Weights and bias that minimise the squared error: ``(A'A) w = A'y`` with a column of ones in ``A``."""
    a = np.concatenate([x, np.ones((len(x), 1))], axis=1)
    return np.linalg.solve(a.T @ a, a.T @ y)


def main(argv=None):
    options = parse(
        parser("linear_regression", __doc__, epochs=20, batch_size=None, lr=0.1, brief={"epochs": 10}, files=False),
        argv,
    )
    data, source = diabetes()
    x, y = data["train_inputs"][: options.train_size], data["train_targets"][: options.train_size]
    centre, scale = y.mean(), y.std()

    torch.manual_seed(options.seed)
    model = make_model()
    optimizer = make_optimizer(model, options.lr)
    step = compiled(make_step(model, optimizer), options.mode)
    batch = torch.from_numpy(x), torch.from_numpy((y - centre) / scale)

    run = Run(options, source, model=model, optimizer=optimizer)
    for _ in run.epochs():
        for _ in run.progress(range(STEPS_AN_EPOCH)):
            run.note(loss=step(*batch))

    with torch.no_grad():
        predicted = model(torch.from_numpy(data["test_inputs"])).numpy() * scale + centre
    learnt = torch.cat([model.linear.weight.detach().reshape(-1), model.linear.bias.detach()]).numpy()
    off = np.abs(learnt - normal_equation(x, (y - centre) / scale)).max()
    truth = data["test_targets"]
    pictures.fit(run.path("fit.png"), truth, predicted, "progression of the disease")
    return run.finish(
        r2=1 - ((truth - predicted) ** 2).sum() / ((truth - truth.mean()) ** 2).sum(),
        rmse=np.sqrt(((truth - predicted) ** 2).mean()),
        difference_from_closed_form=off,
    )


if __name__ == "__main__":
    sys.exit(guarded(main, "linear_regression"))
