"""Published text datasets, read from the files where they are found; nothing is downloaded.

Each function takes the folder ``root`` and the ``split``, and gives what can be iterated over any number of times.
Files are looked for in ``root``, in ``root/<name>`` and in ``root/datasets/<name>``, as the publisher unpacks them.
"""

from __future__ import annotations

from fxtorch.text.datasets import multi30k as multi30k
from fxtorch.text.datasets.classified import (
    AG_NEWS,
    AmazonReviewFull,
    AmazonReviewPolarity,
    DBpedia,
    SogouNews,
    YahooAnswers,
    YelpReviewFull,
    YelpReviewPolarity,
)
from fxtorch.text.datasets.glue import MNLI, MRPC, QNLI, QQP, RTE, STSB, WNLI, CoLA
from fxtorch.text.datasets.language import PennTreebank, WikiText2, WikiText103
from fxtorch.text.datasets.multi30k import Multi30k
from fxtorch.text.datasets.reviews import IMDB, SST2
from fxtorch.text.datasets.squad import SQuAD1, SQuAD2
from fxtorch.text.datasets.tagged import UDPOS, CoNLL2000Chunking

__all__ = [
    "AG_NEWS",
    "IMDB",
    "MNLI",
    "MRPC",
    "QNLI",
    "QQP",
    "RTE",
    "SST2",
    "STSB",
    "UDPOS",
    "WNLI",
    "AmazonReviewFull",
    "AmazonReviewPolarity",
    "CoLA",
    "CoNLL2000Chunking",
    "DBpedia",
    "Multi30k",
    "PennTreebank",
    "SQuAD1",
    "SQuAD2",
    "SogouNews",
    "WikiText2",
    "WikiText103",
    "YahooAnswers",
    "YelpReviewFull",
    "YelpReviewPolarity",
]

DATASETS = {name: globals()[name] for name in __all__}
