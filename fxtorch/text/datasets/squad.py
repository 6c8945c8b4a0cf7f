"""Questions about a paragraph, with the places of their answers in it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from fxtorch.text.datasets._files import Read, by_split, find, tree


def _squad(name: str, version: str, what: str) -> Callable[..., Any]:
    """A dataset of ``train-v….json`` and ``dev-v….json``."""

    def one(root: str | Path, part: str) -> Read:
        path = find(root, name, f"{part}-v{version}.json")

        def read() -> Iterator[tuple[str, str, list[str], list[int]]]:
            for article in tree(path)["data"]:
                for paragraph in article["paragraphs"]:
                    for asked in paragraph["qas"]:
                        found = asked["answers"] or [{"text": "", "answer_start": -1}]
                        texts, starts = [a["text"] for a in found], [a["answer_start"] for a in found]
                        yield paragraph["context"], asked["question"], texts, starts

        return Read(read)

    return by_split(
        name,
        ("train", "dev"),
        one,
        f"``(paragraph, question, answers, where each begins)`` {what}",
        'Rajpurkar et al., "SQuAD" (2016 and 2018)',
    )


SQuAD1 = _squad("SQuAD1", "1.1", "of Wikipedia's articles")
SQuAD2 = _squad("SQuAD2", "2.0", "with questions that have no answer, whose answer is '' at -1")
