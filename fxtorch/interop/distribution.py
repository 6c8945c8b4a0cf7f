"""What ``importlib.metadata`` says of torch while its names mean fxtorch: libraries ask there which version it is."""

from __future__ import annotations

import importlib
import os
from collections.abc import Iterator, Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

_FILES = {
    "METADATA": "Metadata-Version: 2.1\nName: {name}\nVersion: {version}\nSummary: fxtorch, under this name.\n",
    "top_level.txt": "{name}\n",
}


class Distribution(metadata.Distribution):
    """An installed library that there is no folder of.

    Args:
        name: the library's name.
        version: which version of it the names are those of.
    """

    def __init__(self, name: str, version: str) -> None:
        self._facts = {"name": name, "version": version}

    def read_text(self, filename: str) -> str | None:
        """One of the texts that an installer writes; None for those that are not kept."""
        return _FILES[filename].format(**self._facts) if filename in _FILES else None

    def locate_file(self, path: str | os.PathLike[str]) -> Any:
        """Where a file of the library would be."""
        return Path(__file__).parents[1] / path


def distributions(context: metadata.DistributionFinder.Context, modules: Mapping[str, str]) -> Iterator[Distribution]:
    """The libraries that ``context`` looks for, among the names in ``modules`` and what of fxtorch's they mean.

    >>> look_for_torch = metadata.DistributionFinder.Context(name="torch")
    >>> named = {"torch": "fxtorch", "torchvision": "fxtorch.vision"}
    >>> [d.version.partition("+")[0] for d in distributions(look_for_torch, named)]
    ['2.13.0']
    """
    for name, module in sorted(modules.items()):
        if context.name in (None, name):
            version = getattr(importlib.import_module(module), "__version__", None)
            if version is not None:
                yield Distribution(name, version)
