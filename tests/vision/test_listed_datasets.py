"""Data sets that are read from the folders and lists in which they are published."""

from __future__ import annotations

import bz2
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fxtorch.vision import datasets

Image = pytest.importorskip("PIL.Image")


def _picture(path: Path, value: int = 0, mode: str = "RGB") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new(mode, (3, 2), (value,) * 3 if mode == "RGB" else value).save(path)


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def _seen(data: Any) -> list[tuple[int, Any]]:
    return [(round(np.asarray(data[i][0]).mean() / 10), data[i][1]) for i in range(len(data))]


def test_food_is_numbered_by_the_names_of_dishes(tmp_path: Path) -> None:
    base = tmp_path / "food-101"
    _write(base / "meta" / "train.json", json.dumps({"soup": ["soup/1"], "cake": ["cake/2", "cake/3"]}))
    for name, value in (("soup/1", 10), ("cake/2", 20), ("cake/3", 30)):
        _picture(base / "images" / f"{name}.png", value)
        (base / "images" / f"{name}.png").rename(base / "images" / f"{name}.jpg")
    data = datasets.Food101(tmp_path)
    assert data.classes == ["cake", "soup"] and _seen(data) == [(1, 1), (2, 0), (3, 0)]
    with pytest.raises(ValueError, match="argument split"):
        datasets.Food101(tmp_path, "val")
    with pytest.raises(RuntimeError, match="Dataset not found"):
        datasets.Food101(tmp_path / "elsewhere")


def test_textures_come_in_ten_partitions(tmp_path: Path) -> None:
    base = tmp_path / "dtd" / "dtd"
    _write(base / "labels" / "val2.txt", "dotted/a.jpg\nbanded/b.jpg\n")
    _picture(base / "images" / "dotted" / "a.jpg", 10)
    _picture(base / "images" / "banded" / "b.jpg", 20)
    assert _seen(datasets.DTD(tmp_path, "val", partition=2)) == [(1, 1), (2, 0)]
    with pytest.raises(ValueError, match="partition"):
        datasets.DTD(tmp_path, partition=11)


def test_aircraft_have_classes_of_three_levels(tmp_path: Path) -> None:
    data = tmp_path / "fgvc-aircraft-2013b" / "data"
    _write(data / "families.txt", "Boeing 707\nCessna 172\n")
    _write(data / "images_family_test.txt", "0001 Cessna 172\n")
    _picture(data / "images" / "0001.jpg", 20)
    assert _seen(datasets.FGVCAircraft(tmp_path, "test", "family")) == [(2, 1)]
    with pytest.raises(ValueError, match="annotation_level"):
        datasets.FGVCAircraft(tmp_path, annotation_level="engine")


def test_pets_have_the_targets_that_are_asked_for(tmp_path: Path) -> None:
    base = tmp_path / "oxford-iiit-pet"
    _write(base / "annotations" / "trainval.txt", "great_dane_1 2 2 1\nAbyssinian_9 1 1 1\n")
    for name, value in (("great_dane_1", 10), ("Abyssinian_9", 20)):
        _picture(base / "images" / f"{name}.jpg", value)
        _picture(base / "annotations" / "trimaps" / f"{name}.png", 2, "L")
    data = datasets.OxfordIIITPet(tmp_path)
    assert data.classes == ["Abyssinian", "Great Dane"] and _seen(data) == [(1, 1), (2, 0)]
    both = datasets.OxfordIIITPet(tmp_path, target_types=["binary-category", "segmentation"])
    species, mask = both[0][1]
    assert species == 1 and np.asarray(mask).tolist() == [[2] * 3] * 2
    assert datasets.OxfordIIITPet(tmp_path, target_types=[])[0][1] is None
    with pytest.raises(ValueError, match="target_types"):
        datasets.OxfordIIITPet(tmp_path, target_types="age")


@pytest.mark.parametrize(
    ("make", "folder"),
    [
        (lambda root: datasets.Country211(root, "valid"), "country211/valid"),
        (datasets.EuroSAT, "eurosat/2750"),
        (datasets.Caltech101, "caltech101/101_ObjectCategories"),
        (datasets.Caltech256, "caltech256/256_ObjectCategories"),
    ],
)
def test_folders_are_classes(make: Any, folder: str, tmp_path: Path) -> None:
    for name, value in (("b", 20), ("a", 10)):
        _picture(tmp_path / folder / name / "image_1.jpg", value)
    data = make(tmp_path)
    assert _seen(data) == [(1, 0), (2, 1)] and data.class_to_idx == {"a": 0, "b": 1}
    with pytest.raises(RuntimeError, match="Dataset not found"):
        make(tmp_path / "elsewhere")


def test_backgrounds_are_no_kind_of_object(tmp_path: Path) -> None:
    for name in ("ant", "BACKGROUND_Google"):
        _picture(tmp_path / "caltech101" / "101_ObjectCategories" / name / "image_0001.jpg")
    assert datasets.Caltech101(tmp_path).categories == ["ant"]


def test_sentences_are_bad_or_good(tmp_path: Path) -> None:
    for name, value in (("positive", 20), ("negative", 10)):
        _picture(tmp_path / "rendered-sst2" / "valid" / name / "1.png", value)
    data = datasets.RenderedSST2(tmp_path, "val")
    assert _seen(data) == [(1, 0), (2, 1)] and data.classes == ["negative", "positive"]


def test_traffic_signs_for_testing_are_numbered_in_a_table(tmp_path: Path) -> None:
    base = tmp_path / "gtsrb"
    _picture(base / "GTSRB" / "Training" / "00000" / "1.ppm", 10)
    _picture(base / "GTSRB" / "Training" / "00007" / "1.ppm", 20)
    _picture(base / "GTSRB" / "Final_Test" / "Images" / "00001.ppm", 30)
    _write(base / "GT-final_test.csv", "Filename;Width;ClassId\n00001.ppm;3;42\n")
    assert _seen(datasets.GTSRB(tmp_path)) == [(1, 0), (2, 1)]
    assert _seen(datasets.GTSRB(tmp_path, "test")) == [(3, 42)]


def test_scenes_are_named_by_their_folders(tmp_path: Path) -> None:
    base = tmp_path / "SUN397"
    _write(base / "ClassName.txt", "/a/abbey\n/c/church/indoor\n")
    _picture(base / "a" / "abbey" / "sun_1.jpg", 10)
    _picture(base / "c" / "church" / "indoor" / "sun_2.jpg", 20)
    data = datasets.SUN397(tmp_path)
    assert _seen(data) == [(1, 0), (2, 1)] and data.classes == ["abbey", "church/indoor"]


def test_digits_of_envelopes_are_read_from_their_text(tmp_path: Path) -> None:
    values = np.linspace(-1, 1, 256)
    line = "10 " + " ".join(f"{i + 1}:{v:.4f}" for i, v in enumerate(values)) + " \n"
    (tmp_path / "usps.t.bz2").write_bytes(bz2.compress(line.encode()))
    data = datasets.USPS(tmp_path, train=False)
    picture, label = data[0]
    assert label == 9 and picture.size == (16, 16) and data.data.dtype == np.uint8
    expected = (np.round(values, 4).astype(np.float32) + 1) / 2 * 255  # cut off, not rounded
    assert np.array_equal(np.asarray(picture).ravel(), expected.astype(np.uint8))
    with pytest.raises(RuntimeError, match="Dataset not found"):
        datasets.USPS(tmp_path)


def test_characters_are_counted_over_all_alphabets(tmp_path: Path) -> None:
    base = tmp_path / "omniglot-py" / "images_evaluation"
    for name, value in (("Greek/character01", 10), ("Greek/character02", 20), ("Latin/character01", 30)):
        _picture(base / name / "0001_01.png", value, "L")
    data = datasets.Omniglot(tmp_path, background=False)
    assert _seen(data) == [(1, 0), (2, 1), (3, 2)] and data[0][0].mode == "L"
