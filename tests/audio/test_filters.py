"""Recursive filters against SciPy's, and what cookbook filters do to tones."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy import signal

import fxtorch as torch
from fxtorch.audio import functional as F
from fxtorch.audio import transforms as T

RATE = 8000
X = np.random.default_rng(0).standard_normal((2, 200)) * 0.1
A, B = [2.0, -0.8, 0.3], [0.5, 0.1, -0.2]


def doubles(values: Any) -> Any:
    return torch.tensor(np.asarray(values, np.float64))


def test_a_filter_is_scipys() -> None:
    found = F.lfilter(doubles(X), doubles(A), doubles(B))
    np.testing.assert_allclose(found.numpy(), signal.lfilter(B, A, X), rtol=1e-7, atol=1e-12)
    loud = F.lfilter(doubles(X * 100), doubles(A), doubles(B))
    assert loud.abs().max().item() == 1
    np.testing.assert_allclose(
        F.lfilter(doubles(X * 100), doubles(A), doubles(B), clamp=False).numpy(), signal.lfilter(B, A, X * 100)
    )


def test_each_channel_may_have_a_filter_of_its_own() -> None:
    a, b = [A, [1.0, 0.5, 0.0]], [B, [1.0, 0.0, 0.0]]
    expected = np.stack([signal.lfilter(b[i], a[i], X[i]) for i in (0, 1)])
    np.testing.assert_allclose(F.lfilter(doubles(X), doubles(a), doubles(b)).numpy(), expected, rtol=1e-7, atol=1e-12)
    every = F.lfilter(doubles(X), doubles(a), doubles(b), batching=False)
    assert every.shape == (2, 2, 200)
    np.testing.assert_allclose(every[1, 0].numpy(), signal.lfilter(B, A, X[1]), rtol=1e-7, atol=1e-12)


def test_a_filter_has_gradients() -> None:
    leaves = [doubles(v).requires_grad_() for v in (X[:, :6], A, B)]
    assert torch.autograd.gradcheck(lambda x, a, b: F.lfilter(x, a, b, clamp=False), leaves)


def test_emphasis_is_undone() -> None:
    there_and_back = T.Deemphasis(0.9)(T.Preemphasis(0.9)(doubles(X)))
    np.testing.assert_allclose(there_and_back.numpy(), X, rtol=1e-7, atol=1e-12)
    symmetric = F.filtfilt(doubles(X), doubles(A), doubles(B))
    expected = np.flip(signal.lfilter(B, A, np.flip(signal.lfilter(B, A, X), 1)), 1)
    np.testing.assert_allclose(symmetric.numpy(), expected, rtol=1e-7, atol=1e-12)


# At 100, 1000 and 3500 Hz, in decibels.
GAINS: dict[str, tuple[Callable[[Any], Any], tuple[float, float, float]]] = {
    "low": (lambda x: F.lowpass_biquad(x, RATE, 1000.0), (0.0, -3.0, -40.0)),
    "high": (lambda x: F.highpass_biquad(x, RATE, 1000.0), (-40.0, -3.0, 0.0)),
    "band": (lambda x: F.bandpass_biquad(x, RATE, 1000.0), (-17.0, 0.0, -17.0)),
    "all": (lambda x: F.allpass_biquad(x, RATE, 1000.0), (0.0, 0.0, 0.0)),
    "equalizer": (lambda x: F.equalizer_biquad(x, RATE, 1000.0, 6.0), (0.1, 6.0, 0.1)),
    "bass": (lambda x: F.bass_biquad(x, RATE, 6.0, 500.0), (6.0, 0.3, 0.0)),
    "treble": (lambda x: F.treble_biquad(x, RATE, -6.0, 2000.0), (0.0, -0.3, -6.0)),
}


@pytest.mark.parametrize("name", GAINS)
def test_cookbook_filters_strengthen_and_weaken_what_they_say(name: str) -> None:
    apply, expected = GAINS[name]
    times = np.arange(1600) / RATE
    tones = np.stack([np.sin(2 * math.pi * f * times) for f in (100, 1000, 3500)]) * 0.3
    found = apply(doubles(tones)).numpy()[:, 800:]
    decibels = 20 * np.log10(found.std(1) / tones[:, 800:].std(1))
    np.testing.assert_allclose(decibels, expected, atol=4 if name in ("low", "high", "band") else 0.3)


def test_a_band_is_rejected() -> None:
    tone = np.sin(2 * math.pi * 1000 * np.arange(1600) / RATE)[None] * 0.3
    assert F.bandreject_biquad(doubles(tone), RATE, 1000.0)[:, 800:].abs().max().item() < 1e-6


def test_wrong_coefficients_raise() -> None:
    with pytest.raises(ValueError, match="same size"):
        F.lfilter(torch.zeros(2, 4), torch.ones(3), torch.ones(2))
    with pytest.raises(ValueError, match="second to last dimension"):
        F.lfilter(torch.zeros(2, 4), torch.ones(3, 2), torch.ones(3, 2))


def test_spectrograms_are_masked_several_times() -> None:
    found = T.SpecAugment(4, 9, 2, 9, zero_masking=True)(torch.ones(1, 20, 30)).numpy()[0]
    assert 0 < (found == 0).sum() <= 4 * 8 * 20 + 2 * 8 * 30
    assert (
        T.FFTConvolve("same")(torch.ones(5), torch.ones(3)).shape
        == T.Convolve("same")(torch.ones(5), torch.ones(3)).shape
        == (5,)
    )
