"""A DCGAN that draws MNIST digits, and a classifier, trained apart from it, that says how well.

The generator and the discriminator take turns (Radford, Metz and Chintala, 2016).  Pictures are drawn with the
running average of the generator's weights, which is steadier than the weights of any one step.  The judge is a small
convolutional network that has seen real digits only: a drawing counts as good as the judge is sure which digit it is.
"""

from __future__ import annotations

import sys

import numpy as np

import fxtorch as torch
import fxtorch.nn.functional as F
from experiments.data import MNIST
from experiments.running import pictures
from experiments.running.batches import ArrayDataset, in_order, shuffled
from experiments.running.errors import guarded
from experiments.running.options import parse, parser
from experiments.running.run import Run, compiled
from fxtorch import nn
from fxtorch.optim.lr_scheduler import LambdaLR

BATCH = 64
NOISE = 64


class Generator(nn.Module):
    """Noise to 7x7, 14x14, 28x28 by transposed convolutions."""

    def __init__(self, noise: int = NOISE, width: int = 24) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.ConvTranspose2d(noise, 4 * width, 7, bias=False),
            nn.BatchNorm2d(4 * width),
            nn.ReLU(),
            nn.ConvTranspose2d(4 * width, 2 * width, 4, stride=2, padding=1, bias=False),
            nn.BatchNorm2d(2 * width),
            nn.ReLU(),
            nn.ConvTranspose2d(2 * width, 1, 4, stride=2, padding=1),
            nn.Tanh(),
        )

    def forward(self, noise):
        return self.layers(noise[:, :, None, None])


class Discriminator(nn.Module):
    """28x28 to 14x14, 7x7, 3x3 and one number, by convolutions of stride two; its sigmoid is P(real)."""

    def __init__(self, width: int = 32) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(1, width, 4, stride=2, padding=1),
            nn.LeakyReLU(0.2),
            nn.Conv2d(width, 2 * width, 4, stride=2, padding=1, bias=False),
            nn.BatchNorm2d(2 * width),
            nn.LeakyReLU(0.2),
            nn.Conv2d(2 * width, 4 * width, 4, stride=2, padding=1, bias=False),
            nn.BatchNorm2d(4 * width),
            nn.LeakyReLU(0.2),
            nn.Flatten(),
            nn.Linear(4 * width * 3 * 3, 1),
        )

    def forward(self, images):
        return self.layers(images).squeeze(-1)


class DCGAN(nn.Module):
    """Both players, and the averaged generator that draws the pictures to look at."""

    def __init__(self) -> None:
        super().__init__()
        self.generator, self.discriminator, self.average = Generator(), Discriminator(), Generator()
        for part in (self.generator, self.discriminator):
            for weight in part.parameters():
                if weight.dim() > 1:
                    nn.init.normal_(weight, std=0.02)
        self.average.load_state_dict(self.generator.state_dict())
        self.average.requires_grad_(False)


class Judge(nn.Module):
    """Two convolutions and two layers; reads 99 of 100 real digits rightly."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(1, 16, 5, stride=2, padding=2),
            nn.ReLU(),
            nn.Conv2d(16, 32, 5, stride=2, padding=2),
            nn.ReLU(),
            nn.Flatten(),
            nn.Dropout(0.3),
            nn.Linear(32 * 7 * 7, 128),
            nn.ReLU(),
            nn.Linear(128, 10),
        )

    def forward(self, images):
        return self.layers(images)


def make_model():
    return DCGAN()


def make_optimizer(model, lr=2e-4):
    players = model.discriminator, model.generator
    return tuple(torch.optim.Adam(player.parameters(), lr=lr, betas=(0.5, 0.999)) for player in players)


def make_step(model, optimizer, decay=0.998):
    of_discriminator, of_generator = optimizer
    generator, discriminator = model.generator, model.discriminator

    def step(real):
        fake = generator(torch.randn(len(real), NOISE))

        of_discriminator.zero_grad()
        on_real, on_fake = discriminator(real), discriminator(fake.detach())
        found_out = F.binary_cross_entropy_with_logits(on_real, torch.full_like(on_real, 0.9))
        found_out = found_out + F.binary_cross_entropy_with_logits(on_fake, torch.zeros_like(on_fake))
        found_out.backward()
        of_discriminator.step()

        of_generator.zero_grad()
        on_fake = discriminator(fake)
        deceived = F.binary_cross_entropy_with_logits(on_fake, torch.ones_like(on_fake))
        deceived.backward()
        of_generator.step()

        with torch.no_grad():
            for slow, quick in zip(model.average.parameters(), generator.parameters(), strict=True):
                slow.lerp_(quick, 1 - decay)
            for slow, quick in zip(model.average.buffers(), generator.buffers(), strict=True):
                slow.copy_(quick)
        return torch.stack([found_out.detach(), deceived.detach()])

    return step


def make_batch(n=BATCH):
    rng = np.random.default_rng(0)
    return (torch.from_numpy(rng.uniform(-1, 1, (n, 1, 28, 28)).astype(np.float32)),)


def normalised(images, *labels):
    """Pixels from -1 to 1, as the generator draws them."""
    return (images[:, None].astype(np.float32) / 127.5 - 1, *(part.astype(np.int64) for part in labels))


def train_judge(train, test, options, epochs=8):
    """A classifier of real digits, ready to read; and the share of the test digits that it reads rightly."""
    judge = Judge()
    optimizer = torch.optim.Adam(judge.parameters(), lr=1e-3)

    def learn(images, labels):
        optimizer.zero_grad()
        loss = F.cross_entropy(judge(images), labels)
        loss.backward()
        optimizer.step()
        return loss

    learn = compiled(learn, options.mode)
    for epoch in range(epochs):
        for images, labels in shuffled(train, 128, options.seed, epoch):
            learn(images, labels)
    judge.eval()
    read = compiled(judge, options.mode)
    with torch.no_grad():
        right = [(read(images).argmax(1) == labels).numpy() for images, labels in in_order(test, 500)]
    return read, float(np.concatenate(right).mean())


def main(argv=None):
    options = parse(
        parser("dcgan_mnist", __doc__, epochs=8, batch_size=BATCH, lr=2e-4, brief={"epochs": 4, "train_size": 2000}),
        argv,
    )
    data, source = MNIST.find(options.data_dir, options.embedded)
    size = options.train_size
    digits = ArrayDataset(data["train_images"][:size], transform=normalised)
    labelled = ArrayDataset(data["train_images"][:size], data["train_labels"][:size], transform=normalised)
    test = ArrayDataset(data["test_images"], data["test_labels"], transform=normalised)

    torch.manual_seed(options.seed)
    read, skill = train_judge(labelled, test, options)
    noise = torch.randn(1000, NOISE)
    model = make_model()
    optimizer = make_optimizer(model, options.lr)
    slower = [LambdaLR(player, lambda epoch: min(1.0, 2 - 2 * epoch / options.epochs)) for player in optimizer]
    step = compiled(make_step(model, optimizer), options.mode)
    draw = compiled(model.average, options.mode)

    def drawn_and_judged():
        model.average.eval()
        with torch.no_grad():
            images = torch.cat([draw(part) for part in noise.split(250)])
            probability = torch.cat([F.softmax(read(part), dim=1) for part in images.split(250)]).numpy()
        return images.numpy()[:, 0], probability.argmax(1), probability.max(1)

    players = {"discriminator": optimizer[0], "generator": optimizer[1]}
    run = Run(options, source, model=model, **players, slower_discriminator=slower[0], slower_generator=slower[1])
    for epoch in run.epochs():
        for (real,) in run.progress(shuffled(digits, options.batch_size, options.seed, epoch)):
            found_out, deceived = step(real)
            run.note(discriminator=found_out, generator=deceived)
        for scheduler in slower:
            scheduler.step()
        images, _, sure = drawn_and_judged()
        pictures.grid(run.path(f"samples_{epoch + 1:02d}.png"), images[:64])
        run.record(confidence=sure.mean())

    images, taken_for, sure = drawn_and_judged()
    captions = [f"{digit}: {100 * s:.0f} %" for digit, s in zip(taken_for[:64], sure[:64], strict=True)]
    pictures.grid(run.path("samples.png"), images[:64], captions)
    of_each = [sure[taken_for == digit].mean() if (taken_for == digit).any() else 0.0 for digit in range(10)]
    return run.finish(
        confidence=sure.mean(),
        least_confidence_of_a_class=min(of_each),
        classes=len(set(taken_for.tolist())),
        accuracy_of_the_judge=skill,
    )


if __name__ == "__main__":
    sys.exit(guarded(main, "dcgan_mnist"))
