"""ImageNet and a part of it, as folders of photographs."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from fxtorch.serialization import load
from fxtorch.vision.datasets.folder import ImageFolder
from fxtorch.vision.datasets.listed import published
from fxtorch.vision.datasets.vision import check_split


def _name_classes(data: Any, names: dict[str, tuple[str, ...]]) -> None:
    """Let the classes be named by words, where the folders are numbers of WordNet."""
    data.wnids, data.wnid_to_idx = data.classes, data.class_to_idx
    data.classes = [names[wnid] for wnid in data.wnids]
    data.class_to_idx = {word: i for i, words in enumerate(data.classes) for word in words}


class ImageNet(ImageFolder):
    """Photographs of 1000 kinds of things; ``root`` holds ``train`` and ``val``, and the names in ``meta.bin``.

    ``meta.bin`` is the file that torchvision writes beside the unpacked archives; the archives are not unpacked here.

    Args:
        root: the folder.
        split: ``"train"`` or ``"val"``.
        kwargs: those of :class:`ImageFolder`.

    Raises:
        ValueError: there is no such split.
        RuntimeError: the files are not there.

    Source: Russakovsky et al., "ImageNet Large Scale Visual Recognition Challenge" (2015).
    """

    wnids: list[str]
    wnid_to_idx: dict[str, int]

    def __init__(self, root: str | os.PathLike[str], split: str = "train", **kwargs: Any) -> None:
        check_split(split, ("train", "val"))
        self.split = split
        base = Path(os.path.expanduser(root))
        if not (base / "meta.bin").is_file():
            raise RuntimeError(f"Dataset not found: no {base / 'meta.bin'}, which torchvision writes there")
        names, self._validation = load(base / "meta.bin", weights_only=True)
        super().__init__(published(base / split, f"ILSVRC2012_img_{split}.tar"), **kwargs)
        self.root = str(base)
        _name_classes(self, names)

    @property
    def split_folder(self) -> str:
        """Where the photographs are."""
        return os.path.join(str(self.root), self.split)

    def extra_repr(self) -> str:
        """The split."""
        return f"Split: {self.split}"


_EASY = {
    "n01440764": ("tench", "Tinca tinca"),
    "n02102040": ("English springer", "English springer spaniel"),
    "n02979186": ("cassette player",),
    "n03000684": ("chain saw", "chainsaw"),
    "n03028079": ("church", "church building"),
    "n03394916": ("French horn", "horn"),
    "n03417042": ("garbage truck", "dustcart"),
    "n03425413": ("gas pump", "gasoline pump", "petrol pump", "island dispenser"),
    "n03445777": ("golf ball",),
    "n03888257": ("parachute", "chute"),
}


class Imagenette(ImageFolder):
    """Photographs of ten kinds of things from ImageNet that are easy to tell apart; ``root`` holds ``imagenette2``.

    Args:
        root: the folder.
        split: ``"train"`` or ``"val"``.
        size: ``"full"``, ``"320px"`` or ``"160px"``; the latter two lie in ``imagenette2-320`` and ``imagenette2-160``.
        download: accepted as False only; unpack the published archive.
        kwargs: those of :class:`ImageFolder`.

    Raises:
        ValueError: there is no such split or size.
        RuntimeError: the files are not there.
    """

    def __init__(
        self,
        root: str | os.PathLike[str],
        split: str = "train",
        size: str = "full",
        download: bool = False,
        **kwargs: Any,
    ) -> None:
        check_split(split, ("train", "val"))
        check_split(size, ("full", "320px", "160px"), "size")
        name = "imagenette2" if size == "full" else f"imagenette2-{size.removesuffix('px')}"
        folder = published(Path(os.path.expanduser(root)) / name / split, f"{name}.tgz")
        super().__init__(folder, **kwargs)
        self.root = os.path.expanduser(root)
        self._split, self._size = split, size
        _name_classes(self, _EASY)
