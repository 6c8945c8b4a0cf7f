"""Writes the notebooks beside this file: ``python -m notebooks.write``.

Each is a question and a few cells that answer it with one of the seven systems.  They are kept here as text, so that
a change can be read, and written without outputs.  Sizes are small: a notebook runs in a minute.
"""

from __future__ import annotations

import json
from pathlib import Path

FOLDER = Path(__file__).parent

NOTEBOOKS = {
    "does_gradient_descent_find_the_normal_equation": [
        """# Does gradient descent find what the normal equation gives?

Linear regression on the diabetes data, in float64, with and without momentum.""",
        """import matplotlib.pyplot as plt
import numpy as np

import fxtorch as torch
from experiments import linear_regression as system
from experiments.data import diabetes

data, _ = diabetes()
x, y = data["train_inputs"], data["train_targets"]
y = (y - y.mean()) / y.std()
best = system.normal_equation(x, y)""",
        """The step is compiled once for each optimizer: `fxtorch.jit` finds the model and the momentum by itself.""",
        """def distances(momentum, steps=400):
    torch.manual_seed(0)
    model = system.make_model()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=momentum, nesterov=momentum > 0)
    step = torch.jit(system.make_step(model, optimizer))
    result = []
    for _ in range(steps):
        step(torch.from_numpy(x), torch.from_numpy(y))
        learnt = np.append(model.linear.weight.detach().numpy(), model.linear.bias.detach().numpy())
        result.append(np.abs(learnt - best).max())
    return result


for momentum in (0.0, 0.5, 0.9):
    plt.semilogy(distances(momentum), label=f"momentum {momentum}")
plt.xlabel("steps")
plt.ylabel("largest difference of a weight")
plt.legend();""",
    ],
    "which_measurements_speak_for_a_benign_tumour": [
        """# Which measurements speak for a benign tumour?

Logistic regression on the breast-cancer data; with standardised measurements the weights can be compared.""",
        """import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_breast_cancer

import fxtorch as torch
from experiments import logistic_regression as system
from experiments.data import breast_cancer

data, _ = breast_cancer()
names = load_breast_cancer().feature_names[[1, 3, 4, 5, 6, 7, 8, 9]]""",
        """torch.manual_seed(0)
model = system.make_model()
step = torch.jit(system.make_step(model, system.make_optimizer(model)))
batch = torch.from_numpy(data["train_inputs"]), torch.from_numpy(data["train_targets"].astype(np.float64))
for _ in range(500):
    loss = step(*batch)
weights = model.linear.weight.detach().numpy()[0]
order = np.argsort(weights)
plt.barh(names[order], weights[order])
plt.xlabel("weight: the log odds of benign change so much with one standard deviation");""",
    ],
    "what_does_a_perceptron_see_in_a_digit": [
        """# What does a perceptron see in a digit?

The gradient of the winning logit with respect to the pixels: which of them would change its mind.""",
        """import matplotlib.pyplot as plt

import fxtorch as torch
from experiments import mlp_mnist as system
from experiments.data import MNIST
from experiments.running.batches import ArrayDataset, shuffled

data, source = MNIST.find()
print(source)
train = ArrayDataset(data["train_images"][:6000], data["train_labels"][:6000], transform=system.normalised)""",
        """torch.manual_seed(0)
model = system.make_model()
step = torch.jit(system.make_step(model, system.make_optimizer(model)))
for epoch in range(3):
    for images, labels in shuffled(train, 128, seed=0, epoch=epoch):
        loss = step(images, labels)
print(f"loss {loss.item():.3f}")""",
        """model.eval()
pixels, labels = system.normalised(data["test_images"][:6], data["test_labels"][:6])
images = torch.from_numpy(pixels).requires_grad_()
model(images).amax(dim=1).sum().backward()
figure, axes = plt.subplots(2, 6, figsize=(12, 4))
for i in range(6):
    axes[0, i].imshow(pixels[i], cmap="gray")
    axes[0, i].set_title(f"a {labels[i]}")
    axes[1, i].imshow(images.grad[i].numpy(), cmap="coolwarm")
for each in axes.flat:
    each.axis("off")""",
    ],
    "what_does_the_first_convolution_look_for": [
        """# What does the first convolution look for?

Its filters after a short training, and what they answer to one picture, caught by a forward hook.""",
        """import matplotlib.pyplot as plt

import fxtorch as torch
from experiments import cnn_cifar10 as system
from experiments.data import CIFAR10
from experiments.running.batches import ArrayDataset, shuffled

data, source = CIFAR10.find()
print(source)
train = ArrayDataset(data["train_images"][:1280], data["train_labels"][:1280], transform=system.Augmented(seed=0))""",
        """torch.manual_seed(0)
model = system.make_model()
step = torch.jit(system.make_step(model, system.make_optimizer(model, lr=0.05)))
for images, labels in shuffled(train, 128, seed=0, epoch=0):
    loss = step(images, labels)
print(f"loss {loss.item():.3f}")""",
        """seen = {}
model.features[0].register_forward_hook(lambda module, inputs, output: seen.update(maps=output))
model.eval()
picture, _ = system.normalised(data["test_images"][:1], data["test_labels"][:1])
with torch.no_grad():
    model(torch.from_numpy(picture))
filters = model.features[0][0].weight.detach().numpy().transpose(0, 2, 3, 1)
figure, axes = plt.subplots(2, 8, figsize=(12, 3.5))
for i in range(8):
    low, high = filters[i].min(), filters[i].max()
    axes[0, i].imshow((filters[i] - low) / (high - low))
    axes[1, i].imshow(seen["maps"][0, i].numpy(), cmap="gray")
for each in axes.flat:
    each.axis("off")""",
    ],
    "which_words_move_a_review": [
        """# Which words move a review?

An LSTM after a short training; each word in turn is made unknown, and the change of the logit is its say.""",
        """import matplotlib.pyplot as plt
import numpy as np

import fxtorch as torch
from experiments import lstm_imdb as system
from experiments.data import IMDB
from experiments.data.imdb import UNKNOWN
from experiments.running.batches import ArrayDataset, shuffled

data, source = IMDB.find()
print(source)
vocabulary = ["", "?", *bytes(data["vocabulary"]).decode().split("\\n")]
pick = np.random.default_rng(0).permutation(len(data["train_labels"]))[:1500]
reviews = system.padded(data["train_ids"], data["train_starts"], 50, system.WORDS)[pick]
train = ArrayDataset(reviews, data["train_labels"][pick].astype(np.float32))""",
        """torch.manual_seed(0)
model = system.make_model()
step = torch.jit(system.make_step(model, system.make_optimizer(model, lr=5e-3)))
for epoch in range(4):
    for words, labels in shuffled(train, 50, seed=0, epoch=epoch):
        loss = step(words, labels)
print(f"loss {loss.item():.3f}")""",
        """model.eval()
review = system.padded(data["test_ids"], data["test_starts"], 50, system.WORDS)[:1]
altered = np.repeat(review, 50, axis=0)
np.fill_diagonal(altered, UNKNOWN)
with torch.no_grad():
    say = (model(torch.from_numpy(review)) - model(torch.from_numpy(altered))).numpy()
most = np.argsort(-np.abs(say))[:15][::-1]
plt.barh([f"{vocabulary[review[0, i]]} ({i})" for i in most], say[most])
plt.xlabel("what the word adds to the logit of 'favourable'");""",
    ],
    "what_lies_between_two_digits": [
        """# What lies between two digits?

A walk through the noise of a DCGAN.  With `python -m experiments.dcgan_mnist` run before, its checkpoint is used; else
the pictures come from a training too short to be good.""",
        """from pathlib import Path

import matplotlib.pyplot as plt

import fxtorch as torch
from experiments import dcgan_mnist as system
from experiments.data import MNIST
from experiments.running.batches import ArrayDataset, shuffled

torch.manual_seed(0)
model = system.make_model()
kept = Path("runs/dcgan_mnist/checkpoint.pt")
if kept.exists():
    model.load_state_dict(torch.load(kept)["parts"]["model"])
else:
    data, source = MNIST.find()
    print(source)
    step = torch.jit(system.make_step(model, system.make_optimizer(model), decay=0.9))
    for (images,) in shuffled(ArrayDataset(data["train_images"][:2560], transform=system.normalised), 128, 0, 0):
        step(images)""",
        """model.average.eval()
begin, end = torch.randn(4, 1, system.NOISE), torch.randn(4, 1, system.NOISE)
way = torch.linspace(0, 1, 10).reshape(1, 10, 1)
with torch.no_grad():
    images = model.average((begin + way * (end - begin)).reshape(40, system.NOISE)).numpy()
figure, axes = plt.subplots(4, 10, figsize=(10, 4))
for each, image in zip(axes.flat, images, strict=True):
    each.imshow(image[0], cmap="gray")
    each.axis("off")""",
    ],
    "which_films_are_alike": [
        """# Which films are alike?

Matrix factorisation gives each film a vector; films that the same people like point the same way.""",
        """import numpy as np

import fxtorch as torch
from experiments import recommender_movielens as system
from experiments.data import MOVIELENS
from experiments.running.batches import ArrayDataset, shuffled

data, source = MOVIELENS.find()
print(source)
titles = bytes(data["titles"]).decode().split("\\n")
users, films = data["users"].astype(np.int64), data["films"].astype(np.int64)
train = ArrayDataset(users, films, data["ratings"])""",
        """torch.manual_seed(0)
model = system.make_model(users=users.max() + 1, films=films.max() + 1, mean=float(data["ratings"].mean()))
step = torch.jit(system.make_step(model, system.make_optimizer(model)))
for epoch in range(8):
    for batch in shuffled(train, 512, seed=0, epoch=epoch):
        loss = step(*batch)
print(f"loss {loss.item():.3f}")""",
        """vectors = model.films.weight.detach().numpy()
vectors = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
seen = np.bincount(films)
known = np.flatnonzero(seen >= np.sort(seen)[-min(300, len(seen))])
for film in np.argsort(-seen)[:8]:
    alike = known[np.argsort(-(vectors[known] @ vectors[film]))][1:4]
    print(f"{titles[film]:45}", "; ".join(titles[i] for i in alike))""",
    ],
}


def notebook(cells: list[str]) -> dict:
    """The cells as a notebook: those that begin as prose does are text."""
    written = []
    for i, text in enumerate(cells):
        prose = text.startswith(("# ", "The "))
        cell = {"cell_type": "markdown" if prose else "code", "id": f"cell-{i}", "metadata": {}}
        written.append(cell | ({} if prose else {"execution_count": None, "outputs": []}))
        written[-1]["source"] = text.splitlines(keepends=True)
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    return {"cells": written, "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}


def main() -> None:
    """Write every notebook."""
    for name, cells in NOTEBOOKS.items():
        (FOLDER / f"{name}.ipynb").write_text(json.dumps(notebook(cells), indent=1) + "\n")


if __name__ == "__main__":
    main()
