"""Changes of a waveform sample by sample, and what they do to loudness."""

from __future__ import annotations

import math

from fxtorch.audio.functional.filters import highpass_biquad, lfilter, treble_biquad
from fxtorch.nn._torch import torch
from fxtorch.tensor import Tensor
from fxtorch.tensor.construction import tensor


def contrast(waveform: Tensor, enhancement_amount: float = 75.0) -> Tensor:
    """``waveform`` sounding louder, its range as before: ``sin(x pi / 2 + a sin(2 pi x))``.

    Args:
        waveform: ``(..., samples)`` within [-1, 1].
        enhancement_amount: from 0 to 100.

    Raises:
        ValueError: the amount is another.
    """
    if not 0 <= enhancement_amount <= 100:
        raise ValueError("Allowed range of values for enhancement_amount : 0-100")
    angle = waveform * (math.pi / 2)
    return torch.sin(angle + enhancement_amount / 750.0 * torch.sin(angle * 4))


def dcshift(waveform: Tensor, shift: float, limiter_gain: float | None = None) -> Tensor:
    """``waveform`` moved by ``shift``, within [-1, 1].

    Args:
        waveform: ``(..., samples)``.
        shift: from -2 to 2.
        limiter_gain: how steeply the peaks that would be cut go on instead, far below 1.
    """
    moved = (waveform + shift).clamp(-1, 1)
    if limiter_gain is None or shift == 0:
        return moved
    edge = 1.0 - (abs(shift) - limiter_gain)
    sign = 1 if shift > 0 else -1
    height = sign * waveform
    peak = ((height - edge) * limiter_gain / (1 - edge) + edge + abs(shift)).clamp(max=edge)
    return torch.where(height > edge, sign * peak, moved)


def overdrive(waveform: Tensor, gain: float = 20, colour: float = 20) -> Tensor:
    """``waveform`` distorted by a cubic that flattens, without its mean, and mixed with itself.

    Args:
        waveform: ``(..., samples)`` within [-1, 1].
        gain: decibels before the distortion.
        colour: how many even harmonics, from 0 to 100.
    """
    bent = (waveform * 10 ** (gain / 20) + colour / 200).clamp(-1, 1)
    bent = bent - bent**3 / 3
    a, b = (tensor(c, dtype=waveform.dtype, device=waveform.device) for c in ([1.0, -0.995], [1.0, -1.0]))
    return (waveform * 0.5 + lfilter(bent, a, b, clamp=False) * 0.75).clamp(-1, 1)


def loudness(waveform: Tensor, sample_rate: int) -> Tensor:
    """The loudness of ``(..., channels, samples)`` in LKFS.

    Raises:
        ValueError: there are more than five channels.

    Source: ITU-R BS.1770-4.
    """
    channels = waveform.shape[-2]
    if channels > 5:
        raise ValueError("Only up to 5 channels are supported.")
    block = round(0.4 * sample_rate)
    weighted = treble_biquad(waveform, sample_rate, 4.0, 1500.0, 1 / math.sqrt(2))
    weighted = highpass_biquad(weighted, sample_rate, 38.0, 0.5)
    energy = weighted.square().unfold(-1, block, round(block * 0.25)).mean(dim=-1)
    share = tensor([1.0, 1.0, 1.0, 1.41, 1.41][:channels], dtype=waveform.dtype, device=waveform.device)

    def level(values: Tensor, dim: int) -> Tensor:
        return -0.691 + 10 * torch.log10(values.sum(dim))

    of_blocks = level(share[:, None] * energy, -2)

    def gated(kept: Tensor) -> Tensor:
        kept = kept.unsqueeze(-2)
        return level(share * ((kept * energy).sum(-1) / kept.sum(-1)), -1)

    loud = of_blocks > -70.0
    return gated(loud & (of_blocks > gated(loud).unsqueeze(-1) - 10))


def sliding_window_cmn(
    specgram: Tensor, cmn_window: int = 600, min_cmn_window: int = 100, center: bool = False, norm_vars: bool = False
) -> Tensor:
    """Features without the mean of the frames around or before each.

    Args:
        specgram: ``(..., frames, features)``.
        cmn_window: frames of the window.
        min_cmn_window: frames that it has at least at the beginning, where it does not lie around the frame.
        center: whether the window lies around the frame, else before it.
        norm_vars: whether to divide by the deviation too.
    """
    frames = specgram.shape[-2]
    at = torch.arange(frames, device=specgram.device)
    start = at - (cmn_window // 2 if center else cmn_window)
    end = start + cmn_window if center else at + 1
    if center:
        end = end + (-start).clamp(min=0)
    else:
        end = end.clamp(min=min_cmn_window)
    beyond = (end - frames).clamp(min=0)
    start, end = (start.clamp(min=0) - beyond).clamp(min=0), end - beyond
    count = (end - start).to(specgram.dtype)[:, None]
    exact = specgram.double()

    def windowed(values: Tensor) -> Tensor:
        sums = torch.cat([torch.zeros_like(values[..., :1, :]), values.cumsum(-2)], -2)
        return (sums.index_select(-2, end) - sums.index_select(-2, start)) / count

    mean = windowed(exact)
    centred = exact - mean
    if norm_vars:
        alone = count == 1
        variance = torch.where(alone, 1.0, windowed(exact**2) - mean**2)
        centred = torch.where(alone, 0.0, centred / variance.sqrt())
    return centred.to(specgram.dtype)
