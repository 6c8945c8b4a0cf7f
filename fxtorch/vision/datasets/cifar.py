"""CIFAR-10 and CIFAR-100."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from fxtorch.vision._pil import pillow
from fxtorch.vision.datasets.utils import check_integrity, download_and_extract_archive, extract_archive, read_batch
from fxtorch.vision.datasets.vision import VisionDataset


class CIFAR10(VisionDataset):
    """Colour pictures in ten classes: Pillow images of 32 by 32, and 0 to 9.

    Args:
        root: a folder with ``cifar-10-batches-py``, the unpacked archive, or with the archive.
        train: the 50,000 for training, else the 10,000 for testing.
        transform: of the picture.
        target_transform: of the class.
        download: fetch and unpack the archive where it is not there.

    Attributes:
        data: ``(N, 32, 32, 3)`` uint8, a NumPy array.
        targets: the classes, a list.
        classes: their names.

    Raises:
        RuntimeError: files are not there (and cannot be fetched).

    Source: Krizhevsky, "Learning Multiple Layers of Features from Tiny Images" (2009).
    """

    base_folder: ClassVar[str] = "cifar-10-batches-py"
    url: ClassVar[str] = "https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz"
    tgz_md5: ClassVar[str] = "c58f30108f718f92721af3b95e74349a"
    train_list: ClassVar[tuple[tuple[str, str], ...]] = (
        ("data_batch_1", "c99cafc152244af753f735de768cd75f"),
        ("data_batch_2", "d4bba439e000b95fd0a9bffe97cbabec"),
        ("data_batch_3", "54ebc095f3ab1f0389bbae665268c751"),
        ("data_batch_4", "634d18415352ddfa80567beed471001a"),
        ("data_batch_5", "482c414d41f54cd18b22e5b47cb7c3cb"),
    )
    test_list: ClassVar[tuple[tuple[str, str], ...]] = (("test_batch", "40351d587109b95175f43aff81a1287e"),)
    meta: ClassVar[tuple[str, bytes]] = ("batches.meta", b"label_names")
    _labels: ClassVar[bytes] = b"labels"

    def __init__(
        self,
        root: str | os.PathLike[str],
        train: bool = True,
        transform: Callable[..., Any] | None = None,
        target_transform: Callable[..., Any] | None = None,
        download: bool = False,
    ) -> None:
        super().__init__(root, transform=transform, target_transform=target_transform)
        self.train = train
        if download:
            self.download()
        if not self._present():
            raise RuntimeError(
                f"Dataset not found: no {self.base_folder} in {self.root}. You can use download=True to download it"
            )
        batches = list(self._batches(self.train_list if train else self.test_list))
        self.data: np.ndarray = (
            np.concatenate([b[b"data"] for b in batches]).reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)
        )
        self.targets: list[int] = [int(t) for b in batches for t in b[self._labels]]
        names = self._read(self.meta[0]).get(self.meta[1], [])
        self.classes: list[str] = [n.decode() if isinstance(n, bytes) else n for n in names]
        self.class_to_idx = {name: i for i, name in enumerate(self.classes)}

    def _read(self, name: str) -> dict[bytes, Any]:
        return read_batch((self.folder / self.base_folder / name).read_bytes())

    def _batches(self, listed: tuple[tuple[str, str], ...]) -> Iterator[dict[bytes, Any]]:
        for name, _ in listed:
            yield self._read(name)

    def _present(self) -> bool:
        wanted = [*self.train_list, *self.test_list, (self.meta[0], "")]
        if all((self.folder / self.base_folder / name).is_file() for name, _ in wanted):
            return True
        archive = self.folder / Path(self.url).name
        if not archive.is_file():
            return False
        extract_archive(archive, self.folder)
        return True

    def download(self) -> None:
        """Fetch and unpack the archive unless it is there.

        Raises:
            RuntimeError: it cannot be had.
        """
        if not self._present():
            download_and_extract_archive(self.url, self.folder, md5=self.tgz_md5)

    def check_integrity(self) -> bool:
        """Whether the files are those that were published."""
        listed = (*self.train_list, *self.test_list)
        return all(check_integrity(self.folder / self.base_folder / name, md5) for name, md5 in listed)

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        return self._dressed(pillow().fromarray(self.data[index]), self.targets[index])

    def __len__(self) -> int:
        return len(self.data)

    def extra_repr(self) -> str:
        """The part."""
        return f"Split: {'Train' if self.train else 'Test'}"


class CIFAR100(CIFAR10):
    """:class:`CIFAR10` with a hundred classes; the archive unpacks to ``cifar-100-python``."""

    base_folder = "cifar-100-python"
    url = "https://www.cs.toronto.edu/~kriz/cifar-100-python.tar.gz"
    tgz_md5 = "eb9058c3a382ffc7106e4002c42a8d85"
    train_list = (("train", "16019d7e3df5f24257cddd939b257f8d"),)
    test_list = (("test", "f0ef6b0ae62326f3e7ffdfab6717acfc"),)
    meta = ("meta", b"fine_label_names")
    _labels = b"fine_labels"
