"""Files in a folder for each class."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import Any

from fxtorch.vision._pil import pillow
from fxtorch.vision.datasets.vision import VisionDataset

IMG_EXTENSIONS = (".jpg", ".jpeg", ".png", ".ppm", ".bmp", ".pgm", ".tif", ".tiff", ".webp")


def has_file_allowed_extension(filename: str, extensions: str | tuple[str, ...]) -> bool:
    """Whether a name ends as one of ``extensions``, in either case."""
    return filename.lower().endswith(extensions)


def is_image_file(filename: str) -> bool:
    """Whether a name ends as a picture's does."""
    return has_file_allowed_extension(filename, IMG_EXTENSIONS)


def pil_loader(path: str | os.PathLike[str]) -> Any:
    """A picture file as a Pillow image in RGB."""
    with open(path, "rb") as file:
        return pillow().open(file).convert("RGB")


def as_it_is(path: str | os.PathLike[str]) -> Any:
    """A picture file as a Pillow image in the mode that it has."""
    with open(path, "rb") as file:
        picture = pillow().open(file)
        picture.load()
    return picture


default_loader = pil_loader


def find_classes(directory: str | os.PathLike[str]) -> tuple[list[str], dict[str, int]]:
    """The names of the folders in a folder, in order, and their numbers.

    Raises:
        FileNotFoundError: there is none.
    """
    classes = sorted(entry.name for entry in os.scandir(directory) if entry.is_dir())
    if not classes:
        raise FileNotFoundError(f"Couldn't find any class folder in {directory}.")
    return classes, {name: i for i, name in enumerate(classes)}


def make_dataset(
    directory: str | os.PathLike[str],
    class_to_idx: dict[str, int] | None = None,
    extensions: str | Sequence[str] | None = None,
    is_valid_file: Callable[[str], bool] | None = None,
    allow_empty: bool = False,
) -> list[tuple[str, int]]:
    """The files of each class with its number, in order.

    Args:
        directory: holds a folder for each class.
        class_to_idx: the classes' numbers; found by :func:`find_classes` unless given.
        extensions: how the files' names end; or
        is_valid_file: tells from its path whether a file counts.
        allow_empty: whether a class may have no file.

    Raises:
        ValueError: neither or both are given.
        FileNotFoundError: a class has no file.
    """
    if (extensions is None) == (is_valid_file is None):
        raise ValueError("Both extensions and is_valid_file cannot be None or not None at the same time")
    ends = (extensions,) if isinstance(extensions, str) else tuple(extensions or ())
    counts = is_valid_file or (lambda path: has_file_allowed_extension(path, ends))
    classes = find_classes(directory)[1] if class_to_idx is None else class_to_idx
    found: list[tuple[str, int]] = []
    empty = []
    for name in sorted(classes):
        walked = sorted(os.walk(os.path.join(os.path.expanduser(directory), name), followlinks=True))
        paths = [os.path.join(folder, file) for folder, _, files in walked for file in sorted(files)]
        own = [(path, classes[name]) for path in paths if counts(path)]
        found += own
        empty += [] if own else [name]
    if empty and not allow_empty:
        supported = f" Supported extensions are: {', '.join(ends)}" if ends else ""
        raise FileNotFoundError(f"Found no valid file for the classes {', '.join(empty)}.{supported}")
    return found


class DatasetFolder(VisionDataset):
    """Files in ``root/CLASS/...``.

    Args:
        root: the folder.
        loader: from a path to a sample.
        extensions: how the files' names end; or
        transform: of the sample.
        target_transform: of the class.
        is_valid_file: tells from its path whether a file counts.
        allow_empty: whether a class may have no file.

    Attributes:
        classes: the names of the classes, in order.
        class_to_idx: their numbers.
        samples: paths with numbers.
        targets: the numbers.
    """

    def __init__(
        self,
        root: str | os.PathLike[str],
        loader: Callable[[str], Any],
        extensions: tuple[str, ...] | None = None,
        transform: Callable[..., Any] | None = None,
        target_transform: Callable[..., Any] | None = None,
        is_valid_file: Callable[[str], bool] | None = None,
        allow_empty: bool = False,
    ) -> None:
        super().__init__(root, transform=transform, target_transform=target_transform)
        self.loader = loader
        self.extensions = extensions
        self.classes, self.class_to_idx = self.find_classes(self.folder)
        self.samples = make_dataset(self.folder, self.class_to_idx, extensions, is_valid_file, allow_empty)
        self.targets = [target for _, target in self.samples]

    def find_classes(self, directory: str | os.PathLike[str]) -> tuple[list[str], dict[str, int]]:
        """The classes of a folder; a subclass may choose others."""
        return find_classes(directory)

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        path, target = self.samples[index]
        return self._dressed(self.loader(path), target)

    def __len__(self) -> int:
        return len(self.samples)


class ImageFolder(DatasetFolder):
    """Pictures in ``root/CLASS/...``.

    Args:
        root: the folder.
        transform: of the picture.
        target_transform: of the class.
        loader: from a path to a picture; in RGB by Pillow unless given.
        is_valid_file: tells from its path whether a file counts.
        allow_empty: whether a class may have no file.

    Attributes:
        imgs: paths with numbers.
    """

    def __init__(
        self,
        root: str | os.PathLike[str],
        transform: Callable[..., Any] | None = None,
        target_transform: Callable[..., Any] | None = None,
        loader: Callable[[str], Any] = default_loader,
        is_valid_file: Callable[[str], bool] | None = None,
        allow_empty: bool = False,
    ) -> None:
        ends = IMG_EXTENSIONS if is_valid_file is None else None
        super().__init__(root, loader, ends, transform, target_transform, is_valid_file, allow_empty)
        self.imgs = self.samples
