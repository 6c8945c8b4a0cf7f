"""``torch._tensor_str``: the parts of a Tensor's text, for classes that print their own."""

from __future__ import annotations

from collections.abc import Sequence

from fxtorch.tensor import Tensor
from fxtorch.tensor.printing import _block, _Complex, _edges, _Formatter, _join
from fxtorch.tensor.printing import options as PRINT_OPTS
from fxtorch.tensor.printing import set_printoptions as set_printoptions

__all__ = ["PRINT_OPTS", "set_printoptions"]


def _tensor_str(self: Tensor, indent: int) -> str:
    """The values alone, in lines that are indented."""
    values = self.numpy(force=True)
    if values.size == 0:
        return "[]"
    summarize = values.size > PRINT_OPTS.threshold
    shown = _edges(values) if summarize else values
    return _block(values, indent, (_Complex if self.dtype.is_complex else _Formatter)(shown), summarize)


def _add_suffixes(tensor_str: str, suffixes: Sequence[str], indent: int, force_newline: bool) -> str:
    """A text with what follows the values, and the bracket that closes it."""
    if force_newline and suffixes:
        tensor_str, suffixes = f"{tensor_str},\n{' ' * indent}{suffixes[0]}", suffixes[1:]
    return _join(tensor_str, list(suffixes), indent)
