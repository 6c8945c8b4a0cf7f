"""tensorflow-datasets without TensorFlow: a prepared folder is found and read."""

from __future__ import annotations

import http.server
import threading
import time

import numpy as np
import pytest

from experiments.data import MNIST, records
from tests.running import python

PREPARE = """
import io
import sys
import numpy as np
import tensorflow_datasets as tfds
from etils import epath
from PIL import Image

class Mnist(tfds.core.GeneratorBasedBuilder):
    VERSION = tfds.core.Version("3.0.1")
    pkg_dir_path = epath.Path(sys.argv[1])

    def _info(self):
        picture = tfds.features.Image(shape=(28, 28, 1))
        label = tfds.features.ClassLabel(num_classes=10)
        return self.dataset_info_from_configs(features=tfds.features.FeaturesDict({"image": picture, "label": label}))

    def _split_generators(self, manager):
        return {"train": self._generate_examples(6), "test": self._generate_examples(3)}

    def _generate_examples(self, n):
        for i in range(n):
            picture = io.BytesIO()
            Image.fromarray(np.full((28, 28), 10 * i, np.uint8)).save(picture, "PNG")
            picture.seek(0)
            yield i, {"image": picture, "label": i}

Mnist(data_dir=sys.argv[1], file_format="array_record").download_and_prepare()
"""


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("FXTORCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("FXTORCH_DATA", raising=False)


def test_a_prepared_folder_is_found_and_read(tmp_path):
    pytest.importorskip("tensorflow_datasets", reason="reads what tensorflow-datasets prepared")
    ran = python("-W", "ignore", "-c", PREPARE, str(tmp_path))
    assert ran.returncode == 0, ran.stderr
    arrays, source = MNIST.find(str(tmp_path))
    assert "tensorflow-datasets in" in source
    assert sorted(arrays["train_labels"].tolist()) == [0, 1, 2, 3, 4, 5]
    assert arrays["test_images"].shape == (3, 28, 28)
    for image, label in zip(arrays["train_images"], arrays["train_labels"], strict=True):
        assert np.all(image == 10 * label)


def test_the_newest_prepared_version_is_taken(tmp_path):
    for version in ("3.0.1", "3.0.10", "3.0.9"):
        (tmp_path / "mnist" / version).mkdir(parents=True)
        (tmp_path / "mnist" / version / "dataset_info.json").write_text("{}")
        (tmp_path / "mnist" / version / "mnist-train.array_record-00000-of-00001").write_bytes(b"")
    assert records.prepared_version(tmp_path, "mnist") == tmp_path / "mnist" / "3.0.10"


def test_a_version_of_another_file_format_is_passed_over(tmp_path):
    (tmp_path / "mnist/3.0.1").mkdir(parents=True)
    (tmp_path / "mnist/3.0.1/dataset_info.json").write_text("{}")
    (tmp_path / "mnist/3.0.1/mnist-train.tfrecord-00000-of-00001").write_bytes(b"")
    assert records.prepared_version(tmp_path, "mnist") is None


def test_no_network_is_noticed_within_seconds_and_said():
    begin = time.perf_counter()
    paths, why = records.download("nothing", ["http://127.0.0.1:9/file.gz"])
    assert paths is None
    assert "127.0.0.1:9 does not answer" in why
    assert time.perf_counter() - begin < 5


def test_published_files_are_downloaded_in_their_order(tmp_path):
    pytest.importorskip("tensorflow_datasets", reason="downloads with tensorflow-datasets")
    (tmp_path / "site").mkdir()
    for name in ("a.gz", "b.gz"):
        (tmp_path / "site" / name).write_bytes(name.encode() * 100)

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *args, **kwargs):
            super().__init__(*args, directory=str(tmp_path / "site"), **kwargs)

        def log_message(self, *args):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Quiet) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        here = f"http://127.0.0.1:{server.server_address[1]}"
        paths, why = records.download("nothing", [f"{here}/a.gz", f"{here}/b.gz"])
        missing, why_missing = records.download("nothing", [f"{here}/c.gz"])
        server.shutdown()
    assert paths is not None, why
    assert [path.read_bytes()[:4] for path in paths] == [b"a.gz", b"b.gz"]
    assert missing is None
    assert "the download failed" in why_missing
