"""Data sets, read from files in their published formats."""

from __future__ import annotations

import gzip
import pickle
import struct
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import fxtorch as torch
from fxtorch.vision import _download, datasets, transforms
from fxtorch.vision.datasets.utils import read_idx

Image = pytest.importorskip("PIL.Image")
RNG = np.random.default_rng(0)


def write_idx(path: Path, array: np.ndarray) -> None:
    head = b"\x00\x00\x08" + bytes([array.ndim]) + struct.pack(f">{array.ndim}i", *array.shape)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(head + array.tobytes()) if path.suffix == ".gz" else head + array.tobytes())


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: Any, **kwargs: Any) -> None:
        raise OSError("no route to host")

    monkeypatch.setattr(_download.urllib.request, "urlopen", refuse)


@pytest.mark.parametrize(("kind", "ending"), [(datasets.MNIST, ".gz"), (datasets.FashionMNIST, "")])
def test_mnist_reads_its_published_files_gzipped_or_not(kind: Any, ending: str, tmp_path: Path) -> None:
    images, labels = RNG.integers(0, 256, (3, 28, 28), dtype=np.uint8), np.array([7, 0, 9], np.uint8)
    for part in ("train", "t10k"):
        write_idx(tmp_path / kind.__name__ / "raw" / f"{part}-images-idx3-ubyte{ending}", images)
        write_idx(tmp_path / kind.__name__ / "raw" / f"{part}-labels-idx1-ubyte{ending}", labels)
    data = kind(tmp_path, train=False, transform=transforms.ToTensor(), target_transform=lambda t: t + 1)
    picture, label = data[0]
    assert len(data) == 3 and label == 8 and data.targets.tolist() == [7, 0, 9]
    np.testing.assert_array_equal((picture.numpy()[0] * 255).round(), images[0])
    assert isinstance(kind(tmp_path)[1][0], Image.Image)


def test_a_damaged_idx_file_is_named(tmp_path: Path) -> None:
    write_idx(tmp_path / "a", np.zeros((2, 2), np.uint8))
    (tmp_path / "a").write_bytes((tmp_path / "a").read_bytes()[:-1])
    with pytest.raises(ValueError, match="a announces 4 bytes and holds 3"):
        read_idx(tmp_path / "a")


def test_a_missing_file_and_a_missing_network_are_told_in_words(tmp_path: Path, offline: None) -> None:
    with pytest.raises(RuntimeError, match="You can use download=True"):
        datasets.MNIST(tmp_path)
    with pytest.raises(RuntimeError, match=r"cannot be downloaded .*no route.* put it at .*MNIST/raw/train-images"):
        datasets.MNIST(tmp_path, download=True)
    with pytest.raises(RuntimeError, match=r"cifar-10-python\.tar\.gz cannot be downloaded"):
        datasets.CIFAR10(tmp_path, download=True)


def test_what_is_downloaded_damaged_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Answer:
        def __init__(self) -> None:
            self.left = [b"not the file", b""]

        def read(self, n: int) -> bytes:
            return self.left.pop(0)

        def __enter__(self) -> Any:
            return self

        def __exit__(self, *args: Any) -> None:
            pass

    monkeypatch.setattr(_download.urllib.request, "urlopen", lambda *a, **k: Answer())
    with pytest.raises(RuntimeError, match="digest is another one"):
        _download.fetch(["https://example.org/x"], tmp_path / "x", md5="0" * 32)
    assert list(tmp_path.iterdir()) == []


def cifar(root: Path, base: str, names: list[str], labels: str, meta: tuple[str, str]) -> np.ndarray:
    pixels = RNG.integers(0, 256, (2, 3072), dtype=np.uint8)
    (root / base).mkdir()
    for name in names:
        (root / base / name).write_bytes(pickle.dumps({b"data": pixels, labels.encode(): [3, 1]}, protocol=2))
    (root / base / meta[0]).write_bytes(pickle.dumps({meta[1].encode(): ["a", "b", "c", "d"]}, protocol=2))
    return pixels


def test_cifar_reads_pickled_batches_and_unpacks_the_archive(tmp_path: Path) -> None:
    names = [*(f"data_batch_{i}" for i in range(1, 6)), "test_batch"]
    pixels = cifar(tmp_path, "cifar-10-batches-py", names, "labels", ("batches.meta", "label_names"))
    with tarfile.open(tmp_path / "cifar-10-python.tar.gz", "w:gz") as archive:
        archive.add(tmp_path / "cifar-10-batches-py", "cifar-10-batches-py")
    for file in (tmp_path / "cifar-10-batches-py").iterdir():
        file.unlink()
    data = datasets.CIFAR10(tmp_path)
    assert len(data) == 10 and data.targets[:2] == [3, 1] and data.classes[3] == "d"
    np.testing.assert_array_equal(np.asarray(data[0][0]), pixels[0].reshape(3, 32, 32).transpose(1, 2, 0))


def test_cifar_runs_no_code_from_its_files(tmp_path: Path) -> None:
    cifar(tmp_path, "cifar-100-python", ["train", "test"], "fine_labels", ("meta", "fine_label_names"))
    (tmp_path / "cifar-100-python" / "train").write_bytes(b"cos\nsystem\n(S'exit 1'\ntR.")
    with pytest.raises(pickle.UnpicklingError, match=r"no use for os.system"):
        datasets.CIFAR100(tmp_path)


def test_a_folder_of_pictures_has_a_class_for_each_folder(tmp_path: Path) -> None:
    for i, name in enumerate(["dog/b.png", "cat/a.png", "dog/a.PNG", "dog/notes.txt"]):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("") if name.endswith("txt") else Image.new("L", (4, 3), 10 * i).save(
            tmp_path / name
        )
    data = datasets.ImageFolder(str(tmp_path), transform=transforms.ToTensor())
    assert data.class_to_idx == {"cat": 0, "dog": 1} and data.targets == [0, 1, 1]
    assert [Path(path).name for path, _ in data.imgs] == ["a.png", "a.PNG", "b.png"]
    batch, labels = next(iter(torch.utils.data.DataLoader(data, batch_size=3)))
    assert batch.shape == (3, 3, 3, 4) and labels.tolist() == [0, 1, 1]
    (tmp_path / "empty").mkdir()
    with pytest.raises(FileNotFoundError, match="no valid file for the classes empty"):
        datasets.ImageFolder(tmp_path)


def test_fake_data_gives_the_same_noise_at_each_index() -> None:
    data = datasets.FakeData(5, (3, 4, 6), num_classes=3)
    assert len(data) == 5 and data[2][0].size == (6, 4)
    np.testing.assert_array_equal(np.asarray(data[2][0]), np.asarray(data[2][0]))
    with pytest.raises(IndexError):
        data[5]


def test_voc_annotations_are_nested_dicts(tmp_path: Path) -> None:
    base = tmp_path / "VOCdevkit" / "VOC2012"
    for folder in ("ImageSets/Main", "JPEGImages", "Annotations"):
        (base / folder).mkdir(parents=True)
    (base / "ImageSets/Main/train.txt").write_text("x\n")
    Image.new("RGB", (4, 3)).save(base / "JPEGImages/x.jpg")
    one = "<annotation><size><width>4</width></size><object><name>cat</name></object></annotation>"
    (base / "Annotations/x.xml").write_text(one)
    target = datasets.VOCDetection(tmp_path)[0][1]
    assert target == {"annotation": {"size": {"width": "4"}, "object": [{"name": "cat"}]}}
