"""Scores of translations."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

from fxtorch.text.data.utils import ngrams_iterator

__all__ = ["bleu_score"]


def bleu_score(
    candidate_corpus: Sequence[Sequence[str]],
    references_corpus: Sequence[Sequence[Sequence[str]]],
    max_n: int = 4,
    weights: Sequence[float] = (0.25, 0.25, 0.25, 0.25),
) -> float:
    """BLEU: the geometric mean of the shares of a translation's n-grams that a reference has, times a brevity penalty.

    >>> bleu_score([["a", "good", "day", "to", "you"]], [[["a", "good", "day", "to", "you"]]])
    1.0

    Args:
        candidate_corpus: translations, each a list of tokens.
        references_corpus: for each of them, the right ones.
        max_n: up to how many tokens an n-gram has.
        weights: of the n-grams of each length.

    Raises:
        AssertionError: the lengths do not fit.

    Source: Papineni et al., "BLEU" (2002).
    """
    assert max_n == len(weights), 'Length of the "weights" list has be equal to max_n'
    assert len(candidate_corpus) == len(references_corpus), (
        "The length of candidate and reference corpus should be the same"
    )
    matched, possible = [0] * max_n, [0] * max_n
    candidates = references = 0.0
    for candidate, all_references in zip(candidate_corpus, references_corpus, strict=True):
        length = len(candidate)
        candidates += length
        references += min((float(len(r)) for r in all_references), key=lambda n: abs(length - n))
        known: Counter[tuple[str, ...]] = Counter()
        for reference in all_references:
            known |= _counted(reference, max_n)
        for gram, count in (_counted(candidate, max_n) & known).items():
            matched[len(gram) - 1] += count
        for n in range(max_n):
            possible[n] += max(length - n, 0)
    if min(matched) == 0:
        return 0.0
    precision = sum(w * math.log(m / p) for w, m, p in zip(weights, matched, possible, strict=True))
    return math.exp(min(1 - references / candidates, 0)) * math.exp(precision)


def _counted(tokens: Sequence[str], max_n: int) -> Counter[tuple[str, ...]]:
    return Counter(tuple(gram.split(" ")) for gram in ngrams_iterator(tokens, max_n))
