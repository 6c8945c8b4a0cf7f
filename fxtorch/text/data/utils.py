"""Tokenizers, and n-grams."""

from __future__ import annotations

import functools
import importlib
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any

__all__ = ["get_tokenizer", "ngrams_iterator"]

Tokenizer = Callable[[str], list[str]]

# Marks that become tokens of their own, and marks that are left out.
_APART = re.compile(r"(['.,()!?])")
_LEFT_OUT = re.compile(r"<br />|[;:]")


def _basic_english(line: str) -> list[str]:
    """Lower case; words and the marks ``' . , ( ) ! ?`` as tokens; quotes, colons and line breaks left out."""
    text = _LEFT_OUT.sub(" ", line.lower().replace('"', ""))
    return _APART.sub(r" \1 ", text).split()


def _split(line: str) -> list[str]:
    """The words between spaces."""
    return line.split()


def _extra(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise ImportError(f"the tokenizer {name!r} needs the package {name}: pip install {name}") from error


def _spacy(text: str, nlp: Any) -> list[str]:
    return [token.text for token in nlp.tokenizer(text)]


def get_tokenizer(tokenizer: str | Tokenizer | None, language: str = "en") -> Tokenizer:
    """A function from a text to its tokens.

    >>> get_tokenizer("basic_english")("You can now install TorchText!")
    ['you', 'can', 'now', 'install', 'torchtext', '!']

    Args:
        tokenizer: None splits at spaces; ``"basic_english"`` separates marks too; ``"spacy"``, ``"moses"``,
            ``"toktok"``, ``"revtok"`` and ``"subword"`` are those of other packages; a function is returned as it is.
        language: which one, where a package has several.

    Raises:
        ValueError: ``"basic_english"`` of another language, or another name.
        ImportError: the package is not installed.
    """
    if tokenizer is None:
        return _split
    if callable(tokenizer):
        return tokenizer
    if tokenizer == "basic_english":
        if language != "en":
            raise ValueError("Basic normalization is only available for Enlish(en)")
        return _basic_english
    if tokenizer == "spacy":
        return functools.partial(_spacy, nlp=_extra("spacy").load(language))
    if tokenizer == "moses":
        return _extra("sacremoses").MosesTokenizer().tokenize
    if tokenizer == "toktok":
        return _extra("nltk.tokenize.toktok").ToktokTokenizer().tokenize
    if tokenizer == "revtok":
        return _extra("revtok").tokenize
    if tokenizer == "subword":
        return functools.partial(_extra("revtok").tokenize, decap=True)
    raise ValueError(
        f"Requested tokenizer {tokenizer}, valid choices are a callable that takes a single string as input, "
        '"revtok" for the revtok reversible tokenizer, "subword" for the revtok caps-aware tokenizer, "spacy" for the '
        'SpaCy English tokenizer, or "moses" for the NLTK port of the Moses tokenization script.'
    )


def ngrams_iterator(token_list: Iterable[str], ngrams: int) -> Iterator[str]:
    """The tokens, then all runs of 2, 3 ... ``ngrams`` of them, joined by spaces.

    >>> list(ngrams_iterator(["here", "we", "are"], 2))
    ['here', 'we', 'are', 'here we', 'we are']
    """
    tokens = list(token_list)
    yield from tokens
    for n in range(2, ngrams + 1):
        for run in zip(*(tokens[i:] for i in range(n)), strict=False):
            yield " ".join(run)
