"""Modules from waveforms to spectrograms and features."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from fxtorch.audio import functional as F
from fxtorch.nn._torch import torch
from fxtorch.nn.modules import Module
from fxtorch.tensor import Tensor
from fxtorch.tensor.dispatch import namespace

_lstsq = namespace("linalg")["lstsq"]

Window = Callable[..., Tensor]


def _window(window_fn: Window, win_length: int, keywords: dict[str, Any] | None) -> Tensor:
    return window_fn(win_length) if keywords is None else window_fn(win_length, **keywords)


class Spectrogram(Module):
    """``|stft|^power`` of a waveform: ``(..., samples)`` to ``(..., frequencies, frames)``.

    >>> Spectrogram(n_fft=16)(torch.zeros(2, 40)).shape
    torch.Size([2, 9, 6])

    Args:
        n_fft: the points of a transform.
        win_length: the length of the window; ``n_fft`` by default.
        hop_length: the distance of the frames; half the window by default.
        pad: zeros put at both ends first.
        window_fn: makes the window of its length.
        power: 1 for magnitudes, 2 for energies, None for the complex transforms.
        normalized: divide by the window's norm (True, ``"window"``) or the root of ``n_fft`` (``"frame_length"``).
        wkwargs: further arguments of ``window_fn``.
        center: whether a frame's middle is its place.
        pad_mode: how the signal is continued at its ends.
        onesided: leave out negative frequencies.
        return_complex: accepted, without effect.
    """

    def __init__(
        self,
        n_fft: int = 400,
        win_length: int | None = None,
        hop_length: int | None = None,
        pad: int = 0,
        window_fn: Window = torch.hann_window,
        power: float | None = 2.0,
        normalized: bool | str = False,
        wkwargs: dict[str, Any] | None = None,
        center: bool = True,
        pad_mode: str = "reflect",
        onesided: bool = True,
        return_complex: bool | None = None,
    ) -> None:
        super().__init__()
        self.n_fft = n_fft
        self.win_length = n_fft if win_length is None else win_length
        self.hop_length = self.win_length // 2 if hop_length is None else hop_length
        self.register_buffer("window", _window(window_fn, self.win_length, wkwargs))
        self.pad = pad
        self.power = power
        self.normalized = normalized
        self.center = center
        self.pad_mode = pad_mode
        self.onesided = onesided

    def forward(self, waveform: Tensor) -> Tensor:
        """The spectrogram."""
        return F.spectrogram(
            waveform, self.pad, self.window, self.n_fft, self.hop_length, self.win_length, self.power, self.normalized,
            self.center, self.pad_mode, self.onesided,
        )  # fmt: skip


class InverseSpectrogram(Module):
    """The waveform of a complex spectrogram; the arguments are those of :class:`Spectrogram`."""

    def __init__(
        self,
        n_fft: int = 400,
        win_length: int | None = None,
        hop_length: int | None = None,
        pad: int = 0,
        window_fn: Window = torch.hann_window,
        normalized: bool | str = False,
        wkwargs: dict[str, Any] | None = None,
        center: bool = True,
        pad_mode: str = "reflect",
        onesided: bool = True,
    ) -> None:
        super().__init__()
        self.n_fft = n_fft
        self.win_length = n_fft if win_length is None else win_length
        self.hop_length = self.win_length // 2 if hop_length is None else hop_length
        self.register_buffer("window", _window(window_fn, self.win_length, wkwargs))
        self.pad = pad
        self.normalized = normalized
        self.center = center
        self.pad_mode = pad_mode
        self.onesided = onesided

    def forward(self, spectrogram: Tensor, length: int | None = None) -> Tensor:
        """The waveform, of ``length`` samples if that is given."""
        return F.inverse_spectrogram(
            spectrogram, length, self.pad, self.window, self.n_fft, self.hop_length, self.win_length, self.normalized,
            self.center, self.pad_mode, self.onesided,
        )  # fmt: skip


class GriffinLim(Module):
    """A waveform with a given spectrogram: see :func:`fxtorch.audio.functional.griffinlim`."""

    def __init__(
        self,
        n_fft: int = 400,
        n_iter: int = 32,
        win_length: int | None = None,
        hop_length: int | None = None,
        window_fn: Window = torch.hann_window,
        power: float = 2.0,
        wkwargs: dict[str, Any] | None = None,
        momentum: float = 0.99,
        length: int | None = None,
        rand_init: bool = True,
    ) -> None:
        super().__init__()
        if not 0 <= momentum < 1:
            raise ValueError(f"momentum must be in the range [0, 1). Found: {momentum}")
        self.n_fft = n_fft
        self.n_iter = n_iter
        self.win_length = n_fft if win_length is None else win_length
        self.hop_length = self.win_length // 2 if hop_length is None else hop_length
        self.register_buffer("window", _window(window_fn, self.win_length, wkwargs))
        self.length = length
        self.power = power
        self.momentum = momentum
        self.rand_init = rand_init

    def forward(self, specgram: Tensor) -> Tensor:
        """The waveform."""
        return F.griffinlim(
            specgram, self.window, self.n_fft, self.hop_length, self.win_length, self.power, self.n_iter, self.momentum,
            self.length, self.rand_init,
        )  # fmt: skip


class AmplitudeToDB(Module):
    """Powers or amplitudes in decibels.

    Args:
        stype: ``"power"`` or ``"magnitude"``.
        top_db: how far below its maximum an item may fall.

    Raises:
        ValueError: ``top_db`` is negative.
    """

    def __init__(self, stype: str = "power", top_db: float | None = None) -> None:
        super().__init__()
        if top_db is not None and top_db < 0:
            raise ValueError("top_db must be positive value")
        self.stype = stype
        self.top_db = top_db
        self.multiplier = 10.0 if stype == "power" else 20.0
        self.amin = 1e-10
        self.ref_value = 1.0
        self.db_multiplier = math.log10(max(self.amin, self.ref_value))

    def forward(self, x: Tensor) -> Tensor:
        """The decibels."""
        return F.amplitude_to_DB(x, self.multiplier, self.amin, self.db_multiplier, self.top_db)


class MelScale(Module):
    """Spectra to energies in mel bands: ``(..., n_stft, frames)`` to ``(..., n_mels, frames)``.

    Args:
        n_mels: how many bands.
        sample_rate: in Hz.
        f_min: where the first band begins.
        f_max: where the last one ends; half the sample rate by default.
        n_stft: how many frequencies the spectra have.
        norm: ``"slaney"`` to give all bands the same area.
        mel_scale: ``"htk"`` or ``"slaney"``.

    Raises:
        ValueError: ``f_min`` is above ``f_max``.
    """

    def __init__(
        self,
        n_mels: int = 128,
        sample_rate: int = 16000,
        f_min: float = 0.0,
        f_max: float | None = None,
        n_stft: int = 201,
        norm: str | None = None,
        mel_scale: str = "htk",
    ) -> None:
        super().__init__()
        self.n_mels = n_mels
        self.sample_rate = sample_rate
        self.f_max = float(sample_rate // 2) if f_max is None else f_max
        self.f_min = f_min
        self.norm = norm
        self.mel_scale = mel_scale
        if f_min > self.f_max:
            raise ValueError(f"Require f_min: {f_min} <= f_max: {self.f_max}")
        self.register_buffer("fb", F.melscale_fbanks(n_stft, f_min, self.f_max, n_mels, sample_rate, norm, mel_scale))

    def forward(self, specgram: Tensor) -> Tensor:
        """The bands."""
        return torch.matmul(specgram.transpose(-1, -2), self.fb).transpose(-1, -2)


class InverseMelScale(Module):
    """Energies in mel bands back to spectra that are never negative: the shortest least squares solution.

    Args:
        n_stft: how many frequencies the spectra have.
        n_mels: how many bands there are.
        sample_rate: in Hz.
        f_min: where the first band begins.
        f_max: where the last one ends; half the sample rate by default.
        norm: ``"slaney"`` where all bands have the same area.
        mel_scale: ``"htk"`` or ``"slaney"``.
        driver: accepted, of torch's four; the solution is one of LAPACK's.

    Raises:
        ValueError: ``f_min`` is above ``f_max``, there is no such driver, or there are other bands.
    """

    fb: Tensor

    def __init__(
        self,
        n_stft: int,
        n_mels: int = 128,
        sample_rate: int = 16000,
        f_min: float = 0.0,
        f_max: float | None = None,
        norm: str | None = None,
        mel_scale: str = "htk",
        driver: str = "gels",
    ) -> None:
        super().__init__()
        self.n_stft = n_stft
        self.n_mels = n_mels
        self.sample_rate = sample_rate
        self.f_max = f_max or float(sample_rate // 2)
        self.f_min = f_min
        self.norm = norm
        self.mel_scale = mel_scale
        self.driver = driver
        if f_min > self.f_max:
            raise ValueError(f"Require f_min: {f_min} <= f_max: {self.f_max}")
        if driver not in ("gels", "gelsy", "gelsd", "gelss"):
            raise ValueError(f'driver must be one of ["gels", "gelsy", "gelsd", "gelss"]. Found {driver}.')
        self.register_buffer("fb", F.melscale_fbanks(n_stft, f_min, self.f_max, n_mels, sample_rate, norm, mel_scale))

    def forward(self, melspec: Tensor) -> Tensor:
        """``(..., n_stft, frames)`` of ``(..., n_mels, frames)``."""
        if melspec.shape[-2] != self.n_mels:
            raise ValueError(f"Expected an input with {self.n_mels} mel bins. Found: {melspec.shape[-2]}")
        return torch.relu(_lstsq(self.fb.mT, melspec).solution)


class MelSpectrogram(Module):
    """:class:`Spectrogram`, then :class:`MelScale`.

    >>> MelSpectrogram(n_fft=64, n_mels=8)(torch.zeros(2, 320)).shape
    torch.Size([2, 8, 11])

    Args:
        sample_rate: in Hz.
        n_fft: the points of a transform.
        win_length: the length of the window.
        hop_length: the distance of the frames.
        f_min: where the first band begins.
        f_max: where the last one ends.
        pad: zeros put at both ends first.
        n_mels: how many bands.
        window_fn: makes the window of its length.
        power: of the magnitudes.
        normalized: as in :class:`Spectrogram`.
        wkwargs: further arguments of ``window_fn``.
        center: whether a frame's middle is its place.
        pad_mode: how the signal is continued at its ends.
        onesided: accepted, without effect.
        norm: ``"slaney"`` to give all bands the same area.
        mel_scale: ``"htk"`` or ``"slaney"``.
    """

    def __init__(
        self,
        sample_rate: int = 16000,
        n_fft: int = 400,
        win_length: int | None = None,
        hop_length: int | None = None,
        f_min: float = 0.0,
        f_max: float | None = None,
        pad: int = 0,
        n_mels: int = 128,
        window_fn: Window = torch.hann_window,
        power: float = 2.0,
        normalized: bool | str = False,
        wkwargs: dict[str, Any] | None = None,
        center: bool = True,
        pad_mode: str = "reflect",
        onesided: bool | None = None,
        norm: str | None = None,
        mel_scale: str = "htk",
    ) -> None:
        super().__init__()
        self.sample_rate = sample_rate
        self.n_fft = n_fft
        self.win_length = n_fft if win_length is None else win_length
        self.hop_length = self.win_length // 2 if hop_length is None else hop_length
        self.pad = pad
        self.power = power
        self.normalized = normalized
        self.n_mels = n_mels
        self.f_max = f_max
        self.f_min = f_min
        self.spectrogram = Spectrogram(
            n_fft, self.win_length, self.hop_length, pad, window_fn, power, normalized, wkwargs, center, pad_mode
        )
        self.mel_scale = MelScale(n_mels, sample_rate, f_min, f_max, n_fft // 2 + 1, norm, mel_scale)

    def forward(self, waveform: Tensor) -> Tensor:
        """The bands."""
        return self.mel_scale(self.spectrogram(waveform))


class _Cepstrum(Module):
    """Cosine transforms of logarithmic bands: what :class:`MFCC` and :class:`LFCC` share."""

    dct_mat: Tensor

    def __init__(self, bands: int, coefficients: int, norm: str | None, dct_type: int, log: bool, what: str) -> None:
        super().__init__()
        if dct_type != 2:
            raise ValueError(f"DCT type not supported: {dct_type}")
        if coefficients > bands:
            raise ValueError(
                f"Cannot select more {what} coefficients than # {'mel bins' if what == 'MFCC' else 'fft bins'}"
            )
        self.dct_type = dct_type
        self.norm = norm
        self.top_db = 80.0
        self.amplitude_to_DB = AmplitudeToDB("power", self.top_db)
        self.register_buffer("dct_mat", F.create_dct(coefficients, bands, norm))
        self._log = log

    def _bands(self, waveform: Tensor) -> Tensor:
        raise NotImplementedError

    def forward(self, waveform: Tensor) -> Tensor:
        """The coefficients, ``(..., coefficients, frames)``."""
        bands = self._bands(waveform)
        bands = torch.log(bands + 1e-6) if self._log else self.amplitude_to_DB(bands)
        return torch.matmul(bands.transpose(-1, -2), self.dct_mat).transpose(-1, -2)


class MFCC(_Cepstrum):
    """Mel-frequency cepstral coefficients.

    >>> MFCC(n_mfcc=5, melkwargs={"n_fft": 64, "n_mels": 8})(torch.ones(320)).shape
    torch.Size([5, 11])

    Args:
        sample_rate: in Hz.
        n_mfcc: how many coefficients.
        dct_type: 2.
        norm: ``"ortho"`` for an orthogonal cosine transform.
        log_mels: logarithms instead of decibels.
        melkwargs: further arguments of :class:`MelSpectrogram`.

    Raises:
        ValueError: there are more coefficients than bands, or another ``dct_type``.
    """

    def __init__(
        self,
        sample_rate: int = 16000,
        n_mfcc: int = 40,
        dct_type: int = 2,
        norm: str | None = "ortho",
        log_mels: bool = False,
        melkwargs: dict[str, Any] | None = None,
    ) -> None:
        spectrogram = MelSpectrogram(sample_rate=sample_rate, **(melkwargs or {}))
        super().__init__(spectrogram.n_mels, n_mfcc, norm, dct_type, log_mels, "MFCC")
        self.MelSpectrogram = spectrogram
        self.sample_rate = sample_rate
        self.n_mfcc = n_mfcc
        self.log_mels = log_mels

    def _bands(self, waveform: Tensor) -> Tensor:
        return self.MelSpectrogram(waveform)


class LFCC(_Cepstrum):
    """Cepstral coefficients of bands that are equally wide in Hz.

    Args:
        sample_rate: in Hz.
        n_filter: how many bands.
        f_min: where the first band begins.
        f_max: where the last one ends.
        n_lfcc: how many coefficients.
        dct_type: 2.
        norm: ``"ortho"`` for an orthogonal cosine transform.
        log_lf: logarithms instead of decibels.
        speckwargs: further arguments of :class:`Spectrogram`.

    Raises:
        ValueError: there are more coefficients than frequencies, or another ``dct_type``.
    """

    def __init__(
        self,
        sample_rate: int = 16000,
        n_filter: int = 128,
        f_min: float = 0.0,
        f_max: float | None = None,
        n_lfcc: int = 40,
        dct_type: int = 2,
        norm: str | None = "ortho",
        log_lf: bool = False,
        speckwargs: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(n_filter, n_lfcc, norm, dct_type, log_lf, "LFCC")
        self.sample_rate = sample_rate
        self.f_min = f_min
        self.f_max = float(sample_rate // 2) if f_max is None else f_max
        self.n_filter = n_filter
        self.n_lfcc = n_lfcc
        self.log_lf = log_lf
        self.Spectrogram = Spectrogram(**(speckwargs or {}))
        bank = F.linear_fbanks(self.Spectrogram.n_fft // 2 + 1, f_min, self.f_max, n_filter, sample_rate)
        self.register_buffer("filter_mat", bank)

    def _bands(self, waveform: Tensor) -> Tensor:
        return torch.matmul(self.Spectrogram(waveform).transpose(-1, -2), self.filter_mat).transpose(-1, -2)


class SpectralCentroid(Module):
    """The mean frequency of each frame, weighted by magnitude.

    Args:
        sample_rate: in Hz.
        n_fft: the points of a transform.
        win_length: the length of the window.
        hop_length: the distance of the frames.
        pad: zeros put at both ends first.
        window_fn: makes the window of its length.
        wkwargs: further arguments of ``window_fn``.
    """

    def __init__(
        self,
        sample_rate: int,
        n_fft: int = 400,
        win_length: int | None = None,
        hop_length: int | None = None,
        pad: int = 0,
        window_fn: Window = torch.hann_window,
        wkwargs: dict[str, Any] | None = None,
    ) -> None:
        super().__init__()
        self.sample_rate = sample_rate
        self.n_fft = n_fft
        self.win_length = n_fft if win_length is None else win_length
        self.hop_length = self.win_length // 2 if hop_length is None else hop_length
        self.register_buffer("window", _window(window_fn, self.win_length, wkwargs))
        self.pad = pad

    def forward(self, waveform: Tensor) -> Tensor:
        """``(..., frames)``."""
        return F.spectral_centroid(
            waveform, self.sample_rate, self.pad, self.window, self.n_fft, self.hop_length, self.win_length
        )
