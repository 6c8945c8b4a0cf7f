"""Data sets that are published as a folder of pictures for each class."""

from __future__ import annotations

import csv
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from fxtorch.vision.datasets.folder import ImageFolder, make_dataset, pil_loader
from fxtorch.vision.datasets.listed import Listed, published
from fxtorch.vision.datasets.vision import Transform, check_split


class Country211(ImageFolder):
    """Photographs from 211 countries; ``root`` holds ``country211``.

    Args:
        root: the folder.
        split: ``"train"``, ``"valid"`` or ``"test"``.
        transform: of the photograph.
        target_transform: of the country.
        loader: from a path to a picture.

    Raises:
        ValueError: there is no such split.
        RuntimeError: the files are not there.

    Source: Radford et al., "Learning Transferable Visual Models From Natural Language Supervision" (2021).
    """

    def __init__(
        self,
        root: str | os.PathLike[str],
        split: str = "train",
        transform: Transform = None,
        target_transform: Transform = None,
        loader: Callable[[str], Any] = pil_loader,
    ) -> None:
        check_split(split, ("train", "valid", "test"))
        folder = published(Path(os.path.expanduser(root)) / "country211", "country211.tgz")
        super().__init__(folder / split, transform, target_transform, loader)
        self.split = split


class EuroSAT(ImageFolder):
    """Satellite pictures of ten kinds of land; ``root`` holds ``eurosat/2750``.

    Args:
        root: the folder.
        transform: of the picture.
        target_transform: of the kind.
        loader: from a path to a picture.

    Raises:
        RuntimeError: the files are not there.

    Source: Helber et al., "EuroSAT" (2019).
    """

    def __init__(
        self,
        root: str | os.PathLike[str],
        transform: Transform = None,
        target_transform: Transform = None,
        loader: Callable[[str], Any] = pil_loader,
    ) -> None:
        folder = Path(os.path.expanduser(root)) / "eurosat" / "2750"
        super().__init__(published(folder, "EuroSAT.zip, to the folder eurosat"), transform, target_transform, loader)


class RenderedSST2(Listed):
    """Pictures of sentences that say something good or bad; ``root`` holds ``rendered-sst2``.

    Args:
        root: the folder.
        split: ``"train"``, ``"val"`` or ``"test"``.
        transform: of the picture.
        target_transform: of the class.
        loader: from a path to a picture.

    Raises:
        ValueError: there is no such split.
        RuntimeError: the files are not there.

    Source: Radford et al., "Learning Transferable Visual Models From Natural Language Supervision" (2021).
    """

    splits = ("train", "val", "test")
    folder_name = "rendered-sst2"
    source = "rendered-sst2.tgz"

    def _read(self) -> None:
        self._number(["negative", "positive"])
        folder = self._base / {"val": "valid"}.get(self.split, self.split)
        self._take(make_dataset(folder, self.class_to_idx, (".png",)))


class GTSRB(Listed):
    """Traffic signs of 43 kinds; ``root`` holds ``gtsrb``, with ``GTSRB`` and ``GT-final_test.csv`` in it.

    Args:
        root: the folder.
        split: ``"train"`` or ``"test"``.
        transform: of the picture.
        target_transform: of the sign's number.

    Raises:
        ValueError: there is no such split.
        RuntimeError: the files are not there.

    Source: Stallkamp et al., "The German Traffic Sign Recognition Benchmark" (2011).
    """

    splits = ("train", "test")
    folder_name = "gtsrb"
    source = "GTSRB-Training_fixed.zip, GTSRB_Final_Test_Images.zip and GTSRB_Final_Test_GT.zip"

    def __init__(
        self,
        root: str | os.PathLike[str],
        split: str = "train",
        transform: Transform = None,
        target_transform: Transform = None,
    ) -> None:
        super().__init__(root, split, transform, target_transform)
        if split == "train":
            self._take(make_dataset(self._base / "GTSRB" / "Training", None, (".ppm",)))
            return
        pictures = self._base / "GTSRB" / "Final_Test" / "Images"
        with open(self._base / "GT-final_test.csv", newline="") as file:
            rows = csv.DictReader(file, delimiter=";")
            self._take([(str(pictures / row["Filename"]), int(row["ClassId"])) for row in rows])


class SUN397(Listed):
    """Photographs of 397 kinds of scenes; ``root`` holds ``SUN397``.

    Args:
        root: the folder.
        transform: of the photograph.
        target_transform: of the kind.
        loader: from a path to a picture.

    Raises:
        RuntimeError: the files are not there.

    Source: Xiao et al., "SUN Database" (2010).
    """

    splits = ("all",)
    folder_name = "SUN397"
    source = "SUN397.tar.gz"

    def __init__(
        self,
        root: str | os.PathLike[str],
        transform: Transform = None,
        target_transform: Transform = None,
        loader: Callable[[Any], Any] = pil_loader,
    ) -> None:
        super().__init__(root, "all", transform, target_transform, loader)
        self._number([line[3:].strip() for line in (self._base / "ClassName.txt").read_text().splitlines()])
        self._files = sorted(self._base.rglob("sun_*.jpg"))
        kinds = ["/".join(path.relative_to(self._base).parts[1:-1]) for path in self._files]
        self._labels = [self.class_to_idx[kind] for kind in kinds]


class Caltech256(Listed):
    """Photographs of 257 kinds of objects; ``root`` holds ``caltech256/256_ObjectCategories``.

    Args:
        root: the folder.
        transform: of the photograph.
        target_transform: of the kind.

    Attributes:
        categories: the names of the folders, in order.

    Raises:
        RuntimeError: the files are not there.

    Source: Griffin et al., "Caltech-256 Object Category Dataset" (2007).
    """

    splits = ("all",)
    folder_name = "caltech256/256_ObjectCategories"
    source = "256_ObjectCategories.tar, to the folder caltech256"
    _left_out = ""

    def __init__(
        self, root: str | os.PathLike[str], transform: Transform = None, target_transform: Transform = None
    ) -> None:
        super().__init__(root, "all", transform, target_transform)
        named = sorted(path.name for path in self._base.iterdir() if path.is_dir() and path.name != self._left_out)
        self.categories = named
        self._number(named)
        for label, name in enumerate(named):
            files = sorted(path for path in (self._base / name).iterdir() if path.suffix == ".jpg")
            self._files += files
            self._labels += [label] * len(files)


class Caltech101(Caltech256):
    """Photographs of 101 kinds of objects; ``root`` holds ``caltech101/101_ObjectCategories``.

    Args:
        root: the folder.
        transform: of the photograph.
        target_transform: of the kind.

    Attributes:
        categories: the names of the folders, in order; the folder of backgrounds is none.

    Raises:
        RuntimeError: the files are not there.

    Source: Fei-Fei et al., "Learning generative visual models from few training examples" (2004).
    """

    folder_name = "caltech101/101_ObjectCategories"
    source = "101_ObjectCategories.tar.gz, to the folder caltech101"
    _left_out = "BACKGROUND_Google"
