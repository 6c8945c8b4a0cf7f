"""Twenty training steps of every system, on fxtorch and on PyTorch, from the same weights and the same batches.

The scripts in ``experiments/`` use nothing but PyTorch's API, so their text is run a second time with PyTorch in
fxtorch's place.  Dropout is off, and everything is float32.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

import fxtorch
from experiments.running.system import NAMES, system

torch = pytest.importorskip("torch", reason="compares with PyTorch")

STEPS = 20
ROWS = {"cnn_cifar10": 8, "lstm_imdb": 4, "dcgan_mnist": 8}
OPTIMIZERS: dict[str, dict[str, Any]] = {"SGD": {"lr": 0.01, "momentum": 0.9}, "Adam": {"lr": 1e-3}}
# Adam's first steps are little more than the gradient's sign, which rounding decides where it is near zero: on the
# CNN at 1e-3, PyTorch's own float32 strays 8e-4 from its float64.
CALMER = {"cnn_cifar10", "dcgan_mnist"}


def on_pytorch(name: str) -> ModuleType:
    """The script of a system, written for PyTorch by replacing one word."""
    path = Path(__file__).parents[2] / "experiments" / f"{name}.py"
    module = ModuleType(f"{name}_on_pytorch")
    source = path.read_text().replace("fxtorch as torch", "torch").replace("fxtorch", "torch")
    exec(compile(source, str(path), "exec"), module.__dict__)
    return module


def parts(models: Any) -> list[Any]:
    """A script's models: it has one, or several in a tuple, list or dict."""
    if isinstance(models, dict):
        return list(models.values())
    return list(models) if isinstance(models, tuple | list) else [models]


def optimizers(library: Any, kind: str, calm: bool, own: Any) -> Any:
    """``kind`` in the place of each of the script's own optimizers, over the same parameters."""
    if isinstance(own, tuple | list):
        return type(own)(optimizers(library, kind, calm, one) for one in own)
    if isinstance(own, dict):
        return {key: optimizers(library, kind, calm, one) for key, one in own.items()}
    options = OPTIMIZERS[kind] | ({"lr": 1e-4} if calm and kind == "Adam" else {})
    return getattr(library.optim, kind)(own.param_groups[0]["params"], **options)


def prepared(library: Any, script: Any, kind: str, calm: bool) -> tuple[list[Any], Callable[..., Any]]:
    """The models without dropout, in float32, and their training step."""
    models = script.make_model()
    for model in parts(models):
        model.float()
        for module in model.modules():
            if isinstance(module, library.nn.Dropout):
                module.p = 0.0
    return parts(models), script.make_step(models, optimizers(library, kind, calm, script.make_optimizer(models)))


def batches(library: Any, script: Any, rows: int) -> list[tuple[Any, ...]]:
    """``STEPS`` different batches."""
    whole = [part.numpy() for part in script.make_batch(rows * STEPS)]
    whole = [part.astype(np.float32) if part.dtype == np.float64 else part for part in whole]
    return [tuple(library.from_numpy(part[i * rows : (i + 1) * rows].copy()) for part in whole) for i in range(STEPS)]


@pytest.mark.parametrize("mode", ["eager", "jit"])
@pytest.mark.parametrize("kind", OPTIMIZERS)
@pytest.mark.parametrize("name", NAMES)
def test_twenty_steps_equal_pytorchs(name: str, kind: str, mode: str) -> None:
    ours, theirs, rows = system(name), on_pytorch(name), ROWS.get(name, 16)
    torch.manual_seed(0)
    their_models, their_step = prepared(torch, theirs, kind, name in CALMER)
    our_models, our_step = prepared(fxtorch, ours, kind, name in CALMER)
    for our_model, their_model in zip(our_models, their_models, strict=True):
        weights = {key: fxtorch.tensor(value.numpy()) for key, value in their_model.state_dict().items()}
        our_model.load_state_dict(weights)
    our_step = fxtorch.jit(our_step) if mode == "jit" else our_step

    got = [our_step(*batch).tolist() for batch in batches(fxtorch, ours, rows)]
    wanted = [their_step(*batch).tolist() for batch in batches(torch, theirs, rows)]
    assert wanted[0] != wanted[-1]
    np.testing.assert_allclose(got, wanted, rtol=1e-4)
    if kind == "SGD":  # Adam turns the rounding of a gradient that should be zero into a whole step
        for our_model, their_model in zip(our_models, their_models, strict=True):
            for (key, left), right in zip(
                our_model.state_dict().items(), their_model.state_dict().values(), strict=True
            ):
                left, right = left.double().numpy(), right.double().numpy()
                assert np.linalg.norm(left - right) <= 1e-4 * np.linalg.norm(right) + 1e-6, key
