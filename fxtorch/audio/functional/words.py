"""Comparing transcripts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


def edit_distance(seq1: Sequence[Any], seq2: Sequence[Any]) -> int:
    """How many insertions, deletions and replacements turn one sequence into the other (Levenshtein).

    >>> edit_distance("kitten", "sitting")
    3
    """
    row = list(range(len(seq2) + 1))
    for i, a in enumerate(seq1, 1):
        before, row[0] = row[0], i
        for j, b in enumerate(seq2, 1):
            before, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, before + (a != b))
    return row[-1]
