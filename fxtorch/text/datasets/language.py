"""Running text, for language models."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from fxtorch.text.datasets._files import Read, find, splits


def _language(name: str, files: Callable[[str], tuple[str, ...]], what: str) -> Callable[..., Any]:
    """A dataset of lines of running text."""

    def dataset(root: str | Path = ".data", split: str | tuple[str, ...] = ("train", "valid", "test")) -> Any:
        def one(part: str) -> Read:
            path = find(root, name, *files(part))

            def read() -> Iterator[str]:
                with path.open(encoding="utf-8") as lines:
                    yield from (line.strip() if name == "PennTreebank" else line for line in lines)

            return Read(read)

        return splits(split, one, ("train", "valid", "test"))

    dataset.__name__ = dataset.__qualname__ = name
    dataset.__doc__ = f"""The lines of {what}.

    Args:
        root: the folder that holds the files.
        split: ``"train"``, ``"valid"``, ``"test"`` or several of them.

    Raises:
        FileNotFoundError: the files are not there.
        ValueError: there is no such split.
    """
    return dataset


def _wiki(size: str) -> Callable[[str], tuple[str, ...]]:
    return lambda part: (f"wiki.{part}.tokens", f"wikitext-{size}/wiki.{part}.tokens")


WikiText2 = _language("WikiText2", _wiki("2"), "WikiText-2 (Merity et al., 2016)")
WikiText103 = _language("WikiText103", _wiki("103"), "WikiText-103 (Merity et al., 2016)")
PennTreebank = _language(
    "PennTreebank", lambda part: (f"ptb.{part}.txt",), "the Penn Treebank, as Mikolov et al. (2010) prepared it"
)
