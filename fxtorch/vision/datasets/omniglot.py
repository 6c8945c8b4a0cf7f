"""Handwritten characters of many alphabets."""

from __future__ import annotations

import os
from typing import Any

from fxtorch.vision._pil import pillow
from fxtorch.vision.datasets.listed import Listed, Transform


def _grey(path: Any) -> Any:
    return pillow().open(path).convert("L")


class Omniglot(Listed):
    """Characters of 30 alphabets (``background``) or of 20 others; ``root`` holds ``omniglot-py``.

    Args:
        root: the folder.
        background: whether those of ``images_background``, else of ``images_evaluation``.
        transform: of the character's picture, a grey Pillow image.
        target_transform: of the character's number, counted over all alphabets.

    Raises:
        RuntimeError: the files are not there.

    Source: Lake et al., "Human-level concept learning through probabilistic program induction" (2015).
    """

    splits = ("images_background", "images_evaluation")
    folder_name = "omniglot-py"
    source = "images_background.zip and images_evaluation.zip"

    def __init__(
        self,
        root: str | os.PathLike[str],
        background: bool = True,
        transform: Transform = None,
        target_transform: Transform = None,
    ) -> None:
        super().__init__(root, self.splits[not background], transform, target_transform, _grey)
        self.background = background
        alphabets = sorted(path for path in (self._base / self.split).iterdir() if path.is_dir())
        characters = [path for alphabet in alphabets for path in sorted(alphabet.iterdir()) if path.is_dir()]
        self._number([path.relative_to(self._base / self.split).as_posix() for path in characters])
        for label, character in enumerate(characters):
            files = sorted(character.glob("*.png"))
            self._files += files
            self._labels += [label] * len(files)
