"""Data sets of photographs whose files are listed, with their classes, in files of text."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, ClassVar

from fxtorch.vision._pil import pillow
from fxtorch.vision.datasets.folder import pil_loader
from fxtorch.vision.datasets.vision import Transform, VisionDataset, check_split


def published(folder: Path, source: str) -> Path:
    """``folder``, if it is there.

    Raises:
        RuntimeError: it is not; the message says what to unpack.
    """
    if not folder.is_dir():
        raise RuntimeError(f"Dataset not found: no {folder}; unpack the published archive there ({source})")
    return folder


def published_file(path: Path, where: str = "") -> Path:
    """``path``, if the file is there.

    Raises:
        RuntimeError: it is not; the message says what to put there, and ``where`` it is published.
    """
    if not path.is_file():
        place = f", from {where}" if where else ""
        raise RuntimeError(f"Dataset not found: no {path}; put the published file there{place}")
    return path


class Listed(VisionDataset):
    """Photographs with numbered classes: a subclass says where the published files lie, and reads their lists.

    It reads them in ``_read``, or, where its arguments are others, in a constructor of its own.

    Attributes:
        classes: the names of the classes, in order.
        class_to_idx: their numbers.
    """

    splits: ClassVar[tuple[str, ...]]
    folder_name: ClassVar[str]
    source: ClassVar[str]

    def __init__(
        self,
        root: str | os.PathLike[str],
        split: str = "train",
        transform: Transform = None,
        target_transform: Transform = None,
        loader: Callable[[Any], Any] = pil_loader,
        transforms: Transform = None,
    ) -> None:
        super().__init__(root, transforms, transform, target_transform)
        check_split(split, self.splits)
        self.split = split
        self.loader = loader
        self._base = published(self.folder / self.folder_name, self.source)
        self._files: list[Path] = []
        self._labels: list[int] = []
        self._read()

    def _read(self) -> None:
        """Find the files and their classes."""

    def _number(self, classes: Sequence[str]) -> None:
        self.classes = list(classes)
        self.class_to_idx = {name: i for i, name in enumerate(self.classes)}

    def _take(self, samples: Sequence[tuple[str | Path, int]]) -> None:
        self._files = [Path(path) for path, _ in samples]
        self._labels = [label for _, label in samples]

    def __len__(self) -> int:
        return len(self._files)

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        return self._dressed(self.loader(self._files[index]), self._labels[index])

    def extra_repr(self) -> str:
        """The split."""
        return f"split={self.split}"


class Food101(Listed):
    """Photographs of 101 dishes; ``root`` holds ``food-101``.

    Args:
        root: the folder.
        split: ``"train"`` or ``"test"``.
        transform: of the photograph.
        target_transform: of the class.
        loader: from a path to a picture.

    Raises:
        ValueError: there is no such split.
        RuntimeError: the files are not there.

    Source: Bossard et al., "Food-101" (2014).
    """

    splits = ("train", "test")
    folder_name = "food-101"
    source = "food-101.tar.gz"

    def _read(self) -> None:
        listed = json.loads((self._base / "meta" / f"{self.split}.json").read_text())
        self._number(sorted(listed))
        for name, images in listed.items():
            self._files += [self._base / "images" / f"{image}.jpg" for image in images]
            self._labels += [self.class_to_idx[name]] * len(images)


class DTD(Listed):
    """Photographs of 47 textures; ``root`` holds ``dtd/dtd``.

    Args:
        root: the folder.
        split: ``"train"``, ``"val"`` or ``"test"``.
        partition: which of the ten divisions into splits, from 1.
        transform: of the photograph.
        target_transform: of the class.
        loader: from a path to a picture.

    Raises:
        ValueError: there is no such split or partition.
        RuntimeError: the files are not there.

    Source: Cimpoi et al., "Describing Textures in the Wild" (2014).
    """

    splits = ("train", "val", "test")
    folder_name = "dtd/dtd"
    source = "dtd-r1.0.1.tar.gz, to the folder dtd"

    def __init__(
        self,
        root: str | os.PathLike[str],
        split: str = "train",
        partition: int = 1,
        transform: Transform = None,
        target_transform: Transform = None,
        loader: Callable[[Any], Any] = pil_loader,
    ) -> None:
        if not (isinstance(partition, int) and 1 <= partition <= 10):
            raise ValueError(
                f"Parameter 'partition' should be an integer with `1 <= partition <= 10`, but got {partition} instead"
            )
        super().__init__(root, split, transform, target_transform, loader)
        self.partition = partition
        images = (self._base / "labels" / f"{split}{partition}.txt").read_text().split()
        names = [image.partition("/")[0] for image in images]
        self._number(sorted(set(names)))
        self._files = [self._base / "images" / image for image in images]
        self._labels = [self.class_to_idx[name] for name in names]


class FGVCAircraft(Listed):
    """Photographs of aircraft; ``root`` holds ``fgvc-aircraft-2013b``.

    Args:
        root: the folder.
        split: ``"train"``, ``"val"``, ``"trainval"`` or ``"test"``.
        annotation_level: ``"variant"``, ``"family"`` or ``"manufacturer"``.
        transform: of the photograph.
        target_transform: of the class.
        loader: from a path to a picture.

    Raises:
        ValueError: there is no such split or level.
        RuntimeError: the files are not there.

    Source: Maji et al., "Fine-Grained Visual Classification of Aircraft" (2013).
    """

    splits = ("train", "val", "trainval", "test")
    folder_name = "fgvc-aircraft-2013b"
    source = "fgvc-aircraft-2013b.tar.gz"
    _LISTS: ClassVar[dict[str, str]] = {
        "variant": "variants.txt",
        "family": "families.txt",
        "manufacturer": "manufacturers.txt",
    }

    def __init__(
        self,
        root: str | os.PathLike[str],
        split: str = "trainval",
        annotation_level: str = "variant",
        transform: Transform = None,
        target_transform: Transform = None,
        loader: Callable[[Any], Any] = pil_loader,
    ) -> None:
        if annotation_level not in self._LISTS:
            raise ValueError(
                f"Unknown value '{annotation_level}' for argument annotation_level. "
                f"Valid values are {tuple(self._LISTS)}."
            )
        super().__init__(root, split, transform, target_transform, loader)
        data = self._base / "data"
        self._number((data / self._LISTS[annotation_level]).read_text().splitlines())
        for line in (data / f"images_{annotation_level}_{split}.txt").read_text().splitlines():
            image, _, name = line.strip().partition(" ")
            self._files.append(data / "images" / f"{image}.jpg")
            self._labels.append(self.class_to_idx[name])


class OxfordIIITPet(Listed):
    """Photographs of 37 breeds of cats and dogs; ``root`` holds ``oxford-iiit-pet``.

    Args:
        root: the folder.
        split: ``"trainval"`` or ``"test"``.
        target_types: one or several of ``"category"``, ``"binary-category"`` (0 for cats) and ``"segmentation"`` (a
            Pillow image of 1, 2 and 3 for pet, ground and border).  Of several the target is a tuple, of none None.
        transforms: of photograph and target together; or
        transform: of the photograph, and
        target_transform: of the target.
        loader: from a path to a picture.

    Raises:
        ValueError: there is no such split or target.
        RuntimeError: the files are not there.

    Source: Parkhi et al., "Cats and Dogs" (2012).
    """

    splits = ("trainval", "test")
    folder_name = "oxford-iiit-pet"
    source = "images.tar.gz and annotations.tar.gz"
    _TARGETS = ("category", "binary-category", "segmentation")

    def __init__(
        self,
        root: str | os.PathLike[str],
        split: str = "trainval",
        target_types: Sequence[str] | str = "category",
        transforms: Transform = None,
        transform: Transform = None,
        target_transform: Transform = None,
        loader: Callable[[Any], Any] = pil_loader,
    ) -> None:
        super().__init__(root, split, transform, target_transform, loader, transforms)
        self._target_types = [target_types] if isinstance(target_types, str) else list(target_types)
        for kind in self._target_types:
            if kind not in self._TARGETS:
                raise ValueError(f"Unknown value '{kind}' for argument target_types. Valid values are {self._TARGETS}.")
        notes = self._base / "annotations"
        rows = [line.split()[:3] for line in (notes / f"{split}.txt").read_text().splitlines()]
        breeds = sorted({(int(label), image.rpartition("_")[0]) for image, label, _ in rows})
        self._number([" ".join(part.title() for part in breed.split("_")) for _, breed in breeds])
        self._files = [self._base / "images" / f"{image}.jpg" for image, _, _ in rows]
        self._labels = [int(label) - 1 for _, label, _ in rows]
        self._species = [int(species) - 1 for _, _, species in rows]
        self._masks = [notes / "trimaps" / f"{image}.png" for image, _, _ in rows]

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        makers: dict[str, Callable[[], Any]] = {
            "category": lambda: self._labels[index],
            "binary-category": lambda: self._species[index],
            "segmentation": lambda: pillow().open(self._masks[index]),
        }
        target = tuple(makers[kind]() for kind in self._target_types)
        return self._dressed(self.loader(self._files[index]), target if len(target) > 1 else next(iter(target), None))
