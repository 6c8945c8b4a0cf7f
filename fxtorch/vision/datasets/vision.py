"""The base of data sets of pictures."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

from fxtorch.utils.data import Dataset

Transform = Callable[..., Any] | None


def check_split(split: str, splits: Collection[str], name: str = "split") -> None:
    """Raise unless ``split``, the argument ``name``, is one of ``splits``.

    Raises:
        ValueError: it is none of them.
    """
    if split not in splits:
        raise ValueError(f"Unknown value '{split}' for argument {name}. Valid values are {tuple(splits)}.")


class StandardTransform:
    """A transform of the picture and one of the target, as one of both."""

    def __init__(self, transform: Callable[..., Any] | None = None, target_transform: Any = None) -> None:
        self.transform = transform
        self.target_transform = target_transform

    def __call__(self, input: Any, target: Any) -> tuple[Any, Any]:
        """Both, changed."""
        if self.transform is not None:
            input = self.transform(input)
        return input, target if self.target_transform is None else self.target_transform(target)

    def __repr__(self) -> str:
        named = (("Transform", self.transform), ("Target transform", self.target_transform))
        shown = [f"{name}: {value!r}" for name, value in named if value is not None]
        return "\n".join(["StandardTransform", *shown])


class VisionDataset(Dataset[Any]):
    """Pictures with targets.

    Args:
        root: the folder.
        transforms: of picture and target together; or
        transform: of the picture, and
        target_transform: of the target.

    Raises:
        ValueError: both forms are given.
    """

    def __init__(
        self,
        root: str | os.PathLike[str] | None = None,
        transforms: Callable[..., Any] | None = None,
        transform: Callable[..., Any] | None = None,
        target_transform: Callable[..., Any] | None = None,
    ) -> None:
        self.root = os.path.expanduser(root) if isinstance(root, str) else root
        separate = transform is not None or target_transform is not None
        if transforms is not None and separate:
            raise ValueError("Only transforms or transform/target_transform can be passed as argument")
        self.transform = transform
        self.target_transform = target_transform
        self.transforms = StandardTransform(transform, target_transform) if separate else transforms

    @property
    def folder(self) -> Path:
        """``root`` as a path."""
        return Path(os.path.expanduser(self.root or "."))

    def _dressed(self, picture: Any, target: Any) -> tuple[Any, Any]:
        return (picture, target) if self.transforms is None else self.transforms(picture, target)

    def __len__(self) -> int:
        raise NotImplementedError(f"{type(self).__name__} defines __len__")

    def extra_repr(self) -> str:
        """What ``repr`` shows besides size and folder."""
        return ""

    def __repr__(self) -> str:
        lines = [f"Dataset {type(self).__name__}", f"    Number of datapoints: {len(self)}"]
        lines += [f"    Root location: {self.root}"] if self.root is not None else []
        lines += [f"    {line}" for line in self.extra_repr().splitlines()]
        lines += [f"    {line}" for line in repr(self.transforms).splitlines()] if self.transforms is not None else []
        return "\n".join(lines)
