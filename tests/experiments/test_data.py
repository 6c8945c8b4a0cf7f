"""The readers, on tiny files in the published formats: whole, and damaged."""

from __future__ import annotations

import gzip
import io
import os
import pickle
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from experiments.data import CIFAR10, IMDB, MNIST, MOVIELENS, breast_cancer, diabetes, records
from experiments.data.imdb import words
from experiments.running.errors import Refused

RANDOM = np.random.default_rng(0)
DIGITS = RANDOM.integers(0, 256, (5, 28, 28), np.uint8)
LABELS = np.array([7, 1, 0, 9, 4], np.uint8)
PICTURES = RANDOM.integers(0, 256, (4, 3, 32, 32), np.uint8)
CLASSES = np.array([3, 0, 9, 3], np.uint8)


@pytest.fixture(autouse=True)
def no_files_and_no_network(tmp_path, monkeypatch):
    monkeypatch.setenv("FXTORCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path / "tfds"))
    monkeypatch.delenv("FXTORCH_DATA", raising=False)
    monkeypatch.setattr("experiments.data.collection._PROJECT", tmp_path / "nowhere" / "project")
    monkeypatch.setattr(records, "_answers", lambda address: False)


def idx(array: np.ndarray) -> bytes:
    return b"\0\0\x08" + bytes([array.ndim]) + np.array(array.shape, ">i4").tobytes() + array.tobytes()


def write_mnist(folder: Path) -> None:
    folder.mkdir(parents=True)
    for part in ("train", "t10k"):
        (folder / f"{part}-images-idx3-ubyte.gz").write_bytes(gzip.compress(idx(DIGITS)))
        (folder / f"{part}-labels-idx1-ubyte.gz").write_bytes(gzip.compress(idx(LABELS)))


def tar(path: Path, files: dict[str, bytes]) -> None:
    with tarfile.open(path, "w:gz") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))


def binary_batch() -> bytes:
    return b"".join(bytes([label]) + picture.tobytes() for label, picture in zip(CLASSES, PICTURES, strict=True))


def python_batch() -> bytes:
    return pickle.dumps({b"data": PICTURES.reshape(4, -1), b"labels": CLASSES.tolist()}, protocol=2)


def test_mnist_is_read_from_the_published_idx_files(tmp_path):
    write_mnist(tmp_path / "data/mnist")
    arrays, source = MNIST.find(str(tmp_path / "data"))
    np.testing.assert_array_equal(arrays["train_images"], DIGITS)
    np.testing.assert_array_equal(arrays["test_labels"], LABELS)
    assert source.startswith("MNIST, ")


def test_mnist_is_read_from_unpacked_idx_files(tmp_path):
    folder = tmp_path / "data/MNIST/raw"
    folder.mkdir(parents=True)
    for name in MNIST.forms[1].files:
        (folder / name).write_bytes(idx(DIGITS if "images" in name else LABELS))
    np.testing.assert_array_equal(MNIST.find(str(tmp_path / "data"))[0]["test_images"], DIGITS)


@pytest.mark.parametrize("content", [idx(DIGITS)[:-9], b"not an idx file", b"", b"\x1f\x8b\x08\0 broken"])
def test_a_damaged_mnist_file_is_named_in_one_line(tmp_path, content):
    write_mnist(tmp_path / "mnist")
    (tmp_path / "mnist/t10k-images-idx3-ubyte.gz").write_bytes(content)
    with pytest.raises(Refused, match=r"mnist.* is damaged or not in the published format"):
        MNIST.find(str(tmp_path))


def test_a_gzip_that_ends_early_is_refused(tmp_path):
    write_mnist(tmp_path / "mnist")
    path = tmp_path / "mnist/train-images-idx3-ubyte.gz"
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(Refused, match="damaged"):
        MNIST.find(str(tmp_path))


@pytest.mark.parametrize(
    ("archive", "folder", "suffix", "batch"),
    [
        ("cifar-10-binary.tar.gz", "cifar-10-batches-bin", ".bin", binary_batch()),
        ("cifar-10-python.tar.gz", "cifar-10-batches-py", "", python_batch()),
    ],
)
def test_cifar_batches_are_read_from_archive_and_folder(tmp_path, archive, folder, suffix, batch):
    names = [f"data_batch_1{suffix}", f"data_batch_2{suffix}", f"test_batch{suffix}"]
    (tmp_path / "packed").mkdir()
    tar(tmp_path / "packed" / archive, {f"{folder}/{name}": batch for name in names} | {f"{folder}/readme.html": b""})
    (tmp_path / "unpacked" / folder).mkdir(parents=True)
    for name in names:
        (tmp_path / "unpacked" / folder / name).write_bytes(batch)
    for where in ("packed", "unpacked"):
        arrays, _ = CIFAR10.find(str(tmp_path / where))
        np.testing.assert_array_equal(arrays["train_images"], np.concatenate([PICTURES, PICTURES]))
        np.testing.assert_array_equal(arrays["test_labels"], CLASSES)


def test_cifar_pictures_are_read_and_take_their_class_from_their_folder(tmp_path):
    picture = io.BytesIO()
    Image.fromarray(np.full((32, 32, 3), (255, 0, 0), np.uint8)).save(picture, "JPEG", quality=95)
    names = ["train/cat/0001.jpg", "train/truck/0001.jpg", "test/airplane/0001.jpg"]
    tar(tmp_path / "CIFAR-10-images.tar.gz", {f"CIFAR-10-images/{name}": picture.getvalue() for name in names})
    arrays, _ = CIFAR10.find(str(tmp_path))
    assert arrays["train_labels"].tolist() == [3, 9]
    assert arrays["test_images"].shape == (1, 3, 32, 32)
    assert abs(arrays["test_images"][0].mean(axis=(1, 2)) - [255, 0, 0]).max() < 5


def test_a_pickle_that_would_run_code_is_refused(tmp_path):
    class Evil:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "pwned"),)

    (tmp_path / "cifar-10-batches-py").mkdir()
    (tmp_path / "cifar-10-batches-py/data_batch_1").write_bytes(pickle.dumps(Evil()))
    with pytest.raises(Refused, match="has no use for"):
        CIFAR10.find(str(tmp_path))
    assert not (tmp_path / "pwned").exists()


def test_a_truncated_cifar_archive_is_refused(tmp_path):
    path = tmp_path / "cifar-10-binary.tar.gz"
    tar(path, {"cifar-10-batches-bin/data_batch_1.bin": binary_batch()})
    path.write_bytes(path.read_bytes()[:2000])
    with pytest.raises(Refused, match=r"cifar-10-binary\.tar\.gz is damaged"):
        CIFAR10.find(str(tmp_path))


def test_words_are_lower_case_and_line_breaks_are_dropped():
    assert words("It's GREAT!<br /><br />10/10") == ["it's", "great", "!", "10", "10"]


def test_imdb_reviews_are_indexed_by_frequency_in_the_training_part(tmp_path):
    reviews = {
        "aclImdb/train/pos/0_9.txt": b"good good film",
        "aclImdb/train/neg/0_1.txt": b"bad film",
        "aclImdb/test/pos/0_8.txt": b"good unheard",
        "aclImdb/train/unsup/0_0.txt": b"ignored",
        "aclImdb/README": b"ignored",
    }
    tar(tmp_path / "aclImdb_v1.tar.gz", reviews)
    arrays, _ = IMDB.find(str(tmp_path))
    assert bytes(arrays["vocabulary"]).decode().split("\n") == ["film", "good", "bad"]
    assert arrays["train_ids"].tolist() == [3, 3, 2, 4, 2]
    assert arrays["train_starts"].tolist() == [0, 3, 5]
    assert arrays["train_labels"].tolist() == [1, 0]
    assert arrays["test_ids"].tolist() == [3, 1]


def test_an_imdb_archive_without_reviews_is_refused(tmp_path):
    tar(tmp_path / "aclImdb_v1.tar.gz", {"aclImdb/README": b"hello"})
    with pytest.raises(Refused, match="holds no train"):
        IMDB.find(str(tmp_path))


def write_movielens(path: Path, table: str = "1\t2\t5\t0\n3\t1\t2\t0\n") -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("ml-100k/u.data", table)
        archive.writestr("ml-100k/u.item", "1|Amélie (2001)|x\n2|Heat (1995)|y\n".encode("latin-1"))


def test_movielens_is_read_from_the_published_zip(tmp_path):
    write_movielens(tmp_path / "ml-100k.zip")
    arrays, _ = MOVIELENS.find(str(tmp_path))
    assert arrays["users"].tolist() == [0, 2]
    assert arrays["films"].tolist() == [1, 0]
    assert arrays["ratings"].tolist() == [5, 2]
    assert bytes(arrays["titles"]).decode().split("\n") == ["Amélie (2001)", "Heat (1995)"]


@pytest.mark.parametrize("table", ["1\t2\n", "a\tb\tc\td\n", ""])
def test_a_broken_ratings_table_is_refused(tmp_path, table):
    write_movielens(tmp_path / "ml-100k.zip", table)
    with pytest.raises(Refused, match=r"ml-100k\.zip is damaged"):
        MOVIELENS.find(str(tmp_path))


def test_a_truncated_zip_is_refused(tmp_path):
    path = tmp_path / "ml-100k.zip"
    write_movielens(path)
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(Refused, match=r"ml-100k\.zip is damaged"):
        MOVIELENS.find(str(tmp_path))


def test_a_named_folder_without_the_set_is_refused(tmp_path):
    with pytest.raises(Refused, match=r"no MNIST in .*: looked for train-images-idx3-ubyte\.gz"):
        MNIST.find(str(tmp_path))


def test_the_folder_of_the_environment_comes_before_shared_data(tmp_path, monkeypatch):
    write_mnist(tmp_path / "mine/mnist")
    write_mnist(tmp_path / "nowhere/shared/data/mnist")
    assert "nowhere/shared/data" in MNIST.find()[1]
    monkeypatch.setenv("FXTORCH_DATA", str(tmp_path / "mine"))
    assert "mine" in MNIST.find()[1]


@pytest.mark.parametrize("collection", [MNIST, CIFAR10, IMDB, MOVIELENS], ids=lambda c: c.slug)
def test_without_files_and_network_a_stand_in_says_what_it_is(collection):
    arrays, source = collection.find()
    assert f"in place of {collection.name} (no files found, and" in source
    assert "does not answer" in source
    assert all(len(array) for array in arrays.values())
    if collection in (IMDB, MOVIELENS):
        assert "generated" in source


def test_prepared_arrays_are_read_from_the_cache_until_the_file_changes(tmp_path):
    path = tmp_path / "ml-100k.zip"
    write_movielens(path)
    MOVIELENS.find(str(tmp_path))
    kept = list((tmp_path / "cache/experiments").iterdir())
    assert len(kept) == 1
    with np.load(kept[0]) as stored:
        changed = dict(stored) | {"ratings": np.array([1, 1], np.float32)}
    np.savez(kept[0], **changed)  # pyright: ignore[reportArgumentType]
    assert MOVIELENS.find(str(tmp_path))[0]["ratings"].tolist() == [1, 1]
    write_movielens(path, "1\t1\t4\t0\n")
    assert MOVIELENS.find(str(tmp_path))[0]["ratings"].tolist() == [4]


def test_a_broken_cache_is_made_again(tmp_path):
    write_movielens(tmp_path / "ml-100k.zip")
    MOVIELENS.find(str(tmp_path))
    (kept,) = (tmp_path / "cache/experiments").iterdir()
    kept.write_bytes(kept.read_bytes()[:50])
    assert MOVIELENS.find(str(tmp_path))[0]["ratings"].tolist() == [5, 2]


def test_a_cache_that_cannot_be_written_is_done_without(tmp_path, monkeypatch):
    (tmp_path / "file").write_bytes(b"")
    monkeypatch.setenv("FXTORCH_CACHE", str(tmp_path / "file"))
    write_movielens(tmp_path / "ml-100k.zip")
    assert MOVIELENS.find(str(tmp_path))[0]["ratings"].tolist() == [5, 2]


def test_the_regressions_have_standardised_embedded_data():
    for arrays, source in (diabetes(), breast_cancer()):
        assert "embedded in scikit-learn" in source
        np.testing.assert_allclose(arrays["train_inputs"].mean(0), 0, atol=1e-12)
        np.testing.assert_allclose(arrays["train_inputs"].std(0), 1, atol=1e-12)
