"""Sequences of several lengths: padded, and packed step by step."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple, Self

import numpy as np

from fxtorch.nn._torch import torch
from fxtorch.tensor import Tensor
from fxtorch.tensor.construction import as_tensor


class _Fields(NamedTuple):
    data: Tensor
    batch_sizes: Tensor
    sorted_indices: Tensor | None
    unsorted_indices: Tensor | None


class PackedSequence(_Fields):
    """A batch of sequences without padding: the first step of all, then the second of those that have one, ...

    Attributes:
        data: (sum of lengths, *).
        batch_sizes: how many sequences have each step.
        sorted_indices: the order, longest first, in which the sequences were put.
        unsorted_indices: the order that undoes it.
    """

    __slots__ = ()

    def __new__(
        cls,
        data: Tensor,
        batch_sizes: Tensor | None = None,
        sorted_indices: Tensor | None = None,
        unsorted_indices: Tensor | None = None,
    ) -> Self:
        """``unsorted_indices`` follows from ``sorted_indices`` where it is not given."""
        if batch_sizes is None:
            raise ValueError("batch_sizes should not be None")
        if unsorted_indices is None:
            unsorted_indices = invert_permutation(sorted_indices)
        return super().__new__(cls, data, batch_sizes, sorted_indices, unsorted_indices)

    @classmethod
    def _make(cls, iterable: Iterable[Any]) -> Self:
        return cls(*iterable)

    def to(self, *args: Any, **kwargs: Any) -> PackedSequence:
        """The same with ``data`` moved or converted as by ``Tensor.to``."""
        data = self.data.to(*args, **kwargs)
        return self if data is self.data else self._replace(data=data)

    def cpu(self) -> PackedSequence:
        """The same on the CPU."""
        return self.to("cpu")

    def cuda(self, *args: Any, **kwargs: Any) -> PackedSequence:
        """The same on a GPU."""
        return self.to("cuda")

    def float(self) -> PackedSequence:
        """The same in float32."""
        return self._replace(data=self.data.float())

    def double(self) -> PackedSequence:
        """The same in float64."""
        return self._replace(data=self.data.double())

    @property
    def is_cuda(self) -> bool:
        """Whether it is on a GPU."""
        return self.data.device.type == "cuda"

    def is_pinned(self) -> bool:
        """Never: JAX manages host memory itself."""
        return False


def invert_permutation(permutation: Tensor | None) -> Tensor | None:
    """The permutation that undoes ``permutation``."""
    return None if permutation is None else permutation.argsort()


def _steps(batch_sizes: Tensor) -> tuple[Tensor, Tensor]:
    """For each row of packed data: its step, and which of the sorted sequences it belongs to."""
    sizes = np.asarray(batch_sizes)
    step = np.repeat(np.arange(len(sizes)), sizes)
    start = np.cumsum(sizes) - sizes
    return as_tensor(step), as_tensor(np.arange(int(sizes.sum())) - start[step])


def lengths_of(batch_sizes: Tensor) -> Tensor:
    """The lengths of the sorted sequences, longest first."""
    sizes = np.asarray(batch_sizes)
    return as_tensor((sizes[None, :] > np.arange(sizes[0])[:, None]).sum(1))


def pad_sorted(data: Tensor, batch_sizes: Tensor, value: float = 0.0, total: int | None = None) -> Tensor:
    """Packed rows spread to (L, N, *), the sequences in their sorted order."""
    sizes = np.asarray(batch_sizes)
    if total is not None:
        sizes = np.concatenate([sizes, np.zeros(total - len(sizes), sizes.dtype)])
    start = np.cumsum(sizes) - sizes
    column = np.arange(sizes[0])
    absent = column[None, :] >= sizes[:, None]
    row = np.where(absent, 0, start[:, None] + column[None, :])
    mask = as_tensor(absent.reshape(absent.shape + (1,) * (data.ndim - 1)))
    return data[as_tensor(row)].masked_fill(mask, value)


def pack_sorted(padded: Tensor, batch_sizes: Tensor) -> Tensor:
    """The packed rows of (L, N, *), whose sequences are in sorted order."""
    step, column = _steps(batch_sizes)
    return padded[step, column]


def pack_padded_sequence(
    input: Tensor, lengths: Tensor | Sequence[int], batch_first: bool = False, enforce_sorted: bool = True
) -> PackedSequence:
    """Pack a padded batch.

    Args:
        input: (L, N, *), or (N, L, *) with ``batch_first``.
        lengths: of each sequence.
        batch_first: which of the two.
        enforce_sorted: whether the sequences must come longest first; otherwise they are sorted here.

    Raises:
        RuntimeError: the lengths are not sorted though they should, not positive, or do not fit the batch.

    >>> import fxtorch as torch
    >>> packed = pack_padded_sequence(torch.tensor([[1, 2], [3, 0]]), [2, 1], batch_first=True)
    >>> packed.data, packed.batch_sizes
    (tensor([1, 3, 2]), tensor([2, 1]))
    """
    sizes = np.asarray(lengths, dtype=np.int64)
    if batch_first:
        input = input.transpose(0, 1)
    if sizes.shape != (input.shape[1],):
        raise RuntimeError(
            f"Expected `len(lengths)` to be equal to batch_size, but got {sizes.size} (batch_size={input.shape[1]})"
        )
    if (sizes <= 0).any():
        raise RuntimeError(
            "Length of all samples has to be greater than 0, but found an element in 'lengths' that is <= 0"
        )
    sorted_indices = None
    if enforce_sorted:
        if (np.diff(sizes) > 0).any():
            raise RuntimeError(
                "`lengths` array must be sorted in decreasing order when `enforce_sorted` is True. You can pass "
                "`enforce_sorted=False` to pack_padded_sequence and/or pack_sequence to sidestep this requirement if "
                "you do not need ONNX exportability."
            )
    else:
        order = np.argsort(-sizes, kind="stable")
        sizes, sorted_indices = sizes[order], as_tensor(order)
        input = input.index_select(1, sorted_indices)
    batch_sizes = as_tensor((sizes[None, :] > np.arange(sizes[0])[:, None]).sum(1))
    return PackedSequence(pack_sorted(input, batch_sizes), batch_sizes, sorted_indices)


def pad_packed_sequence(
    sequence: PackedSequence, batch_first: bool = False, padding_value: float = 0.0, total_length: int | None = None
) -> tuple[Tensor, Tensor]:
    """Undo :func:`pack_padded_sequence`.

    Args:
        sequence: the packed batch.
        batch_first: whether the result is (N, L, *) instead of (L, N, *).
        padding_value: what fills the ends.
        total_length: L, where it is to be longer than the longest sequence.

    Returns:
        The padded batch and the lengths.

    Raises:
        ValueError: ``total_length`` is less than a sequence's length.
    """
    longest = sequence.batch_sizes.shape[0]
    if total_length is not None and total_length < longest:
        raise ValueError(
            "Expected total_length to be at least the length of the longest sequence in input, but got "
            f"total_length={total_length} and max sequence length being {longest}"
        )
    padded = pad_sorted(sequence.data, sequence.batch_sizes, padding_value, total_length)
    lengths = lengths_of(sequence.batch_sizes)
    if sequence.unsorted_indices is not None:
        padded = padded.index_select(1, sequence.unsorted_indices)
        lengths = lengths[sequence.unsorted_indices]
    return padded.transpose(0, 1) if batch_first else padded, lengths


def pad_sequence(
    sequences: Tensor | Sequence[Tensor],
    batch_first: bool = False,
    padding_value: float = 0.0,
    padding_side: str = "right",
) -> Tensor:
    """Stack sequences (length, *) of several lengths to (L, N, *), or (N, L, *) with ``batch_first``.

    Args:
        sequences: the sequences.
        batch_first: the layout.
        padding_value: what fills the ends.
        padding_side: ``"right"``, or ``"left"`` to fill the beginnings.

    >>> import fxtorch as torch
    >>> pad_sequence([torch.tensor([1, 2]), torch.tensor([3])], batch_first=True)
    tensor([[1, 2],
            [3, 0]])
    """
    if padding_side not in ("left", "right"):
        raise ValueError(f"padding_side must be 'left' or 'right', but got {padding_side!r}")
    sequences = list(sequences)
    longest = max(s.shape[0] for s in sequences)
    rows = []
    for s in sequences:
        parts = [s]
        if s.shape[0] < longest:
            fill = torch.full((longest - s.shape[0], *s.shape[1:]), padding_value, dtype=s.dtype, device=s.device)
            parts = [s, fill] if padding_side == "right" else [fill, s]
        rows.append(torch.cat(parts) if len(parts) > 1 else s)
    return torch.stack(rows, 0 if batch_first else 1)


def unpad_sequence(padded_sequences: Tensor, lengths: Tensor, batch_first: bool = False) -> list[Tensor]:
    """The sequences of a padded batch, each at its own length."""
    if not batch_first:
        padded_sequences = padded_sequences.transpose(0, 1)
    return [padded_sequences[i, : int(length)] for i, length in enumerate(np.asarray(lengths))]


def pack_sequence(sequences: Sequence[Tensor], enforce_sorted: bool = True) -> PackedSequence:
    """Pack sequences (length, *) of several lengths."""
    lengths = [s.shape[0] for s in sequences]
    return pack_padded_sequence(pad_sequence(sequences), lengths, enforce_sorted=enforce_sorted)


def unpack_sequence(packed_sequences: PackedSequence) -> list[Tensor]:
    """The sequences of a packed batch."""
    padded, lengths = pad_packed_sequence(packed_sequences, batch_first=True)
    return unpad_sequence(padded, lengths, batch_first=True)
