"""The tasks of the GLUE collection: one sentence or two, and what is to be said of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from fxtorch.text.datasets._files import Read, by_split, find, rows

Row = list[str]
_ENTAILMENT = {"entailment": 0, "not_entailment": 1}
_INFERENCE = {"entailment": 0, "neutral": 1, "contradiction": 2}


def _task(
    name: str,
    files: dict[str, tuple[str, ...]],
    item: Callable[[Row], Any],
    what: str,
    *,
    unlabelled: Callable[[Row], Any] | None = None,
    kept: Callable[[Row], bool] = lambda row: True,
    header: bool = True,
    quotes: bool = True,
) -> Callable[..., Any]:
    """A dataset of one table a split; ``unlabelled`` makes the items of the test where that has no labels."""

    def one(root: str | Path, part: str) -> Read:
        path = find(root, name, *files[part])
        make = unlabelled if unlabelled is not None and part == "test" else item

        def read() -> Iterator[Any]:
            return (make(row) for row in rows(path, "\t", header=header, quotes=quotes) if kept(row))

        return Read(read)

    return by_split(name, tuple(files), one, what, 'Wang et al., "GLUE" (2018)')


def _three(folder: str) -> dict[str, tuple[str, ...]]:
    return {part: (f"{part}.tsv", f"{folder}/{part}.tsv") for part in ("train", "dev", "test")}


def _pair(row: Row) -> tuple[str, str]:
    return row[1], row[2]


CoLA = _task(
    "CoLA",
    {
        part: (f"{file}.tsv", f"raw/{file}.tsv", f"cola_public/raw/{file}.tsv")
        for part, file in (("train", "in_domain_train"), ("dev", "in_domain_dev"), ("test", "out_of_domain_dev"))
    },
    lambda row: (row[0], int(row[1]), row[3]),
    "``(source, class, sentence)``: 1 for a grammatical sentence",
    header=False,
)
MNLI = _task(
    "MNLI",
    {
        part: (f"multinli_1.0_{part}.txt", f"multinli_1.0/multinli_1.0_{part}.txt")
        for part in ("train", "dev_matched", "dev_mismatched")
    },
    lambda row: (_INFERENCE[row[0]], row[5], row[6]),
    "``(class, premise, hypothesis)``: 0 follows, 1 neither, 2 contradicts; pairs without a class are left out",
    kept=lambda row: row[0] in _INFERENCE,
    quotes=False,
)
MRPC = _task(
    "MRPC",
    {part: (f"msr_paraphrase_{part}.txt",) for part in ("train", "test")},
    lambda row: (int(row[0]), row[3], row[4]),
    "``(class, sentence, sentence)``: 1 for the same meaning",
    quotes=False,
)
QNLI = _task(
    "QNLI",
    _three("QNLI"),
    lambda row: (_ENTAILMENT[row[3]], *_pair(row)),
    "``(class, question, sentence)``: 0 where the sentence answers; of the test without the class",
    unlabelled=_pair,
    quotes=False,
)
RTE = _task(
    "RTE",
    _three("RTE"),
    lambda row: (_ENTAILMENT[row[3]], *_pair(row)),
    "``(class, premise, hypothesis)``: 0 where it follows; of the test without the class",
    unlabelled=_pair,
)
WNLI = _task(
    "WNLI",
    _three("WNLI"),
    lambda row: (int(row[3]), *_pair(row)),
    "``(class, sentence, its pronoun resolved)``: 1 where it follows; of the test without the class",
    unlabelled=_pair,
)
STSB = _task(
    "STSB",
    {part: (f"sts-{part}.csv", f"stsbenchmark/sts-{part}.csv") for part in ("train", "dev", "test")},
    lambda row: (int(row[3]), float(row[4]), row[5], row[6]),
    "``(number, likeness, sentence, sentence)``, from 0 to 5",
    header=False,
    quotes=False,
)


def QQP(root: str | Path = ".data") -> Read:
    """``(class, question, question)``, 1 where both ask the same, from ``quora_duplicate_questions.tsv``.

    Args:
        root: the folder that holds the file.

    Raises:
        FileNotFoundError: the file is not there.

    Source: Wang et al., "GLUE" (2018).
    """
    path = find(root, "QQP", "quora_duplicate_questions.tsv")
    return Read(lambda: ((int(row[-1]), row[3], row[4]) for row in rows(path, "\t", header=True)))
