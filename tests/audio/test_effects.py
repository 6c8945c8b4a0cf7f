"""Speed, pitch, level and equalizers: what they do to tones, and closed forms."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from scipy import signal

import fxtorch as torch
from fxtorch.audio import functional as F
from fxtorch.audio import transforms as T

RNG = np.random.default_rng(0)


def tone(frequency: float, rate: int, seconds: float = 0.5) -> Any:
    return torch.tensor(np.sin(2 * math.pi * frequency * np.arange(int(rate * seconds)) / rate))


def peak(waveform: Any, rate: int) -> float:
    """The frequency with the most energy."""
    values = waveform.numpy()
    spectrum = np.abs(np.fft.rfft(values * np.hanning(len(values))))
    return float(spectrum.argmax() * rate / len(values))


def decibels(filtered: Any, waveform: Any) -> float:
    """How much louder the second half is, the filter having settled."""
    half = waveform.shape[-1] // 2
    return 10 * math.log10(float(filtered[half:].square().mean() / waveform[half:].square().mean()))


@pytest.mark.parametrize(("steps", "frequency"), [(12, 2000), (-12, 500), (7, 1000 * 2 ** (7 / 12))])
def test_a_shifted_tone_is_at_the_other_pitch_and_as_long(steps: int, frequency: float) -> None:
    x = tone(1000, 8000)
    for shifted in (F.pitch_shift(x, 8000, steps), T.PitchShift(8000, steps).double()(x)):
        assert shifted.shape == x.shape
        assert peak(shifted[400:3600], 8000) == pytest.approx(frequency, abs=6)


def test_a_faster_waveform_is_shorter_and_higher() -> None:
    x, lengths = torch.stack([tone(1000, 8000)] * 2), torch.tensor([4000, 4000])
    for fast, kept in (F.speed(x, 8000, 1.25, lengths), T.Speed(8000, 1.25).double()(x, lengths)):
        assert fast.shape == (2, 3200)
        assert kept is not None and kept.tolist() == [3200, 3200]
        assert peak(fast[0], 8000) == pytest.approx(1250, abs=4)


def test_speeds_are_drawn() -> None:
    torch.manual_seed(0)
    perturb: Any = T.SpeedPerturbation(8000, [0.8, 1.0, 1.6])
    found = {perturb(torch.zeros(800))[0].shape[0] for _ in range(30)}
    assert found == {1000, 800, 500}


def test_contrast_and_overdrive_are_their_formulas() -> None:
    x = RNG.uniform(-1, 1, (2, 300))
    found = F.contrast(torch.tensor(x), 60.0)
    np.testing.assert_allclose(found.numpy(), np.sin(x * math.pi / 2 + 0.08 * np.sin(2 * math.pi * x)), rtol=1e-7)
    bent: Any = np.clip(x * 10 ** (10 / 20) + 0.1, -1, 1)
    filtered: Any = signal.lfilter([1, -1], [1, -0.995], bent - bent**3 / 3)
    expected = 0.5 * x + 0.75 * filtered
    found = F.overdrive(torch.tensor(x), 10, 20)
    np.testing.assert_allclose(found.numpy(), expected.clip(-1, 1), rtol=1e-7, atol=1e-12)
    with pytest.raises(ValueError, match="0-100"):
        F.contrast(found, 101)


def test_a_shift_is_cut_or_limited_at_the_peaks() -> None:
    x = torch.tensor([-1.0, -0.2, 0.0, 0.9], dtype=torch.float64)
    assert torch.allclose(F.dcshift(x, 0.3), x.new_tensor([-0.7, 0.1, 0.3, 1.0]))
    limited = F.dcshift(x, 0.3, 0.05)  # from 0.75 on the slope is 0.2
    assert torch.allclose(limited, x.new_tensor([-0.7, 0.1, 0.3, 0.75]))
    assert torch.allclose(F.dcshift(-x, -0.3, 0.05), -limited)


def test_a_sine_has_the_standards_loudness() -> None:
    x = 0.1 * tone(997, 48000, 2.0)[None]  # a louder one would be cut where the weighting raises it
    assert float(F.loudness(x, 48000)) == pytest.approx(-23.01, abs=0.1)
    assert float(T.Loudness(48000)(x / 10)) == pytest.approx(-43.01, abs=0.1)
    with pytest.raises(ValueError, match="5 channels"):
        F.loudness(torch.zeros(6, 48000), 48000)


@pytest.mark.parametrize("norm_vars", [False, True])
@pytest.mark.parametrize("center", [False, True])
def test_features_lose_the_mean_of_their_window(center: bool, norm_vars: bool) -> None:
    x = RNG.standard_normal((2, 12, 3))
    found = T.SlidingWindowCmn(6, 3, center, norm_vars)(torch.tensor(x)).numpy()
    for t in range(12):
        if center:  # six frames, moved inside at both ends
            start = min(max(t - 3, 0), 6)
            window = x[:, start : start + 6]
        else:  # the six before and itself; at the beginning at least three
            window = x[:, max(t - 6, 0) : max(t + 1, 3)]
        expected = x[:, t] - window.mean(1)
        if norm_vars:
            expected /= window.std(1)
        np.testing.assert_allclose(found[:, t], expected, rtol=1e-7, atol=1e-9)


def test_the_band_keeps_its_middle() -> None:
    middle, below = tone(1000, 8000), tone(200, 8000)
    assert decibels(F.band_biquad(middle, 8000, 1000.0, 2.0), middle) == pytest.approx(0, abs=0.1)
    assert decibels(F.band_biquad(below, 8000, 1000.0, 2.0), below) < -6
    noise = torch.tensor(RNG.standard_normal(200_000) * 0.05)
    assert decibels(F.band_biquad(noise, 8000, 1000.0, 2.0, noise=True), noise) == pytest.approx(0, abs=0.3)


@pytest.mark.parametrize(("frequency", "gain"), [(1000, 0.0), (100, 13.09), (10000, -13.73)])
@pytest.mark.parametrize("rate", [44100, 96000])
def test_records_are_played_by_the_standards_curve(rate: int, frequency: int, gain: float) -> None:
    x = tone(frequency, rate) * 0.1
    assert decibels(F.riaa_biquad(x, rate), x) == pytest.approx(gain, abs=0.5)  # two poles and two zeros come no nearer


@pytest.mark.parametrize("frequency", [500, 5000, 10000])
def test_a_discs_emphasis_is_taken_back(frequency: int) -> None:
    x, w = tone(frequency, 44100), 2 * math.pi * frequency
    expected = 10 * math.log10((1 + (w * 15e-6) ** 2) / (1 + (w * 50e-6) ** 2))
    assert decibels(F.deemph_biquad(x, 44100), x) == pytest.approx(expected, abs=0.15)
    with pytest.raises(ValueError, match="44100"):
        F.deemph_biquad(x, 8000)
    with pytest.raises(ValueError, match=r"44\.1k"):
        F.riaa_biquad(x, 8000)


def test_spectra_are_found_again_where_the_bands_determine_them() -> None:
    inverse = T.InverseMelScale(65, 10, 8000).double()
    spectra = torch.matmul(inverse.fb, torch.tensor(RNG.random((10, 4))))
    bands = T.MelScale(10, 8000, n_stft=65).double()(spectra)
    assert torch.allclose(inverse(bands), spectra, atol=1e-7)
    with pytest.raises(ValueError, match=r"Expected an input with 10 mel bins\. Found: 9"):
        inverse(bands[:9])
