"""Data sets, read from files in their published formats."""

from __future__ import annotations

import gzip
import json
import pickle
import struct
import tarfile
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import io

import fxtorch as torch
from fxtorch.vision import _download, datasets, transforms
from fxtorch.vision.datasets.utils import extract_archive, read_idx

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


def test_emnist_has_letters_in_its_splits(tmp_path: Path) -> None:
    images, labels = RNG.integers(0, 256, (2, 28, 28), dtype=np.uint8), np.array([1, 26], np.uint8)
    write_idx(tmp_path / "EMNIST" / "raw" / "emnist-letters-test-images-idx3-ubyte.gz", images)
    write_idx(tmp_path / "EMNIST" / "raw" / "emnist-letters-test-labels-idx1-ubyte.gz", labels)
    data = datasets.EMNIST(tmp_path, "letters", train=False)
    assert [data.classes[label] for _, label in data] == ["a", "z"]
    np.testing.assert_array_equal(np.asarray(data[1][0]), images[1])
    with pytest.raises(RuntimeError, match="no emnist-letters-train-images"):
        datasets.EMNIST(tmp_path, "letters", download=True)
    with pytest.raises(ValueError, match="Unknown value 'runes' for argument split"):
        datasets.EMNIST(tmp_path, "runes")


def test_house_numbers_call_ten_zero(tmp_path: Path) -> None:
    pixels = RNG.integers(0, 256, (32, 32, 3, 2), dtype=np.uint8)
    io.savemat(tmp_path / "test_32x32.mat", {"X": pixels, "y": np.array([[10], [3]], np.uint8)})
    data = datasets.SVHN(tmp_path, "test")
    assert [label for _, label in data] == [0, 3] and data.data.shape == (2, 3, 32, 32)
    np.testing.assert_array_equal(np.asarray(data[1][0]), pixels[..., 1])
    with pytest.raises(RuntimeError, match=r"no .*train_32x32\.mat"):
        datasets.SVHN(tmp_path)


def test_flowers_are_numbered_from_one_in_their_files(tmp_path: Path) -> None:
    base = tmp_path / "flowers-102"
    (base / "jpg").mkdir(parents=True)
    Image.new("RGB", (4, 2), (200, 0, 0)).save(base / "jpg" / "image_00002.jpg")
    io.savemat(base / "imagelabels.mat", {"labels": np.array([[5, 102, 7]])})
    io.savemat(base / "setid.mat", {"trnid": np.array([[1]]), "valid": np.array([[2]]), "tstid": np.array([[3]])})
    (picture, label), = datasets.Flowers102(tmp_path, "val")  # fmt: skip
    assert picture.size == (4, 2) and label == 101


def test_faces_have_the_targets_that_are_asked_for(tmp_path: Path) -> None:
    base = tmp_path / "celeba"
    (base / "img_align_celeba").mkdir(parents=True)
    for name in ("000001.jpg", "000002.jpg"):
        Image.new("RGB", (3, 2)).save(base / "img_align_celeba" / name)
    (base / "list_eval_partition.txt").write_text("000001.jpg 0\n000002.jpg 2\n")
    (base / "identity_CelebA.txt").write_text("000001.jpg 2880\n000002.jpg 2937\n")
    (base / "list_attr_celeba.txt").write_text("2\nBald Young\n000001.jpg -1  1\n000002.jpg  1  1\n")
    (base / "list_bbox_celeba.txt").write_text(
        "2\nimage_id x_1 y_1 width height\n000001.jpg 1 2 3 4\n000002.jpg 5 6 7 8\n"
    )
    (base / "list_landmarks_align_celeba.txt").write_text("2\nx y\n000001.jpg 1 2\n000002.jpg 3 4\n")
    data = datasets.CelebA(tmp_path, "test", target_type=["attr", "identity", "bbox", "landmarks"])
    picture, (attr, identity, box, points) = data[0]
    assert len(data) == 1 and picture.size == (3, 2) and data.attr_names == ["Bald", "Young"]
    assert (attr.tolist(), identity.item(), box.tolist(), points.tolist()) == ([1, 1], 2937, [5, 6, 7, 8], [3, 4])
    assert datasets.CelebA(tmp_path)[0][1].tolist() == [0, 1]
    assert len(datasets.CelebA(tmp_path, "all", target_type=[])) == 2
    with pytest.raises(ValueError, match='Target type "mood" is not recognized'):
        datasets.CelebA(tmp_path, target_type="mood")


def test_annotations_of_coco_come_with_their_pictures(tmp_path: Path) -> None:
    Image.new("RGB", (5, 4)).save(tmp_path / "b.png")
    Image.new("L", (3, 2)).save(tmp_path / "a.png")
    notes = [{"id": 7, "image_id": 9, "bbox": [0, 0, 1, 1], "category_id": 2, "caption": "a square"}]
    found = {
        "images": [{"id": 9, "file_name": "b.png"}, {"id": 4, "file_name": "a.png"}],
        "annotations": notes,
        "categories": [{"id": 2, "name": "square"}],
    }
    (tmp_path / "notes.json").write_text(json.dumps(found))
    data = datasets.CocoDetection(tmp_path, tmp_path / "notes.json", transforms=lambda x, y: (x.size, y))
    assert data.ids == [4, 9] and [*data] == [((3, 2), []), ((5, 4), notes)]
    assert data.categories[2]["name"] == "square"
    assert datasets.CocoCaptions(tmp_path, tmp_path / "notes.json")[1][1] == ["a square"]


@pytest.mark.parametrize("filtered", [True, False], ids=["as Python is", "as before 3.11.4"])
def test_an_archive_writes_nothing_outside_of_its_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, filtered: bool
) -> None:
    if not filtered:
        monkeypatch.delattr(tarfile, "data_filter", raising=False)
    good, bad = tmp_path / "good.tar", tmp_path / "bad.tar"
    for archive, name in ((good, "a/b.txt"), (bad, "../c.txt")):
        with tarfile.open(archive, "w") as file:
            member = tarfile.TarInfo(name)
            member.size = 2
            file.addfile(member, BytesIO(b"hi"))
    extract_archive(good, tmp_path / "folder")
    assert (tmp_path / "folder" / "a" / "b.txt").read_text() == "hi"
    with pytest.raises(tarfile.TarError):
        extract_archive(bad, tmp_path / "folder")
    assert not (tmp_path / "c.txt").exists()
