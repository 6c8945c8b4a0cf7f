"""Spectrograms, and the way back from them."""

from __future__ import annotations

import math
from typing import Any

from fxtorch.nn import functional as F
from fxtorch.nn._torch import torch
from fxtorch.tensor import Tensor


def _norms(normalized: bool | str) -> tuple[bool, bool]:
    """Whether to divide by the root of the frame's length, and by the window's norm."""
    if isinstance(normalized, str):
        if normalized not in ("window", "frame_length"):
            raise ValueError(f"Invalid normalized parameter: {normalized}")
        return normalized == "frame_length", normalized == "window"
    return False, bool(normalized)


def spectrogram(
    waveform: Tensor,
    pad: int,
    window: Tensor,
    n_fft: int,
    hop_length: int,
    win_length: int,
    power: float | None,
    normalized: bool | str,
    center: bool = True,
    pad_mode: str = "reflect",
    onesided: bool = True,
    return_complex: bool | None = None,
) -> Tensor:
    """The magnitudes of short-time Fourier transforms, to a power: ``(..., frequencies, frames)``.

    Args:
        waveform: ``(..., samples)``.
        pad: zeros put at both ends first.
        window: ``(win_length,)``.
        n_fft: the points of a transform.
        hop_length: the distance of the frames.
        win_length: the length of the window.
        power: 1 for magnitudes, 2 for energies, None for the complex transforms.
        normalized: divide by the window's norm (True, ``"window"``) or the root of ``n_fft`` (``"frame_length"``).
        center: whether a frame's middle is its place.
        pad_mode: how the signal is continued at its ends.
        onesided: leave out negative frequencies.
        return_complex: accepted, without effect.

    Raises:
        ValueError: ``normalized`` is another text.
    """
    by_length, by_window = _norms(normalized)
    if pad > 0:
        waveform = F.pad(waveform, (pad, pad), "constant")
    shape = waveform.shape
    spectrum = torch.stft(
        waveform.reshape(-1, shape[-1]), n_fft, hop_length, win_length, window, center, pad_mode, by_length, onesided,
        return_complex=True,
    )  # fmt: skip
    spectrum = spectrum.reshape(*shape[:-1], *spectrum.shape[-2:])
    if by_window:
        spectrum = spectrum / window.pow(2.0).sum().sqrt()
    if power is None:
        return spectrum
    return spectrum.abs() if power == 1.0 else spectrum.abs().pow(power)


def inverse_spectrogram(
    spectrogram: Tensor,
    length: int | None,
    pad: int,
    window: Tensor,
    n_fft: int,
    hop_length: int,
    win_length: int,
    normalized: bool | str,
    center: bool = True,
    pad_mode: str = "reflect",
    onesided: bool = True,
) -> Tensor:
    """The waveform of a complex spectrogram, ``(..., samples)``.

    Args:
        spectrogram: complex, ``(..., frequencies, frames)``.
        length: how many samples to return.
        pad: zeros that were put at both ends, and are taken off.
        window: ``(win_length,)``.
        n_fft: the points of a transform.
        hop_length: the distance of the frames.
        win_length: the length of the window.
        normalized: as :func:`spectrogram` was called.
        center: likewise.
        pad_mode: accepted, without effect.
        onesided: likewise as :func:`spectrogram`.

    Raises:
        ValueError: the spectrogram is not complex.
    """
    by_length, by_window = _norms(normalized)
    if not spectrogram.is_complex():
        raise ValueError("Expected `spectrogram` to be complex dtype.")
    if by_window:
        spectrogram = spectrogram * window.pow(2.0).sum().sqrt()
    shape = spectrogram.shape
    waveform = torch.istft(
        spectrogram.reshape(-1, *shape[-2:]), n_fft, hop_length, win_length, window, center, by_length, onesided,
        length=length + 2 * pad if length is not None else None, return_complex=False,
    )  # fmt: skip
    if length is not None and pad > 0:
        waveform = waveform[:, pad:-pad]
    return waveform.reshape(*shape[:-2], waveform.shape[-1])


def griffinlim(
    specgram: Tensor,
    window: Tensor,
    n_fft: int,
    hop_length: int,
    win_length: int,
    power: float,
    n_iter: int,
    momentum: float,
    length: int | None,
    rand_init: bool,
) -> Tensor:
    """A waveform with a given spectrogram, its phases found by transforming back and forth.

    Args:
        specgram: magnitudes to a power, ``(..., frequencies, frames)``.
        window: ``(win_length,)``.
        n_fft: the points of a transform.
        hop_length: the distance of the frames.
        win_length: the length of the window.
        power: to which the magnitudes were raised.
        n_iter: how many times.
        momentum: in [0, 1), how fast.
        length: how many samples to return.
        rand_init: begin with random phases instead of 0.

    Raises:
        ValueError: ``momentum`` is out of range.

    Source: Perraudin, Balazs and Sondergaard, "A fast Griffin-Lim algorithm" (2013).
    """
    if not 0 <= momentum < 1:
        raise ValueError(f"momentum must be in range [0, 1). Found: {momentum}")
    step = momentum / (1 + momentum)
    shape = specgram.shape
    magnitude = specgram.reshape(-1, *shape[-2:]).pow(1 / power)
    first = torch.rand(magnitude.shape, dtype=magnitude.dtype) if rand_init else torch.ones_like(magnitude)
    second = torch.rand(magnitude.shape, dtype=magnitude.dtype) if rand_init else torch.zeros_like(magnitude)
    phases, before = torch.complex(first, second), None
    sizes: tuple[Any, ...] = n_fft, hop_length, win_length
    for _ in range(n_iter):
        waveform = torch.istft(magnitude * phases, *sizes, window=window, length=length)
        rebuilt = torch.stft(waveform, *sizes, window=window, return_complex=True)
        phases = rebuilt if before is None or not step else rebuilt - step * before
        phases = phases / (phases.abs() + 1e-16)
        before = rebuilt
    waveform = torch.istft(magnitude * phases, *sizes, window=window, length=length)
    return waveform.reshape(*shape[:-2], waveform.shape[-1])


def phase_vocoder(complex_specgrams: Tensor, rate: float, phase_advance: Tensor) -> Tensor:
    """A spectrogram played ``rate`` times as fast, its pitch kept.

    Args:
        complex_specgrams: ``(..., frequencies, frames)``.
        rate: how many times as fast.
        phase_advance: ``(frequencies, 1)``, by how much each frequency's phase grows from frame to frame.

    Source: Flanagan and Golden, "Phase vocoder" (1966).
    """
    if rate == 1.0:
        return complex_specgrams
    shape = complex_specgrams.shape
    spectrum = complex_specgrams.reshape(-1, *shape[-2:])
    times = torch.arange(0, spectrum.shape[-1], rate, dtype=phase_advance.dtype, device=spectrum.device)
    share = times % 1.0
    first_phase = spectrum[..., :1].angle()
    spectrum = F.pad(spectrum, [0, 2])
    here, there = (spectrum.index_select(-1, (times + k).long()) for k in (0, 1))
    change = there.angle() - here.angle() - phase_advance
    change = change - 2 * math.pi * torch.round(change / (2 * math.pi)) + phase_advance
    phase = torch.cumsum(torch.cat([first_phase, change[..., :-1]], dim=-1), -1)
    magnitude = share * there.abs() + (1 - share) * here.abs()
    return torch.polar(magnitude, phase).reshape(*shape[:-2], spectrum.shape[-2], len(times))


def spectral_centroid(
    waveform: Tensor, sample_rate: int, pad: int, window: Tensor, n_fft: int, hop_length: int, win_length: int
) -> Tensor:
    """The mean frequency of each frame, weighted by magnitude: ``(..., frames)``."""
    magnitude = spectrogram(waveform, pad, window, n_fft, hop_length, win_length, power=1.0, normalized=False)
    frequencies = torch.linspace(0, sample_rate // 2, steps=1 + n_fft // 2, device=magnitude.device).reshape(-1, 1)
    return (frequencies * magnitude).sum(dim=-2) / magnitude.sum(dim=-2)
