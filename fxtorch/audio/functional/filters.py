"""Recursive filters: any, and those of two poles and two zeros.

Source of the formulas: Robert Bristow-Johnson, "Cookbook formulae for audio EQ biquad filter coefficients".
"""

from __future__ import annotations

import math
from typing import Any

from fxtorch.nn import functional as F
from fxtorch.nn._torch import torch
from fxtorch.tensor import Tensor
from fxtorch.tensor.construction import as_tensor, tensor
from fxtorch.tensor.dispatch import namespace

_feed_back = namespace("audio")["_feed_back"]


def lfilter(waveform: Tensor, a_coeffs: Tensor, b_coeffs: Tensor, clamp: bool = True, batching: bool = True) -> Tensor:
    """``a[0] y[n] = sum_k b[k] x[n - k] - sum_{k > 0} a[k] y[n - k]``, along the last dimension.

    Args:
        waveform: ``(..., samples)``; with several filters and ``batching``, ``(..., filters, samples)``.
        a_coeffs: ``(order + 1,)``, or ``(filters, order + 1)``.
        b_coeffs: the same shape.
        clamp: keep the result within [-1, 1].
        batching: each filter gets its own channel; otherwise every filter gets all, and a dimension of filters comes in
            before the samples.

    Raises:
        ValueError: the shapes do not fit.
    """
    if a_coeffs.shape != b_coeffs.shape:
        raise ValueError(
            "Expected coeffs to be the same size."
            f"Found a_coeffs size: {a_coeffs.shape} and b_coeffs size: {b_coeffs.shape}"
        )
    if a_coeffs.dim() not in (1, 2):
        raise ValueError(f"Expected coeffs to be 1D or 2D. Found: {a_coeffs.dim()}D.")
    several = a_coeffs.dim() == 2
    if several and batching and waveform.shape[-2] != a_coeffs.shape[0]:
        raise ValueError(
            "Expected waveform's second to last dimension and a_coeffs's first dimension to be the same. "
            f"Found waveform: {waveform.shape[-2]}, a_coeffs: {a_coeffs.shape[0]}"
        )
    a, b = (c if several else c[None] for c in (a_coeffs, b_coeffs))
    if not several or not batching:
        waveform = waveform.unsqueeze(-2)
    filters, taps = b.shape
    waveform = waveform.expand(*waveform.shape[:-2], filters, waveform.shape[-1])
    flat = F.pad(waveform.reshape(-1, *waveform.shape[-2:]), (taps - 1, 0))
    fed = F.conv1d(flat, b.flip(-1)[:, None], groups=filters).reshape(waveform.shape)
    first = a[:, :1]
    found = _feed_back(fed / first, a[:, 1:] / first)
    found = found if several else found.squeeze(-2)
    return found.clamp(min=-1.0, max=1.0) if clamp else found


def filtfilt(waveform: Tensor, a_coeffs: Tensor, b_coeffs: Tensor, clamp: bool = True) -> Tensor:
    """:func:`lfilter` forwards and backwards: no phase is changed."""
    once = lfilter(waveform, a_coeffs, b_coeffs, clamp=False).flip(-1)
    return lfilter(once, a_coeffs, b_coeffs, clamp=clamp).flip(-1)


def deemphasis(waveform: Tensor, coeff: float = 0.97) -> Tensor:
    """``y[i] = x[i] + coeff * y[i - 1]``, within [-1, 1]: the inverse of :func:`preemphasis`."""
    a = tensor([1.0, -coeff], dtype=waveform.dtype, device=waveform.device)
    return lfilter(waveform, a, tensor([1.0, 0.0], dtype=waveform.dtype, device=waveform.device))


def biquad(waveform: Tensor, b0: Any, b1: Any, b2: Any, a0: Any, a1: Any, a2: Any) -> Tensor:
    """The filter ``(b0 + b1 / z + b2 / z^2) / (a0 + a1 / z + a2 / z^2)``, kept within [-1, 1]."""
    a, b = (
        torch.stack([as_tensor(c, dtype=waveform.dtype, device=waveform.device).reshape(()) for c in coefficients])
        for coefficients in ((a0, a1, a2), (b0, b1, b2))
    )
    return lfilter(waveform, a, b)


def _angle(sample_rate: int, frequency: Any, Q: Any, like: Tensor) -> tuple[Tensor, Tensor]:
    """The frequency as an angle a sample, and ``sin(angle) / (2 Q)``."""
    w = 2 * math.pi * as_tensor(frequency, dtype=like.dtype, device=like.device) / sample_rate
    return w, torch.sin(w) / 2 / Q


def lowpass_biquad(waveform: Tensor, sample_rate: int, cutoff_freq: Any, Q: Any = 0.707) -> Tensor:
    """What lies above ``cutoff_freq`` Hz is weakened."""
    w, alpha = _angle(sample_rate, cutoff_freq, Q, waveform)
    b1 = 1 - torch.cos(w)
    return biquad(waveform, b1 / 2, b1, b1 / 2, 1 + alpha, -2 * torch.cos(w), 1 - alpha)


def highpass_biquad(waveform: Tensor, sample_rate: int, cutoff_freq: Any, Q: Any = 0.707) -> Tensor:
    """What lies below ``cutoff_freq`` Hz is weakened."""
    w, alpha = _angle(sample_rate, cutoff_freq, Q, waveform)
    b1 = -1 - torch.cos(w)
    return biquad(waveform, -b1 / 2, b1, -b1 / 2, 1 + alpha, -2 * torch.cos(w), 1 - alpha)


def bandpass_biquad(
    waveform: Tensor, sample_rate: int, central_freq: Any, Q: Any = 0.707, const_skirt_gain: bool = False
) -> Tensor:
    """What lies far from ``central_freq`` Hz is weakened."""
    w, alpha = _angle(sample_rate, central_freq, Q, waveform)
    b0 = torch.sin(w) / 2 if const_skirt_gain else alpha
    return biquad(waveform, b0, 0.0, -b0, 1 + alpha, -2 * torch.cos(w), 1 - alpha)


def bandreject_biquad(waveform: Tensor, sample_rate: int, central_freq: Any, Q: Any = 0.707) -> Tensor:
    """What lies near ``central_freq`` Hz is weakened."""
    w, alpha = _angle(sample_rate, central_freq, Q, waveform)
    b1 = -2 * torch.cos(w)
    return biquad(waveform, 1.0, b1, 1.0, 1 + alpha, b1, 1 - alpha)


def allpass_biquad(waveform: Tensor, sample_rate: int, central_freq: Any, Q: Any = 0.707) -> Tensor:
    """Phases change around ``central_freq`` Hz, magnitudes stay."""
    w, alpha = _angle(sample_rate, central_freq, Q, waveform)
    b1 = -2 * torch.cos(w)
    return biquad(waveform, 1 - alpha, b1, 1 + alpha, 1 + alpha, b1, 1 - alpha)


def equalizer_biquad(waveform: Tensor, sample_rate: int, center_freq: Any, gain: Any, Q: Any = 0.707) -> Tensor:
    """What lies near ``center_freq`` Hz is louder by ``gain`` decibels."""
    w, alpha = _angle(sample_rate, center_freq, Q, waveform)
    root = 10.0 ** (as_tensor(gain, dtype=waveform.dtype) / 40)
    b1 = -2 * torch.cos(w)
    return biquad(waveform, 1 + alpha * root, b1, 1 - alpha * root, 1 + alpha / root, b1, 1 - alpha / root)


def _shelf(waveform: Tensor, sample_rate: int, gain: Any, frequency: Any, Q: Any, side: int) -> Tensor:
    """A shelf below (``side`` 1) or above (-1) a frequency."""
    w, alpha = _angle(sample_rate, frequency, Q, waveform)
    root = 10.0 ** (as_tensor(gain, dtype=waveform.dtype) / 40)
    bent, c = 2 * root.sqrt() * alpha, side * torch.cos(w)
    more, less = root + 1, root - 1
    return biquad(
        waveform,
        root * (more - less * c + bent),
        side * 2 * root * (less - more * c),
        root * (more - less * c - bent),
        more + less * c + bent,
        side * -2 * (less + more * c),
        more + less * c - bent,
    )


def bass_biquad(waveform: Tensor, sample_rate: int, gain: Any, central_freq: Any = 100, Q: Any = 0.707) -> Tensor:
    """What lies below ``central_freq`` Hz is louder by ``gain`` decibels."""
    return _shelf(waveform, sample_rate, gain, central_freq, Q, 1)


def treble_biquad(waveform: Tensor, sample_rate: int, gain: Any, central_freq: Any = 3000, Q: Any = 0.707) -> Tensor:
    """What lies above ``central_freq`` Hz is louder by ``gain`` decibels."""
    return _shelf(waveform, sample_rate, gain, central_freq, Q, -1)
