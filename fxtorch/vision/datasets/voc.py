"""Pascal VOC: objects in photographs, as boxes or pixel by pixel."""

from __future__ import annotations

import os
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path
from typing import Any

from fxtorch.vision._pil import pillow
from fxtorch.vision.datasets.utils import download_and_extract_archive
from fxtorch.vision.datasets.vision import VisionDataset

_HOST = "http://host.robots.ox.ac.uk/pascal/VOC/"
_ARCHIVES = {
    "2012": ("voc2012/VOCtrainval_11-May-2012.tar", "6cd6e144f989b92b3379bac3b3de84fd"),
    "2007": ("voc2007/VOCtrainval_06-Nov-2007.tar", "c52e279531787c972589f7e41ab4ae64"),
    "2007-test": ("voc2007/VOCtest_06-Nov-2007.tar", "b6e924de25625d8de591ea690078ad9f"),
}


class _VOC(VisionDataset):
    _splits: str
    _targets: str
    _ending: str

    def __init__(
        self,
        root: str | os.PathLike[str],
        year: str = "2012",
        image_set: str = "train",
        download: bool = False,
        transform: Callable[..., Any] | None = None,
        target_transform: Callable[..., Any] | None = None,
        transforms: Callable[..., Any] | None = None,
    ) -> None:
        super().__init__(root, transforms, transform, target_transform)
        self.year = year
        self.image_set = image_set
        if download:
            key = "2007-test" if (year, image_set) == ("2007", "test") else year
            if key not in _ARCHIVES:
                raise ValueError(f"there is no download for {year}; known are 2007 and 2012")
            name, md5 = _ARCHIVES[key]
            if not self._base.is_dir():
                download_and_extract_archive(_HOST + name, self.folder, md5=md5)
        listed = self._base / "ImageSets" / self._splits / f"{image_set}.txt"
        if not listed.is_file():
            raise RuntimeError(f"Dataset not found or corrupted: no {listed}. You can use download=True to download it")
        names = listed.read_text().split()
        self.images = [str(self._base / "JPEGImages" / f"{name}.jpg") for name in names]
        self.targets = [str(self._base / self._targets / f"{name}{self._ending}") for name in names]

    @property
    def _base(self) -> Path:
        return self.folder / "VOCdevkit" / f"VOC{self.year}"

    def __len__(self) -> int:
        return len(self.images)


class VOCSegmentation(_VOC):
    """Photographs and the class of each pixel (255 for borders).

    Args:
        root: a folder with ``VOCdevkit``.
        year: ``"2007"`` to ``"2012"``.
        image_set: ``"train"``, ``"val"``, ``"trainval"`` or ``"test"``.
        download: fetch the archive where it is not there.
        transform: of the photograph.
        target_transform: of the mask, a Pillow image.
        transforms: of both.

    Source: Everingham et al., "The Pascal Visual Object Classes Challenge" (2010).
    """

    _splits, _targets, _ending = "Segmentation", "SegmentationClass", ".png"

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        photograph = pillow().open(self.images[index]).convert("RGB")
        return self._dressed(photograph, pillow().open(self.targets[index]))


class VOCDetection(_VOC):
    """Photographs and what is in them: the annotation as nested dicts; arguments as in :class:`VOCSegmentation`."""

    _splits, _targets, _ending = "Main", "Annotations", ".xml"

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        photograph = pillow().open(self.images[index]).convert("RGB")
        return self._dressed(photograph, self.parse_voc_xml(ET.parse(self.targets[index]).getroot()))

    @staticmethod
    def parse_voc_xml(node: ET.Element) -> dict[str, Any]:
        """An element as a dict of its children; ``object`` is always a list."""
        children: dict[str, list[Any]] = {}
        for child in node:
            for name, value in VOCDetection.parse_voc_xml(child).items():
                children.setdefault(name, []).append(value)
        if not children:
            return {node.tag: (node.text or "").strip()}
        return {node.tag: {k: v if k == "object" or len(v) > 1 else v[0] for k, v in children.items()}}
