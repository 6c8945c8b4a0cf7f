"""Modules that change speed, pitch and level of waveforms, and the mean of features."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from fxtorch.audio import functional as F
from fxtorch.audio.functional.tempo import scaled_lengths, speed_rates
from fxtorch.audio.transforms.waveforms import Resample
from fxtorch.nn._torch import torch
from fxtorch.nn.modules import Module, ModuleList
from fxtorch.tensor import Tensor


class Speed(Module):
    """A waveform played faster, and the new lengths; the filter is made once.

    Args:
        orig_freq: the sample rate.
        factor: how many times as fast.
    """

    def __init__(self, orig_freq: int, factor: float) -> None:
        super().__init__()
        self.orig_freq = orig_freq
        self.factor = factor
        self.source_sample_rate, self.target_sample_rate = speed_rates(orig_freq, factor)
        self.resampler = Resample(orig_freq=self.source_sample_rate, new_freq=self.target_sample_rate)

    def forward(self, waveform: Tensor, lengths: Tensor | None = None) -> tuple[Tensor, Tensor | None]:
        """See :func:`fxtorch.audio.functional.speed`."""
        rates = (self.source_sample_rate, self.target_sample_rate)
        return self.resampler(waveform), scaled_lengths(lengths, rates)


class SpeedPerturbation(Module):
    """A waveform at one of several speeds, drawn at each call.

    Args:
        orig_freq: the sample rate.
        factors: the speeds.
    """

    def __init__(self, orig_freq: int, factors: Sequence[float]) -> None:
        super().__init__()
        self.speeders = ModuleList(Speed(orig_freq, factor) for factor in factors)

    def forward(self, waveform: Tensor, lengths: Tensor | None = None) -> tuple[Tensor, Tensor | None]:
        """See :class:`Speed`."""
        chosen: Any = self.speeders[int(torch.randint(len(self.speeders), ()))]
        return chosen(waveform, lengths)


class PitchShift(Module):
    """A waveform higher by steps, as long as before; arguments as in :func:`fxtorch.audio.functional.pitch_shift`.

    Args:
        window_fn: makes the window.
        wkwargs: its further arguments.
    """

    window: Tensor

    def __init__(
        self,
        sample_rate: int,
        n_steps: int,
        bins_per_octave: int = 12,
        n_fft: int = 512,
        win_length: int | None = None,
        hop_length: int | None = None,
        window_fn: Callable[..., Tensor] = torch.hann_window,
        wkwargs: dict[str, Any] | None = None,
    ) -> None:
        super().__init__()
        self.sample_rate = sample_rate
        self.n_steps = n_steps
        self.bins_per_octave = bins_per_octave
        self.n_fft = n_fft
        self.win_length = n_fft if win_length is None else win_length
        self.hop_length = self.win_length // 4 if hop_length is None else hop_length
        self.register_buffer("window", window_fn(self.win_length, **(wkwargs or {})))

    def forward(self, waveform: Tensor) -> Tensor:
        """The shifted waveform."""
        frames = (self.n_fft, self.win_length, self.hop_length, self.window)
        return F.pitch_shift(waveform, self.sample_rate, self.n_steps, self.bins_per_octave, *frames)


class Loudness(Module):
    """The loudness of ``(..., channels, samples)`` in LKFS.

    Args:
        sample_rate: in Hz.
    """

    def __init__(self, sample_rate: int) -> None:
        super().__init__()
        self.sample_rate = sample_rate

    def forward(self, wavefrom: Tensor) -> Tensor:
        """See :func:`fxtorch.audio.functional.loudness`; torchaudio spells the argument so."""
        return F.loudness(wavefrom, self.sample_rate)


class SlidingWindowCmn(Module):
    """Features without their mean; arguments as in :func:`fxtorch.audio.functional.sliding_window_cmn`."""

    def __init__(
        self, cmn_window: int = 600, min_cmn_window: int = 100, center: bool = False, norm_vars: bool = False
    ) -> None:  # fmt: skip
        super().__init__()
        self.cmn_window = cmn_window
        self.min_cmn_window = min_cmn_window
        self.center = center
        self.norm_vars = norm_vars

    def forward(self, specgram: Tensor) -> Tensor:
        """``(..., frames, features)``, as the argument."""
        return F.sliding_window_cmn(specgram, self.cmn_window, self.min_cmn_window, self.center, self.norm_vars)
