"""Data sets from small files as they are published; where torchvision is there, it reads the same of them."""

from __future__ import annotations

import importlib
import json
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import fxtorch as torch
from fxtorch.vision import datasets as ours
from fxtorch.vision.datasets import utils

Image = pytest.importorskip("PIL.Image")
RNG = np.random.default_rng(0)


def picture(path: Path, mode: str = "RGB") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = RNG.integers(0, 255, (6, 8, 3) if mode == "RGB" else (6, 8), dtype=np.uint8)
    Image.fromarray(pixels).save(path)


def imagenet(root: Path) -> None:
    names = {"n01": ("tench", "Tinca tinca"), "n02": ("goldfish",)}
    torch.save((names, ["n02", "n01"]), root / "meta.bin")
    for split in ("train", "val"):
        for wnid in names:
            picture(root / split / wnid / "a.png")


def imagenette(root: Path) -> None:
    for wnid in ("n01440764", "n02102040", "n03888257"):
        picture(root / "imagenette2-160" / "val" / wnid / "a.jpeg")


def cityscapes(root: Path) -> None:
    for name in ("bonn_000_1", "ulm_000_2"):
        city = name.split("_")[0]
        picture(root / "leftImg8bit" / "train" / city / f"{name}_leftImg8bit.png")
        for kind in ("instanceIds", "labelIds", "color"):
            picture(root / "gtFine" / "train" / city / f"{name}_gtFine_{kind}.png", "L")
        (root / "gtFine" / "train" / city / f"{name}_gtFine_polygons.json").write_text(json.dumps({"objects": [name]}))


def flickr(root: Path) -> None:
    for name in ("2.png", "1.png"):
        picture(root / name)
    (root / "said.txt").write_text("2.png#0\tA dog .\n1.png#0\tA cat .\n2.png#1\tA dog again .\n")


def kitti(root: Path) -> None:
    for part in ("training", "testing"):
        picture(root / "Kitti" / "raw" / part / "image_2" / "000000.png")
    labels = root / "Kitti" / "raw" / "training" / "label_2"
    labels.mkdir()
    (labels / "000000.txt").write_text("Car 0.5 1 -1.57 10.0 20.5 30.0 40.0 1.5 1.6 3.9 1.0 2.0 30.0 -1.5\n")


def faces(root: Path) -> None:
    rows = [(k % 7, " ".join(map(str, RNG.integers(0, 255, 48 * 48))), use) for k, use in enumerate(USES)]
    (root / "fer2013").mkdir()
    lines = ["emotion,pixels,Usage", *(f"{emotion},{pixels},{use}" for emotion, pixels, use in rows)]
    (root / "fer2013" / "fer2013.csv").write_text("\n".join(lines) + "\n")


def digits(root: Path) -> None:
    (root / "MovingMNIST").mkdir()
    np.save(root / "MovingMNIST" / "mnist_test_seq.npy", RNG.integers(0, 255, (20, 3, 64, 64), dtype=np.uint8))


USES = ("Training", "PublicTest", "PrivateTest", "Training")
ALL_TARGETS = ["instance", "semantic", "color", "polygon"]
CASES: list[tuple[Callable[[Path], None], str, dict[str, Any]]] = [
    (imagenet, "ImageNet", {"split": "val"}),
    (imagenette, "Imagenette", {"split": "val", "size": "160px"}),
    (cityscapes, "Cityscapes", {}),
    (cityscapes, "Cityscapes", {"target_type": ALL_TARGETS}),
    (cityscapes, "Cityscapes", {"target_type": "polygon"}),
    (flickr, "Flickr30k", {"ann_file": "said.txt"}),
    (kitti, "Kitti", {}),
    (kitti, "Kitti", {"train": False}),
    (faces, "FER2013", {"split": "test"}),
    (digits, "MovingMNIST", {"split": "train", "split_ratio": 5}),
    (digits, "MovingMNIST", {"split": "test"}),
    (digits, "MovingMNIST", {}),
]


def plain(value: Any) -> Any:
    """Pictures and Tensors as nested lists."""
    if hasattr(value, "tolist"):
        return value.tolist()
    if isinstance(value, Image.Image):
        return [value.mode, np.asarray(value).tolist()]
    if isinstance(value, tuple | list):
        return [plain(x) for x in value]
    return {k: plain(v) for k, v in value.items()} if isinstance(value, dict) else value


def made(library: Any, name: str, root: Path, options: dict[str, Any]) -> Any:
    options = {k: str(root / v) if k == "ann_file" else v for k, v in options.items()}
    return getattr(library, name)(str(root), **options)


@pytest.mark.parametrize(("files", "name", "options"), CASES, ids=lambda v: str(getattr(v, "__name__", v)))
def test_a_data_set_is_read_as_torchvision_reads_it(
    files: Any, name: str, options: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("torch", reason="compares with PyTorch")
    pytest.importorskip("tests.parity.torchvision_reference", reason="compares with torchvision")
    theirs = pytest.importorskip("torchvision.datasets", reason="compares with torchvision")
    table = importlib.import_module("torchvision.datasets.fer2013")
    monkeypatch.setattr(table, "check_integrity", lambda *a, **k: True)  # which knows the published file alone
    warnings.simplefilter("ignore", ResourceWarning)  # theirs leave files open
    files(tmp_path)
    a, b = made(ours, name, tmp_path, options), made(theirs, name, tmp_path, options)
    assert len(a) == len(b) > 0
    order = sorted(range(len(b)), key=getattr(b, "images", range(len(b))).__getitem__)  # theirs is the file system's
    assert [plain(a[i]) for i in range(len(a))] == [plain(b[i]) for i in order]
    for attribute in ("classes", "class_to_idx", "wnids", "ids"):
        if hasattr(b, attribute):
            assert plain(getattr(a, attribute)) == plain(getattr(b, attribute)), attribute
    assert repr(a) == repr(b)


def test_photographs_of_imagenet_have_words_for_classes(tmp_path: Path) -> None:
    imagenet(tmp_path)
    data = ours.ImageNet(tmp_path, split="val", transform=lambda x: x.size)
    assert data.classes == [("tench", "Tinca tinca"), ("goldfish",)] and data[1] == ((8, 6), 1)
    assert data.class_to_idx == {"tench": 0, "Tinca tinca": 0, "goldfish": 1} and data.wnids == ["n01", "n02"]


def test_streets_have_the_targets_that_are_asked_for(tmp_path: Path) -> None:
    cityscapes(tmp_path)
    data = ours.Cityscapes(tmp_path, target_type=["semantic", "polygon"])
    photograph, (pixels, things) = data[1]
    assert (photograph.mode, pixels.mode, things) == ("RGB", "L", {"objects": ["ulm_000_2"]})
    assert {c.train_id: c.name for c in data.classes}[13] == "car"
    with pytest.raises(ValueError, match="for argument mode"):
        ours.Cityscapes(tmp_path, mode="rough")


def test_faces_films_sentences_and_roads_are_read(tmp_path: Path) -> None:
    for files in (faces, digits, flickr, kitti):
        files(tmp_path)
    assert [ours.FER2013(tmp_path)[i][1] for i in range(2)] == [0, 3]
    assert ours.MovingMNIST(tmp_path, split="test", split_ratio=15)[2].shape == (5, 1, 64, 64)
    assert ours.Flickr30k(tmp_path, str(tmp_path / "said.txt"))[1][1] == ["A dog .", "A dog again ."]
    assert ours.Kitti(tmp_path)[0][1][0]["bbox"] == [10.0, 20.5, 30.0, 40.0]


@pytest.mark.parametrize("name", ["ImageNet", "Imagenette", "Cityscapes", "Kitti", "FER2013", "MovingMNIST"])
def test_files_that_are_not_there_are_named(name: str, tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="Dataset not found: no"):
        getattr(ours, name)(tmp_path)


def test_helpers_of_data_sets_of_ones_own_are_there(tmp_path: Path) -> None:
    for name in ("b", "a"):
        (tmp_path / name).mkdir()
    (tmp_path / "x.txt").write_bytes(b"abc")
    assert utils.list_dir(tmp_path) == ["a", "b"]
    assert utils.list_files(tmp_path, ".txt", prefix=True) == [str(tmp_path / "x.txt")]
    assert utils.calculate_md5(tmp_path / "x.txt", chunk_size=2) == "900150983cd24fb0d6963f7d28e17f72"
    assert utils.verify_str_arg("train", "split", ("train", "test")) == "train"
    with pytest.raises(ValueError, match=r"Unknown value 'x' for argument split. Valid values are \{'train'\}"):
        utils.verify_str_arg("x", "split", ("train",))
    with pytest.raises(ValueError, match="Expected type str for argument split"):
        utils.verify_str_arg(1, "split")
