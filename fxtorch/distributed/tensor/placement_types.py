"""How a Tensor lies on one dimension of a mesh."""

from __future__ import annotations

from dataclasses import dataclass


class Placement:
    """What the devices along one dimension of a mesh hold of a Tensor."""

    def is_shard(self, dim: int | None = None) -> bool:
        """Whether each device holds a part, cut along ``dim`` if it is given."""
        return isinstance(self, Shard) and dim in (None, self.dim)

    def is_replicate(self) -> bool:
        """Whether each device holds all of it."""
        return isinstance(self, Replicate)

    def is_partial(self, reduce_op: str | None = None) -> bool:
        """Whether what the devices hold has yet to be reduced."""
        return isinstance(self, Partial) and reduce_op in (None, self.reduce_op)


@dataclass(frozen=True)
class Shard(Placement):
    """Each device holds a part, cut along dimension ``dim``.

    >>> Shard(0).is_shard(), Shard(0).is_shard(1), Shard(0).is_replicate()
    (True, False, False)
    """

    dim: int

    @staticmethod
    def local_shard_size_and_offset(curr_local_size: int, num_chunks: int, rank: int) -> tuple[int, int]:
        """The length of part ``rank`` of ``num_chunks``, and where it starts: parts are equal but for the last ones.

        >>> [Shard.local_shard_size_and_offset(5, 3, rank) for rank in range(3)]
        [(2, 0), (2, 2), (1, 4)]
        """
        length = -(-curr_local_size // num_chunks)
        start = min(length * rank, curr_local_size)
        return min(length, curr_local_size - start), start


@dataclass(frozen=True)
class Replicate(Placement):
    """Each device holds all of it."""


@dataclass(frozen=True)
class Partial(Placement):
    """What each device holds has yet to be reduced; XLA keeps no Tensor so, and none can be placed so."""

    reduce_op: str = "sum"


@dataclass(frozen=True)
class _StridedShard(Shard):
    """A part made of several pieces; no Tensor lies so here, and none can be placed so."""

    split_factor: int = 1
