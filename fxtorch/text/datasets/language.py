"""Running text, for language models."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from fxtorch.text.datasets._files import Read, by_split, find


def _language(name: str, files: Callable[[str], tuple[str, ...]], what: str, source: str) -> Callable[..., Any]:
    """A dataset of lines of running text."""

    def one(root: str | Path, part: str) -> Read:
        path = find(root, name, *files(part))

        def read() -> Iterator[str]:
            with path.open(encoding="utf-8") as lines:
                yield from (line.strip() if name == "PennTreebank" else line for line in lines)

        return Read(read)

    return by_split(name, ("train", "valid", "test"), one, f"The lines of {what}", source)


def _wiki(size: str) -> Callable[[str], tuple[str, ...]]:
    return lambda part: (f"wiki.{part}.tokens", f"wikitext-{size}/wiki.{part}.tokens")


WikiText2 = _language("WikiText2", _wiki("2"), "WikiText-2", "Merity et al. (2016)")
WikiText103 = _language("WikiText103", _wiki("103"), "WikiText-103", "Merity et al. (2016)")
PennTreebank = _language(
    "PennTreebank", lambda part: (f"ptb.{part}.txt",), "the Penn Treebank", "Mikolov et al. (2010), who prepared it so"
)
