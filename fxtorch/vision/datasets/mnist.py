"""MNIST and the data sets that share its format."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

from fxtorch.tensor import Tensor
from fxtorch.vision._download import fetch
from fxtorch.vision._pil import pillow
from fxtorch.vision._torch import torch
from fxtorch.vision.datasets.utils import read_idx
from fxtorch.vision.datasets.vision import VisionDataset


class MNIST(VisionDataset):
    """Handwritten digits: Pillow images of 28 by 28, and 0 to 9.

    Args:
        root: a folder with ``MNIST/raw``, which holds the published files (gzipped or not).
        train: the 60,000 for training, else the 10,000 for testing.
        transform: of the picture.
        target_transform: of the digit.
        download: fetch what is not there.

    Attributes:
        data: ``(N, 28, 28)`` uint8.
        targets: ``(N,)`` int64.

    Raises:
        RuntimeError: files are not there (and cannot be fetched).

    Source: LeCun, Cortes and Burges, "The MNIST database" (1998).
    """

    mirrors: ClassVar[tuple[str, ...]] = (
        "https://ossci-datasets.s3.amazonaws.com/mnist/",
        "https://storage.googleapis.com/cvdf-datasets/mnist/",
    )
    resources: ClassVar[tuple[tuple[str, str], ...]] = (
        ("train-images-idx3-ubyte.gz", "f68b3c2dcbeaaa9fbdd348bbdeb94873"),
        ("train-labels-idx1-ubyte.gz", "d53e105ee54ea40749a09fcbcd1e9432"),
        ("t10k-images-idx3-ubyte.gz", "9fb629c4189551a2d022fa330f9573f3"),
        ("t10k-labels-idx1-ubyte.gz", "ec29112dd5afa0611ce80d1b7f02629c"),
    )
    classes: tuple[str, ...] = (
        "0 - zero", "1 - one", "2 - two", "3 - three", "4 - four", "5 - five", "6 - six", "7 - seven", "8 - eight",
        "9 - nine",
    )  # fmt: skip

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
        images, labels = self.resources[:2] if train else self.resources[2:]
        self.data: Tensor = torch.from_numpy(read_idx(self._file(images[0])).copy())
        self.targets: Tensor = torch.from_numpy(read_idx(self._file(labels[0])).astype("int64"))

    @property
    def raw_folder(self) -> str:
        """Where the published files lie."""
        return os.path.join(self.folder, type(self).__name__, "raw")

    @property
    def class_to_idx(self) -> dict[str, int]:
        """The number of each class."""
        return {name: i for i, name in enumerate(self.classes)}

    def _file(self, name: str) -> Path:
        for folder in (Path(self.raw_folder), self.folder):
            for path in (folder / name, folder / name.removesuffix(".gz")):
                if path.is_file():
                    return path
        raise RuntimeError(
            f"Dataset not found: no {name} in {self.raw_folder}. You can use download=True to download it"
        )

    def download(self) -> None:
        """Fetch the files that are not there.

        Raises:
            RuntimeError: one cannot be had.
        """
        for name, md5 in self.resources:
            try:
                self._file(name)
            except RuntimeError:
                fetch([mirror + name for mirror in self.mirrors], Path(self.raw_folder) / name, md5=md5)

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        picture = pillow().fromarray(self.data[index].numpy())
        return self._dressed(picture, int(self.targets[index]))

    def __len__(self) -> int:
        return len(self.data)

    def extra_repr(self) -> str:
        """The part."""
        return f"Split: {'Train' if self.train else 'Test'}"


class FashionMNIST(MNIST):
    """Pictures of clothes, in MNIST's format; the files lie in ``FashionMNIST/raw``.

    Source: Xiao et al., "Fashion-MNIST" (2017).
    """

    mirrors = ("http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",)
    resources = (
        ("train-images-idx3-ubyte.gz", "8d4fb7e6c68d591d4c3dfef9ec88bf0d"),
        ("train-labels-idx1-ubyte.gz", "25c81989df183df01b3e8a0aad5dffbe"),
        ("t10k-images-idx3-ubyte.gz", "bef4ecab320f06d8554ea6380940ec79"),
        ("t10k-labels-idx1-ubyte.gz", "bb300cfdad3c16e7a12a480ee83cd310"),
    )
    classes = (
        "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot",
    )  # fmt: skip


class KMNIST(MNIST):
    """Handwritten Kuzushiji, in MNIST's format; the files lie in ``KMNIST/raw``.

    Source: Clanuwat et al., "Deep Learning for Classical Japanese Literature" (2018).
    """

    mirrors = ("http://codh.rois.ac.jp/kmnist/dataset/kmnist/",)
    resources = (
        ("train-images-idx3-ubyte.gz", "bdb82020997e1d708af4cf47b453dcf7"),
        ("train-labels-idx1-ubyte.gz", "e144d726b3acfaa3e44228e80efcd344"),
        ("t10k-images-idx3-ubyte.gz", "5c965bf0a639b31b8f53240b1b52f4d7"),
        ("t10k-labels-idx1-ubyte.gz", "7320c461ea6c1c855c0b718fb2a4b134"),
    )
    classes = ("o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo")
