"""Byte pair encoding with the published vocabularies of GPT-2 and CLIP."""

from __future__ import annotations

import functools
import itertools
import json
import os
import re
import sys
import unicodedata
from collections.abc import Iterable, Mapping
from typing import Any

from fxtorch.nn.modules import Module

Path = str | os.PathLike[str]
_ENDINGS = "'s|'t|'re|'ve|'m|'ll|'d"
_REMEMBERED = 2**16  # words
_CLIP_SPECIALS = ("<|startoftext|>", "<|endoftext|>")


@functools.cache
def byte_letters() -> dict[int, str]:
    """A letter that can be seen for each byte: itself where it can be, else one from U+0100 on.

    >>> byte_letters()[ord("a")], byte_letters()[ord(" ")]
    ('a', 'Ġ')
    """
    seen = {*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)}
    others = itertools.count(0x100)
    return {byte: chr(byte if byte in seen else next(others)) for byte in range(256)}


@functools.cache
def _of_category(kind: str) -> str:
    """The inside of a regular expression's class of all characters of a general category: ``"L"`` for letters."""
    ours = (n for n in range(sys.maxunicode + 1) if unicodedata.category(chr(n))[0] == kind)
    ranges: list[list[int]] = []
    for number in ours:
        if ranges and ranges[-1][1] == number - 1:
            ranges[-1][1] = number
        else:
            ranges.append([number, number])
    return "".join(f"\\U{first:08x}-\\U{last:08x}" for first, last in ranges)


@functools.cache
def _gpt2_words() -> re.Pattern[str]:
    letter, number = _of_category("L"), _of_category("N")
    return re.compile(rf"{_ENDINGS}| ?[{letter}]+| ?[{number}]+| ?[^\s{letter}{number}]+|\s+(?!\S)|\s+")


@functools.cache
def _clip_words() -> re.Pattern[str]:
    letter, number = _of_category("L"), _of_category("N")
    specials = "|".join(map(re.escape, _CLIP_SPECIALS))
    return re.compile(rf"{specials}|{_ENDINGS}|[{letter}]+|[{number}]|[^\s{letter}{number}]+", re.IGNORECASE)


class _Merges:
    """The pairs that become one, the earliest first."""

    def __init__(self, pairs: Iterable[tuple[str, str]]) -> None:
        self._rank = {pair: rank for rank, pair in enumerate(pairs)}
        self._known: dict[tuple[str, ...], list[str]] = {}

    def __call__(self, parts: tuple[str, ...]) -> list[str]:
        """The parts, merged as far as they can be."""
        if parts not in self._known:
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            self._known[parts] = self._merged(list(parts))
        return self._known[parts]

    def _merged(self, parts: list[str]) -> list[str]:
        while len(parts) > 1:
            best = min(itertools.pairwise(parts), key=lambda pair: self._rank.get(pair, sys.maxsize))
            if best not in self._rank:
                break
            merged: list[str] = []
            for part in parts:
                if merged and (merged[-1], part) == best:
                    merged[-1] = "".join(best)
                else:
                    merged.append(part)
            parts = merged
        return parts


def _pairs(path: Path) -> list[tuple[str, str]]:
    """The merges of a file, whose first line is its version."""
    with open(path, encoding="utf-8") as file:
        lines = file.read().split("\n")[1:]
    return [(first, second) for first, _, second in (line.partition(" ") for line in lines) if second]


def _vocabulary(path: Path) -> dict[str, int]:
    with open(path, encoding="utf-8") as file:
        return json.load(file)


class _BPETokenizer(Module):
    """Texts to the numbers of their parts, as strings, or to the parts."""

    def __init__(self, pairs: list[tuple[str, str]], vocabulary: Mapping[str, int], return_tokens: bool) -> None:
        super().__init__()
        self._merges = _Merges(pairs)
        self._vocabulary = vocabulary
        self._return_tokens = return_tokens

    def _tokens(self, text: str) -> list[str]:
        raise NotImplementedError

    def forward(self, input: Any) -> Any:
        """The tokens of a text, or of each of a list of texts.

        Raises:
            TypeError: it is neither.
        """
        if isinstance(input, list):
            return [self(text) for text in input]
        if not isinstance(input, str):
            raise TypeError("Input type not supported")
        tokens = self._tokens(input)
        return tokens if self._return_tokens else [str(self._vocabulary[token]) for token in tokens]


class GPT2BPETokenizer(_BPETokenizer):
    """GPT-2's tokens: words with the space before them, in bytes, merged.

    Args:
        encoder_json_path: the file of the tokens' numbers, ``encoder.json``.
        vocab_bpe_path: the file of the merges, ``vocab.bpe``.
        return_tokens: give the tokens instead of their numbers.

    Source: Radford et al., "Language Models are Unsupervised Multitask Learners" (2019).
    """

    def __init__(self, encoder_json_path: Path, vocab_bpe_path: Path, return_tokens: bool = False) -> None:
        super().__init__(_pairs(vocab_bpe_path), _vocabulary(encoder_json_path), return_tokens)

    def _tokens(self, text: str) -> list[str]:
        letters = byte_letters()
        words = (tuple(letters[byte] for byte in word.encode()) for word in _gpt2_words().findall(text))
        return [token for word in words for token in self._merges(word)]

    def decode(self, tokens: list[str]) -> str:
        """The text of tokens' numbers."""
        names = {number: token for token, number in self._vocabulary.items()}
        bytes_of = {letter: byte for byte, letter in byte_letters().items()}
        return bytes(bytes_of[letter] for token in tokens for letter in names[int(token)]).decode(errors="replace")


class CLIPTokenizer(_BPETokenizer):
    """CLIP's tokens: words in small letters, whose last part ends in ``</w>``.

    Args:
        merges_path: the file of the merges, ``bpe_simple_vocab_16e6.txt``.
        encoder_json_path: the file of the tokens' numbers; unless given they follow from the merges.
        num_merges: how many merges to take; all unless given.
        return_tokens: give the tokens instead of their numbers.

    Source: Radford et al., "Learning Transferable Visual Models From Natural Language Supervision" (2021).
    """

    def __init__(
        self,
        merges_path: Path,
        encoder_json_path: Path | None = None,
        num_merges: int | None = None,
        return_tokens: bool = False,
    ) -> None:
        pairs = _pairs(merges_path)[: num_merges or None]
        if encoder_json_path is not None:
            vocabulary = _vocabulary(encoder_json_path)
        else:
            single = sorted(byte_letters().values())
            order = [*single, *(f"{letter}</w>" for letter in single), *map("".join, pairs), *_CLIP_SPECIALS]
            vocabulary = {token: number for number, token in enumerate(order)}
        super().__init__(pairs, vocabulary, return_tokens)

    def _tokens(self, text: str) -> list[str]:
        letters, tokens = byte_letters(), []
        for word in _clip_words().findall(text.lower().strip()):
            if word in _CLIP_SPECIALS:
                tokens.append(word)
                continue
            seen = [letters[byte] for byte in word.encode()]
            tokens += self._merges((*seen[:-1], f"{seen[-1]}</w>"))
        return tokens
