"""Modules on waveforms: resampling, volume, fading, mu-law; and masks of spectrograms."""

from __future__ import annotations

import math

from fxtorch.audio import functional as F
from fxtorch.audio.functional.filtering import apply_kernel, sinc_kernel
from fxtorch.nn._torch import torch
from fxtorch.nn.modules import Module
from fxtorch.tensor import Tensor
from fxtorch.tensor.dtype import dtype as Dtype


class Resample(Module):
    """A waveform at another sample rate; the filter is made once.

    >>> Resample(4, 6)(torch.zeros(2, 8)).shape
    torch.Size([2, 12])

    Args:
        orig_freq: the sample rate, an integer.
        new_freq: the other, an integer.
        resampling_method: ``"sinc_interp_hann"`` or ``"sinc_interp_kaiser"``.
        lowpass_filter_width: how many zero crossings the filter has on each side.
        rolloff: the filter's edge as a part of the lower Nyquist frequency.
        beta: the Kaiser window's shape.
        dtype: the filter's type; float32 by default.
    """

    kernel: Tensor

    def __init__(
        self,
        orig_freq: int = 16000,
        new_freq: int = 16000,
        resampling_method: str = "sinc_interp_hann",
        lowpass_filter_width: int = 6,
        rolloff: float = 0.99,
        beta: float | None = None,
        *,
        dtype: Dtype | None = None,
    ) -> None:
        super().__init__()
        self.orig_freq = orig_freq
        self.new_freq = new_freq
        self.gcd = math.gcd(int(orig_freq), int(new_freq))
        self.resampling_method = resampling_method
        self.lowpass_filter_width = lowpass_filter_width
        self.rolloff = rolloff
        self.beta = beta
        if orig_freq != new_freq:
            like = None if dtype is None else torch.zeros(0, dtype=dtype)
            kernel, self.width = sinc_kernel(
                orig_freq, new_freq, lowpass_filter_width, rolloff, resampling_method, beta, like
            )
            self.register_buffer("kernel", kernel)

    def forward(self, waveform: Tensor) -> Tensor:
        """``(..., samples)`` at the new rate."""
        if self.orig_freq == self.new_freq:
            return waveform
        return apply_kernel(waveform, self.orig_freq, self.new_freq, self.kernel, self.width)


class MuLawEncoding(Module):
    """Values in [-1, 1] as integers, finer near 0.

    Args:
        quantization_channels: how many integers.
    """

    def __init__(self, quantization_channels: int = 256) -> None:
        super().__init__()
        self.quantization_channels = quantization_channels

    def forward(self, x: Tensor) -> Tensor:
        """The integers."""
        return F.mu_law_encoding(x, self.quantization_channels)


class MuLawDecoding(Module):
    """The inverse of :class:`MuLawEncoding`.

    Args:
        quantization_channels: how many integers.
    """

    def __init__(self, quantization_channels: int = 256) -> None:
        super().__init__()
        self.quantization_channels = quantization_channels

    def forward(self, x_mu: Tensor) -> Tensor:
        """Values in [-1, 1]."""
        return F.mu_law_decoding(x_mu, self.quantization_channels)


class ComputeDeltas(Module):
    """The slope at each frame of a line through its neighbours.

    Args:
        win_length: how many frames.
        mode: how the frames are continued at the ends.
    """

    def __init__(self, win_length: int = 5, mode: str = "replicate") -> None:
        super().__init__()
        self.win_length = win_length
        self.mode = mode

    def forward(self, specgram: Tensor) -> Tensor:
        """The slopes."""
        return F.compute_deltas(specgram, self.win_length, self.mode)


class Preemphasis(Module):
    """``y[i] = x[i] - coeff * x[i - 1]``.

    Args:
        coeff: how much of the sample before is taken off.
    """

    def __init__(self, coeff: float = 0.97) -> None:
        super().__init__()
        self.coeff = coeff

    def forward(self, waveform: Tensor) -> Tensor:
        """The filtered waveform."""
        return F.preemphasis(waveform, self.coeff)


class Deemphasis(Module):
    """``y[i] = x[i] + coeff * y[i - 1]``: the inverse of :class:`Preemphasis`.

    Args:
        coeff: how much of the result before is added.
    """

    def __init__(self, coeff: float = 0.97) -> None:
        super().__init__()
        self.coeff = coeff

    def forward(self, waveform: Tensor) -> Tensor:
        """The filtered waveform."""
        return F.deemphasis(waveform, self.coeff)


class Convolve(Module):
    """The convolution of two waveforms, by sums.

    Args:
        mode: ``"full"``, ``"valid"`` or ``"same"``.
    """

    def __init__(self, mode: str = "full") -> None:
        super().__init__()
        self.mode = mode

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        """The convolution along the last dimension."""
        return F.convolve(x, y, mode=self.mode)


class FFTConvolve(Convolve):
    """The convolution of two waveforms, by Fourier transforms.

    Args:
        mode: ``"full"``, ``"valid"`` or ``"same"``.
    """

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        """The convolution along the last dimension."""
        return F.fftconvolve(x, y, mode=self.mode)


class Vol(Module):
    """A waveform louder or softer, kept within [-1, 1].

    Args:
        gain: how much.
        gain_type: ``"amplitude"``, ``"power"`` or ``"db"``.

    Raises:
        ValueError: a negative gain that is not in decibels.
    """

    def __init__(self, gain: float, gain_type: str = "amplitude") -> None:
        super().__init__()
        if gain_type in ("amplitude", "power") and gain < 0:
            raise ValueError("If gain_type = amplitude or power, gain must be positive.")
        self.gain = gain
        self.gain_type = gain_type

    def forward(self, waveform: Tensor) -> Tensor:
        """The waveform."""
        decibels = 10 * math.log10(self.gain) if self.gain_type == "power" else self.gain
        waveform = waveform * self.gain if self.gain_type == "amplitude" else F.gain(waveform, decibels)
        return torch.clamp(waveform, -1, 1)


_SHAPES = {
    "linear": lambda x: x,
    "exponential": lambda x: torch.pow(2.0, x - 1) * x,
    "logarithmic": lambda x: torch.log10(0.1 + x) + 1,
    "quarter_sine": lambda x: torch.sin(x * math.pi / 2),
    "half_sine": lambda x: torch.sin(x * math.pi - math.pi / 2) / 2 + 0.5,
}


class Fade(Module):
    """A waveform that fades in and out.

    Args:
        fade_in_len: over how many samples it fades in.
        fade_out_len: over how many it fades out.
        fade_shape: ``"linear"``, ``"exponential"``, ``"logarithmic"``, ``"quarter_sine"`` or ``"half_sine"``.
    """

    def __init__(self, fade_in_len: int = 0, fade_out_len: int = 0, fade_shape: str = "linear") -> None:
        super().__init__()
        self.fade_in_len = fade_in_len
        self.fade_out_len = fade_out_len
        self.fade_shape = fade_shape

    def forward(self, waveform: Tensor) -> Tensor:
        """The waveform."""
        length, like = waveform.shape[-1], {"dtype": waveform.dtype, "device": waveform.device}
        shape = _SHAPES[self.fade_shape]
        rise = shape(torch.linspace(0, 1, self.fade_in_len, **like))
        fall = shape(1 - torch.linspace(0, 1, self.fade_out_len, **like))
        fade_in = torch.cat([rise, torch.ones(length - self.fade_in_len, **like)]).clamp(0, 1)
        fade_out = torch.cat([torch.ones(length - self.fade_out_len, **like), fall]).clamp(0, 1)
        return fade_in * fade_out * waveform


class _AxisMasking(Module):
    """A random span along one axis of a spectrogram, masked.

    Args:
        mask_param: the span is shorter than this.
        axis: 1 for frequencies, 2 for frames.
        iid_masks: a span of its own for each item and channel.
        p: the greatest part of the axis that may be masked.
    """

    def __init__(self, mask_param: int, axis: int, iid_masks: bool, p: float = 1.0) -> None:
        super().__init__()
        self.mask_param = mask_param
        self.axis = axis
        self.iid_masks = iid_masks
        self.p = p

    def forward(self, specgram: Tensor, mask_value: float = 0.0) -> Tensor:
        """``(..., frequencies, frames)`` with ``mask_value`` in the span."""
        mask = F.mask_along_axis_iid if self.iid_masks else F.mask_along_axis
        return mask(specgram, self.mask_param, mask_value, self.axis + specgram.dim() - 3, p=self.p)


class FrequencyMasking(_AxisMasking):
    """A random band of frequencies masked (SpecAugment).

    Args:
        freq_mask_param: the band is narrower than this.
        iid_masks: a band of its own for each item and channel.
    """

    def __init__(self, freq_mask_param: int, iid_masks: bool = False) -> None:
        super().__init__(freq_mask_param, 1, iid_masks)


class TimeMasking(_AxisMasking):
    """A random span of frames masked (SpecAugment).

    Args:
        time_mask_param: the span is shorter than this.
        iid_masks: a span of its own for each item and channel.
        p: the greatest part of the frames that may be masked.

    Raises:
        ValueError: ``p`` is not in [0, 1].
    """

    def __init__(self, time_mask_param: int, iid_masks: bool = False, p: float = 1.0) -> None:
        if not 0.0 <= p <= 1.0:
            raise ValueError(f"The value of p must be between 0.0 and 1.0 ({p} given).")
        super().__init__(time_mask_param, 2, iid_masks, p=p)


class SpecAugment(Module):
    """Several bands of frequencies and spans of frames masked.

    Args:
        n_time_masks: how many spans of frames.
        time_mask_param: each is shorter than this.
        n_freq_masks: how many bands of frequencies.
        freq_mask_param: each is narrower than this.
        iid_masks: masks of its own for each item and channel.
        p: the greatest part of the frames that a span may have.
        zero_masking: mask with 0 instead of the mean.

    Source: Park et al., "SpecAugment" (2019).
    """

    def __init__(
        self,
        n_time_masks: int,
        time_mask_param: int,
        n_freq_masks: int,
        freq_mask_param: int,
        iid_masks: bool = True,
        p: float = 1.0,
        zero_masking: bool = False,
    ) -> None:
        super().__init__()
        self.n_time_masks = n_time_masks
        self.time_mask_param = time_mask_param
        self.n_freq_masks = n_freq_masks
        self.freq_mask_param = freq_mask_param
        self.iid_masks = iid_masks
        self.p = p
        self.zero_masking = zero_masking

    def forward(self, specgram: Tensor) -> Tensor:
        """``(..., frequencies, frames)`` with its masks."""
        value = 0.0 if self.zero_masking else specgram.mean()
        mask = F.mask_along_axis_iid if specgram.dim() > 2 and self.iid_masks else F.mask_along_axis
        for _ in range(self.n_time_masks):
            specgram = mask(specgram, self.time_mask_param, value, specgram.dim() - 1, p=self.p)
        for _ in range(self.n_freq_masks):
            specgram = mask(specgram, self.freq_mask_param, value, specgram.dim() - 2, p=self.p)
        return specgram


class TimeStretch(Module):
    """A complex spectrogram played faster or slower, its pitch kept.

    Args:
        hop_length: the distance of the frames; ``n_freq - 1`` by default.
        n_freq: how many frequencies.
        fixed_rate: how many times as fast.
    """

    phase_advance: Tensor

    def __init__(self, hop_length: int | None = None, n_freq: int = 201, fixed_rate: float | None = None) -> None:
        super().__init__()
        self.fixed_rate = fixed_rate
        hop = n_freq - 1 if hop_length is None else hop_length
        self.register_buffer("phase_advance", torch.linspace(0, math.pi * hop, n_freq)[..., None])

    def forward(self, complex_specgrams: Tensor, overriding_rate: float | None = None) -> Tensor:
        """``(..., frequencies, frames / rate)``."""
        rate = self.fixed_rate if overriding_rate is None else overriding_rate
        if rate is None:
            raise ValueError("If no fixed_rate is specified, must pass a valid rate to the forward method.")
        return F.phase_vocoder(complex_specgrams, rate, self.phase_advance)


class AddNoise(Module):
    """A waveform with noise at a signal-to-noise ratio."""

    def forward(self, waveform: Tensor, noise: Tensor, snr: Tensor, lengths: Tensor | None = None) -> Tensor:
        """See :func:`fxtorch.audio.functional.add_noise`."""
        return F.add_noise(waveform, noise, snr, lengths)
