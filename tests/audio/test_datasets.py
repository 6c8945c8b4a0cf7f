"""Audio datasets, read from files laid out as their publishers do."""

from __future__ import annotations

from pathlib import Path

import pytest

import fxtorch as torch
from fxtorch import audio


def sound(path: Path, level: float = 0.5) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    audio.save(path, torch.full((1, 4), level), 16000)


def test_answers_are_told_by_the_files_name(tmp_path: Path) -> None:
    sound(tmp_path / "waves_yesno" / "0_1_1_0.wav")
    (waveform, rate, labels), count = audio.datasets.YESNO(tmp_path)[0], len(audio.datasets.YESNO(tmp_path))
    assert waveform.shape == (1, 4) and rate == 16000 and labels == [0, 1, 1, 0] and count == 1


def test_words_are_told_by_the_folder_and_split_by_lists(tmp_path: Path) -> None:
    folder = tmp_path / "SpeechCommands" / "speech_commands_v0.02"
    for name in ("yes/a_nohash_0.wav", "yes/b_nohash_1.wav", "no/a_nohash_0.wav", "_background_noise_/x.wav"):
        sound(folder / name)
    (folder / "validation_list.txt").write_text("yes/b_nohash_1.wav\n")
    (folder / "testing_list.txt").write_text("no/a_nohash_0.wav\n")
    parts = {part: audio.datasets.SPEECHCOMMANDS(tmp_path, subset=part) for part in (None, "training", "validation")}
    assert [len(part) for part in parts.values()] == [3, 1, 1]
    assert parts["validation"][0][1:] == (16000, "yes", "b", 1)
    with pytest.raises(ValueError, match="must be one of"):
        audio.datasets.SPEECHCOMMANDS(tmp_path, subset="other")


def test_sentences_come_with_their_transcripts(tmp_path: Path) -> None:
    sound(tmp_path / "LJSpeech-1.1" / "wavs" / "LJ001-0001.wav")
    (tmp_path / "LJSpeech-1.1" / "metadata.csv").write_text('LJ001-0001|In 1455, "so"|In fourteen, "so"\n')
    assert audio.datasets.LJSPEECH(tmp_path)[0][1:] == (16000, 'In 1455, "so"', 'In fourteen, "so"')


def test_folders_that_are_not_there_are_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"waves_yesno: unpack the publisher's archive there"):
        audio.datasets.YESNO(tmp_path)
