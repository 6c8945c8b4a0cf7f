"""Spectrograms, features, resampling and convolution against closed forms and SciPy."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from scipy import fft, signal

import fxtorch as torch
from fxtorch.audio import functional as F
from fxtorch.audio import transforms as T

RATE = 8000
TONE = np.sin(2 * math.pi * 1000 * np.arange(1600) / RATE)


def doubles(values: Any) -> Any:
    return torch.tensor(np.asarray(values, np.float64))


def close(actual: Any, expected: Any) -> None:
    np.testing.assert_allclose(actual.numpy(), expected, rtol=1e-7, atol=1e-7)


def in_doubles(module: Any) -> Any:
    return module.double()


def test_a_spectrogram_is_the_energies_of_windowed_frames() -> None:
    x = np.random.default_rng(0).standard_normal((2, 400))
    window: Any = signal.get_window("hann", 64)
    padded = np.pad(x, [(0, 0), (32, 32)], mode="reflect")
    frames = np.lib.stride_tricks.sliding_window_view(padded, 64, axis=-1)[:, ::16]
    expected = np.abs(np.fft.rfft(frames * window)).transpose(0, 2, 1) ** 2
    found = F.spectrogram(doubles(x), 0, doubles(window), 64, 16, 64, power=2.0, normalized=False)
    close(found, expected)
    norm = np.sum(window**2)
    close(F.spectrogram(doubles(x), 0, doubles(window), 64, 16, 64, 2.0, normalized=True), expected / norm)
    close(F.spectrogram(doubles(x), 0, doubles(window), 64, 16, 64, 2.0, normalized="frame_length"), expected / 64)


def test_a_tone_is_loudest_at_its_frequency() -> None:
    spectrum = T.Spectrogram(n_fft=400)(torch.tensor(TONE).float())
    assert int(spectrum.mean(-1).argmax()) == 1000 * 400 // RATE
    centroid = T.SpectralCentroid(RATE)(torch.tensor(TONE).float())
    np.testing.assert_allclose(centroid[2:-2].numpy(), 1000, atol=2)


def test_a_spectrogram_can_be_inverted() -> None:
    x = doubles(np.random.default_rng(0).standard_normal((2, 3, 300)))
    for normalized in (False, True, "frame_length"):
        there = in_doubles(T.Spectrogram(n_fft=64, power=None, normalized=normalized, pad=5))
        back = in_doubles(T.InverseSpectrogram(n_fft=64, normalized=normalized, pad=5))
        close(back(there(x), 300), x.numpy())


def test_phases_are_found_step_by_step() -> None:
    magnitude = T.Spectrogram(n_fft=200, power=1.0)(torch.tensor(TONE).float())
    errors = []
    for steps in (1, 16):
        torch.manual_seed(0)
        made = T.GriffinLim(n_fft=200, power=1.0, n_iter=steps, length=TONE.size)(magnitude)
        errors.append((T.Spectrogram(n_fft=200, power=1.0)(made) - magnitude).norm().item())
    assert errors[1] < 0.5 * errors[0]


def test_mel_filters_are_triangles_on_the_mel_scale() -> None:
    bank = F.melscale_fbanks(4001, 0.0, 4000.0, 5, RATE).numpy()
    mel = np.linspace(0, 2595 * np.log10(1 + 4000 / 700), 7)
    peaks = 700 * (10 ** (mel[1:-1] / 2595) - 1)
    np.testing.assert_allclose(bank.argmax(0), peaks, atol=1)
    np.testing.assert_allclose(bank[: int(peaks[-1])].sum(1)[int(peaks[0]) + 1 :], 1, rtol=1e-5)
    areas = F.melscale_fbanks(4001, 0.0, 4000.0, 5, RATE, norm="slaney", mel_scale="slaney").sum(0).numpy()
    np.testing.assert_allclose(areas, 1, rtol=1e-3)
    with pytest.warns(UserWarning, match="all zero values"):
        F.melscale_fbanks(20, 0.0, 4000.0, 40, RATE)


def test_cepstra_are_scipys_cosine_transforms_of_decibels() -> None:
    x = torch.tensor(TONE).float()
    melkwargs: dict[str, Any] = {"n_fft": 200, "n_mels": 16, "hop_length": 100}
    bands = T.MelSpectrogram(RATE, **melkwargs)(x)
    decibels = 10 * np.log10(np.maximum(bands.numpy(), 1e-10))
    decibels = np.maximum(decibels, decibels.max() - 80)
    cosines: Any = fft.dct
    expected = cosines(decibels, axis=0, norm="ortho")[:7]
    found = T.MFCC(RATE, n_mfcc=7, melkwargs=melkwargs)(x)
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-4, atol=1e-3)
    logs = T.MFCC(RATE, n_mfcc=7, norm=None, log_mels=True, melkwargs=melkwargs)(x)
    np.testing.assert_allclose(logs.numpy(), cosines(np.log(bands.numpy() + 1e-6), axis=0)[:7], rtol=1e-4, atol=1e-3)


def test_decibels_are_cut_below_each_items_maximum() -> None:
    power = doubles([[[[1.0, 1e-3]]], [[[100.0, 1e-6]]]])
    close(F.amplitude_to_DB(power, 10.0, 1e-10, 0.0, top_db=40.0), [[[[0.0, -30.0]]], [[[20.0, -20.0]]]])
    close(F.DB_to_amplitude(F.amplitude_to_DB(power, 10.0, 1e-10, 0.0), 1.0, 1.0), power.numpy())


@pytest.mark.parametrize("method", ["sinc_interp_hann", "sinc_interp_kaiser"])
@pytest.mark.parametrize("new", [4000, 11025, 16000])
def test_a_resampled_tone_is_the_tone(method: str, new: int) -> None:
    found = F.resample(doubles(TONE), RATE, new, lowpass_filter_width=32, resampling_method=method).numpy()
    expected = np.sin(2 * math.pi * 1000 * np.arange(math.ceil(TONE.size * new / RATE)) / new)
    assert found.shape == expected.shape
    np.testing.assert_allclose(found[200:-200], expected[200:-200], atol=3e-3)
    module = T.Resample(RATE, new, method, 32, dtype=torch.float64)
    close(module(doubles(TONE)[None])[0], found)


@pytest.mark.parametrize("mode", ["full", "valid", "same"])
def test_convolutions_are_scipys(mode: str) -> None:
    x, y = np.random.default_rng(0).standard_normal((2, 30)), np.random.default_rng(1).standard_normal((1, 7))
    expected = np.stack([signal.convolve(row, y[0], mode=mode) for row in x])
    close(F.fftconvolve(doubles(x), doubles(y), mode), expected)
    close(F.convolve(doubles(x), doubles(y), mode), expected)


def test_filters_are_scipys() -> None:
    x = np.random.default_rng(0).standard_normal((2, 50))
    close(F.preemphasis(doubles(x), 0.9), signal.lfilter([1, -0.9], [1], x))
    expected = signal.savgol_filter(x, 5, 1, deriv=1, mode="nearest")
    close(F.compute_deltas(doubles(x)), expected)


def test_mu_law_is_undone_within_a_step() -> None:
    x = doubles(np.linspace(-1, 1, 101))
    numbers = F.mu_law_encoding(x, 256)
    assert numbers.dtype == torch.int64 and numbers.min() == 0 and numbers.max() == 255
    error = np.abs(F.mu_law_decoding(numbers, 256).numpy() - x.numpy())
    assert np.all(error <= 0.02 * np.abs(x.numpy()) + 1e-3)


def test_noise_is_added_at_the_ratio() -> None:
    x, noise = doubles(np.random.default_rng(0).standard_normal((2, 3, 100)))
    ratio = doubles([10.0, 0.0, -3.0])
    added = F.add_noise(x, noise, ratio) - x
    found = 10 * (x.square().sum(-1) / added.square().sum(-1)).log10()
    close(found, ratio.numpy())


def test_a_slower_spectrogram_keeps_its_pitch() -> None:
    spectrum = T.Spectrogram(n_fft=400, hop_length=100, power=None)(torch.tensor(TONE).float())
    slow = T.TimeStretch(hop_length=100, n_freq=201)(spectrum, 0.5)
    assert slow.shape[-1] == 2 * spectrum.shape[-1]
    wave = T.InverseSpectrogram(n_fft=400, hop_length=100)(slow)
    loudest = np.abs(np.fft.rfft(wave.numpy())).argmax() / wave.shape[-1] * RATE
    assert abs(loudest - 1000) < 5


@pytest.mark.parametrize("mask", [T.TimeMasking(8), T.FrequencyMasking(8), T.TimeMasking(8, iid_masks=True)])
def test_masks_cover_one_short_span(mask: Any) -> None:
    found = mask(torch.ones(2, 3, 30, 40), 5.0).numpy()
    masked = (found == 5).all(axis=2 if mask.axis == 2 else 3)
    assert np.array_equal(np.unique(found[found != 1]), [5]) or not masked.any()
    for row in masked.reshape(6, -1):
        assert row.sum() < 8 and np.abs(np.diff(row.astype(int))).sum() <= 2
    assert mask.iid_masks or (masked == masked[0, 0]).all()


def test_volume_and_fading() -> None:
    x = torch.full((10,), 0.4)
    assert T.Vol(6.0206, "db")(x)[0].item() == pytest.approx(0.8, rel=1e-4)
    assert T.Vol(4.0, "power")(x)[0].item() == pytest.approx(0.8, rel=1e-4)
    assert T.Vol(4.0)(x)[0].item() == 1.0
    faded = T.Fade(3, 2)(torch.ones(8))
    assert faded.tolist() == [0.0, 0.5, 1.0, 1.0, 1.0, 1.0, 1.0, 0.0]


def test_features_have_gradients_and_compile() -> None:
    module = T.MelSpectrogram(RATE, n_fft=64, n_mels=8)
    x = torch.tensor(TONE[:320]).float().requires_grad_()
    eager = module(x)
    (gradient,) = torch.autograd.grad(eager.sum(), x)
    assert gradient.abs().sum() > 0
    torch.testing.assert_close(torch.jit(module)(x), eager)


def test_wrong_arguments_raise() -> None:
    with pytest.raises(ValueError, match="positive"):
        F.resample(torch.zeros(4), 0, 2)
    with pytest.raises(ValueError, match="Invalid resampling method"):
        F.resample(torch.zeros(4), 1, 2, resampling_method="linear")
    with pytest.raises(ValueError, match="complex"):
        T.InverseSpectrogram()(torch.zeros(201, 3))
    with pytest.raises(ValueError, match="Cannot select more MFCC"):
        T.MFCC(n_mfcc=9, melkwargs={"n_mels": 8})
    with pytest.raises(ValueError, match="Unrecognized mode"):
        F.convolve(torch.zeros(4), torch.zeros(2), "all")
