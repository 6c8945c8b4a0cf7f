"""Streets of cities, with what each pixel shows."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from fxtorch.vision.datasets.folder import as_it_is, pil_loader
from fxtorch.vision.datasets.listed import published
from fxtorch.vision.datasets.vision import Transform, VisionDataset, check_split


class CityscapesClass(NamedTuple):
    """A kind of thing, by its number in the files and the one that is trained on (255 and -1: not)."""

    name: str
    id: int
    train_id: int
    category: str
    category_id: int
    has_instances: bool
    ignore_in_eval: bool
    color: tuple[int, int, int]


# Of each category: name, number trained on, whether single things are told apart, whether it does not count, colour.
_KINDS: tuple[tuple[str, tuple[tuple[str, int, bool, bool, tuple[int, int, int]], ...]], ...] = (
    ("void", (
        ("unlabeled", 255, False, True, (0, 0, 0)), ("ego vehicle", 255, False, True, (0, 0, 0)),
        ("rectification border", 255, False, True, (0, 0, 0)), ("out of roi", 255, False, True, (0, 0, 0)),
        ("static", 255, False, True, (0, 0, 0)), ("dynamic", 255, False, True, (111, 74, 0)),
        ("ground", 255, False, True, (81, 0, 81)),
    )),
    ("flat", (
        ("road", 0, False, False, (128, 64, 128)), ("sidewalk", 1, False, False, (244, 35, 232)),
        ("parking", 255, False, True, (250, 170, 160)), ("rail track", 255, False, True, (230, 150, 140)),
    )),
    ("construction", (
        ("building", 2, False, False, (70, 70, 70)), ("wall", 3, False, False, (102, 102, 156)),
        ("fence", 4, False, False, (190, 153, 153)), ("guard rail", 255, False, True, (180, 165, 180)),
        ("bridge", 255, False, True, (150, 100, 100)), ("tunnel", 255, False, True, (150, 120, 90)),
    )),
    ("object", (
        ("pole", 5, False, False, (153, 153, 153)), ("polegroup", 255, False, True, (153, 153, 153)),
        ("traffic light", 6, False, False, (250, 170, 30)), ("traffic sign", 7, False, False, (220, 220, 0)),
    )),
    ("nature", (("vegetation", 8, False, False, (107, 142, 35)), ("terrain", 9, False, False, (152, 251, 152)))),
    ("sky", (("sky", 10, False, False, (70, 130, 180)),)),
    ("human", (("person", 11, True, False, (220, 20, 60)), ("rider", 12, True, False, (255, 0, 0)))),
    ("vehicle", (
        ("car", 13, True, False, (0, 0, 142)), ("truck", 14, True, False, (0, 0, 70)),
        ("bus", 15, True, False, (0, 60, 100)), ("caravan", 255, True, True, (0, 0, 90)),
        ("trailer", 255, True, True, (0, 0, 110)), ("train", 16, True, False, (0, 80, 100)),
        ("motorcycle", 17, True, False, (0, 0, 230)), ("bicycle", 18, True, False, (119, 11, 32)),
    )),
)  # fmt: skip

_TARGETS = {
    "instance": "instanceIds.png",
    "semantic": "labelIds.png",
    "color": "color.png",
    "polygon": "polygons.json",
}


def _classes() -> list[CityscapesClass]:
    found: list[CityscapesClass] = []
    for number, (category, kinds) in enumerate(_KINDS):
        for name, trained, instances, ignored, color in kinds:
            found.append(
                CityscapesClass(name, len(found), trained, category, number, instances, ignored, color)
            )  # fmt: skip
    return [*found, CityscapesClass("license plate", -1, -1, "vehicle", len(_KINDS) - 1, False, True, (0, 0, 142))]


class Cityscapes(VisionDataset):
    """Photographs of streets; ``root`` holds ``leftImg8bit``, and ``gtFine`` or ``gtCoarse``.

    Args:
        root: the folder.
        split: ``"train"``, ``"val"`` or ``"test"``; of coarse annotations ``"train"``, ``"train_extra"`` or ``"val"``.
        mode: ``"fine"`` or ``"coarse"`` annotations.
        target_type: ``"instance"``, ``"semantic"``, ``"color"`` (pictures) or ``"polygon"`` (a dict), or several of
            them for a tuple.
        transform: of the photograph.
        target_transform: of the target.
        transforms: of both.

    Raises:
        ValueError: there is no such split, mode or target.
        RuntimeError: the files are not there.

    Source: Cordts et al., "The Cityscapes Dataset for Semantic Urban Scene Understanding" (2016).
    """

    classes = _classes()

    def __init__(
        self,
        root: str | os.PathLike[str],
        split: str = "train",
        mode: str = "fine",
        target_type: str | Sequence[str] = "instance",
        transform: Transform = None,
        target_transform: Transform = None,
        transforms: Transform = None,
    ) -> None:
        super().__init__(root, transforms, transform, target_transform)
        check_split(mode, ("fine", "coarse"), "mode")
        check_split(split, ("train", "val", "test") if mode == "fine" else ("train", "train_extra", "val"))
        self.split, self.mode = split, "gtFine" if mode == "fine" else "gtCoarse"
        self.target_type = [target_type] if isinstance(target_type, str) else list(target_type)
        for kind in self.target_type:
            check_split(kind, tuple(_TARGETS), "target_type")
        archive = "leftImg8bit_trainextra.zip" if split == "train_extra" else "leftImg8bit_trainvaltest.zip"
        images = published(self.folder / "leftImg8bit" / split, archive)
        targets = published(self.folder / self.mode / split, f"{self.mode}.zip")
        self.images: list[str] = []
        self.targets: list[list[str]] = []
        for path in sorted(images.glob("*/*")):
            stem = path.name.split("_leftImg8bit")[0]
            self.images.append(str(path))
            self.targets.append(
                [str(targets / path.parent.name / f"{stem}_{self.mode}_{_TARGETS[kind]}") for kind in self.target_type]
            )

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        found = [
            json.loads(Path(path).read_text()) if kind == "polygon" else as_it_is(path)
            for kind, path in zip(self.target_type, self.targets[index], strict=True)
        ]
        return self._dressed(pil_loader(self.images[index]), tuple(found) if len(found) > 1 else found[0])

    def extra_repr(self) -> str:
        """The split and what is read."""
        return f"Split: {self.split}\nMode: {self.mode}\nType: {self.target_type}"
