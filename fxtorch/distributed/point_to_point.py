"""From one process to another.

XLA's collectives need both sides at the same point; PyTorch's sends need not be met by the matching receive.  So the
two swap whatever they have for one another, and what came unasked waits in an inbox until it is received.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

import jax.numpy as jnp
import numpy as np

from fxtorch.distributed.collectives import Work, channel, fill
from fxtorch.distributed.errors import DistBackendError
from fxtorch.distributed.objects import exchange
from fxtorch.distributed.process_group import ProcessGroup, get_global_rank, get_group
from fxtorch.tensor import Tensor, unwrap

_inbox: defaultdict[int, list[tuple[int, Any]]] = defaultdict(list)
_pairs: dict[tuple[int, int], ProcessGroup] = {}


def _peer(group: Any, rank: int | None, group_rank: int | None) -> tuple[int, int]:
    """The global ranks of this process and the other."""
    pg = get_group(group)
    channel(group)  # raises inside of a compiled step
    other = rank if group_rank is None else get_global_rank(pg, group_rank)
    own = pg.ranks[pg.rank()]
    if other is None:
        raise DistBackendError("receiving from any process is not supported; name the source")
    if other == own:
        raise ValueError("a process cannot send to or receive from itself")
    return own, other


def _swap(own: int, other: int, item: tuple[int, Any] | None) -> bool:
    """Give ``item`` to the other process and take what it has; whether it had something."""
    pair = (min(own, other), max(own, other))
    theirs = exchange(item, _pairs.setdefault(pair, ProcessGroup(pair, "gloo")))[pair.index(other)]
    if theirs is not None:
        _inbox[other].append(theirs)
    return theirs is not None


def _take(own: int, other: int, tag: int) -> Any:
    while True:
        waiting = _inbox[other]
        for i, (found, payload) in enumerate(waiting):
            if found == tag:
                del waiting[i]
                return payload
        if not _swap(own, other, None):
            raise DistBackendError(f"processes {own} and {other} both wait for the other to send")


def send(tensor: Tensor, dst: int | None = None, group: Any = None, tag: int = 0, group_dst: int | None = None) -> None:
    """Send ``tensor`` to the process ``dst``; returns when that process sends or receives something itself."""
    isend(tensor, dst, group, tag, group_dst).wait()


def recv(tensor: Tensor, src: int | None = None, group: Any = None, tag: int = 0, group_src: int | None = None) -> int:
    """Fill ``tensor`` with what ``src`` sends; returns the sender's rank."""
    irecv(tensor, src, group, tag, group_src).wait()
    return _peer(group, src, group_src)[1]


class _Pending(Work):
    """A send or receive that is carried out, with all others, when one of them is waited for."""

    waiting: list[_Pending] = []  # noqa: RUF012  (of the process)

    def __init__(self, own: int, other: int, sends: bool, run: Callable[[], Any]) -> None:
        super().__init__()
        self.turn = (min(own, other), max(own, other), not sends)  # pair by pair, so that no circle waits for itself
        self.run = run
        self.done = False
        _Pending.waiting.append(self)

    def wait(self, timeout: timedelta | None = None) -> bool:
        """Carry out what is pending."""
        if not self.done:
            pending, _Pending.waiting = sorted(_Pending.waiting, key=lambda w: w.turn), []
            for work in pending:
                work.run()
                work.done = True
        return True

    def is_completed(self) -> bool:
        """Whether it has been carried out."""
        return self.done


def isend(
    tensor: Tensor, dst: int | None = None, group: Any = None, tag: int = 0, group_dst: int | None = None
) -> Work:
    """:func:`send` that is carried out when it, or another, is waited for; the values are those of now."""
    own, other = _peer(group, dst, group_dst)
    values = np.asarray(unwrap(tensor))
    return _Pending(own, other, True, lambda: _swap(own, other, (tag, values)))


def irecv(
    tensor: Tensor, src: int | None = None, group: Any = None, tag: int = 0, group_src: int | None = None
) -> Work:
    """:func:`recv` that is carried out when it, or another, is waited for."""
    own, other = _peer(group, src, group_src)
    return _Pending(own, other, False, lambda: fill(tensor, jnp.asarray(_take(own, other, tag))))


class P2POp:
    """One send or receive of :func:`batch_isend_irecv`.

    Args:
        op: :func:`isend` or :func:`irecv`.
        tensor: what is sent or filled.
        peer: the other process's rank.
        group: whose ranks are meant.
        tag: tells messages of one pair apart.
        group_peer: the other process's number in the group.
    """

    def __init__(
        self,
        op: Callable[..., Work],
        tensor: Tensor,
        peer: int | None = None,
        group: Any = None,
        tag: int = 0,
        group_peer: int | None = None,
    ) -> None:
        self.op, self.tensor, self.peer, self.group, self.tag, self.group_peer = (
            op,
            tensor,
            peer,
            group,
            tag,
            group_peer,
        )


def batch_isend_irecv(p2p_op_list: Sequence[P2POp]) -> list[Work]:
    """Start several sends and receives."""
    return [p.op(p.tensor, p.peer, p.group, p.tag, p.group_peer) for p in p2p_op_list]


def send_object_list(
    object_list: list[Any], dst: int | None = None, group: Any = None, device: Any = None, group_dst: int | None = None,
    use_batch: bool = False,
) -> None:  # fmt: skip
    """Send Python objects to ``dst``, which calls :func:`recv_object_list`."""
    own, other = _peer(group, dst, group_dst)
    _swap(own, other, (-1, list(object_list)))


def recv_object_list(
    object_list: list[Any], src: int | None = None, group: Any = None, device: Any = None, group_src: int | None = None,
    use_batch: bool = False,
) -> int:  # fmt: skip
    """Fill ``object_list`` with what ``src`` sends; returns the sender's rank."""
    own, other = _peer(group, src, group_src)
    object_list[:] = _take(own, other, -1)
    return other
