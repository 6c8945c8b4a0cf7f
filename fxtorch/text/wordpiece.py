"""BERT's tokens: words, cut into the longest pieces that its vocabulary has."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Iterator
from typing import Any

from fxtorch.nn.modules import Module

_LONGEST = 100  # letters of a word that is looked up
_UNKNOWN = "[UNK]"
_SPECIALS = (_UNKNOWN, "[SEP]", "[PAD]", "[CLS]", "[MASK]")
_IDEOGRAPHS = (
    (0x4E00, 0x9FFF),
    (0x3400, 0x4DBF),
    (0x20000, 0x2A6DF),
    (0x2A700, 0x2B73F),
    (0x2B740, 0x2B81F),
    (0x2B820, 0x2CEAF),
    (0xF900, 0xFAFF),
    (0x2F800, 0x2FA1F),
)


def _stands_alone(letter: str) -> bool:
    """Whether it is a punctuation mark, which all of ASCII's signs are, or an ideograph."""
    number = ord(letter)
    if number < 128:
        return letter.isprintable() and not letter.isalnum() and letter != " "
    return unicodedata.category(letter)[0] == "P" or any(first <= number <= last for first, last in _IDEOGRAPHS)


def _is_noise(letter: str) -> bool:
    return letter not in "\t\n\r" and (letter == "\ufffd" or unicodedata.category(letter)[0] == "C")


class BERTTokenizer(Module):
    """Texts to the numbers of their word pieces, as strings, or to the pieces.

    Args:
        vocab_path: the file of the pieces, one on each line; those that go on with a word begin with ``##``.
        do_lower_case: turn all into small letters first.
        strip_accents: leave out accents; as ``do_lower_case`` unless given.
        return_tokens: give the pieces instead of their numbers.
        never_split: words that stay whole, beside ``[UNK]``, ``[SEP]``, ``[PAD]``, ``[CLS]`` and ``[MASK]``.

    Source: Devlin et al., "BERT: Pre-training of Deep Bidirectional Transformers" (2018).
    """

    def __init__(
        self,
        vocab_path: str | os.PathLike[str],
        do_lower_case: bool = True,
        strip_accents: bool | None = None,
        return_tokens: bool = False,
        never_split: list[str] | None = None,
    ) -> None:
        super().__init__()
        with open(vocab_path, encoding="utf-8") as file:
            self._vocabulary = {line.rstrip("\n"): number for number, line in enumerate(file)}
        self._lower = do_lower_case
        self._strip = do_lower_case if strip_accents is None else strip_accents
        self._return_tokens = return_tokens
        self._whole = {*_SPECIALS, *(never_split or ())}

    def forward(self, input: Any) -> Any:
        """The pieces of a text, or of each of a list of texts.

        Raises:
            TypeError: it is neither.
        """
        if isinstance(input, list):
            return [self(text) for text in input]
        if not isinstance(input, str):
            raise TypeError("Input type not supported")
        pieces = [piece for word in self._words(input) for piece in self._pieces(word)]
        if self._return_tokens:
            return pieces
        return [str(self._vocabulary[piece]) for piece in pieces]

    def _words(self, text: str) -> Iterator[str]:
        for word in "".join(letter for letter in text if not _is_noise(letter)).split():
            if word in self._whole:
                yield word
                continue
            if self._lower:
                word = word.lower()
            if self._strip:
                word = "".join(c for c in unicodedata.normalize("NFD", word) if unicodedata.category(c) != "Mn")
            yield from "".join(f" {c} " if _stands_alone(c) else c for c in word).split()

    def _pieces(self, word: str) -> list[str]:
        if word in self._whole:
            return [word]
        pieces: list[str] = []
        start, mark = 0, ""
        while start < len(word) <= _LONGEST:
            ends = range(len(word), start, -1)
            piece = next((p for end in ends if (p := mark + word[start:end]) in self._vocabulary), None)
            if piece is None:
                return [_UNKNOWN]
            pieces.append(piece)
            start, mark = start + len(piece) - len(mark), "##"
        return pieces or [_UNKNOWN]
