"""What torchaudio gives: WAV files, spectrograms and features, resampling, augmentation; differentiable throughout."""

from fxtorch.audio import datasets, functional, transforms
from fxtorch.audio.files import (
    AudioMetaData,
    get_audio_backend,
    info,
    list_audio_backends,
    load,
    save,
    set_audio_backend,
)

__all__ = [
    "AudioMetaData",
    "datasets",
    "functional",
    "get_audio_backend",
    "info",
    "list_audio_backends",
    "load",
    "save",
    "set_audio_backend",
    "transforms",
]
