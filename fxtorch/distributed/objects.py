"""Collectives of Python objects: pickled, as bytes.  Unpickle only what you trust: the processes of one run."""

from __future__ import annotations

import pickle
from typing import Any

import jax.numpy as jnp
import numpy as np

from fxtorch.distributed.collectives import channel
from fxtorch.distributed.process_group import GroupMember, get_group, get_rank


def exchange(obj: Any, group: Any) -> list[Any]:
    """Every process's object."""
    data = np.frombuffer(pickle.dumps(obj), np.uint8)
    sizes = np.asarray(channel(group).gather(jnp.asarray(data.size, jnp.int64)))
    padded = np.zeros(int(sizes.max()), np.uint8)
    padded[: data.size] = data
    rows = np.asarray(channel(group).gather(jnp.asarray(padded)))
    return [pickle.loads(row[:n].tobytes()) for row, n in zip(rows, sizes, strict=True)]


def all_gather_object(object_list: list[Any], obj: Any, group: Any = None) -> None:
    """Put every process's ``obj`` into ``object_list``, in the order of their ranks."""
    if group is not GroupMember.NON_GROUP_MEMBER:
        object_list[:] = exchange(obj, group)


def gather_object(
    obj: Any, object_gather_list: list[Any] | None = None, dst: int | None = None, group: Any = None,
    group_dst: int | None = None,
) -> None:  # fmt: skip
    """Put every process's ``obj`` into the list of ``dst`` (the first if not given)."""
    if group is GroupMember.NON_GROUP_MEMBER:
        return
    found = exchange(obj, group)
    place = group_dst if group_dst is not None else get_group(group).ranks.index(dst or get_group(group).ranks[0])
    if get_rank(group) == place:
        if object_gather_list is None:
            raise ValueError("object_gather_list must be given on the destination rank")
        object_gather_list[:] = found


def broadcast_object_list(
    object_list: list[Any], src: int | None = None, group: Any = None, device: Any = None, group_src: int | None = None
) -> None:
    """Put the objects of ``src`` into the lists of all processes."""
    if group is not GroupMember.NON_GROUP_MEMBER:
        ranks = get_group(group).ranks
        place = group_src if group_src is not None else ranks.index(ranks[0] if src is None else src)
        object_list[:] = exchange(list(object_list) if get_rank(group) == place else None, group)[place]


def scatter_object_list(
    scatter_object_output_list: list[Any],
    scatter_object_input_list: list[Any] | None = None,
    src: int | None = None,
    group: Any = None,
    group_src: int | None = None,
) -> None:
    """Put one object of the list of ``src`` into entry 0 of each process's output list."""
    if group is not GroupMember.NON_GROUP_MEMBER:
        ranks = get_group(group).ranks
        place = group_src if group_src is not None else ranks.index(ranks[0] if src is None else src)
        every = exchange(scatter_object_input_list if get_rank(group) == place else None, group)[place]
        if every is None or len(every) != len(ranks):
            raise ValueError("scatter_object_input_list must hold one object for each process of the group")
        scatter_object_output_list[0] = every[get_rank(group)]
