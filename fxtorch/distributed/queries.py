"""What programs ask about backends, launchers and debugging."""

from __future__ import annotations

import enum
import os
import sys
from collections.abc import Sequence
from typing import Any

import jax

from fxtorch.distributed.collectives import barrier
from fxtorch.distributed.process_group import GroupMember, get_backend, get_group, get_rank, new_group


class Backend(str):
    """The name of a backend, in small letters.

    >>> Backend("GLOO") == Backend.GLOO
    True
    """

    UNDEFINED = "undefined"
    GLOO = "gloo"
    NCCL = "nccl"
    UCC = "ucc"
    MPI = "mpi"
    XCCL = "xccl"
    backend_list = (UNDEFINED, GLOO, NCCL, XCCL, UCC, MPI)

    def __new__(cls, name: str) -> Backend:
        """The name, checked to be a string."""
        if not isinstance(name, str):
            raise ValueError("Backend constructor parameter must be string-ish")
        return super().__new__(cls, name.lower())


class DebugLevel(enum.IntEnum):
    """How much is checked and said."""

    OFF = 0
    INFO = 1
    DETAIL = 2


_level = [DebugLevel.OFF]


def get_debug_level() -> DebugLevel:
    """The level that was set; fxtorch itself checks the same at every level."""
    return _level[0]


def set_debug_level(level: DebugLevel) -> None:
    """Set the level."""
    _level[0] = DebugLevel(level)


def set_debug_level_from_env() -> None:
    """Set the level that TORCH_DISTRIBUTED_DEBUG names."""
    set_debug_level(DebugLevel[os.environ.get("TORCH_DISTRIBUTED_DEBUG", "OFF").upper()])


def is_gloo_available() -> bool:
    """True: jaxlib brings it, for CPUs."""
    return True


def is_nccl_available() -> bool:
    """Whether JAX sees GPUs of CUDA."""
    return any(d.platform in ("gpu", "cuda") for d in jax.local_devices())


def is_mpi_available() -> bool:
    """False."""
    return False


is_ucc_available = is_xccl_available = is_mpi_available


def is_backend_available(backend: str) -> bool:
    """Whether ``init_process_group`` takes ``backend``."""
    return {"gloo": True, "nccl": is_nccl_available()}.get(backend.lower(), False)


def is_torchelastic_launched() -> bool:
    """Whether a launcher (``python -m fxtorch.distributed.run``) started this process."""
    return "TORCHELASTIC_RUN_ID" in os.environ


def get_default_backend_for_device(device: Any) -> str:
    """``gloo`` for a CPU, ``nccl`` for a GPU."""
    return "nccl" if str(device).startswith(("cuda", "gpu")) else "gloo"


def get_backend_config(group: Any = None) -> str:
    """The backend of each kind of device."""
    name = get_backend(group)
    return f"cpu:{name},cuda:{name}"


def supports_complex(reduce_op: Any) -> bool:
    """Whether complex Tensors can be reduced so."""
    return reduce_op.name in ("SUM", "AVG")


def split_group(
    parent_pg: Any = None,
    split_ranks: Sequence[Sequence[int]] | None = None,
    timeout: Any = None,
    pg_options: Any = None,
    group_desc: str | None = None,
) -> Any:
    """A group for each list of ranks within the parent; that of this process, or None where it is in none."""
    if not split_ranks:
        raise ValueError("split_ranks cannot be None or empty")
    ranks = get_group(parent_pg).ranks
    made = [new_group([ranks[i] for i in some]) for some in split_ranks]
    return next((g for g in made if g is not GroupMember.NON_GROUP_MEMBER), None)


def breakpoint(rank: int = 0, skip: int = 0, timeout_s: int = 3600) -> None:
    """Stop in the debugger in one process, while the others wait."""
    if get_rank() == rank:
        sys.breakpointhook()  # noqa: T100  (what it is for)
    barrier()
