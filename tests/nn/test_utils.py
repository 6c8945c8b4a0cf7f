"""Gradient clipping, sequences, parameters as a vector."""

from __future__ import annotations

import numpy as np
import pytest

import fxtorch as torch
from fxtorch import nn
from fxtorch.nn.utils import rnn


def with_gradients() -> list[nn.Parameter]:
    made = [nn.Parameter(torch.zeros(2)), nn.Parameter(torch.zeros(1)), nn.Parameter(torch.zeros(1))]
    made[0].grad, made[1].grad = torch.tensor([3.0, 0.0]), torch.tensor([-4.0])
    return made


@pytest.mark.parametrize(("kind", "norm"), [(2.0, 5.0), (1.0, 7.0), (float("inf"), 4.0)])
def test_norms_are_clipped_together(kind: float, norm: float) -> None:
    params = with_gradients()
    assert nn.utils.clip_grad_norm_(params, norm / 2, kind).item() == norm
    np.testing.assert_allclose(params[0].grad.numpy(), [1.5, 0.0], rtol=1e-6)
    assert nn.utils.clip_grad_norm_(iter(params), 100.0, kind).item() == pytest.approx(norm / 2)
    np.testing.assert_allclose(params[1].grad.numpy(), [-2.0], rtol=1e-6)


def test_a_norm_that_is_not_finite_can_be_an_error() -> None:
    params = with_gradients()
    params[0].grad.fill_(float("nan"))
    with pytest.raises(RuntimeError, match="is non-finite, so it cannot be clipped"):
        nn.utils.clip_grad_norm_(params, 1.0, error_if_nonfinite=True)


def test_values_are_clamped() -> None:
    params = with_gradients()
    nn.utils.clip_grad_value_(params, 3.5)
    assert params[0].grad.tolist() == [3.0, 0.0] and params[1].grad.tolist() == [-3.5]


def test_parameters_travel_as_a_vector() -> None:
    layer = nn.Linear(2, 2)
    weight = layer.weight
    nn.utils.vector_to_parameters(torch.arange(6.0), layer.parameters())
    assert layer.weight is weight and layer.weight.tolist() == [[0, 1], [2, 3]] and layer.weight.requires_grad
    assert nn.utils.parameters_to_vector(layer.parameters()).tolist() == [0, 1, 2, 3, 4, 5]


def sequences() -> list[torch.Tensor]:
    return [torch.tensor([1.0, 2.0]), torch.tensor([3.0, 4.0, 5.0]), torch.tensor([6.0])]


def test_padding_on_either_side() -> None:
    assert rnn.pad_sequence(sequences(), batch_first=True).tolist() == [[1, 2, 0], [3, 4, 5], [6, 0, 0]]
    padded = rnn.pad_sequence(sequences(), padding_value=9, padding_side="left")
    assert padded.T.tolist() == [[9, 1, 2], [3, 4, 5], [9, 9, 6]]


def test_packing_sorts_and_undoes_it() -> None:
    packed = rnn.pack_sequence(sequences(), enforce_sorted=False)
    assert packed.data.tolist() == [3, 1, 6, 4, 2, 5] and packed.batch_sizes.tolist() == [3, 2, 1]
    assert packed.sorted_indices is not None and packed.unsorted_indices is not None
    assert packed.sorted_indices.tolist() == [1, 0, 2] and packed.unsorted_indices.tolist() == [1, 0, 2]
    padded, lengths = rnn.pad_packed_sequence(packed, batch_first=True, padding_value=-1, total_length=4)
    assert padded.tolist() == [[1, 2, -1, -1], [3, 4, 5, -1], [6, -1, -1, -1]] and lengths.tolist() == [2, 3, 1]
    assert [s.tolist() for s in rnn.unpack_sequence(packed)] == [s.tolist() for s in sequences()]


def test_gradients_pass_through_packing() -> None:
    x = torch.ones(2, 3, 1, requires_grad=True)
    packed = rnn.pack_padded_sequence(x, [3, 1], batch_first=True)
    padded, _ = rnn.pad_packed_sequence(packed, batch_first=True)
    (padded * 2).sum().backward()
    assert x.grad.squeeze(-1).tolist() == [[2, 2, 2], [2, 0, 0]]


@pytest.mark.parametrize(
    ("lengths", "words"),
    [([1, 2], "must be sorted in decreasing order"), ([2, 0], "greater than 0"), ([2], "to be equal to batch_size")],
)
def test_lengths_that_do_not_fit_are_refused(lengths: list[int], words: str) -> None:
    with pytest.raises(RuntimeError, match=words):
        rnn.pack_padded_sequence(torch.ones(2, 2), lengths)


def test_total_length_may_not_cut() -> None:
    packed = rnn.pack_sequence(sequences(), enforce_sorted=False)
    with pytest.raises(ValueError, match="Expected total_length to be at least"):
        rnn.pad_packed_sequence(packed, total_length=2)


@pytest.mark.parametrize("kind", [nn.RNN, nn.GRU, nn.LSTM])
def test_a_packed_batch_gives_what_each_sequence_gives_alone(kind: type[nn.Module]) -> None:
    layer = kind(2, 3, num_layers=2, bidirectional=True)
    parts = [torch.randn(n, 2) for n in (2, 4, 1)]
    output, states = layer(rnn.pack_sequence(parts, enforce_sorted=False))
    for i, (part, got) in enumerate(zip(parts, rnn.unpack_sequence(output), strict=True)):
        alone, last = layer(part)
        np.testing.assert_allclose(got.detach().numpy(), alone.detach().numpy(), atol=1e-6)
        for a, b in zip(states if kind is nn.LSTM else [states], last if kind is nn.LSTM else [last], strict=True):
            np.testing.assert_allclose(a[:, i].detach().numpy(), b.detach().numpy(), atol=1e-6)


def test_a_normalised_weight_is_magnitude_times_direction() -> None:
    layer = nn.Linear(3, 2)
    plain = layer.weight.detach().numpy()
    nn.utils.weight_norm(layer)
    assert [name for name, _ in layer.named_parameters()] == ["bias", "weight_g", "weight_v"]
    np.testing.assert_allclose(layer.weight.detach().numpy(), plain, rtol=1e-6)
    with torch.no_grad():
        layer.weight_g.mul_(2)
    layer(torch.ones(1, 3)).sum().backward()
    assert layer.weight_g.grad is not None and layer.weight_v.grad is not None
    np.testing.assert_allclose(layer.weight.detach().numpy(), 2 * plain, rtol=1e-6)
    with pytest.raises(RuntimeError, match="Cannot register two weight_norm hooks"):
        nn.utils.weight_norm(layer)
    nn.utils.remove_weight_norm(layer)
    assert isinstance(layer.weight, nn.Parameter)
    np.testing.assert_allclose(layer.weight.detach().numpy(), 2 * plain, rtol=1e-6)
