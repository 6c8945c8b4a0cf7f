"""Waveforms that are faster, or higher."""

from __future__ import annotations

import math

from fxtorch.audio.functional.filtering import resample
from fxtorch.audio.functional.spectrum import phase_vocoder
from fxtorch.nn import functional as F
from fxtorch.nn._torch import torch
from fxtorch.tensor import Tensor


def speed_rates(orig_freq: int, factor: float) -> tuple[int, int]:
    """Two sample rates without common divisor, the first ``factor`` times the second."""
    fast, rate = int(factor * orig_freq), int(orig_freq)
    common = math.gcd(fast, rate)
    return fast // common, rate // common


def scaled_lengths(lengths: Tensor | None, rates: tuple[int, int]) -> Tensor | None:
    """How many samples are left of each ``length``."""
    return None if lengths is None else torch.ceil(lengths * rates[1] / rates[0]).to(lengths.dtype)


def speed(
    waveform: Tensor, orig_freq: int, factor: float, lengths: Tensor | None = None
) -> tuple[Tensor, Tensor | None]:  # fmt: skip
    """``waveform`` played ``factor`` times as fast, and so higher, and the new lengths.

    Args:
        waveform: ``(..., samples)``.
        orig_freq: its sample rate.
        factor: how many times as fast.
        lengths: of each waveform, where they are padded.

    Source: Ko et al., "Audio augmentation for speech recognition" (2015).

    >>> import fxtorch as torch
    >>> speed(torch.zeros(2, 8000), 8000, 2.0, torch.tensor([8000, 4001]))[1]
    tensor([4000, 2001])
    """
    rates = speed_rates(orig_freq, factor)
    return resample(waveform, *rates), scaled_lengths(lengths, rates)


def pitch_shift(
    waveform: Tensor,
    sample_rate: int,
    n_steps: int,
    bins_per_octave: int = 12,
    n_fft: int = 512,
    win_length: int | None = None,
    hop_length: int | None = None,
    window: Tensor | None = None,
) -> Tensor:
    """``waveform`` higher by ``n_steps``, as long as before: stretched by a phase vocoder, and resampled.

    Args:
        waveform: ``(..., samples)``.
        sample_rate: in Hz.
        n_steps: by how many steps; negative for lower.
        bins_per_octave: steps of an octave.
        n_fft: samples of a frame.
        win_length: samples of the window; ``n_fft`` by default.
        hop_length: the distance of the frames; a quarter of ``n_fft`` by default.
        window: the window; Hann's by default.
    """
    hop = n_fft // 4 if hop_length is None else hop_length
    size = n_fft if win_length is None else win_length
    if window is None:
        window = torch.hann_window(size, dtype=waveform.dtype, device=waveform.device)
    rate = 2.0 ** (-n_steps / bins_per_octave)
    samples = waveform.shape[-1]
    flat = waveform.reshape(-1, samples)
    spectrum = torch.stft(flat, n_fft, hop, size, window, center=True, pad_mode="reflect", return_complex=True)
    advance = torch.linspace(0, math.pi * hop, spectrum.shape[-2], dtype=flat.dtype, device=flat.device)[:, None]
    slower = phase_vocoder(spectrum, rate, advance)
    stretched = torch.istft(slower, n_fft, hop, size, window, length=round(samples / rate))
    shifted = resample(stretched, int(sample_rate / rate), sample_rate)
    kept = F.pad(shifted, [0, max(samples - shifted.shape[-1], 0)])[..., :samples]
    return kept.reshape(waveform.shape)
