"""torch.hub: entry points of a folder's ``hubconf.py``, and weights of files that are here.  Nothing is downloaded."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import re
import shutil
import sys
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import unquote, urlparse

from fxtorch.serialization import load as _load_file

_folder: str | None = None


try:
    from tqdm.auto import tqdm as _tqdm

    tqdm: Any = _tqdm
except ImportError:

    class _Quiet:
        """A progress bar that shows nothing, where tqdm is not installed."""

        def __init__(self, iterable: Any = (), **kwargs: Any) -> None:
            self.iterable = iterable

        def update(self, n: int = 1) -> None:
            """Nothing."""

        def __iter__(self) -> Any:
            return iter(self.iterable)

        def __enter__(self) -> _Quiet:
            return self

        def __exit__(self, *exc: object) -> None:
            pass

    tqdm = _Quiet

HASH_REGEX = re.compile(r"-([a-f0-9]*)\.")


def _get_torch_home() -> str:
    cache = os.environ.get("XDG_CACHE_HOME", "~/.cache")
    return os.path.expanduser(os.environ.get("TORCH_HOME", f"{cache}/torch"))


def get_dir() -> str:
    """The folder for hub files: the one that :func:`set_dir` set, ``$TORCH_HOME/hub``, or ``~/.cache/torch/hub``."""
    return _folder if _folder is not None else os.path.join(_get_torch_home(), "hub")


def set_dir(d: str | os.PathLike[str]) -> None:
    """Set the folder for hub files."""
    global _folder
    _folder = os.path.expanduser(d)


def _hubconf(repo: str | os.PathLike[str], source: str) -> ModuleType:
    path = Path(repo) / "hubconf.py"
    if source != "local" and not path.is_file():
        raise RuntimeError(
            f"torch.hub downloads nothing here: fetch the repository of '{repo}', and pass its folder with "
            "source='local'"
        )
    spec = importlib.util.spec_from_file_location("hubconf", path)
    if not path.is_file() or spec is None or spec.loader is None:
        raise FileNotFoundError(f"No such file: '{path}'")
    module = importlib.util.module_from_spec(spec)
    sys.path.insert(0, str(path.parent))
    try:
        spec.loader.exec_module(module)
    finally:
        sys.path.remove(str(path.parent))
    missing = [d for d in getattr(module, "dependencies", []) if importlib.util.find_spec(d) is None]
    if missing:
        raise RuntimeError(f"Missing dependencies: {', '.join(missing)}")
    return module


def _entry(module: ModuleType, name: str) -> Any:
    entry = getattr(module, name, None)
    if entry is None or not callable(entry):
        raise RuntimeError(f"Cannot find callable {name} in hubconf")
    return entry


def list(github: str, force_reload: bool = False, skip_validation: bool = False, **kwargs: Any) -> Any:
    """The names of the entry points of a folder's ``hubconf.py``."""
    module = _hubconf(github, "local")
    return [name for name, value in vars(module).items() if callable(value) and not name.startswith("_")]


def help(github: str, model: str, *args: Any, **kwargs: Any) -> str | None:
    """The docstring of an entry point."""
    return _entry(_hubconf(github, kwargs.get("source", "local")), model).__doc__


def load(
    repo_or_dir: str, model: str, *args: Any, source: str = "github", trust_repo: Any = None, **kwargs: Any
) -> Any:
    """What the entry point ``model`` of a folder's ``hubconf.py`` returns.

    Raises:
        RuntimeError: ``repo_or_dir`` is no folder here (nothing is downloaded), or has no such entry point.
    """
    for own in ("force_reload", "verbose", "skip_validation"):
        kwargs.pop(own, None)
    return _entry(_hubconf(repo_or_dir, source), model)(*args, **kwargs)


def _local_path(url: str, folder: str, file_name: str | None) -> Path:
    parts = urlparse(str(url))
    if parts.scheme == "file":
        return Path(unquote(parts.path))
    if not parts.scheme and Path(url).exists():
        return Path(url)
    cached = Path(folder) / (file_name or Path(parts.path).name)
    if not cached.is_file():
        raise RuntimeError(
            f"torch.hub downloads nothing here: fetch {url} and put it at {cached}, where it will be found"
        )
    return cached


def load_state_dict_from_url(
    url: str,
    model_dir: str | None = None,
    map_location: Any = None,
    progress: bool = True,
    check_hash: bool = False,
    file_name: str | None = None,
    weights_only: bool = False,
) -> Any:
    """The weights of a ``file:`` address, or of one whose file lies in the hub's ``checkpoints`` already.

    Raises:
        RuntimeError: the file is not there (nothing is downloaded), or its hash is wrong.
    """
    path = _local_path(url, model_dir or os.path.join(get_dir(), "checkpoints"), file_name)
    if check_hash:
        digits = path.stem.rpartition("-")[2]
        found = hashlib.sha256(path.read_bytes()).hexdigest()
        if not found.startswith(digits):
            raise RuntimeError(f'invalid hash value (expected "{digits}", got "{found}")')
    return _load_file(path, map_location=map_location)


def download_url_to_file(url: str, dst: str, hash_prefix: str | None = None, progress: bool = True) -> None:
    """Copy the file of a ``file:`` address.

    Raises:
        RuntimeError: it is another kind of address.
    """
    shutil.copyfile(_local_path(url, os.path.dirname(dst), os.path.basename(dst)), dst)
