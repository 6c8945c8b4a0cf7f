"""Layers against PyTorch's, from the same weights: repr, state_dict, outputs, gradients, in training and evaluation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import fxtorch
from tests.nn.layers import CONTAINERS, LAYERS, Layer

torch = pytest.importorskip("torch", reason="compares with PyTorch")

pytestmark = [
    pytest.mark.filterwarnings("ignore:enable_nested_tensor is True:UserWarning"),
    pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel:UserWarning"),
    pytest.mark.filterwarnings("ignore:LSTM with projections is not supported:UserWarning"),
]

RTOL, ATOL = 1.3e-6, 1e-5


def same_weights(ours: Any, theirs: Any) -> None:
    """Give ``ours`` the weights of ``theirs``."""
    state = {k: fxtorch.tensor(v.numpy()) for k, v in theirs.state_dict().items()}
    ours.load_state_dict(state)


def flat(value: Any) -> list[Any]:
    """The Tensors in a layer's output."""
    if isinstance(value, tuple | list):
        return [t for v in value for t in flat(v)]
    return [] if value is None else [value]


def run(library: Any, layer: Any, case: Layer) -> tuple[list[Any], list[Any], dict[str, Any], dict[str, Any]]:
    """Outputs, gradients of inputs and of parameters, and the state afterwards, as NumPy arrays."""
    inputs = [library.tensor(a) for a in case.arrays()]
    for t, given in zip(inputs, case.inputs, strict=True):
        t.requires_grad_(isinstance(given, tuple))
    outputs = [o for o in flat(layer(*inputs)) if o.dtype == library.float32]
    library.manual_seed(0)
    total: Any = sum(
        (o * library.tensor(np.cos(np.arange(o.numel(), dtype="float32")).reshape(tuple(o.shape)))).sum()
        for o in outputs
    )
    if total.requires_grad:
        total.backward()
    number = lambda t: None if t is None else t.detach().numpy()  # noqa: E731
    gradients = {name: number(p.grad) for name, p in layer.named_parameters()}
    state = {name: number(t) for name, t in layer.state_dict().items()}
    return [number(o) for o in outputs], [number(t.grad) for t in inputs], gradients, state


def assert_close(ours: Any, theirs: Any, what: str) -> None:
    assert (ours is None) == (theirs is None), what
    if theirs is not None:
        assert ours.shape == theirs.shape and ours.dtype == theirs.dtype, what
        np.testing.assert_allclose(ours, theirs, rtol=RTOL, atol=ATOL, err_msg=what)


@pytest.mark.parametrize("training", [True, False], ids=["train", "eval"])
@pytest.mark.parametrize("case", LAYERS, ids=str)
def test_a_layer_computes_what_torch_computes(case: Layer, training: bool) -> None:
    if case.random and training:
        pytest.skip("draws random numbers")
    theirs, ours = case.make(torch).train(training), case.make(fxtorch).train(training)
    same_weights(ours, theirs)
    expected, got = run(torch, theirs, case), run(fxtorch, ours, case)
    assert len(got[0]) == len(expected[0])
    for i, (a, b) in enumerate(zip(got[0], expected[0], strict=True)):
        assert_close(a, b, f"output {i}")
    for i, (a, b) in enumerate(zip(got[1], expected[1], strict=True)):
        assert_close(a, b, f"gradient of input {i}")
    assert list(got[2]) == list(expected[2])
    for name in expected[2]:
        assert_close(got[2][name], expected[2][name], f"gradient of {name}")
    assert list(got[3]) == list(expected[3])
    for name in expected[3]:
        assert_close(got[3][name], expected[3][name], name)


@pytest.mark.parametrize("case", LAYERS, ids=str)
def test_a_layer_is_shown_as_in_torch(case: Layer) -> None:
    assert repr(case.make(fxtorch)) == repr(case.make(torch))


@pytest.mark.parametrize("make", CONTAINERS)
def test_a_container_is_shown_as_in_torch(make: Callable[[Any], Any]) -> None:
    assert repr(make(fxtorch)) == repr(make(torch))


@pytest.mark.parametrize("case", LAYERS, ids=str)
def test_initial_values_are_spread_as_in_torch(case: Layer) -> None:
    ours = case.make(fxtorch)
    for name, theirs in case.make(torch).named_parameters():
        mine = ours.get_parameter(name)
        if (theirs == theirs.flatten()[0]).all():
            np.testing.assert_array_equal(mine.detach().numpy(), theirs.detach().numpy(), err_msg=name)
        elif theirs.numel() >= 60:
            assert 0.7 < mine.std().item() / theirs.std().item() < 1.4, name
