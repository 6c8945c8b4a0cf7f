"""Small functions between datasets and models."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from fxtorch.utils.data import Dataset

__all__ = ["custom_replace", "numericalize_tokens_from_iterator", "simple_space_split", "to_map_style_dataset"]


class _Listed(Dataset[Any]):
    """The items of an iterable, by number."""

    def __init__(self, items: Iterable[Any]) -> None:
        self._items = list(items)

    def __getitem__(self, index: int) -> Any:
        return self._items[index]

    def __len__(self) -> int:
        return len(self._items)


def to_map_style_dataset(iter_data: Iterable[Any]) -> _Listed:
    """A dataset with a length and items by number, of one that can only be iterated over."""
    return _Listed(iter_data)


def numericalize_tokens_from_iterator(
    vocab: Mapping[str, int] | Any, iterator: Iterable[Iterable[str]], removed_tokens: Iterable[str] | None = None
) -> Iterator[Iterator[int]]:
    """The numbers of the tokens of each text; ``removed_tokens`` are left out."""
    removed = set(removed_tokens or ())
    for tokens in iterator:
        yield iter([vocab[token] for token in tokens if token not in removed])


def simple_space_split(iterator: Iterable[str]) -> Iterator[list[str]]:
    """The words of each text."""
    for line in iterator:
        yield line.split()


def custom_replace(replace_pattern: Iterable[tuple[str, str]]) -> Callable[[Iterable[str]], Iterator[str]]:
    r"""A function that replaces patterns in texts, one after the other.

    >>> list(custom_replace([(r"S", "s"), (r"\s+", " ")])(["Sentencepiece   encode"]))
    ['sentencepiece encode']
    """
    pairs = [(re.compile(pattern), replacement) for pattern, replacement in replace_pattern]

    def replace(texts: Iterable[str]) -> Iterator[str]:
        for text in texts:
            for pattern, replacement in pairs:
                text = pattern.sub(replacement, text)
            yield text

    return replace
