"""Published text datasets, read from the files where they are found; nothing is downloaded.

Each function takes the folder ``root`` and the ``split``, and gives what can be iterated over any number of times.
Files are looked for in ``root``, in ``root/<name>`` and in ``root/datasets/<name>``, as the publisher unpacks them.
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from fxtorch.utils.data import IterableDataset

__all__ = [
    "AG_NEWS",
    "IMDB",
    "SST2",
    "UDPOS",
    "AmazonReviewFull",
    "AmazonReviewPolarity",
    "CoNLL2000Chunking",
    "DBpedia",
    "Multi30k",
    "PennTreebank",
    "SogouNews",
    "WikiText2",
    "WikiText103",
    "YahooAnswers",
    "YelpReviewFull",
    "YelpReviewPolarity",
]

Items = Callable[[], Iterator[Any]]


class _Read(IterableDataset[Any]):
    """The items that ``read`` yields, anew for each loop."""

    def __init__(self, read: Items) -> None:
        self._read = read

    def __iter__(self) -> Iterator[Any]:
        return self._read()


def _splits(split: str | tuple[str, ...], one: Callable[[str], _Read], known: tuple[str, ...]) -> Any:
    """The dataset of a split, or those of several.

    Raises:
        ValueError: there is no such split.
    """
    wanted = (split,) if isinstance(split, str) else tuple(split)
    for name in wanted:
        if name not in known:
            raise ValueError(f"split {name!r} not found; supported: {', '.join(known)}")
    made = tuple(one(name) for name in wanted)
    return made[0] if isinstance(split, str) else made


def _find(root: str | Path, name: str, *files: str) -> Path:
    """The first of ``files`` that is there.

    Raises:
        FileNotFoundError: none is.
    """
    for folder in (Path(root), Path(root) / name, Path(root) / "datasets" / name):
        for file in files:
            if (folder / file).exists():
                return folder / file
    raise FileNotFoundError(
        f"{name}: none of {', '.join(files)} is in {Path(root).absolute()} or its folder {name}: unpack the "
        "publisher's archive there"
    )


def _rows(path: Path) -> Iterator[list[str]]:
    csv.field_size_limit(sys.maxsize)
    with path.open(encoding="utf-8", newline="") as file:
        yield from csv.reader(file)


def _classified(name: str, folder: str, classes: str) -> Callable[..., Any]:
    """A dataset of ``train.csv`` and ``test.csv``: a class, counted from 1, and texts that are joined by spaces."""

    def dataset(root: str | Path = ".data", split: str | tuple[str, ...] = ("train", "test")) -> Any:
        def one(part: str) -> _Read:
            path = _find(root, name, f"{part}.csv", f"{folder}/{part}.csv")
            return _Read(lambda: ((int(row[0]), " ".join(row[1:])) for row in _rows(path)))

        return _splits(split, one, ("train", "test"))

    dataset.__name__ = dataset.__qualname__ = name
    dataset.__doc__ = f"""``(class, text)`` of {classes}, from ``train.csv`` and ``test.csv``.

    Args:
        root: the folder that holds the files.
        split: ``"train"``, ``"test"`` or both.

    Raises:
        FileNotFoundError: the files are not there.
        ValueError: there is no such split.

    Source: Zhang, Zhao and LeCun, "Character-level Convolutional Networks for Text Classification" (2015).
    """
    return dataset


AG_NEWS = _classified("AG_NEWS", "ag_news_csv", "news: 1 world, 2 sports, 3 business, 4 science and technology")
SogouNews = _classified("SogouNews", "sogou_news_csv", "Chinese news in Pinyin, 5 subjects")
DBpedia = _classified("DBpedia", "dbpedia_csv", "articles, 14 subjects")
YelpReviewPolarity = _classified("YelpReviewPolarity", "yelp_review_polarity_csv", "reviews: 1 bad, 2 good")
YelpReviewFull = _classified("YelpReviewFull", "yelp_review_full_csv", "reviews of 1 to 5 stars")
YahooAnswers = _classified("YahooAnswers", "yahoo_answers_csv", "questions with answers, 10 subjects")
AmazonReviewPolarity = _classified("AmazonReviewPolarity", "amazon_review_polarity_csv", "reviews: 1 bad, 2 good")
AmazonReviewFull = _classified("AmazonReviewFull", "amazon_review_full_csv", "reviews of 1 to 5 stars")


def IMDB(root: str | Path = ".data", split: str | tuple[str, ...] = ("train", "test")) -> Any:
    """``(class, text)`` of film reviews, 1 negative and 2 positive, from the folders ``aclImdb/train/neg`` and so on.

    Args:
        root: the folder that holds ``aclImdb``.
        split: ``"train"``, ``"test"`` or both.

    Raises:
        FileNotFoundError: the folders are not there.
        ValueError: there is no such split.

    Source: Maas et al., "Learning Word Vectors for Sentiment Analysis" (2011).
    """

    def one(part: str) -> _Read:
        folder = _find(root, "IMDB", f"aclImdb/{part}", part)

        def read() -> Iterator[tuple[int, str]]:
            for label, kind in ((1, "neg"), (2, "pos")):
                for path in sorted((folder / kind).glob("*.txt")):
                    yield label, path.read_text(encoding="utf-8")

        return _Read(read)

    return _splits(split, one, ("train", "test"))


def _language(name: str, files: Callable[[str], tuple[str, ...]], what: str) -> Callable[..., Any]:
    """A dataset of lines of running text."""

    def dataset(root: str | Path = ".data", split: str | tuple[str, ...] = ("train", "valid", "test")) -> Any:
        def one(part: str) -> _Read:
            path = _find(root, name, *files(part))

            def read() -> Iterator[str]:
                with path.open(encoding="utf-8") as lines:
                    yield from (line.strip() if name == "PennTreebank" else line for line in lines)

            return _Read(read)

        return _splits(split, one, ("train", "valid", "test"))

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


def Multi30k(
    root: str | Path = ".data",
    split: str | tuple[str, ...] = ("train", "valid", "test"),
    language_pair: tuple[str, str] = ("de", "en"),
) -> Any:
    """``(text, translation)`` of captions of pictures, from ``train.de``, ``train.en`` and so on.

    Args:
        root: the folder that holds the files.
        split: ``"train"``, ``"valid"``, ``"test"`` or several of them.
        language_pair: from which language to which.

    Raises:
        FileNotFoundError: the files are not there.
        ValueError: there is no such split.

    Source: Elliott et al., "Multi30K" (2016).
    """
    stems = {"train": ("train",), "valid": ("val", "valid"), "test": ("test", "test2016", "test_2016_flickr")}

    def one(part: str) -> _Read:
        paths = [_find(root, "Multi30k", *(f"{stem}.{lang}" for stem in stems[part])) for lang in language_pair]

        def read() -> Iterator[tuple[str, str]]:
            with paths[0].open(encoding="utf-8") as source, paths[1].open(encoding="utf-8") as target:
                for a, b in zip(source, target, strict=True):
                    yield a.strip(), b.strip()

        return _Read(read)

    return _splits(split, one, ("train", "valid", "test"))


def _tagged(path: Path, separator: str) -> Iterator[list[list[str]]]:
    """Sentences of one word a line, with its tags: the words, then each column of tags."""
    columns: list[list[str]] = []
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            parts = line.strip().split(separator) if line.strip() else []
            if not parts and columns:
                yield columns
                columns = []
            elif parts:
                columns = columns or [[] for _ in parts]
                for column, part in zip(columns, parts, strict=True):
                    column.append(part)
    if columns:
        yield columns


def UDPOS(root: str | Path = ".data", split: str | tuple[str, ...] = ("train", "valid", "test")) -> Any:
    """``[words, universal tags, Penn tags]`` of each sentence, from ``en-ud-tag.v2.train.txt`` and so on.

    Args:
        root: the folder that holds the files.
        split: ``"train"``, ``"valid"``, ``"test"`` or several of them.

    Raises:
        FileNotFoundError: the files are not there.
        ValueError: there is no such split.
    """

    def one(part: str) -> _Read:
        file = f"en-ud-tag.v2.{'dev' if part == 'valid' else part}.txt"
        path = _find(root, "UDPOS", file, f"en-ud-v2/{file}")
        return _Read(lambda: _tagged(path, "\t"))

    return _splits(split, one, ("train", "valid", "test"))


def CoNLL2000Chunking(root: str | Path = ".data", split: str | tuple[str, ...] = ("train", "test")) -> Any:
    """``[words, tags, chunks]`` of each sentence, from ``train.txt`` and ``test.txt``.

    Args:
        root: the folder that holds the files.
        split: ``"train"``, ``"test"`` or both.

    Raises:
        FileNotFoundError: the files are not there.
        ValueError: there is no such split.

    Source: Tjong Kim Sang and Buchholz (2000).
    """

    def one(part: str) -> _Read:
        path = _find(root, "CoNLL2000Chunking", f"{part}.txt")
        return _Read(lambda: _tagged(path, " "))

    return _splits(split, one, ("train", "test"))


def SST2(root: str | Path = ".data", split: str | tuple[str, ...] = ("train", "dev", "test")) -> Any:
    """``(text, class)`` of film reviews, 0 negative and 1 positive, from ``train.tsv`` and so on;
    of the test, ``(text,)``.

    Args:
        root: the folder that holds the files.
        split: ``"train"``, ``"dev"``, ``"test"`` or several of them.

    Raises:
        FileNotFoundError: the files are not there.
        ValueError: there is no such split.

    Source: Socher et al. (2013).
    """

    def one(part: str) -> _Read:
        path = _find(root, "SST2", f"{part}.tsv", f"SST-2/{part}.tsv")

        def read() -> Iterator[Any]:
            with path.open(encoding="utf-8") as lines:
                next(lines)
                for line in lines:
                    first, second = line.rstrip("\n").split("\t")
                    yield (second.strip(),) if part == "test" else (first.strip(), int(second))

        return _Read(read)

    return _splits(split, one, ("train", "dev", "test"))


DATASETS = {name: globals()[name] for name in __all__}
