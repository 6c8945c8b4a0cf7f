"""Photographs with what was written about them: sentences, or things on the road."""

from __future__ import annotations

import os
from collections import defaultdict
from typing import Any

from fxtorch.vision.datasets.folder import as_it_is, pil_loader
from fxtorch.vision.datasets.listed import published
from fxtorch.vision.datasets.vision import Transform, VisionDataset


class Flickr30k(VisionDataset):
    """Photographs with sentences that say what they show.

    Args:
        root: holds the photographs.
        ann_file: lines of ``name.jpg#number``, a tab and a sentence.
        transform: of the photograph.
        target_transform: of the list of sentences.

    Source: Young et al., "From image descriptions to visual denotations" (2014).
    """

    def __init__(
        self,
        root: str | os.PathLike[str],
        ann_file: str,
        transform: Transform = None,
        target_transform: Transform = None,
    ) -> None:
        super().__init__(root, transform=transform, target_transform=target_transform)
        self.ann_file = os.path.expanduser(ann_file)
        self.annotations: dict[str, list[str]] = defaultdict(list)
        with open(self.ann_file, encoding="utf-8") as lines:
            for line in lines:
                name, sentence = line.strip().split("\t")
                self.annotations[name[:-2]].append(sentence)
        self.ids = sorted(self.annotations)

    def __len__(self) -> int:
        return len(self.ids)

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        name = self.ids[index]
        return self._dressed(pil_loader(self.folder / name), self.annotations[name])


class Kitti(VisionDataset):
    """Photographs of roads with boxes; ``root`` holds ``Kitti/raw/training`` and ``testing``.

    A target is a list with a dict for each thing: ``type``, ``truncated``, ``occluded``, ``alpha``, ``bbox``,
    ``dimensions``, ``location`` and ``rotation_y``; None for testing.

    Args:
        root: the folder.
        train: for training, or for testing.
        transform: of the photograph.
        target_transform: of the target.
        transforms: of both.
        download: accepted as False only; unpack the published archives.

    Raises:
        RuntimeError: the files are not there.

    Source: Geiger et al., "Are we ready for autonomous driving? The KITTI vision benchmark suite" (2012).
    """

    image_dir_name, labels_dir_name = "image_2", "label_2"

    def __init__(
        self,
        root: str | os.PathLike[str],
        train: bool = True,
        transform: Transform = None,
        target_transform: Transform = None,
        transforms: Transform = None,
        download: bool = False,
    ) -> None:
        super().__init__(root, transforms, transform, target_transform)
        self.train = train
        base = self.folder / "Kitti" / "raw" / ("training" if train else "testing")
        self.images = sorted(str(p) for p in published(base / self.image_dir_name, "data_object_image_2.zip").iterdir())
        labels = published(base / self.labels_dir_name, "data_object_label_2.zip") if train else base
        names = [os.path.splitext(os.path.basename(path))[0] for path in self.images]
        self.targets = [str(labels / f"{name}.txt") for name in names] if train else []

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        picture = as_it_is(self.images[index])
        if not self.train:
            return self._dressed(picture, None)
        with open(self.targets[index]) as lines:
            return self._dressed(picture, [_thing(line.split()) for line in lines if line.strip()])


def _thing(words: list[str]) -> dict[str, Any]:
    numbers = [float(word) for word in words[1:15]]
    return {
        "type": words[0],
        "truncated": numbers[0],
        "occluded": int(words[2]),
        "alpha": numbers[2],
        "bbox": numbers[3:7],
        "dimensions": numbers[7:10],
        "location": numbers[10:13],
        "rotation_y": numbers[13],
    }
