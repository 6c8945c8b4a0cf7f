"""Where a data set is looked for, in which order, and how it is said which one was found."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from experiments.data import records
from experiments.data.archives import reading
from experiments.data.cache import Arrays, cached
from experiments.running.errors import Refused

_PROJECT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Form:
    """One published form: the files that make it up, and the reader that takes their paths."""

    files: tuple[str, ...]
    read: Callable[..., Arrays]


@dataclass(frozen=True)
class Collection:
    """A data set and every way to come by it.

    Attributes:
        name: the name that people know.
        folders: the folders, inside a data folder, in which its files usually lie.
        forms: the published forms, in order of preference.
        urls: where the files of ``forms[0]`` are published, in that order.
        tfds: its name in tensorflow-datasets.
        splits: the splits there.
        from_records: arrays from ``{split: iterable of records}`` as tensorflow-datasets yields them.
        stand_in: makes a replacement without any file, and says what it is.
    """

    name: str
    folders: tuple[str, ...]
    forms: tuple[Form, ...]
    urls: tuple[str, ...]
    tfds: str
    splits: tuple[str, ...]
    from_records: Callable[..., Arrays]
    stand_in: Callable[[], tuple[Arrays, str]]

    @cached_property
    def slug(self) -> str:
        return self.name.lower().replace("-", "").replace(" ", "")

    def find(self, data_dir: str | None = None, embedded: bool = False) -> tuple[Arrays, str]:
        """The arrays, and a sentence's worth of where they came from.

        The first of these that has the set: ``data_dir``; ``$FXTORCH_DATA``; ``../shared/data`` beside the
        project; a prepared tensorflow-datasets folder; a download; the stand-in.

        Raises:
            Refused: ``data_dir`` was named and does not hold the set, or a file is damaged.
        """
        if embedded:
            return self.stand_in()
        if data_dir is not None:
            found = self._in_folder(Path(data_dir))
            if found is None:
                raise Refused(f"no {self.name} in {data_dir}: looked for {self._looked_for()}")
            return found
        for folder in (os.environ.get("FXTORCH_DATA"), _PROJECT / "shared/data", _PROJECT.parent / "shared/data"):
            if folder and (found := self._in_folder(Path(folder))) is not None:
                return found
        if (prepared := self._prepared(records.default_folder())) is not None:
            return prepared
        paths, why_not = records.download(self.slug, self.urls)
        if paths is not None:
            with reading(paths[0]):
                return cached(self.slug, paths, lambda: self.forms[0].read(*paths)), f"{self.name}, downloaded"
        arrays, what = self.stand_in()
        return arrays, f"{what} in place of {self.name} ({why_not})"

    def _in_folder(self, folder: Path) -> tuple[Arrays, str] | None:
        for form in self.forms:
            for place in (folder / inner for inner in self.folders):
                paths = [place / name for name in form.files]
                if all(path.exists() for path in paths):
                    with reading(paths[0] if len(paths) == 1 else place):
                        return cached(self.slug, paths, lambda f=form, p=paths: f.read(*p)), self._said(paths)
        return self._prepared(folder)

    def _prepared(self, folder: Path) -> tuple[Arrays, str] | None:
        version = records.prepared_version(folder, self.tfds)
        if version is None:
            return None
        files = sorted(version.iterdir())
        with reading(version):
            arrays = cached(self.slug, files, lambda: self.from_records(records.read(version, self.splits)))
        return arrays, f"{self.name}, tensorflow-datasets in {version}"

    def _said(self, paths: Sequence[Path]) -> str:
        shown = paths[0] if len(paths) == 1 else paths[0].parent
        return f"{self.name}, {os.path.relpath(shown) if shown.is_relative_to(_PROJECT.parent) else shown}"

    def _looked_for(self) -> str:
        return " or ".join(" + ".join(form.files) for form in self.forms)
