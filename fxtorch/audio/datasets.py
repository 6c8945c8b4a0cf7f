"""Published audio datasets of WAV files, read where they are found; nothing is downloaded."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

from fxtorch.audio.files import load
from fxtorch.tensor import Tensor
from fxtorch.utils.data import Dataset

__all__ = ["LJSPEECH", "SPEECHCOMMANDS", "YESNO"]


def _folder(root: str | Path, *names: str) -> Path:
    """The folder below ``root``.

    Raises:
        FileNotFoundError: it is not there.
    """
    place = Path(root).joinpath(*names)
    if not place.is_dir():
        raise FileNotFoundError(f"no folder {place.absolute()}: unpack the publisher's archive there")
    return place


class YESNO(Dataset[Any]):
    """``(waveform, sample rate, labels)`` of recordings of eight Hebrew words each, 1 for yes and 0 for no.

    Args:
        root: the folder with the archive's folder.
        url: accepted; nothing is downloaded.
        folder_in_archive: the archive's folder.
        download: accepted; nothing is downloaded.

    Raises:
        FileNotFoundError: the folder is not there.

    Source: https://www.openslr.org/1.
    """

    def __init__(
        self, root: str | Path, url: str = "", folder_in_archive: str = "waves_yesno", download: bool = False
    ) -> None:
        self._files = sorted(_folder(root, folder_in_archive).glob("*.wav"))

    def __getitem__(self, n: int) -> tuple[Tensor, int, list[int]]:
        waveform, rate = load(self._files[n])
        return waveform, rate, [int(c) for c in self._files[n].stem.split("_")]

    def __len__(self) -> int:
        return len(self._files)


class SPEECHCOMMANDS(Dataset[Any]):
    """``(waveform, sample rate, word, speaker, utterance)`` of single spoken words.

    Args:
        root: the folder with ``SpeechCommands``.
        url: the version: the folder's name inside.
        folder_in_archive: the archive's folder.
        download: accepted; nothing is downloaded.
        subset: ``"training"``, ``"validation"`` or ``"testing"``, by the lists in the archive; None for all.

    Raises:
        FileNotFoundError: the folder is not there.
        ValueError: there is no such subset.

    Source: Warden, "Speech Commands" (2018).
    """

    def __init__(
        self,
        root: str | Path,
        url: str = "speech_commands_v0.02",
        folder_in_archive: str = "SpeechCommands",
        download: bool = False,
        subset: str | None = None,
    ) -> None:
        if subset not in (None, "training", "validation", "testing"):
            raise ValueError("When `subset` is not None, it must be one of ['training', 'validation', 'testing'].")
        self._path = _folder(root, folder_in_archive, Path(url).name.removesuffix(".tar.gz"))
        if subset in ("validation", "testing"):
            self._walker = self._listed(f"{subset}_list.txt")
            return
        self._walker = sorted(
            path for path in self._path.glob("*/*.wav") if "_nohash_" in path.name and path.parent.name[0] != "_"
        )
        if subset == "training":
            others = {*self._listed("validation_list.txt"), *self._listed("testing_list.txt")}
            self._walker = [path for path in self._walker if path not in others]

    def _listed(self, name: str) -> list[Path]:
        return [self._path / line for line in (self._path / name).read_text(encoding="utf-8").split()]

    def get_metadata(self, n: int) -> tuple[str, int, str, str, int]:
        """The path, the sample rate, the word, the speaker and the utterance, without reading the sound."""
        path = self._walker[n]
        speaker, _, utterance = path.stem.partition("_nohash_")
        return str(path.relative_to(self._path.parent)), 16000, path.parent.name, speaker, int(utterance)

    def __getitem__(self, n: int) -> tuple[Tensor, int, str, str, int]:
        waveform, rate = load(self._walker[n])
        return waveform, rate, *self.get_metadata(n)[2:]

    def __len__(self) -> int:
        return len(self._walker)


class LJSPEECH(Dataset[Any]):
    """``(waveform, sample rate, transcript, normalised transcript)`` of one reader's sentences.

    Args:
        root: the folder with the archive's folder.
        url: accepted; nothing is downloaded.
        folder_in_archive: accepted, without effect.
        download: accepted; nothing is downloaded.

    Raises:
        FileNotFoundError: the folder is not there.

    Source: Ito and Johnson, "The LJ Speech Dataset" (2017).
    """

    def __init__(
        self, root: str | Path, url: str = "", folder_in_archive: str = "wavs", download: bool = False
    ) -> None:
        self._path = _folder(root, "LJSpeech-1.1")
        with (self._path / "metadata.csv").open(encoding="utf-8", newline="") as file:
            self._rows = list(csv.reader(file, delimiter="|", quoting=csv.QUOTE_NONE))

    def __getitem__(self, n: int) -> tuple[Tensor, int, str, str]:
        name, transcript, normalized = self._rows[n]
        waveform, rate = load(self._path / "wavs" / f"{name}.wav")
        return waveform, rate, transcript, normalized

    def __len__(self) -> int:
        return len(self._rows)
