"""Texts with a class each, from ``train.csv`` and ``test.csv``."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from fxtorch.text.datasets._files import Read, by_split, find, rows


def _classified(name: str, folder: str, classes: str) -> Callable[..., Any]:
    """A dataset of ``train.csv`` and ``test.csv``: a class, counted from 1, and texts that are joined by spaces."""

    def one(root: str | Path, part: str) -> Read:
        path = find(root, name, f"{part}.csv", f"{folder}/{part}.csv")
        return Read(lambda: ((int(row[0]), " ".join(row[1:])) for row in rows(path)))

    return by_split(
        name,
        ("train", "test"),
        one,
        f"``(class, text)`` of {classes}, from ``train.csv`` and ``test.csv``",
        'Zhang, Zhao and LeCun, "Character-level Convolutional Networks for Text Classification" (2015)',
    )


AG_NEWS = _classified("AG_NEWS", "ag_news_csv", "news: 1 world, 2 sports, 3 business, 4 science and technology")
SogouNews = _classified("SogouNews", "sogou_news_csv", "Chinese news in Pinyin, 5 subjects")
DBpedia = _classified("DBpedia", "dbpedia_csv", "articles, 14 subjects")
YelpReviewPolarity = _classified("YelpReviewPolarity", "yelp_review_polarity_csv", "reviews: 1 bad, 2 good")
YelpReviewFull = _classified("YelpReviewFull", "yelp_review_full_csv", "reviews of 1 to 5 stars")
YahooAnswers = _classified("YahooAnswers", "yahoo_answers_csv", "questions with answers, 10 subjects")
AmazonReviewPolarity = _classified("AmazonReviewPolarity", "amazon_review_polarity_csv", "reviews: 1 bad, 2 good")
AmazonReviewFull = _classified("AmazonReviewFull", "amazon_review_full_csv", "reviews of 1 to 5 stars")
