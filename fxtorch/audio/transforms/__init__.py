"""torchaudio.transforms: the operators of :mod:`fxtorch.audio.functional` as modules."""

from fxtorch.audio.transforms.spectral import (
    LFCC,
    MFCC,
    AmplitudeToDB,
    GriffinLim,
    InverseSpectrogram,
    MelScale,
    MelSpectrogram,
    SpectralCentroid,
    Spectrogram,
)
from fxtorch.audio.transforms.waveforms import (
    AddNoise,
    ComputeDeltas,
    Fade,
    FrequencyMasking,
    MuLawDecoding,
    MuLawEncoding,
    Preemphasis,
    Resample,
    TimeMasking,
    TimeStretch,
    Vol,
)

__all__ = [
    "LFCC",
    "MFCC",
    "AddNoise",
    "AmplitudeToDB",
    "ComputeDeltas",
    "Fade",
    "FrequencyMasking",
    "GriffinLim",
    "InverseSpectrogram",
    "MelScale",
    "MelSpectrogram",
    "MuLawDecoding",
    "MuLawEncoding",
    "Preemphasis",
    "Resample",
    "SpectralCentroid",
    "Spectrogram",
    "TimeMasking",
    "TimeStretch",
    "Vol",
]
