"""WAV files: ``load``, ``save``, ``info``."""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
from scipy.io import wavfile

from fxtorch.tensor import Tensor
from fxtorch.tensor.construction import tensor

Where = str | os.PathLike[str] | IO[bytes]

_ENCODINGS = {"u1": ("PCM_U", 8), "i2": ("PCM_S", 16), "i4": ("PCM_S", 32), "f4": ("PCM_F", 32), "f8": ("PCM_F", 64)}


@dataclass
class AudioMetaData:
    """What a file says of itself.

    Attributes:
        sample_rate: samples a second.
        num_frames: samples a channel.
        num_channels: channels.
        bits_per_sample: bits of a sample.
        encoding: ``"PCM_S"``, ``"PCM_U"`` or ``"PCM_F"``.
    """

    sample_rate: int
    num_frames: int
    num_channels: int
    bits_per_sample: int
    encoding: str


def _check_format(uri: Any, format: str | None) -> None:
    name = format or (Path(uri).suffix[1:] if isinstance(uri, str | os.PathLike) else "wav")
    if name.lower() not in ("", "wav", "wave"):
        raise RuntimeError(f"only WAV files can be read and written, not {name!r}: convert the file first")


def _read(uri: Where) -> tuple[int, np.ndarray]:
    """The rate, and ``(frames, channels)``."""
    try:
        rate, data = wavfile.read(uri)
    except ValueError as error:
        raise RuntimeError(f"{uri} cannot be read as a WAV file: {error}") from error
    return rate, data[:, None] if data.ndim == 1 else data


def load(
    uri: Where,
    frame_offset: int = 0,
    num_frames: int = -1,
    normalize: bool = True,
    channels_first: bool = True,
    format: str | None = None,
    buffer_size: int = 4096,
    backend: str | None = None,
) -> tuple[Tensor, int]:
    """The waveform of a WAV file, and its sample rate.

    Args:
        uri: a path or an open binary file.
        frame_offset: how many frames to leave out at the beginning.
        num_frames: how many to read; -1 for all.
        normalize: float32 in [-1, 1]; otherwise integers stay as they are.
        channels_first: ``(channels, frames)``, else ``(frames, channels)``.
        format: ``"wav"``.
        buffer_size: accepted, without effect.
        backend: accepted, without effect.

    Raises:
        FileNotFoundError: there is no such file.
        RuntimeError: it is no WAV file.
    """
    _check_format(uri, format)
    rate, data = _read(uri)
    end = None if num_frames < 0 else frame_offset + num_frames
    data = data[frame_offset:end]
    if normalize and data.dtype.kind == "u":
        data = (data.astype(np.float32) - 128) / 128
    elif normalize and data.dtype.kind == "i":
        data = (data / 2.0 ** (8 * data.dtype.itemsize - 1)).astype(np.float32)
    elif normalize:
        data = data.astype(np.float32)
    return tensor(np.ascontiguousarray(data.T if channels_first else data)), rate


def info(uri: Where, format: str | None = None, buffer_size: int = 4096, backend: str | None = None) -> AudioMetaData:
    """What a WAV file says of itself.

    Raises:
        FileNotFoundError: there is no such file.
        RuntimeError: it is no WAV file.
    """
    _check_format(uri, format)
    rate, data = _read(uri)
    encoding, bits = _ENCODINGS[data.dtype.str[1:]]
    return AudioMetaData(rate, data.shape[0], data.shape[1], bits, encoding)


def save(
    uri: Where,
    src: Tensor,
    sample_rate: int,
    channels_first: bool = True,
    format: str | None = None,
    encoding: str | None = None,
    bits_per_sample: int | None = None,
    buffer_size: int = 4096,
    backend: str | None = None,
    compression: Any = None,
) -> None:
    """Write a WAV file; a path gets the whole file or none.

    Args:
        uri: a path or an open binary file.
        src: ``(channels, frames)``; floats in [-1, 1], or uint8, int16 or int32.
        sample_rate: samples a second.
        channels_first: False for ``(frames, channels)``.
        format: ``"wav"``.
        encoding: ``"PCM_S"``, ``"PCM_U"`` or ``"PCM_F"``; as ``src`` is by default.
        bits_per_sample: 8 (unsigned), 16, 32 or 64 (floats); as ``src`` is by default.
        buffer_size: accepted, without effect.
        backend: accepted, without effect.
        compression: accepted, without effect.

    Raises:
        ValueError: ``src`` does not have two dimensions, or the encoding is none of these.
        RuntimeError: another format is asked for.
    """
    _check_format(uri, format)
    if src.dim() != 2:
        raise ValueError(f"Expected 2D Tensor, got {src.dim()}D.")
    data = src.detach().cpu().numpy()
    data = np.ascontiguousarray(_encoded(data.T if channels_first else data, encoding, bits_per_sample))
    if not isinstance(uri, str | os.PathLike):
        wavfile.write(uri, sample_rate, data)
        return
    place = Path(uri)
    handle, unfinished = tempfile.mkstemp(dir=place.parent or ".", prefix=place.name, suffix=".part")
    try:
        with os.fdopen(handle, "w+b") as file:
            wavfile.write(file, sample_rate, data)
        os.replace(unfinished, place)
    except BaseException:
        Path(unfinished).unlink(missing_ok=True)
        raise


def _encoded(data: np.ndarray, encoding: str | None, bits: int | None) -> np.ndarray:
    """Samples in the type that stands for the encoding."""
    own = data.dtype.str[1:]
    if own not in _ENCODINGS:
        raise ValueError(f"a waveform of type {data.dtype} cannot be written: use float32, uint8, int16 or int32")
    kind = encoding or (_ENCODINGS[own][0] if bits is None or (data.dtype.kind == "f" and bits >= 32) else None)
    kind = kind or ("PCM_U" if bits == 8 else "PCM_S")
    bits = bits or (_ENCODINGS[own][1] if _ENCODINGS[own][0] == kind else {"PCM_U": 8, "PCM_S": 16, "PCM_F": 32}[kind])
    wanted = next((code for code, pair in _ENCODINGS.items() if pair == (kind, bits)), None)
    if wanted is None:
        raise ValueError(f"{kind} with {bits} bits a sample is not written")
    if wanted == own:
        return data
    unit = {"u": lambda x: (x - 128.0) / 128.0, "i": lambda x: x / 2.0 ** (8 * data.dtype.itemsize - 1)}.get(
        data.dtype.kind, lambda x: x
    )(data.astype(np.float64))
    if wanted[0] == "f":
        return unit.astype(wanted)
    top = 2.0 ** (bits - 1)
    scaled = np.clip(np.round(unit * top), -top, top - 1)
    return (scaled + 128 if wanted[0] == "u" else scaled).astype(wanted)


def list_audio_backends() -> list[str]:
    """What reads and writes files: SciPy."""
    return ["scipy"]


def get_audio_backend() -> str:
    """What reads and writes files: SciPy."""
    return "scipy"


def set_audio_backend(backend: str | None) -> None:
    """Accepted, without effect: there is one backend."""
