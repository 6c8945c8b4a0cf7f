"""WAV files, written and read."""

from __future__ import annotations

import io
import wave
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import fxtorch as torch
from fxtorch import audio

WAVE = np.sin(np.linspace(0, 20, 200)).astype(np.float32).reshape(2, 100) * 0.9


def test_floats_come_back_as_they_were(tmp_path: Path) -> None:
    audio.save(tmp_path / "a.wav", torch.tensor(WAVE), 16000)
    found, rate = audio.load(tmp_path / "a.wav")
    assert rate == 16000 and found.dtype == torch.float32
    assert np.array_equal(found.numpy(), WAVE)
    assert [path.name for path in tmp_path.iterdir()] == ["a.wav"]


@pytest.mark.parametrize(("bits", "encoding"), [(8, "PCM_U"), (16, "PCM_S"), (32, "PCM_S")])
def test_integers_are_within_half_a_step(tmp_path: Path, bits: int, encoding: str) -> None:
    path = tmp_path / "a.wav"
    audio.save(path, torch.tensor(WAVE), 8000, encoding=encoding, bits_per_sample=bits)
    found, _ = audio.load(str(path))
    assert np.abs(found.numpy() - WAVE).max() <= 0.51 * 2.0 ** (1 - bits) + 1e-7
    told = audio.info(path)
    assert (told.sample_rate, told.num_frames, told.num_channels) == (8000, 100, 2)
    assert (told.bits_per_sample, told.encoding) == (bits, encoding)


def test_what_pythons_own_module_writes_is_read(tmp_path: Path) -> None:
    samples = np.asarray([[0, 1], [-32768, 32767], [5, -5]], np.int16)
    with wave.open(str(tmp_path / "a.wav"), "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(44100)
        file.writeframes(samples.tobytes())
    found, rate = audio.load(tmp_path / "a.wav")
    assert rate == 44100 and np.array_equal(found.numpy(), samples.T / 32768)
    raw, _ = audio.load(tmp_path / "a.wav", normalize=False, channels_first=False)
    assert raw.dtype == torch.int16 and np.array_equal(raw.numpy(), samples)


def test_a_part_is_read_and_open_files_do(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    audio.save(buffer, torch.tensor(WAVE).T, 8000, channels_first=False, format="wav")
    buffer.seek(0)
    found, _ = audio.load(buffer, frame_offset=10, num_frames=5)
    assert np.array_equal(found.numpy(), WAVE[:, 10:15])


@pytest.mark.parametrize(
    ("call", "error", "match"),
    [
        (lambda p: audio.load(p / "none.wav"), FileNotFoundError, "none.wav"),
        (lambda p: audio.load(p / "a.mp3"), RuntimeError, "only WAV"),
        (lambda p: audio.load(p / "text.wav"), RuntimeError, "cannot be read as a WAV file"),
        (lambda p: audio.save(p / "a.wav", torch.zeros(3), 8000), ValueError, "Expected 2D Tensor"),
        (lambda p: audio.save(p / "a.wav", torch.zeros(1, 3), 8000, encoding="ULAW"), (ValueError, KeyError), "ULAW"),
    ],
)
def test_what_cannot_be_done_says_why(tmp_path: Path, call: Any, error: Any, match: str) -> None:
    (tmp_path / "text.wav").write_text("no sound at all")
    with pytest.raises(error, match=match):
        call(tmp_path)
    assert not (tmp_path / "a.wav").exists()
