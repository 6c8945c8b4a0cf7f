"""tensorflow-datasets, without TensorFlow: reading a prepared folder, and fetching published files."""

from __future__ import annotations

import functools
import os
import threading
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from experiments.data.cache import cache_folder
from experiments.running.errors import Refused

_NEEDED = "install the experiments extra (tensorflow-datasets) to read or fetch it"


def default_folder() -> Path:
    """Where tensorflow-datasets keeps what it prepares: ``$TFDS_DATA_DIR`` or ``~/tensorflow_datasets``."""
    return Path(os.environ.get("TFDS_DATA_DIR") or os.path.expanduser("~/tensorflow_datasets"))


def prepared_version(folder: Path, name: str) -> Path | None:
    """The folder of the newest prepared version of data set ``name``, if there is one in random-access form."""
    versions = [info.parent for info in (folder / name).glob("*/dataset_info.json")]
    versions = [v for v in versions if any(v.glob("*.array_record*"))]
    return max(versions, key=lambda v: [int(n) if n.isdigit() else -1 for n in v.name.split(".")], default=None)


def read(version: Path, splits: Sequence[str]) -> dict[str, Any]:
    """The records of each split of a prepared folder."""
    try:
        import tensorflow_datasets as tfds
    except ImportError as error:
        raise Refused(f"{version} holds tensorflow-datasets records: {_NEEDED}") from error
    builder: Any = tfds.builder_from_directory(version)
    return {split: builder.as_data_source(split=split) for split in splits}


def download(slug: str, urls: Sequence[str]) -> tuple[list[Path] | None, str]:
    """The published files, fetched by tensorflow-datasets; or ``None`` and why there are none, within seconds."""
    host = urllib.parse.urlsplit(urls[0]).netloc
    if not _answers(f"{urllib.parse.urlsplit(urls[0]).scheme}://{host}"):
        return None, f"no files found, and {host} does not answer"
    try:
        import tensorflow_datasets as tfds
    except ImportError:
        return None, f"no files found; {_NEEDED}"
    folder = cache_folder() / "downloads"
    try:
        manager = tfds.download.DownloadManager(download_dir=folder, dataset_name=slug)
        files: Any = manager.download(list(urls))
        return [Path(path) for path in files], ""
    except Exception as error:  # whatever a download dies of, training goes on with the stand-in
        return None, f"no files found, and the download failed: {' '.join(str(error).split())[:120]}"


@functools.cache
def _answers(address: str, seconds: float = 3.0) -> bool:
    """Whether a server answers at all.  In a thread, because looking up a name has no time limit of its own."""
    answered = threading.Event()

    def ask() -> None:
        try:
            urllib.request.urlopen(urllib.request.Request(address, method="HEAD"), timeout=seconds).close()
        except urllib.error.HTTPError:
            pass
        except (OSError, ValueError):
            return
        answered.set()

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    thread.join(seconds)
    return answered.is_set()
