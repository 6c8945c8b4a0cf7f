"""Pictures with annotations in COCO's JSON."""

from __future__ import annotations

import json
import os
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

from fxtorch.vision.datasets.folder import pil_loader
from fxtorch.vision.datasets.vision import VisionDataset


class CocoDetection(VisionDataset):
    """Pictures, each with the list of its annotations as the file has them: boxes, masks, categories.

    Args:
        root: the folder of the pictures.
        annFile: the JSON file of annotations.
        transform: of the picture.
        target_transform: of the list.
        transforms: of both.

    Attributes:
        ids: the pictures' numbers, in order.
        categories: by number, what the file says of each.

    Raises:
        FileNotFoundError: the file of annotations is not there.

    Source: Lin et al., "Microsoft COCO" (2014).
    """

    def __init__(
        self,
        root: str | os.PathLike[str],
        annFile: str | os.PathLike[str],
        transform: Callable[..., Any] | None = None,
        target_transform: Callable[..., Any] | None = None,
        transforms: Callable[..., Any] | None = None,
    ) -> None:
        super().__init__(root, transforms, transform, target_transform)
        found = json.loads(Path(annFile).read_text(encoding="utf-8"))
        self._files = {image["id"]: image["file_name"] for image in found["images"]}
        self.ids = sorted(self._files)
        self.categories = {kind["id"]: kind for kind in found.get("categories", ())}
        self._annotations: defaultdict[int, list[dict[str, Any]]] = defaultdict(list)
        for annotation in found.get("annotations", ()):
            self._annotations[annotation["image_id"]].append(annotation)

    def _load_target(self, number: int) -> list[Any]:
        return list(self._annotations.get(number, ()))

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        if not isinstance(index, int):
            raise ValueError(f"Index must be of type integer, got {type(index)} instead.")
        number = self.ids[index]
        return self._dressed(pil_loader(self.folder / self._files[number]), self._load_target(number))

    def __len__(self) -> int:
        return len(self.ids)


class CocoCaptions(CocoDetection):
    """Pictures, each with the list of its captions; arguments as of :class:`CocoDetection`."""

    def _load_target(self, number: int) -> list[str]:
        return [annotation["caption"] for annotation in super()._load_target(number)]
