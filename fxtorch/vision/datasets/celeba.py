"""CelebA."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

from fxtorch.tensor import Tensor
from fxtorch.vision._torch import torch
from fxtorch.vision.datasets.folder import pil_loader
from fxtorch.vision.datasets.vision import VisionDataset, check_split

_FILES = {
    "attr": ("list_attr_celeba.txt", True),
    "bbox": ("list_bbox_celeba.txt", True),
    "identity": ("identity_CelebA.txt", False),
    "landmarks": ("list_landmarks_align_celeba.txt", True),
}


def _table(path: Path, titled: bool) -> tuple[list[str], list[str], list[list[int]]]:
    """The titles, names and rows of a table in columns; a titled one begins with the number of rows."""
    lines = [line.split() for line in path.read_text().splitlines() if line.strip()]
    titles, rows = (lines[1], lines[2:]) if titled else ([], lines)
    return titles, [row[0] for row in rows], [[int(n) for n in row[1:]] for row in rows]


class CelebA(VisionDataset):
    """Faces of celebrities, from ``celeba/img_align_celeba`` and the lists beside it.

    Args:
        root: the folder that holds ``celeba``.
        split: ``"train"``, ``"valid"``, ``"test"`` or ``"all"``.
        target_type: one or several of ``"attr"`` (40 times 0 or 1), ``"identity"``, ``"bbox"`` (x, y, width, height)
            and ``"landmarks"`` (x and y of eyes, nose and mouth's corners); of none the target is None.
        transform: of the picture.
        target_transform: of the target.

    Attributes:
        attr, identity, bbox, landmarks_align: those of all pictures of the split.
        attr_names: what the attributes are.

    Raises:
        ValueError: there is no such split or target.
        RuntimeError: a list is not there.

    Source: Liu et al., "Deep Learning Face Attributes in the Wild" (2015).
    """

    base_folder = "celeba"
    splits: ClassVar[dict[str, int | None]] = {"train": 0, "valid": 1, "test": 2, "all": None}

    def __init__(
        self,
        root: str | os.PathLike[str],
        split: str = "train",
        target_type: list[str] | str = "attr",
        transform: Callable[..., Any] | None = None,
        target_transform: Callable[..., Any] | None = None,
    ) -> None:
        super().__init__(root, transform=transform, target_transform=target_transform)
        check_split(split, self.splits)
        self.split = split
        self.target_type = [target_type] if isinstance(target_type, str) else list(target_type)
        for kind in self.target_type:
            if kind not in _FILES:
                raise ValueError(f'Target type "{kind}" is not recognized.')
        if not self.target_type and target_transform is not None:
            raise RuntimeError("target_transform is specified but target_type is empty")
        _, names, parts = self._list("list_eval_partition.txt", False)
        wanted = self.splits[split]
        kept = [i for i, (part,) in enumerate(parts) if wanted in (None, part)]
        self.filename = [names[i] for i in kept]
        tables: dict[str, Tensor] = {}
        for kind, (file, titled) in _FILES.items():
            titles, _, rows = self._list(file, titled)
            tables[kind] = torch.tensor([rows[i] for i in kept], dtype=torch.int64)
            if kind == "attr":
                self.attr_names = titles
        self.attr = (tables["attr"] + 1) // 2  # from -1 and 1
        self.identity, self.bbox, self.landmarks_align = (tables[k] for k in ("identity", "bbox", "landmarks"))

    def _list(self, file: str, titled: bool) -> tuple[list[str], list[str], list[list[int]]]:
        path = self.folder / self.base_folder / file
        if not path.is_file():
            raise RuntimeError(f"Dataset not found or corrupted: no {path}")
        return _table(path, titled)

    def _target(self, kind: str, index: int) -> Tensor:
        held = self.landmarks_align if kind == "landmarks" else getattr(self, kind)
        return held[index, 0] if kind == "identity" else held[index]

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        path = self.folder / self.base_folder / "img_align_celeba" / self.filename[index]
        found = tuple(self._target(kind, index) for kind in self.target_type)
        return self._dressed(pil_loader(path), found if len(found) > 1 else found[0] if found else None)

    def __len__(self) -> int:
        return len(self.filename)

    def extra_repr(self) -> str:
        """The kinds of targets, and the part."""
        return f"Target type: {self.target_type}\nSplit: {self.split}"
