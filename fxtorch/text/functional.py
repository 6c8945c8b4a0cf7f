"""Lists of tokens and numbers: cut, lengthened, made into Tensors."""

from __future__ import annotations

from typing import Any

from fxtorch.nn.utils.rnn import pad_sequence
from fxtorch.tensor import Tensor, dtype
from fxtorch.tensor.construction import tensor

__all__ = ["add_token", "str_to_int", "to_tensor", "truncate"]


def _is_batch(input: Any) -> bool:
    return bool(input) and isinstance(input[0], list)


def to_tensor(input: Any, padding_value: int | None = None, dtype: dtype.dtype = dtype.int64) -> Tensor:
    """Numbers as a Tensor; lists of different lengths are filled up with ``padding_value``.

    >>> to_tensor([[1, 2], [3]], padding_value=0)
    tensor([[1, 2],
            [3, 0]])
    """
    if not _is_batch(input) or padding_value is None:
        return tensor(input, dtype=dtype)
    rows = [tensor(ids, dtype=dtype) for ids in input]
    return pad_sequence(rows, batch_first=True, padding_value=float(padding_value)).to(dtype)


def truncate(input: Any, max_seq_len: int) -> Any:
    """The first ``max_seq_len`` of a list, or of each list in it."""
    return [row[:max_seq_len] for row in input] if _is_batch(input) else input[:max_seq_len]


def add_token(input: Any, token_id: int | str, begin: bool = True) -> Any:
    """A list, or each list in it, with a token before it or behind it."""
    if _is_batch(input):
        return [add_token(row, token_id, begin) for row in input]
    return [token_id, *input] if begin else [*input, token_id]


def str_to_int(input: Any) -> Any:
    """Texts of digits as integers."""
    return [[int(x) for x in row] for row in input] if _is_batch(input) else [int(x) for x in input]
