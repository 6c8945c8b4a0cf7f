"""The functions on lists of tokens as modules, to be put in a row."""

from __future__ import annotations

import re
from typing import Any

from fxtorch.nn import functional as nnF
from fxtorch.nn.modules import Module
from fxtorch.nn.modules import Sequential as _Sequential
from fxtorch.tensor import Tensor, dtype
from fxtorch.text import functional as F
from fxtorch.text.bpe import CLIPTokenizer, GPT2BPETokenizer
from fxtorch.text.vocab import Vocab
from fxtorch.text.wordpiece import BERTTokenizer

__all__ = [
    "AddToken",
    "BERTTokenizer",
    "CLIPTokenizer",
    "GPT2BPETokenizer",
    "LabelToIndex",
    "PadTransform",
    "RegexTokenizer",
    "Sequential",
    "StrToIntTransform",
    "ToTensor",
    "Truncate",
    "VocabTransform",
]


class Sequential(_Sequential):
    """Transforms one after the other.

    >>> Sequential(Truncate(2), AddToken(0), ToTensor())([5, 6, 7])
    tensor([0, 5, 6])
    """


class VocabTransform(Module):
    """Tokens to their numbers.

    Args:
        vocab: the vocabulary.
    """

    def __init__(self, vocab: Vocab) -> None:
        super().__init__()
        self.vocab = vocab

    def forward(self, input: Any) -> Any:
        """The numbers of a list of tokens, or of each list in it."""
        if input and isinstance(input[0], list):
            return [self.vocab(tokens) for tokens in input]
        return self.vocab(input)


class ToTensor(Module):
    """Numbers to a Tensor.

    Args:
        padding_value: what short lists are filled up with.
        dtype: the Tensor's type.
    """

    def __init__(self, padding_value: int | None = None, dtype: dtype.dtype = dtype.int64) -> None:
        super().__init__()
        self.padding_value = padding_value
        self.dtype = dtype

    def forward(self, input: Any) -> Tensor:
        """The Tensor."""
        return F.to_tensor(input, self.padding_value, self.dtype)


class LabelToIndex(Module):
    """Labels to their numbers.

    Args:
        label_names: the labels in order.
        label_path: or a file with one on each line.
        sort_names: sort them first.
    """

    def __init__(
        self, label_names: list[str] | None = None, label_path: str | None = None, sort_names: bool = False
    ) -> None:
        super().__init__()
        assert label_names or label_path, "label_names or label_path is required"
        assert not (label_names and label_path), "label_names and label_path are mutually exclusive"
        if label_path:
            with open(label_path, encoding="utf-8") as lines:
                label_names = [line.strip() for line in lines if line.strip()]
        names = list(label_names or [])
        self._vocab = Vocab(sorted(names) if sort_names else names)

    @property
    def label_names(self) -> list[str]:
        """The labels in order."""
        return self._vocab.get_itos()

    def forward(self, input: str | list[str]) -> int | list[int]:
        """The number of a label, or those of labels."""
        return self._vocab(input) if isinstance(input, list) else self._vocab[input]


class Truncate(Module):
    """The beginning of each list.

    Args:
        max_seq_len: how long it may be.
    """

    def __init__(self, max_seq_len: int) -> None:
        super().__init__()
        self.max_seq_len = max_seq_len

    def forward(self, x: Any) -> Any:
        """The beginning."""
        return F.truncate(x, self.max_seq_len)


class AddToken(Module):
    """A token before or behind each list.

    Args:
        token: the token or its number.
        begin: before it.
    """

    def __init__(self, token: int | str, begin: bool = True) -> None:
        super().__init__()
        self.token = token
        self.begin = begin

    def forward(self, input: Any) -> Any:
        """The longer lists."""
        return F.add_token(input, self.token, self.begin)


class PadTransform(Module):
    """A Tensor filled up to a length.

    Args:
        max_length: the length of its last dimension.
        pad_value: with what.
    """

    def __init__(self, max_length: int, pad_value: int) -> None:
        super().__init__()
        self.max_length = max_length
        self.pad_value = float(pad_value)

    def forward(self, x: Tensor) -> Tensor:
        """The longer Tensor; a Tensor that is long enough is returned as it is."""
        missing = self.max_length - x.shape[-1]
        return nnF.pad(x, (0, missing), value=self.pad_value) if missing > 0 else x


class StrToIntTransform(Module):
    """Texts of digits to integers."""

    def forward(self, input: Any) -> Any:
        """The integers."""
        return F.str_to_int(input)


class RegexTokenizer(Module):
    r"""Replacements by regular expressions, one after the other, then the words between spaces.

    Args:
        patterns_list: what to look for, and what to write instead.

    >>> RegexTokenizer([(r"(\d+)", r" \1 "), (r"-", "")])("well-made 3x4")
    ['wellmade', '3', 'x', '4']
    """

    def __init__(self, patterns_list: list[tuple[str, str]]) -> None:
        super().__init__()
        self._patterns = [(re.compile(pattern), words) for pattern, words in patterns_list]

    def forward(self, line: str) -> list[str]:
        """The words of a text."""
        for pattern, words in self._patterns:
            line = pattern.sub(words, line)
        return line.split()
