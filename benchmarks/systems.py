"""The training steps of the seven systems and of two larger models, written once for both libraries.

Each function takes the library, ``fxtorch`` or ``torch``, and returns a :class:`Case`.  The models are those of the
systems in ``experiments/``, without their data: every step sees the same random batch.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

Library = Any  # the module fxtorch or the module torch


@dataclass
class Case:
    """Something to time.

    Attributes:
        call: runs it once.
        args: what ``call`` is given each time.
        state: what must be finished before the clock stops, beside the result of ``call``.
        steps: how many training steps a call is.
    """

    call: Callable[..., Any]
    args: tuple[Any, ...] = ()
    state: list[Any] = field(default_factory=list)
    steps: int = 1


def supervised(torch: Library, model: Any, loss: Callable[..., Any], x: Any, y: Any, lr: float = 1e-3) -> Case:
    """The usual step, with Adam."""
    opt = torch.optim.Adam(model.parameters(), lr=lr)

    def step(x: Any, y: Any) -> Any:
        opt.zero_grad()
        value = loss(model(x), y)
        value.backward()
        opt.step()
        return value

    return Case(step, (x, y), list(model.parameters()))


def linear_regression(torch: Library, batch: int) -> Case:
    """10 features, one target."""
    model = torch.nn.Linear(10, 1)
    return supervised(torch, model, torch.nn.functional.mse_loss, torch.randn(batch, 10), torch.randn(batch, 1))


def logistic_regression(torch: Library, batch: int) -> Case:
    """30 features, two classes."""
    model, loss = torch.nn.Linear(30, 1), torch.nn.functional.binary_cross_entropy_with_logits
    return supervised(torch, model, loss, torch.randn(batch, 30), (torch.rand(batch, 1) > 0.5).float())


def perceptron(torch: Library, batch: int, *widths: int) -> Case:
    """Linear layers with ReLU between them."""
    nn, layers = torch.nn, []
    for wide, narrow in itertools.pairwise(widths):
        layers += [nn.Linear(wide, narrow), nn.ReLU()]
    x, y = torch.randn(batch, widths[0]), torch.randint(0, widths[-1], (batch,))
    return supervised(torch, nn.Sequential(*layers[:-1]), nn.functional.cross_entropy, x, y)


def small_mlp(torch: Library, batch: int) -> Case:
    """64-64-10: bound by dispatch."""
    return perceptron(torch, batch, 64, 64, 10)


def mlp(torch: Library, batch: int) -> Case:
    """784-512-256-10: bound by its matrix products."""
    return perceptron(torch, batch, 784, 512, 256, 10)


def cnn(torch: Library, batch: int) -> Case:
    """Three blocks of convolution, batch norm, ReLU and pooling on 32x32 pictures."""
    nn, layers = torch.nn, []
    for wide, narrow in ((3, 32), (32, 64), (64, 128)):
        layers += [nn.Conv2d(wide, narrow, 3, padding=1), nn.BatchNorm2d(narrow), nn.ReLU(), nn.MaxPool2d(2)]
    model = nn.Sequential(*layers, nn.Flatten(), nn.Linear(128 * 4 * 4, 10))
    x, y = torch.randn(batch, 3, 32, 32), torch.randint(0, 10, (batch,))
    return supervised(torch, model, nn.functional.cross_entropy, x, y)


def lstm(torch: Library, batch: int, length: int = 200) -> Case:
    """A sequence of word indexes, its last hidden state, two classes."""
    nn = torch.nn

    class Classifier(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.embedding = nn.Embedding(20_000, 100)
            self.lstm = nn.LSTM(100, 128, batch_first=True)
            self.head = nn.Linear(128, 2)

        def forward(self, words: Any) -> Any:
            _, (hidden, _) = self.lstm(self.embedding(words))
            return self.head(hidden[-1])

    x, y = torch.randint(0, 20_000, (batch, length)), torch.randint(0, 2, (batch,))
    return supervised(torch, Classifier(), nn.functional.cross_entropy, x, y)


def dcgan(torch: Library, batch: int) -> Case:
    """One discriminator and one generator update on 28x28 pictures."""
    nn = torch.nn
    generator = nn.Sequential(
        nn.ConvTranspose2d(100, 128, 7, bias=False),
        nn.BatchNorm2d(128),
        nn.ReLU(),
        nn.ConvTranspose2d(128, 64, 4, stride=2, padding=1, bias=False),
        nn.BatchNorm2d(64),
        nn.ReLU(),
        nn.ConvTranspose2d(64, 1, 4, stride=2, padding=1),
        nn.Tanh(),
    )
    critic = nn.Sequential(
        nn.Conv2d(1, 64, 4, stride=2, padding=1),
        nn.LeakyReLU(0.2),
        nn.Conv2d(64, 128, 4, stride=2, padding=1, bias=False),
        nn.BatchNorm2d(128),
        nn.LeakyReLU(0.2),
        nn.Conv2d(128, 1, 7),
        nn.Flatten(),
    )
    loss = nn.functional.binary_cross_entropy_with_logits
    opt_g = torch.optim.Adam(generator.parameters(), lr=2e-4, betas=(0.5, 0.999))
    opt_c = torch.optim.Adam(critic.parameters(), lr=2e-4, betas=(0.5, 0.999))
    yes, no = torch.ones(batch, 1), torch.zeros(batch, 1)

    def step(real: Any) -> Any:
        fake = generator(torch.randn(batch, 100, 1, 1))
        opt_c.zero_grad()
        loss_c = loss(critic(real), yes) + loss(critic(fake.detach()), no)
        loss_c.backward()
        opt_c.step()
        opt_g.zero_grad()
        loss_g = loss(critic(fake), yes)
        loss_g.backward()
        opt_g.step()
        return loss_c + loss_g

    return Case(step, (torch.randn(batch, 1, 28, 28),), [*generator.parameters(), *critic.parameters()])


def recommender(torch: Library, batch: int) -> Case:
    """Two embeddings and a perceptron over them, as for MovieLens-100K."""
    nn = torch.nn

    class Recommender(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.users, self.films = nn.Embedding(943, 32), nn.Embedding(1682, 32)
            self.head = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 1))

        def forward(self, pairs: Any) -> Any:
            pair = torch.cat([self.users(pairs[:, 0]), self.films(pairs[:, 1])], dim=1)
            return self.head(pair).squeeze(1)

    x = torch.stack([torch.randint(0, 943, (batch,)), torch.randint(0, 1682, (batch,))], dim=1)
    return supervised(torch, Recommender(), nn.functional.mse_loss, x, torch.rand(batch) * 4 + 1)


def transformer(torch: Library, batch: int, width: int = 256, depth: int = 4, length: int = 128) -> Case:
    """Encoder blocks with 8 heads, a hidden layer of four widths and dropout; the mean over positions, ten classes."""
    nn = torch.nn

    class Classifier(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            block = nn.TransformerEncoderLayer(width, 8, 4 * width, dropout=0.1, batch_first=True)
            self.encoder = nn.TransformerEncoder(block, depth, enable_nested_tensor=False)
            self.head = nn.Linear(width, 10)

        def forward(self, x: Any) -> Any:
            return self.head(self.encoder(x).mean(1))

    x, y = torch.randn(batch, length, width), torch.randint(0, 10, (batch,))
    return supervised(torch, Classifier(), nn.functional.cross_entropy, x, y)


def resnet18(torch: Library, batch: int) -> Case:
    """ResNet-18 as for CIFAR-10: a 3x3 stem, and four stages of 64 to 512 channels on 32x32 pictures."""
    nn = torch.nn

    class Block(nn.Module):
        def __init__(self, wide: int, narrow: int, stride: int) -> None:
            super().__init__()
            self.body = nn.Sequential(
                nn.Conv2d(wide, narrow, 3, stride, 1, bias=False),
                nn.BatchNorm2d(narrow),
                nn.ReLU(),
                nn.Conv2d(narrow, narrow, 3, 1, 1, bias=False),
                nn.BatchNorm2d(narrow),
            )
            across = nn.Sequential(nn.Conv2d(wide, narrow, 1, stride, bias=False), nn.BatchNorm2d(narrow))
            self.short = nn.Identity() if wide == narrow and stride == 1 else across

        def forward(self, x: Any) -> Any:
            return nn.functional.relu(self.body(x) + self.short(x))

    layers: list[Any] = [nn.Conv2d(3, 64, 3, padding=1, bias=False), nn.BatchNorm2d(64), nn.ReLU()]
    wide = 64
    for narrow, stride in ((64, 1), (128, 2), (256, 2), (512, 2)):
        layers += [Block(wide, narrow, stride), Block(narrow, narrow, 1)]
        wide = narrow
    model = nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(512, 10))
    x, y = torch.randn(batch, 3, 32, 32), torch.randint(0, 10, (batch,))
    return supervised(torch, model, nn.functional.cross_entropy, x, y)


# Name, function, the usual batch, and a small one.
SYSTEMS: dict[str, tuple[Callable[..., Case], int, int]] = {
    "linear regression": (linear_regression, 64, 8),
    "logistic regression": (logistic_regression, 64, 8),
    "small MLP": (small_mlp, 32, 4),
    "MLP": (mlp, 128, 16),
    "CNN": (cnn, 128, 16),
    "LSTM": (lstm, 64, 8),
    "DCGAN": (dcgan, 64, 8),
    "recommender": (recommender, 1024, 64),
    "transformer": (transformer, 16, 2),
    "ResNet-18": (resnet18, 16, 2),
}
