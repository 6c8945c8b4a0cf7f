"""A small residual network on CIFAR-10: batch norm, flips and shifts, Nesterov's momentum on a one-cycle schedule.

It is cut to a processor's measure: the first convolution halves the picture, and a picture takes 24 million
multiplications.
"""

from __future__ import annotations

import sys

import numpy as np

import fxtorch as torch
import fxtorch.nn.functional as F
from experiments.data import CIFAR10
from experiments.data.cifar10 import CLASSES
from experiments.running import pictures
from experiments.running.batches import ArrayDataset, in_order, shuffled
from experiments.running.errors import guarded
from experiments.running.options import parse, parser
from experiments.running.run import Run, compiled
from fxtorch import nn

BATCH = 128
MEAN = np.array([0.4914, 0.4822, 0.4465], np.float32).reshape(3, 1, 1) * 255
DEVIATION = np.array([0.2470, 0.2435, 0.2616], np.float32).reshape(3, 1, 1) * 255


class Residual(nn.Module):
    """``x + f(x)``."""

    def __init__(self, f: nn.Module) -> None:
        super().__init__()
        self.f = f

    def forward(self, x):
        return x + self.f(x)


def convolution(narrow, wide, kernel=3, stride=1):
    """Convolution, batch norm, ReLU."""
    return nn.Sequential(
        nn.Conv2d(narrow, wide, kernel, stride=stride, padding=1, bias=False), nn.BatchNorm2d(wide), nn.ReLU()
    )


class CNN(nn.Module):
    """Three stages of 16x16, 8x8 and 4x4 positions, the latter two with a residual block, then a mean and a layer."""

    def __init__(self, width: int = 48) -> None:
        super().__init__()
        self.features = nn.Sequential(
            convolution(3, width, kernel=4, stride=2),
            convolution(width, width),
            convolution(width, 2 * width, stride=2),
            Residual(convolution(2 * width, 2 * width)),
            convolution(2 * width, 4 * width, stride=2),
            Residual(convolution(4 * width, 4 * width)),
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
        )
        self.head = nn.Linear(4 * width, 10)

    def forward(self, images):
        return self.head(self.features(images))


def make_model():
    return CNN()


def make_optimizer(model, lr=0.2):
    return torch.optim.SGD(model.parameters(), lr=lr, momentum=0.9, nesterov=True, weight_decay=5e-4)


def make_step(model, optimizer):
    def step(images, labels):
        optimizer.zero_grad()
        loss = F.cross_entropy(model(images), labels, label_smoothing=0.1)
        loss.backward()
        optimizer.step()
        return loss

    return step


def make_batch(n=BATCH):
    rng = np.random.default_rng(0)
    return torch.from_numpy(rng.standard_normal((n, 3, 32, 32), np.float32)), torch.from_numpy(rng.integers(0, 10, n))


def normalised(images, labels):
    """Pixels with mean 0 and deviation 1 over CIFAR-10, a colour at a time."""
    return (images.astype(np.float32) - MEAN) / DEVIATION, labels.astype(np.int64)


class Augmented:
    """Mirrors half of the pictures and shifts each by up to ``reach`` pixels, in one indexing operation a batch.

    What is drawn depends on the seed and the epoch alone, so that a resumed run sees what it would have seen.
    """

    def __init__(self, seed: int, reach: int = 3) -> None:
        self.seed, self.reach = seed, reach
        self.start(0)

    def start(self, epoch: int) -> None:
        self.random = np.random.default_rng([self.seed, epoch])

    def __call__(self, images, labels):
        n, _, side, _ = images.shape
        padded = np.pad(images, ((0, 0), (0, 0), (self.reach, self.reach), (self.reach, self.reach)))
        top, left = self.random.integers(0, 2 * self.reach + 1, (2, n, 1))
        rows, columns = top + np.arange(side), left + np.arange(side)
        columns = np.where(self.random.random((n, 1)) < 0.5, columns, columns[:, ::-1])
        which = np.arange(n)[:, None, None]
        moved = padded[which, :, rows[:, :, None], columns[:, None, :]]
        return normalised(np.ascontiguousarray(moved.transpose(0, 3, 1, 2)), labels)


def main(argv=None):
    options = parse(
        parser(
            "cnn_cifar10",
            __doc__,
            epochs=8,
            batch_size=BATCH,
            lr=0.2,
            brief={"epochs": 4, "train_size": 2000, "lr": 0.03},
        ),
        argv,
    )
    data, source = CIFAR10.find(options.data_dir, options.embedded)
    pick = np.random.default_rng(0).permutation(len(data["train_images"]))[: options.train_size]
    augmented = Augmented(options.seed)
    train = ArrayDataset(data["train_images"][pick], data["train_labels"][pick], transform=augmented)
    test = ArrayDataset(data["test_images"], data["test_labels"], transform=normalised)
    truth = data["test_labels"]

    torch.manual_seed(options.seed)
    model = make_model()
    optimizer = make_optimizer(model, options.lr)
    steps = options.epochs * len(shuffled(train, options.batch_size, options.seed, 0))
    scheduler = torch.optim.lr_scheduler.OneCycleLR(optimizer, options.lr, total_steps=steps, cycle_momentum=False)
    step = compiled(make_step(model, optimizer), options.mode)
    forward = compiled(model, options.mode)

    def predictions():
        model.eval()
        with torch.no_grad():
            logits = np.concatenate([forward(images).numpy() for images, _ in in_order(test, 500)])
        model.train()
        return logits.argmax(1)

    run = Run(options, source, model=model, optimizer=optimizer, scheduler=scheduler)
    for epoch in run.epochs():
        augmented.start(epoch)
        for images, labels in run.progress(shuffled(train, options.batch_size, options.seed, epoch)):
            run.note(loss=step(images, labels))
            scheduler.step()
        run.record(accuracy=(predictions() == truth).mean())

    said = predictions()
    wrong = np.flatnonzero(said != truth)[:40]
    captions = [f"{CLASSES[truth[i]]}:\n{CLASSES[said[i]]}?" for i in wrong]
    pictures.grid(run.path("mistakes.png"), data["test_images"][wrong].transpose(0, 2, 3, 1), captions)
    filters = model.features[0][0].weight.detach().numpy()
    pictures.grid(run.path("filters.png"), filters.transpose(0, 2, 3, 1))
    return run.finish(accuracy=(said == truth).mean())


if __name__ == "__main__":
    sys.exit(guarded(main, "cnn_cifar10"))
