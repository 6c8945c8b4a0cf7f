"""What torchaudio gives: WAV files, spectrograms and features, resampling, augmentation; differentiable throughout."""

from fxtorch.audio import datasets, functional, transforms
from fxtorch.audio.files import AudioMetaData, info, load, save

__all__ = ["AudioMetaData", "datasets", "functional", "info", "load", "save", "transforms"]
