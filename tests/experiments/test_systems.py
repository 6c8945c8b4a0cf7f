"""Each of the seven systems: a few steps, the same eagerly and compiled; and what it learns where that is known."""

from __future__ import annotations

import os

import numpy as np
import pytest

import fxtorch as torch
from experiments import cnn_cifar10, lstm_imdb, recommender_movielens
from experiments.running.run import compiled
from experiments.running.system import NAMES, system

LONG = int(os.environ.get("FXTORCH_STEPS", "0"))


def steps(name: str, mode: str, count: int = 3) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    its = system(name)
    torch.manual_seed(0)
    model = its.make_model()
    step = compiled(its.make_step(model, its.make_optimizer(model)), mode)
    losses = np.stack([step(*its.make_batch(8)).detach().numpy() for _ in range(count)])
    return losses, {key: value.numpy() for key, value in model.state_dict().items()}


@pytest.mark.parametrize("name", NAMES)
def test_a_few_steps_are_the_same_eagerly_and_compiled(name):
    (eager, eager_state), (jit, jit_state) = steps(name, "eager"), steps(name, "jit")
    np.testing.assert_allclose(jit, eager, rtol=1e-7 if eager.dtype == np.float64 else 1e-4)
    assert jit_state.keys() == eager_state.keys()
    for key, value in jit_state.items():
        assert value.dtype == eager_state[key].dtype
        np.testing.assert_allclose(value, eager_state[key], rtol=1e-3, atol=2e-4, err_msg=key)


def long_run(name: str, mode: str) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """As :func:`steps`, in double precision, in which two orders of summation stay together for long."""
    its = system(name)
    torch.manual_seed(0)
    model = its.make_model().double()
    step = compiled(its.make_step(model, its.make_optimizer(model)), mode)
    batch = [x.double() if x.is_floating_point() else x for x in its.make_batch(4)]
    losses = np.stack([step(*batch).detach().numpy() for _ in range(LONG)])
    return losses, {key: value.numpy() for key, value in model.state_dict().items()}


@pytest.mark.skipif(not LONG, reason="make nightly sets FXTORCH_STEPS=50")
@pytest.mark.parametrize("name", NAMES)
def test_fifty_steps_are_the_same_eagerly_and_compiled(name):
    torch.set_default_dtype(torch.float64)
    try:
        (eager, eager_state), (jit, jit_state) = long_run(name, "eager"), long_run(name, "jit")
    finally:
        torch.set_default_dtype(torch.float32)
    np.testing.assert_allclose(jit, eager, rtol=1e-7, atol=1e-7)
    for key, value in eager_state.items():
        np.testing.assert_allclose(jit_state[key], value, rtol=1e-6, atol=1e-7, err_msg=key)


@pytest.mark.parametrize("name", NAMES)
def test_steps_lower_the_loss_on_a_batch_seen_again(name):
    if name == "dcgan_mnist":
        pytest.skip("two players: neither loss need fall")
    losses, _ = steps(name, "jit", 12)
    assert losses[-1] < losses[0]


@pytest.mark.parametrize("name", ["linear_regression", "logistic_regression"])
@pytest.mark.parametrize("mode", ["eager", "jit"])
def test_a_regression_reaches_the_closed_form(name, mode, tmp_path):
    metrics = system(name).main(["--mode", mode, "--epochs", "10", "--out", str(tmp_path)])
    assert metrics["difference_from_closed_form"] < 1e-4


def test_reviews_are_cut_at_the_front_and_padded_at_the_front():
    ids, starts = np.arange(2, 9, dtype=np.int32), np.array([0, 2, 7])
    padded = lstm_imdb.padded(ids, starts, 3, 8)
    assert padded.tolist() == [[0, 2, 3], [6, 7, 1]]


def test_augmentation_mirrors_and_shifts_and_nothing_else():
    images = np.random.default_rng(0).integers(1, 256, (64, 3, 32, 32), np.uint8)
    augmented = cnn_cifar10.Augmented(seed=0, reach=0)
    moved, _ = augmented(images, np.zeros(64, np.uint8))
    plain, _ = cnn_cifar10.normalised(images, np.zeros(64, np.uint8))
    same = [np.array_equal(a, b) for a, b in zip(moved, plain, strict=True)]
    mirrored = [np.array_equal(a, b[:, :, ::-1]) for a, b in zip(moved, plain, strict=True)]
    assert all(np.logical_xor(same, mirrored))
    assert 10 < sum(same) < 54


def test_augmentation_depends_on_seed_and_epoch_alone():
    images, labels = np.random.default_rng(0).integers(0, 256, (8, 3, 32, 32), np.uint8), np.zeros(8, np.uint8)
    one, other = cnn_cifar10.Augmented(seed=1), cnn_cifar10.Augmented(seed=1)
    one(images, labels)
    one.start(5)
    other.start(5)
    np.testing.assert_array_equal(one(images, labels)[0], other(images, labels)[0])


def test_the_neural_recommender_adds_to_the_factorisation():
    torch.manual_seed(0)
    model = recommender_movielens.make_model("neural", 5, 7)
    with torch.no_grad():
        for layer in model.perceptron.modules():
            if isinstance(layer, torch.nn.Linear):
                layer.weight.zero_()
                layer.bias.zero_()
        user, film = torch.tensor([0, 4]), torch.tensor([6, 1])
        np.testing.assert_array_equal(model(user, film)[0].numpy(), model.factorisation(user, film)[0].numpy())
