"""Processes that work together: how they find one another, and groups of them."""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jax

from fxtorch.distributed import meeting
from fxtorch.distributed.errors import DistBackendError, DistNetworkError
from fxtorch.distributed.transport import Transport

default_pg_timeout = timedelta(minutes=30)
_MEETING = timedelta(minutes=5)  # to start up in, where the caller does not say
_BACKENDS = {"gloo": "gloo", "nccl": "nccl", "xla": "xla", "cpu:gloo": "gloo", "cpu:gloo,cuda:nccl": "gloo"}


class ProcessGroup:
    """Some of the processes of a run, in an order.

    Attributes:
        ranks: their ranks in the whole run.
        name: of the group.
    """

    def __init__(self, ranks: Sequence[int], backend: str, name: str = "") -> None:
        self.ranks = list(ranks)
        self.backend = backend
        self.name = name
        self.transport = Transport(self.ranks)

    def size(self) -> int:
        """How many processes it has."""
        return len(self.ranks)

    def rank(self) -> int:
        """The number of this process in it; -1 where it is not a member."""
        own = _own_rank()
        return self.ranks.index(own) if own in self.ranks else -1

    def __repr__(self) -> str:
        return f"ProcessGroup({self.ranks}, backend={self.backend!r})"


class GroupMember:
    """What :func:`new_group` gives to a process that is not in the group."""

    WORLD: ProcessGroup | None = None
    NON_GROUP_MEMBER: Any = object()


class _Groups(type):
    @property
    def WORLD(cls) -> ProcessGroup | None:
        """The group of all processes; None before ``init_process_group``."""
        return _state["world"]


class group(metaclass=_Groups):
    """``group.WORLD`` is the group of all processes."""


_state: dict[str, Any] = {"world": None, "joined": False, "groups": {}}


def is_available() -> bool:
    """True: JAX brings it."""
    return True


def is_initialized() -> bool:
    """Whether :func:`init_process_group` has run."""
    return _state["world"] is not None


def init_process_group(
    backend: str | None = None,
    init_method: str | None = None,
    timeout: timedelta | None = None,
    world_size: int = -1,
    rank: int = -1,
    store: Any = None,
    group_name: str = "",
    pg_options: Any = None,
    device_id: Any = None,
) -> None:
    """Join the other processes of the run.  Call it before the first Tensor is made: JAX learns of all devices then.

    >>> import fxtorch as torch
    >>> torch.distributed.init_process_group("gloo", rank=0, world_size=1)
    >>> torch.distributed.get_rank(), torch.distributed.get_world_size()
    (0, 1)
    >>> torch.distributed.destroy_process_group()

    Args:
        backend: ``"gloo"``, ``"nccl"`` or None; JAX chooses by the devices that it finds (gloo on CPUs).
        init_method: ``env://`` reads RANK, WORLD_SIZE, MASTER_ADDR and MASTER_PORT, which
            ``python -m fxtorch.distributed.run`` sets; ``tcp://host:port`` names the first process's address;
            ``file:///path`` a file, new in each run, in which it writes its address for the others.
        timeout: how long to wait for the others; 5 minutes where it is not given.
        world_size: how many processes there are, where the environment does not say so.
        rank: which of them this one is.
        store: not supported: JAX's coordination service takes its place.
        group_name: accepted.
        pg_options: accepted.
        device_id: accepted.

    Raises:
        ValueError: it was called before, or the rank or the address is not known.
        DistBackendError: no such backend.
        DistNetworkError: the others did not come in time, a name has no address, or there is no network.
        RuntimeError: a Tensor was made already.
    """
    if is_initialized():
        raise ValueError("trying to initialize the default process group twice!")
    if store is not None:
        raise DistBackendError(
            "init_process_group(store=...) is not supported; JAX's coordination service does its work"
        )
    name = "gloo" if backend is None else _backend(str(backend))
    address, query = _address(init_method, rank, (timeout or _MEETING).total_seconds())
    rank = _number("RANK", rank, query)
    world_size = _number("WORLD_SIZE", world_size, query)
    if not 0 <= rank < world_size:
        raise ValueError(f"rank {rank} is not in a world of {world_size}")
    if world_size > 1:
        _join(address, world_size, rank, timeout or _MEETING)
    _state["world"] = GroupMember.WORLD = ProcessGroup(range(world_size), name, "world")
    _state["rank"] = rank


def _join(address: str | None, world_size: int, rank: int, timeout: timedelta) -> None:
    if jax.distributed.is_initialized():
        if (jax.process_count(), jax.process_index()) != (world_size, rank):
            raise ValueError(f"JAX runs as process {jax.process_index()} of {jax.process_count()} already")
        return
    if address is None:
        raise ValueError("environment variable MASTER_ADDR or MASTER_PORT expected, but not set")
    meeting.check(address, rank, world_size, timeout.total_seconds())
    jax.config.update("jax_cpu_collectives_implementation", "gloo")
    local = os.environ.get("LOCAL_RANK")
    gpus = os.environ.get("CUDA_VISIBLE_DEVICES", "").count(",") > 0
    try:
        jax.distributed.initialize(
            address,
            world_size,
            rank,
            local_device_ids=[int(local)] if local is not None and gpus else None,
            initialization_timeout=max(1, int(timeout.total_seconds())),
        )
    except RuntimeError as error:
        if "before any JAX" in str(error) or "must be called before" in str(error):
            raise RuntimeError(
                "init_process_group must come before the first Tensor is made (and before torch.rand and its like): "
                "JAX cannot learn of other processes' devices once it has started"
            ) from error
        raise DistNetworkError(
            f"rank {rank} of {world_size} could not meet the others at {address}: {error}"
        ) from error
    _state["joined"] = True


def destroy_process_group(group: ProcessGroup | None = None) -> None:
    """Leave the run, or forget one group."""
    if group is not None and group is not _state["world"]:
        _state["groups"].pop(group.name, None)
        return
    if _state["joined"]:
        jax.distributed.shutdown()
    _state.update(world=None, joined=False, groups={})
    GroupMember.WORLD = None


def new_group(
    ranks: Sequence[int] | None = None,
    timeout: timedelta | None = None,
    backend: str | None = None,
    pg_options: Any = None,
    use_local_synchronization: bool = False,
    group_desc: str | None = None,
    device_id: Any = None,
) -> Any:
    """A group of some of the processes; ``GroupMember.NON_GROUP_MEMBER`` for a process that is not one of them.

    Raises:
        ValueError: a rank is not in the world, or comes twice.
    """
    world = get_group(None)
    chosen = sorted(world.ranks if ranks is None else ranks)
    if len(set(chosen)) != len(chosen) or not set(chosen) <= set(world.ranks):
        raise ValueError(f"the new group's ranks {chosen} must be different ranks of a world of {world.size()}")
    name = group_desc or f"group {len(_state['groups']) + 1}"
    made = ProcessGroup(chosen, _backend(backend) if backend else world.backend, name)
    _state["groups"][name] = made
    return made if _own_rank() in chosen else GroupMember.NON_GROUP_MEMBER


def new_subgroups(group_size: int | None = None, group: ProcessGroup | None = None) -> tuple[Any, list[Any]]:
    """Groups of ``group_size`` neighbouring ranks: that of this process, and all.

    Raises:
        ValueError: the size does not divide the world.
    """
    world = get_group(group)
    size = jax.local_device_count() if group_size is None else group_size
    if size < 1 or world.size() % size:
        raise ValueError(f"the world size {world.size()} must be divisible by group_size={size}")
    return new_subgroups_by_enumeration([world.ranks[i : i + size] for i in range(0, world.size(), size)])


def new_subgroups_by_enumeration(ranks_per_subgroup_list: Sequence[Sequence[int]]) -> tuple[Any, list[Any]]:
    """A group for each list of ranks: that of this process (None where it is in none), and all."""
    made = [new_group(ranks) for ranks in ranks_per_subgroup_list]
    own = next((g for g in made if g is not GroupMember.NON_GROUP_MEMBER), None)
    return own, made


def get_group(group: Any) -> ProcessGroup:
    """``group``, or that of all processes.

    Raises:
        ValueError: there is none yet, or this process is not in it.
    """
    if group is GroupMember.NON_GROUP_MEMBER:
        raise ValueError("Invalid process group specified: this process is not a member of it")
    found = _state["world"] if group is None else group
    if found is None:
        raise ValueError("Default process group has not been initialized, please make sure to call init_process_group.")
    return found


def get_rank(group: Any = None) -> int:
    """The number of this process in ``group``; -1 where it is not a member."""
    return -1 if group is GroupMember.NON_GROUP_MEMBER else get_group(group).rank()


def get_world_size(group: Any = None) -> int:
    """How many processes ``group`` has; -1 where this process is not a member."""
    return -1 if group is GroupMember.NON_GROUP_MEMBER else get_group(group).size()


def get_node_local_rank(fallback_rank: int | None = None) -> int:
    """Which of this machine's processes this one is, as LOCAL_RANK says.

    Raises:
        RuntimeError: it does not say, and there is no fallback.
    """
    if "LOCAL_RANK" in os.environ:
        return int(os.environ["LOCAL_RANK"])
    if fallback_rank is None:
        raise RuntimeError("LOCAL_RANK is not in the environment. Consider passing fallback_rank")
    return int(fallback_rank)


def get_backend(group: Any = None) -> str:
    """The name of the backend of ``group``."""
    return get_group(group).backend


def get_process_group_ranks(group: Any) -> list[int]:
    """The ranks, in the whole run, of a group's processes."""
    return list(get_group(group).ranks)


def get_global_rank(group: ProcessGroup, group_rank: int) -> int:
    """The rank in the whole run of the process that is number ``group_rank`` in ``group``."""
    return get_group(group).ranks[group_rank]


def get_group_rank(group: ProcessGroup, global_rank: int) -> int:
    """The number in ``group`` of the process with the rank ``global_rank``.

    Raises:
        ValueError: it is not a member.
    """
    ranks = get_group(group).ranks
    if global_rank not in ranks:
        raise ValueError(f"Global rank {global_rank} is not part of group {group}")
    return ranks.index(global_rank)


def get_pg_count() -> int:
    """How many groups there are."""
    return len(_state["groups"]) + is_initialized()


def _own_rank() -> int:
    return _state.get("rank", 0)


def _backend(name: str) -> str:
    known = _BACKENDS.get(name.lower())
    if known is None:
        raise DistBackendError(f"backend {name!r} is not supported; JAX has gloo (CPUs) and nccl (GPUs)")
    return known


def _address(init_method: str | None, rank: int, timeout: float) -> tuple[str | None, dict[str, str]]:
    """``host:port`` of the first process, and what the URL says of rank and world size."""
    if init_method is None or init_method.startswith("env://"):
        host, port = os.environ.get("MASTER_ADDR"), os.environ.get("MASTER_PORT")
        return (f"{host}:{port}" if host and port else None), {}
    url = urlsplit(init_method)
    if url.scheme == "file" and url.path:
        return meeting.by_file(Path(url.path), _number("RANK", rank, {}), timeout), {}
    if url.scheme != "tcp" or not url.netloc:
        raise ValueError(f"init_method {init_method!r} is not supported; use env://, tcp://host:port or file:///path")
    return url.netloc, {k.upper(): v[0] for k, v in parse_qs(url.query).items()}


def _number(name: str, given: int, query: dict[str, str]) -> int:
    if given >= 0:
        return given
    found = query.get(name) or os.environ.get(name)
    if found is None:
        raise ValueError(f"environment variable {name} expected, but not set (or pass {name.lower()}=)")
    return int(found)
