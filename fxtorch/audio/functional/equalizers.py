"""Filters of two poles and two zeros for certain players and recordings."""

from __future__ import annotations

import math
from typing import Any

from fxtorch.audio.functional.filters import biquad
from fxtorch.nn._torch import torch
from fxtorch.tensor import Tensor
from fxtorch.tensor.construction import as_tensor

# By sample rate: frequency, slope and gain of the shelf.
_COMPACT_DISC = {44100: (5283, 0.4845, -9.477), 48000: (5356, 0.479, -9.62)}
# By sample rate: zeros and poles.
_RIAA = {
    44100: ((-0.2014898, 0.9233820), (0.7083149, 0.9924091)),
    48000: ((-0.1766069, 0.9321590), (0.7396325, 0.9931330)),
    88200: ((-0.1168735, 0.9648312), (0.8590646, 0.9964002)),
    96000: ((-0.1141486, 0.9676817), (0.8699137, 0.9966946)),
}


def band_biquad(
    waveform: Tensor, sample_rate: int, central_freq: Any, Q: Any = 0.707, noise: bool = False
) -> Tensor:  # fmt: skip
    """A band of width ``central_freq / Q`` around ``central_freq`` Hz is kept.

    Args:
        waveform: ``(..., samples)``.
        sample_rate: in Hz.
        central_freq: the band's middle.
        Q: how narrow it is.
        noise: whether the level is kept of noise, such as percussion, else of a tone.
    """
    frequency, Q = (as_tensor(v, dtype=waveform.dtype, device=waveform.device) for v in (central_freq, Q))
    turn = 2 * math.pi / sample_rate
    a2 = torch.exp(-turn * frequency / Q)
    a1 = -4 * a2 / (1 + a2) * torch.cos(turn * frequency)
    if noise:
        b0 = torch.sqrt(((1 + a2) ** 2 - a1**2) * (1 - a2) / (1 + a2))
    else:
        b0 = torch.sqrt(1 - a1**2 / (4 * a2)) * (1 - a2)
    return biquad(waveform, b0, 0.0, 0.0, 1.0, a1, a2)


def deemph_biquad(waveform: Tensor, sample_rate: int) -> Tensor:
    """The treble that ISO 908 has CDs raise is lowered again.

    Raises:
        ValueError: ``sample_rate`` is neither 44100 nor 48000.
    """
    if sample_rate not in _COMPACT_DISC:
        raise ValueError("Sample rate must be 44100 (audio-CD) or 48000 (DAT)")
    frequency, slope, gain = _COMPACT_DISC[sample_rate]
    angle = 2 * math.pi * frequency / sample_rate
    root = 10 ** (gain / 40)
    bent = math.sqrt(root) * math.sin(angle) * math.sqrt((root + 1 / root) * (1 / slope - 1) + 2)
    more, less = root + 1, (root - 1) * math.cos(angle)
    return biquad(
        waveform,
        root * (more + less + bent),
        -2 * root * (root - 1 + more * math.cos(angle)),
        root * (more + less - bent),
        more - less + bent,
        2 * (root - 1 - more * math.cos(angle)),
        more - less - bent,
    )


def riaa_biquad(waveform: Tensor, sample_rate: int) -> Tensor:
    """What records are played back with: bass raised, treble lowered, 1000 Hz as it was.

    Raises:
        ValueError: ``sample_rate`` is none of 44100, 48000, 88200 and 96000.
    """
    if sample_rate not in _RIAA:
        raise ValueError("Sample rate must be 44.1k, 48k, 88.2k, or 96k")
    b, a = ((1.0, -sum(roots), math.prod(roots)) for roots in _RIAA[sample_rate])
    delay = complex(math.cos(2000 * math.pi / sample_rate), -math.sin(2000 * math.pi / sample_rate))
    response = abs(sum(c * delay**k for k, c in enumerate(b)) / sum(c * delay**k for k, c in enumerate(a)))
    b0, b1, b2 = (c / response for c in b)
    return biquad(waveform, b0, b1, b2, *a)
