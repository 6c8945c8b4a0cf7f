"""torchaudio.functional: operators on waveforms ``(..., samples)`` and spectrograms ``(..., frequencies, frames)``."""

from fxtorch.audio.functional.filtering import (
    add_noise,
    convolve,
    fftconvolve,
    gain,
    mask_along_axis,
    mask_along_axis_iid,
    preemphasis,
    resample,
)
from fxtorch.audio.functional.scales import (
    DB_to_amplitude,
    amplitude_to_DB,
    compute_deltas,
    create_dct,
    linear_fbanks,
    melscale_fbanks,
    mu_law_decoding,
    mu_law_encoding,
)
from fxtorch.audio.functional.spectrum import (
    griffinlim,
    inverse_spectrogram,
    phase_vocoder,
    spectral_centroid,
    spectrogram,
)

__all__ = [
    "DB_to_amplitude",
    "add_noise",
    "amplitude_to_DB",
    "compute_deltas",
    "convolve",
    "create_dct",
    "fftconvolve",
    "gain",
    "griffinlim",
    "inverse_spectrogram",
    "linear_fbanks",
    "mask_along_axis",
    "mask_along_axis_iid",
    "melscale_fbanks",
    "mu_law_decoding",
    "mu_law_encoding",
    "phase_vocoder",
    "preemphasis",
    "resample",
    "spectral_centroid",
    "spectrogram",
]
