"""IMDB reviews: 50,000 film reviews, half of them favourable (Maas et al., 2011)."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from experiments.data.archives import members
from experiments.data.cache import Arrays
from experiments.data.collection import Collection, Form
from experiments.data.generated import reviews

PADDING, UNKNOWN = 0, 1
_RESERVED = 2
_KEPT = 50_000
_REVIEW = re.compile(r"(?:^|/)(train|test)/(pos|neg)/[^/]+\.txt$")
_WORD = re.compile(r"[a-z0-9]+(?:'[a-z]+)?|[!?]")


def words(text: str) -> list[str]:
    """Lower-case words, numbers, and the marks ``!`` and ``?``; the reviews' line breaks are dropped.

    >>> words("It's GREAT!<br /><br />10/10")
    ["it's", 'great', '!', '10', '10']
    """
    return _WORD.findall(text.lower().replace("<br />", " "))


def indexed(texts: Mapping[str, Sequence[str]], labels: Mapping[str, Sequence[int]]) -> Arrays:
    """Reviews as indexes into a vocabulary ordered by frequency in the training part.

    ``*_ids`` are all reviews end to end, ``*_starts`` where each begins (and where the last ends); 0 is padding and
    1 an unknown word, so that a smaller vocabulary is had by calling every index beyond it unknown.
    """
    split = {part: [words(text) for text in texts[part]] for part in texts}
    counts = Counter(word for review in split["train"] for word in review)
    vocabulary = [word for word, _ in sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:_KEPT]]
    index = {word: i + _RESERVED for i, word in enumerate(vocabulary)}
    arrays: dict[str, np.ndarray] = {"vocabulary": np.frombuffer("\n".join(vocabulary).encode(), np.uint8)}
    for part, tokens in split.items():
        arrays[f"{part}_ids"] = np.array([index.get(w, UNKNOWN) for review in tokens for w in review], np.int32)
        arrays[f"{part}_starts"] = np.cumsum([0, *map(len, tokens)]).astype(np.int64)
        arrays[f"{part}_labels"] = np.array(labels[part], np.uint8)
    return arrays


def _read(path: Path) -> Arrays:
    texts: dict[str, list[str]] = {"train": [], "test": []}
    labels: dict[str, list[int]] = {"train": [], "test": []}
    for name, content in members(path):
        if review := _REVIEW.search(name):
            texts[review[1]].append(content.decode())
            labels[review[1]].append(int(review[2] == "pos"))
    if not (texts["train"] and texts["test"]):
        raise ValueError("it holds no train/{pos,neg} or test/{pos,neg} reviews")
    return indexed(texts, labels)


def _from_records(splits: dict) -> Arrays:
    texts: dict[str, list[str]] = {}
    labels: dict[str, list[int]] = {}
    for part, records in splits.items():
        kept = [(r["text"], int(r["label"])) for r in records]
        texts[part] = [text.decode() if isinstance(text, bytes) else text for text, _ in kept]
        labels[part] = [label for _, label in kept]
    return indexed(texts, labels)


def _stand_in() -> tuple[Arrays, str]:
    texts, labels = reviews()
    return indexed(texts, labels), "generated reviews (invented, of a few dozen words)"


IMDB = Collection(
    name="IMDB",
    folders=("", "imdb"),
    forms=tuple(Form((name,), _read) for name in ("aclImdb_v1.tar.gz", "aclImdb_labelled.tar.gz", "aclImdb")),
    urls=("https://ai.stanford.edu/~amaas/data/sentiment/aclImdb_v1.tar.gz",),
    tfds="imdb_reviews/plain_text",
    splits=("train", "test"),
    from_records=_from_records,
    stand_in=_stand_in,
)
"""What :func:`indexed` returns; labels are 1 for a favourable review."""
