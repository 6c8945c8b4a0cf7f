"""Questions about a paragraph, with the places of their answers in it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from fxtorch.text.datasets._files import Read, find, splits, tree


def _squad(name: str, version: str, what: str) -> Callable[..., Any]:
    """A dataset of ``train-v….json`` and ``dev-v….json``."""

    def dataset(root: str | Path = ".data", split: str | tuple[str, ...] = ("train", "dev")) -> Any:
        def one(part: str) -> Read:
            path = find(root, name, f"{part}-v{version}.json")

            def read() -> Iterator[tuple[str, str, list[str], list[int]]]:
                for article in tree(path)["data"]:
                    for paragraph in article["paragraphs"]:
                        for asked in paragraph["qas"]:
                            found = asked["answers"] or [{"text": "", "answer_start": -1}]
                            texts, starts = [a["text"] for a in found], [a["answer_start"] for a in found]
                            yield paragraph["context"], asked["question"], texts, starts

            return Read(read)

        return splits(split, one, ("train", "dev"))

    dataset.__name__ = dataset.__qualname__ = name
    dataset.__doc__ = f"""``(paragraph, question, answers, where each begins)`` {what}.

    Args:
        root: the folder that holds ``train-v{version}.json`` and ``dev-v{version}.json``.
        split: ``"train"``, ``"dev"`` or both.

    Raises:
        FileNotFoundError: the files are not there.
        ValueError: there is no such split.

    Source: Rajpurkar et al., "SQuAD" (2016 and 2018).
    """
    return dataset


SQuAD1 = _squad("SQuAD1", "1.1", "of Wikipedia's articles")
SQuAD2 = _squad("SQuAD2", "2.0", "with questions that have no answer, whose answer is '' at -1")
