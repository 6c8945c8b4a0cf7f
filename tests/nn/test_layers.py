"""Every layer: saved and loaded, pickled, and pure under jax.jit."""

from __future__ import annotations

import pickle
from typing import Any, cast

import jax
import numpy as np
import pytest

import fxtorch
from fxtorch import nn
from tests.nn.layers import LAYERS, Layer


def first(output: Any) -> Any:
    while not isinstance(output, fxtorch.Tensor):
        output = output[0]
    return output.detach().numpy()


@pytest.mark.parametrize("case", LAYERS, ids=str)
def test_a_layer_saved_and_loaded_computes_the_same(case: Layer) -> None:
    source, target = case.make(fxtorch).eval(), case.make(fxtorch).eval()
    target.load_state_dict(source.state_dict())
    inputs = [fxtorch.tensor(a) for a in case.arrays()]
    expected = first(source(*inputs))
    np.testing.assert_array_equal(first(target(*inputs)), expected)
    np.testing.assert_array_equal(first(pickle.loads(pickle.dumps(source))(*inputs)), expected)


@pytest.mark.parametrize(
    "text",
    [
        "nn.Linear(4, 5)",
        "nn.Conv2d(4, 6, 3)",
        "nn.BatchNorm1d(6)",
        "nn.MultiheadAttention(8, 2)",
        "nn.LSTM(3, 4, 2, bidirectional=True)",
        "nn.EmbeddingBag(7, 3)",
        "nn.Transformer(8, 2, 2, 2, 16, 0.0)",
    ],
)
def test_a_layer_is_pure_under_jit(text: str) -> None:
    case = next(c for c in LAYERS if c.text == text)
    layer = case.make(fxtorch).eval()
    inputs = [fxtorch.tensor(a) for a in case.arrays()]
    compiled = jax.jit(lambda layer, *inputs: layer(*inputs))(layer, *inputs)
    np.testing.assert_allclose(first(compiled), first(layer(*inputs)), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("make", "error", "words"),
    [
        (lambda: nn.Conv2d(3, 4, 1, groups=2), ValueError, "in_channels must be divisible by groups"),
        (lambda: nn.Conv2d(4, 3, 1, groups=2), ValueError, "out_channels must be divisible by groups"),
        (lambda: nn.Conv2d(4, 3, 1, groups=0), ValueError, "groups must be a positive integer"),
        (lambda: nn.Conv2d(4, 3, 2, 2, "same"), ValueError, "padding='same' is not supported for strided convolutions"),
        (lambda: nn.ConvTranspose1d(1, 1, 1, padding_mode="reflect"), ValueError, 'Only "zeros" padding mode is supp'),
        (lambda: nn.Dropout(1.5), ValueError, "dropout probability has to be between 0 and 1, but got 1.5"),
        (lambda: nn.GroupNorm(2, 3), ValueError, "must be divisible by num_groups"),
        (lambda: nn.MultiheadAttention(5, 2), AssertionError, "embed_dim must be divisible by num_heads"),
        (lambda: nn.Embedding(3, 2, padding_idx=3), AssertionError, "Padding_idx must be within num_embeddings"),
        (lambda: nn.LSTM(2, 3, proj_size=3), ValueError, "proj_size has to be smaller than hidden_size"),
        (lambda: nn.GRU(2, 3, proj_size=1), ValueError, "proj_size argument is only supported for LSTM"),
        (lambda: nn.RNN(2, 3, nonlinearity="sin"), ValueError, "Unknown nonlinearity 'sin'"),
        (lambda: nn.BatchNorm2d(3)(fxtorch.ones(2, 3)), ValueError, "expected 4D input \\(got 2D input\\)"),
        (lambda: nn.BatchNorm1d(3)(fxtorch.ones(3)), ValueError, "expected 2D or 3D input \\(got 1D input\\)"),
        (lambda: nn.LSTM(2, 3)(fxtorch.ones(4, 1, 5)), RuntimeError, "Expected 2, got 5"),
        (
            lambda: nn.Unflatten(1, cast(Any, "ab")),
            TypeError,
            "unflattened_size must be a tuple or list, but found type str",
        ),
    ],
)
def test_wrong_arguments_are_named_as_in_torch(make: Any, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        make()


def test_batch_norm_learns_in_training_only() -> None:
    norm = nn.BatchNorm1d(1, momentum=0.5)
    x = fxtorch.tensor([[1.0], [3.0]])
    norm(x)
    assert norm.running_mean.item() == 1.0 and norm.running_var.item() == 1.5
    norm.eval()(x)
    assert norm.running_mean.item() == 1.0 and norm.num_batches_tracked.item() == 1


def test_dropout_scales_what_it_keeps() -> None:
    kept = nn.Dropout(0.25)(fxtorch.ones(10000))
    assert set(np.unique(kept.numpy().round(4))) == {0.0, np.float32(1.3333)}
    assert abs(kept.mean().item() - 1) < 0.05


def test_a_padding_vector_gets_no_gradient() -> None:
    table = nn.Embedding(4, 2, padding_idx=0)
    assert table.weight[0].tolist() == [0.0, 0.0]
    table(fxtorch.tensor([0, 1, 1])).sum().backward()
    assert table.weight.grad.tolist() == [[0, 0], [2, 2], [0, 0], [0, 0]]


def test_sync_batch_norm_takes_the_place_of_batch_norm() -> None:
    model = nn.Sequential(nn.Conv2d(1, 2, 1), nn.BatchNorm2d(2))
    converted = nn.SyncBatchNorm.convert_sync_batchnorm(model)
    assert isinstance(converted[1], nn.SyncBatchNorm) and converted[1].weight is model[1].weight


def test_causal_masks_hide_the_future() -> None:
    mask = nn.Transformer.generate_square_subsequent_mask(3)
    assert mask.tolist() == [[0, -np.inf, -np.inf], [0, 0, -np.inf], [0, 0, 0]]
    attention = nn.MultiheadAttention(4, 2, batch_first=True).eval()
    x = fxtorch.randn(1, 3, 4)
    by_mask, weights = attention(x, x, x, attn_mask=mask)
    by_hint, nothing = attention(x, x, x, attn_mask=mask, is_causal=True, need_weights=False)
    assert nothing is None and weights[0].triu(1).abs().sum() == 0
    np.testing.assert_allclose(by_mask.detach().numpy(), by_hint.detach().numpy(), atol=1e-6)


def test_padded_keys_are_not_seen() -> None:
    attention = nn.MultiheadAttention(4, 2, batch_first=True)
    x = fxtorch.randn(2, 3, 4)
    hidden = fxtorch.tensor([[False, False, True], [False, True, True]])
    _, weights = attention(x, x, x, key_padding_mask=hidden, average_attn_weights=False)
    assert weights.shape == (2, 2, 3, 3)
    assert weights[0, :, :, 2].abs().sum() == 0 and weights[1, :, :, 1:].abs().sum() == 0
