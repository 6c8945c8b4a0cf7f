"""Resampling, convolution, noise, masks: what is done to waveforms and spectrograms."""

from __future__ import annotations

import math

import numpy as np

from fxtorch import fft
from fxtorch.nn import functional as F
from fxtorch.nn._torch import torch
from fxtorch.tensor import Tensor
from fxtorch.tensor.construction import tensor


def resample(
    waveform: Tensor,
    orig_freq: int,
    new_freq: int,
    lowpass_filter_width: int = 6,
    rolloff: float = 0.99,
    resampling_method: str = "sinc_interp_hann",
    beta: float | None = None,
) -> Tensor:
    """``waveform`` at another sample rate, by windowed sinc interpolation.

    Args:
        waveform: ``(..., samples)``.
        orig_freq: its sample rate, an integer.
        new_freq: the other, an integer.
        lowpass_filter_width: how many zero crossings the filter has on each side.
        rolloff: the filter's edge as a part of the lower Nyquist frequency.
        resampling_method: ``"sinc_interp_hann"`` or ``"sinc_interp_kaiser"``.
        beta: the Kaiser window's shape.

    Raises:
        ValueError: a rate is not positive, or the method is unknown.

    Source: Smith, "Digital audio resampling" (https://ccrma.stanford.edu/~jos/resample).
    """
    if orig_freq <= 0 or new_freq <= 0:
        raise ValueError("Original frequency and desired frequency should be positive")
    if orig_freq == new_freq:
        return waveform
    kernel, width = sinc_kernel(orig_freq, new_freq, lowpass_filter_width, rolloff, resampling_method, beta, waveform)
    return apply_kernel(waveform, orig_freq, new_freq, kernel, width)


def sinc_kernel(
    orig_freq: float, new_freq: float, lowpass_filter_width: int, rolloff: float, method: str, beta: float | None,
    like: Tensor | None = None,
) -> tuple[Tensor, int]:  # fmt: skip
    """One filter for each phase of the new samples between the old: ``(phases, 1, taps)``, and its width to a side."""
    if not (int(orig_freq) == orig_freq and int(new_freq) == new_freq):
        raise ValueError("Frequencies must be of integer type to ensure quality resampling computation.")
    if method not in ("sinc_interp_hann", "sinc_interp_kaiser"):
        raise ValueError(f"Invalid resampling method: {method}")
    if lowpass_filter_width <= 0:
        raise ValueError("Low pass filter width should be positive.")
    divisor = math.gcd(int(orig_freq), int(new_freq))
    old, new = int(orig_freq) // divisor, int(new_freq) // divisor
    edge = min(old, new) * rolloff
    width = math.ceil(lowpass_filter_width * old / edge)
    places = np.arange(-width, width + old)[None, :] / old - np.arange(new)[:, None] / new
    t = np.clip(places * edge, -lowpass_filter_width, lowpass_filter_width)
    if method == "sinc_interp_hann":
        window = np.cos(t * math.pi / lowpass_filter_width / 2) ** 2
    else:
        shape = 14.769656459379492 if beta is None else beta
        window = np.i0(shape * np.sqrt(1 - (t / lowpass_filter_width) ** 2)) / np.i0(shape)
    kernel = tensor((np.sinc(t) * window * edge / old)[:, None, :])
    return (kernel.float() if like is None else kernel.to(like.dtype)), width


def apply_kernel(waveform: Tensor, orig_freq: float, new_freq: float, kernel: Tensor, width: int) -> Tensor:
    """The filters of :func:`sinc_kernel` at every old sample, their results in the order of time."""
    if not waveform.is_floating_point():
        raise TypeError(f"Expected floating point type for waveform tensor, but received {waveform.dtype}.")
    divisor = math.gcd(int(orig_freq), int(new_freq))
    old, new = int(orig_freq) // divisor, int(new_freq) // divisor
    shape = waveform.shape
    flat = F.pad(waveform.reshape(-1, shape[-1]), (width, width + old))
    made = F.conv1d(flat[:, None], kernel, stride=old).transpose(1, 2).reshape(flat.shape[0], -1)
    made = made[..., : math.ceil(new * shape[-1] / old)]
    return made.reshape(*shape[:-1], made.shape[-1])


def _cut(full: Tensor, lengths: tuple[int, int], mode: str) -> Tensor:
    """The part of a full convolution of signals of ``lengths`` that ``mode`` names."""
    n = {"full": full.shape[-1], "valid": max(lengths) - min(lengths) + 1, "same": lengths[0]}.get(mode)
    if n is None:
        raise ValueError(f"Unrecognized mode value '{mode}'. Please specify one of full, valid, same.")
    start = (full.shape[-1] - n) // 2
    return full[..., start : start + n]


def fftconvolve(x: Tensor, y: Tensor, mode: str = "full") -> Tensor:
    """The convolution along the last dimension, by Fourier transforms; the others broadcast.

    Args:
        x: ``(..., n)``.
        y: ``(..., m)``.
        mode: ``"full"``, ``"valid"`` (where they overlap wholly) or ``"same"`` (as long as ``x``, the middle).

    Raises:
        ValueError: the mode is unknown.
    """
    n = x.shape[-1] + y.shape[-1] - 1
    full = fft.irfft(fft.rfft(x, n=n) * fft.rfft(y, n=n), n=n)
    return _cut(full, (x.shape[-1], y.shape[-1]), mode)


def convolve(x: Tensor, y: Tensor, mode: str = "full") -> Tensor:
    """:func:`fftconvolve`, by sums."""
    lengths = x.shape[-1], y.shape[-1]
    if lengths[0] < lengths[1]:
        x, y = y, x
    batch = torch.broadcast_tensors(x[..., 0], y[..., 0])[0].shape
    left, right = (v.expand(*batch, v.shape[-1]).reshape(-1, v.shape[-1]) for v in (x, y))
    full = F.conv1d(left[None], right.flip(-1)[:, None], groups=left.shape[0], padding=right.shape[-1] - 1)
    return _cut(full.reshape(*batch, full.shape[-1]), lengths, mode)


def add_noise(waveform: Tensor, noise: Tensor, snr: Tensor, lengths: Tensor | None = None) -> Tensor:
    """``waveform`` with ``noise`` scaled to a signal-to-noise ratio of ``snr`` decibels.

    Args:
        waveform: ``(..., samples)``.
        noise: the same shape.
        snr: ``(...)``.
        lengths: ``(...)``, how many samples count; all by default.

    Raises:
        ValueError: the shapes do not fit.
    """
    if not waveform.dim() - 1 == noise.dim() - 1 == snr.dim() == (snr.dim() if lengths is None else lengths.dim()):
        raise ValueError("Input leading dimensions don't match.")
    if waveform.shape[-1] != noise.shape[-1]:
        raise ValueError(f"Length dimensions of waveform and noise don't match (got {waveform.shape[-1]} and "
                         f"{noise.shape[-1]}).")  # fmt: skip
    masks = torch.ones_like(waveform)
    if lengths is not None:
        places = torch.arange(waveform.shape[-1], device=lengths.device)
        masks = (places < lengths.unsqueeze(-1)).to(waveform.dtype)
    signal, other = ((masks * v).square().sum(-1) for v in (waveform, noise))
    now = 10 * (signal.log10() - other.log10())
    return waveform + torch.pow(10.0, (now - snr) / 20.0).unsqueeze(-1) * noise


def preemphasis(waveform: Tensor, coeff: float = 0.97) -> Tensor:
    """``y[i] = x[i] - coeff * x[i - 1]``."""
    return torch.cat([waveform[..., :1], waveform[..., 1:] - coeff * waveform[..., :-1]], dim=-1)


def gain(waveform: Tensor, gain_db: float = 1.0) -> Tensor:
    """``waveform`` louder by ``gain_db`` decibels."""
    return waveform if gain_db == 0 else waveform * 10 ** (gain_db / 20)


def _spans(shape: tuple[int, ...], size: int, mask_param: int, p: float, like: Tensor) -> tuple[Tensor, Tensor]:
    """Random first and last places of masks."""
    longest = min(mask_param, int(size * p)) if p < 1.0 else mask_param
    length = torch.rand(shape, dtype=like.dtype, device=like.device) * longest
    start = torch.rand(shape, dtype=like.dtype, device=like.device) * (size - length)
    return start.long(), start.long() + length.long()


def mask_along_axis(specgram: Tensor, mask_param: int, mask_value: float | Tensor, axis: int, p: float = 1.0) -> Tensor:
    """``specgram`` with ``mask_value`` in one random span along ``axis``, the same for all items.

    Args:
        specgram: ``(..., frequencies, frames)``.
        mask_param: the span is shorter than this.
        mask_value: what is written there.
        axis: one of the last two.
        p: the greatest part of the axis that may be masked.

    Raises:
        ValueError: ``axis`` or ``p`` is out of range.

    Source: Park et al., "SpecAugment" (2019).
    """
    return _masked(specgram, mask_param, mask_value, axis, p, ())


def mask_along_axis_iid(
    specgrams: Tensor, mask_param: int, mask_value: float | Tensor, axis: int, p: float = 1.0
) -> Tensor:
    """:func:`mask_along_axis` with a span of its own for every item and channel."""
    return _masked(specgrams, mask_param, mask_value, axis, p, tuple(specgrams.shape[:-2]))


def _masked(
    specgram: Tensor, mask_param: int, mask_value: float | Tensor, axis: int, p: float, each: tuple[int, ...]
) -> Tensor:
    dim = specgram.dim()
    if axis not in (dim - 2, dim - 1):
        raise ValueError(f"Only Frequency and Time masking are supported (axis {dim - 2} and axis {dim - 1} "
                         f"supported; {axis} given).")  # fmt: skip
    if not 0.0 <= p <= 1.0:
        raise ValueError(f"The value of p must be between 0.0 and 1.0 ({p} given).")
    size = specgram.shape[axis]
    start, end = (v[..., None, None] for v in _spans(each, size, mask_param, p, specgram))
    places = torch.arange(size, device=specgram.device)
    places = places if axis == dim - 1 else places.unsqueeze(-1)
    return specgram.masked_fill((places >= start) & (places < end), mask_value)
