"""Vocabularies: from tokens to their numbers and back; and pretrained word vectors."""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from fxtorch.nn._torch import torch
from fxtorch.nn.modules import Module
from fxtorch.tensor import Tensor
from fxtorch.tensor.construction import tensor

__all__ = ["CharNGram", "FastText", "GloVe", "Vectors", "Vocab", "build_vocab_from_iterator", "vocab"]


class Vocab(Module):
    """Tokens and their numbers, which are their places in a list.

    >>> v = vocab(OrderedDict([("a", 3), ("b", 1)]), specials=["<unk>"])
    >>> v(["b", "a"]), v["<unk>"], len(v)
    ([2, 1], 0, 3)

    Args:
        tokens: the tokens in order, or another Vocab.

    Raises:
        RuntimeError: a token is listed twice.
    """

    def __init__(self, tokens: Sequence[str] | Vocab) -> None:
        super().__init__()
        self._tokens = list(tokens.get_itos() if isinstance(tokens, Vocab) else tokens)
        self._numbers = {token: i for i, token in enumerate(self._tokens)}
        self._default: int | None = tokens.get_default_index() if isinstance(tokens, Vocab) else None
        if len(self._numbers) != len(self._tokens):
            twice = next(t for t, n in Counter(self._tokens).items() if n > 1)
            raise RuntimeError(f"Duplicate token found in tokens list: {twice}")

    @property
    def is_jitable(self) -> bool:
        """Whether it can be scripted: it is plain Python, so there is no need to."""
        return True

    @property
    def vocab(self) -> Vocab:
        """Itself: torchtext keeps the table in an object of its own."""
        return self

    def forward(self, tokens: list[str]) -> list[int]:
        """The numbers of ``tokens``."""
        return [self[token] for token in tokens]

    def __len__(self) -> int:
        return len(self._tokens)

    def __contains__(self, token: str) -> bool:
        return token in self._numbers

    def __getitem__(self, token: str) -> int:
        number = self._numbers.get(token, self._default)
        if number is None:
            raise RuntimeError(f"Token {token} not found and default index is not set")
        return number

    def set_default_index(self, index: int | None) -> None:
        """Give the number that unknown tokens get; None lets them raise."""
        self._default = index

    def get_default_index(self) -> int | None:
        """The number that unknown tokens get."""
        return self._default

    def insert_token(self, token: str, index: int) -> None:
        """Put a new token at ``index``, the later ones one place further.

        Raises:
            RuntimeError: the token is there already, or the place is not.
        """
        if not 0 <= index <= len(self):
            raise RuntimeError(f"Specified index {index} is out of bounds for vocab of size {len(self)}")
        if token in self:
            raise RuntimeError(f"Token {token} already exists in the Vocab with index: {self._numbers[token]}")
        self._tokens.insert(index, token)
        self._numbers = {t: i for i, t in enumerate(self._tokens)}

    def append_token(self, token: str) -> None:
        """Put a new token at the end.

        Raises:
            RuntimeError: the token is there already.
        """
        self.insert_token(token, len(self))

    def lookup_token(self, index: int) -> str:
        """The token of a number.

        Raises:
            RuntimeError: there is none.
        """
        if not 0 <= index < len(self):
            raise RuntimeError(f"Specified index {index} is out of bounds for vocab of size {len(self)}")
        return self._tokens[index]

    def lookup_tokens(self, indices: Iterable[int]) -> list[str]:
        """The tokens of numbers."""
        return [self.lookup_token(i) for i in indices]

    def lookup_indices(self, tokens: list[str]) -> list[int]:
        """The numbers of tokens."""
        return self(tokens)

    def get_stoi(self) -> dict[str, int]:
        """All tokens with their numbers."""
        return dict(self._numbers)

    def get_itos(self) -> list[str]:
        """All tokens in order."""
        return list(self._tokens)


def vocab(
    ordered_dict: Mapping[str, int],
    min_freq: int = 1,
    specials: Sequence[str] | None = None,
    special_first: bool = True,
) -> Vocab:
    """A :class:`Vocab` of the tokens of a table of counts, in its order.

    Args:
        ordered_dict: tokens and how often they come.
        min_freq: tokens that come less often are left out.
        specials: tokens to add in any case.
        special_first: put them at the beginning instead of the end.
    """
    special = list(specials or [])
    tokens = [t for t, n in ordered_dict.items() if n >= min_freq and t not in special]
    return Vocab(special + tokens if special_first else tokens + special)


def build_vocab_from_iterator(
    iterator: Iterable[Iterable[str]],
    min_freq: int = 1,
    specials: list[str] | None = None,
    special_first: bool = True,
    max_tokens: int | None = None,
) -> Vocab:
    """A :class:`Vocab` of the tokens in texts, the most frequent first, equally frequent ones by alphabet.

    >>> build_vocab_from_iterator([["b", "a", "b"], ["c"]], specials=["<pad>"]).get_itos()
    ['<pad>', 'b', 'a', 'c']

    Args:
        iterator: lists of tokens.
        min_freq: tokens that come less often are left out.
        specials: tokens to add in any case.
        special_first: put them at the beginning instead of the end.
        max_tokens: how many tokens there may be, the special ones included.

    Raises:
        ValueError: there is no room for the special tokens.
    """
    counts: Counter[str] = Counter()
    for tokens in iterator:
        counts.update(tokens)
    special = list(specials or [])
    for token in special:
        counts.pop(token, None)
    ranked = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
    if max_tokens is not None:
        if len(special) >= max_tokens:
            raise ValueError("len(specials) >= max_tokens, so the vocab will be entirely special tokens.")
        ranked = ranked[: max_tokens - len(special)]
    return vocab(OrderedDict(ranked), min_freq, special, special_first)


class Vectors:
    """Word vectors read from a text file: a word and its numbers on each line.

    Args:
        name: the file's name in ``cache``, or its path.
        cache: the folder with the file; ``.vector_cache`` by default.
        url: accepted; nothing is downloaded.
        unk_init: makes the vector of an unknown word of a Tensor of zeros; zeros by default.
        max_vectors: how many lines to read.

    Raises:
        FileNotFoundError: the file is not there.
        RuntimeError: a line has another number of numbers.
    """

    def __init__(
        self,
        name: str,
        cache: str | None = None,
        url: str | None = None,
        unk_init: Callable[[Tensor], Tensor] | None = None,
        max_vectors: int | None = None,
    ) -> None:
        self.unk_init = torch.zeros_like if unk_init is None else unk_init
        place = Path(name)
        if not place.is_file():
            place = Path(cache or ".vector_cache") / name
        if not place.is_file():
            raise FileNotFoundError(f"no vectors at {name} or {place}: put the publisher's file there")
        words, rows = _read_vectors(place, max_vectors)
        self.itos = words
        self.stoi = {word: i for i, word in enumerate(words)}
        self.vectors = tensor(np.asarray(rows, np.float32))
        self.dim = self.vectors.shape[1]

    def __getitem__(self, token: str) -> Tensor:
        return self.vectors[self.stoi[token]] if token in self.stoi else self.unk_init(torch.zeros(self.dim))

    def __contains__(self, token: str) -> bool:
        return token in self.stoi

    def __len__(self) -> int:
        return len(self.itos)

    def get_vecs_by_tokens(self, tokens: str | list[str], lower_case_backup: bool = False) -> Tensor:
        """The vector of a word, or those of words: ``(dim,)`` or ``(words, dim)``.

        Args:
            tokens: a word or words.
            lower_case_backup: take the lower case form of a word that is not there.
        """
        words = [tokens] if isinstance(tokens, str) else tokens
        if lower_case_backup:
            words = [w if w in self.stoi else w.lower() for w in words]
        found = torch.stack([self[w] for w in words])
        return found[0] if isinstance(tokens, str) else found


def _read_vectors(path: Path, most: int | None) -> tuple[list[str], list[list[float]]]:
    words: list[str] = []
    rows: list[list[float]] = []
    with path.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, 1):
            word, *numbers = line.rstrip().split(" ")
            if len(numbers) < 2:  # the header of some formats: how many words, how many numbers
                continue
            if rows and len(numbers) != len(rows[0]):
                raise RuntimeError(
                    f"{path}, line {number}: vector for token {word!r} has {len(numbers)} dimensions, but previously "
                    f"read vectors have {len(rows[0])} dimensions"
                )
            words.append(word)
            rows.append([float(x) for x in numbers])
            if most is not None and len(rows) == most:
                break
    return words, rows


class GloVe(Vectors):
    """The GloVe vectors of Pennington, Socher and Manning (2014), from their published text files.

    Args:
        name: ``"840B"``, ``"twitter.27B"``, ``"42B"`` or ``"6B"``.
        dim: how long the vectors are.
        **kwargs: further arguments of :class:`Vectors`.
    """

    def __init__(self, name: str = "840B", dim: int = 300, **kwargs: Any) -> None:
        super().__init__(f"glove.{name}.{dim}d.txt", **kwargs)


class FastText(Vectors):
    """The fastText vectors of Bojanowski et al. (2017), trained on Wikipedia, from their published text files.

    Args:
        language: its code, such as ``"en"``.
        **kwargs: further arguments of :class:`Vectors`.
    """

    def __init__(self, language: str = "en", **kwargs: Any) -> None:
        super().__init__(f"wiki.{language}.vec", **kwargs)


class CharNGram(Vectors):
    """The mean of the vectors of a word's pieces of 2 to 4 characters, of Hashimoto et al. (2017).

    Args:
        **kwargs: arguments of :class:`Vectors`.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__("charNgram.txt", **kwargs)

    def __getitem__(self, token: str) -> Tensor:
        """``(1, dim)``."""
        characters = [token] if token == "<unk>" else ["#BEGIN#", *token, "#END#"]
        known = []
        for n in (2, 3, 4):
            for start in range(len(characters) - n + 1):
                piece = f"{n}gram-{''.join(characters[start : start + n])}"
                known += [self.vectors[self.stoi[piece]]] if piece in self.stoi else []
        if not known:
            return self.unk_init(torch.zeros(1, self.dim))
        return torch.stack(known).mean(0, keepdim=True)
