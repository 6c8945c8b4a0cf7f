"""Decibels, mel frequencies, cosine transforms, mu-law."""

from __future__ import annotations

import math
import warnings

import numpy as np

from fxtorch.nn import functional as F
from fxtorch.nn._torch import torch
from fxtorch.tensor import Tensor
from fxtorch.tensor.construction import get_default_dtype, tensor


def amplitude_to_DB(
    x: Tensor, multiplier: float, amin: float, db_multiplier: float, top_db: float | None = None
) -> Tensor:
    """``multiplier * log10(max(x, amin))`` less ``multiplier * db_multiplier``.

    Args:
        x: powers or amplitudes; with 3 dimensions or more, ``(..., channels, frequencies, frames)``.
        multiplier: 10 for powers, 20 for amplitudes.
        amin: the least value that is told from 0.
        db_multiplier: the logarithm of what counts as 0 dB.
        top_db: how far below its maximum each item may fall.
    """
    decibels = multiplier * torch.log10(torch.clamp(x, min=amin)) - multiplier * db_multiplier
    if top_db is None:
        return decibels
    shape = decibels.shape
    packed = decibels.reshape(-1, shape[-3] if len(shape) > 2 else 1, *shape[-2:])
    return torch.maximum(packed, packed.amax(dim=(-3, -2, -1), keepdim=True) - top_db).reshape(shape)


def DB_to_amplitude(x: Tensor, ref: float, power: float) -> Tensor:
    """``ref * (10^(x / 10))^power``: power 1 for powers, 1/2 for amplitudes."""
    return ref * torch.pow(torch.pow(10.0, 0.1 * x), power)


def _hz_to_mel(hz: np.ndarray, scale: str) -> np.ndarray:
    if scale == "htk":
        return 2595.0 * np.log10(1.0 + hz / 700.0)
    # Slaney's: linear below 1000 Hz, logarithmic above (Auditory Toolbox, 1998)
    step = math.log(6.4) / 27.0
    return np.where(hz >= 1000.0, 15.0 + np.log(np.maximum(hz, 1e-9) / 1000.0) / step, hz * 3.0 / 200.0)


def _mel_to_hz(mel: np.ndarray, scale: str) -> np.ndarray:
    if scale == "htk":
        return 700.0 * (10.0 ** (mel / 2595.0) - 1.0)
    step = math.log(6.4) / 27.0
    return np.where(mel >= 15.0, 1000.0 * np.exp(step * (mel - 15.0)), mel * 200.0 / 3.0)


def _triangles(frequencies: np.ndarray, corners: np.ndarray) -> np.ndarray:
    """Filters that rise from one corner to the next and fall to the one after it: ``(frequencies, filters)``."""
    width = np.diff(corners)
    distance = corners[None, :] - frequencies[:, None]
    falling = -distance[:, :-2] / width[:-1]
    rising = distance[:, 2:] / width[1:]
    return np.maximum(0.0, np.minimum(falling, rising))


def melscale_fbanks(
    n_freqs: int,
    f_min: float,
    f_max: float,
    n_mels: int,
    sample_rate: int,
    norm: str | None = None,
    mel_scale: str = "htk",
) -> Tensor:
    """Triangular filters that are equally wide on the mel scale: ``(n_freqs, n_mels)``.

    >>> melscale_fbanks(201, 0.0, 8000.0, 4, 16000).shape
    torch.Size([201, 4])

    Args:
        n_freqs: how many frequencies, from 0 to half the sample rate.
        f_min: where the first filter begins, in Hz.
        f_max: where the last one ends.
        n_mels: how many filters.
        sample_rate: in Hz.
        norm: ``"slaney"`` to give all filters the same area.
        mel_scale: ``"htk"`` or ``"slaney"``.

    Raises:
        ValueError: ``norm`` or ``mel_scale`` is unknown.
    """
    if norm not in (None, "slaney"):
        raise ValueError('norm must be one of None or "slaney"')
    if mel_scale not in ("slaney", "htk"):
        raise ValueError('mel_scale should be one of "htk" or "slaney".')
    low, high = (_hz_to_mel(np.asarray(f), mel_scale) for f in (f_min, f_max))
    corners = _mel_to_hz(np.linspace(low, high, n_mels + 2), mel_scale)
    bank = _triangles(np.linspace(0, sample_rate // 2, n_freqs), corners)
    if norm == "slaney":
        bank = bank * (2.0 / (corners[2:] - corners[:-2]))
    if (bank.max(axis=0) == 0.0).any():
        warnings.warn(
            f"At least one mel filterbank has all zero values. The value for `n_mels` ({n_mels}) may be set too high. "
            f"Or, the value for `n_freqs` ({n_freqs}) may be set too low.",
            stacklevel=2,
        )
    return tensor(bank.tolist(), dtype=get_default_dtype())


def linear_fbanks(n_freqs: int, f_min: float, f_max: float, n_filter: int, sample_rate: int) -> Tensor:
    """Triangular filters that are equally wide in Hz: ``(n_freqs, n_filter)``."""
    bank = _triangles(np.linspace(0, sample_rate // 2, n_freqs), np.linspace(f_min, f_max, n_filter + 2))
    return tensor(bank.tolist(), dtype=get_default_dtype())


def create_dct(n_mfcc: int, n_mels: int, norm: str | None) -> Tensor:
    """The cosine transform of the second kind: ``(n_mels, n_mfcc)``, to multiply on the right.

    Args:
        n_mfcc: how many coefficients.
        n_mels: of how many values.
        norm: ``"ortho"`` for an orthogonal matrix.

    Raises:
        ValueError: ``norm`` is another text.
    """
    if norm not in (None, "ortho"):
        raise ValueError('norm must be either "ortho" or None')
    dct = np.cos(math.pi / n_mels * (np.arange(n_mels)[:, None] + 0.5) * np.arange(n_mfcc))
    if norm is None:
        dct = 2.0 * dct
    else:
        dct[:, 0] /= math.sqrt(2.0)
        dct *= math.sqrt(2.0 / n_mels)
    return tensor(dct.tolist(), dtype=get_default_dtype())


def compute_deltas(specgram: Tensor, win_length: int = 5, mode: str = "replicate") -> Tensor:
    """The slope at each frame of a line through its neighbours: ``sum_n n x[t + n] / sum_n n^2``.

    Args:
        specgram: ``(..., frequencies, frames)``.
        win_length: how many frames, odd and at least 3.
        mode: how the frames are continued at the ends.

    Raises:
        ValueError: ``win_length`` is less than 3.
    """
    if win_length < 3:
        raise ValueError(f"Window length should be greater than or equal to 3. Found win_length {win_length}")
    shape, n = specgram.shape, (win_length - 1) // 2
    padded = F.pad(specgram.reshape(1, -1, shape[-1]), (n, n), mode=mode)
    kernel = torch.arange(-n, n + 1, dtype=specgram.dtype, device=specgram.device).repeat(padded.shape[1], 1, 1)
    slopes = F.conv1d(padded, kernel, groups=padded.shape[1]) / (n * (n + 1) * (2 * n + 1) / 3)
    return slopes.reshape(shape)


def mu_law_encoding(x: Tensor, quantization_channels: int) -> Tensor:
    """Values in [-1, 1] as integers, finer near 0: ``sign(x) log(1 + mu |x|) / log(1 + mu)`` in equal steps."""
    mu = quantization_channels - 1.0
    x = x if x.is_floating_point() else x.to(get_default_dtype())
    bent = torch.sign(x) * torch.log1p(mu * torch.abs(x)) / math.log1p(mu)
    return ((bent + 1) / 2 * mu + 0.5).long()


def mu_law_decoding(x_mu: Tensor, quantization_channels: int) -> Tensor:
    """The inverse of :func:`mu_law_encoding`."""
    mu = quantization_channels - 1.0
    bent = (x_mu if x_mu.is_floating_point() else x_mu.to(get_default_dtype())) / mu * 2 - 1.0
    return torch.sign(bent) * (torch.exp(torch.abs(bent) * math.log1p(mu)) - 1.0) / mu
