"""Before processes meet: whether they can, said in a sentence and within a time limit.

JAX's coordination service and gloo wait long for a network that is not there, and end the process in C++ when they
give up; what can be known before is asked here.
"""

from __future__ import annotations

import atexit
import os
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from fxtorch.distributed.errors import DistNetworkError

_PATIENCE = 10.0  # seconds for names and routes, which are there or are not
_PAUSE = 0.1


def check(address: str, rank: int, world_size: int, timeout: float) -> None:
    """Make sure that this process can be found, and that it finds the first one.

    Args:
        address: ``host:port`` of the first process.
        rank: of this one.
        world_size: how many there are.
        timeout: seconds to wait for the first process.

    Raises:
        DistNetworkError: a name has no address, there is no way to the address, or nobody answers there in time.
    """
    host, _, port = address.rpartition(":")
    own = socket.gethostname()
    patience = min(_PATIENCE, timeout)
    _until(
        patience,
        lambda: _addresses(own, 0, patience),
        f"this machine's own name, {own!r}, has no address, which gloo needs; add it to /etc/hosts",
    )
    found = _until(
        patience,
        lambda: _addresses(host.strip("[]"), int(port), patience),
        f"the first process's address, {address}, cannot be resolved; MASTER_ADDR must name its machine",
    )
    _until(
        patience,
        lambda: _connect(found, socket.SOCK_DGRAM),
        f"there is no way to the first process at {address}: the network (or the loopback interface) is down",
    )
    if rank:
        _until(
            timeout,
            lambda: _connect(found, socket.SOCK_STREAM),
            f"rank {rank} of {world_size} could not reach the first process at {address}",
        )


def by_file(path: Path, rank: int, timeout: float) -> str:
    """The first process's address, which it writes into a file for the others; the file goes with the process.

    Raises:
        DistNetworkError: nothing was written in time.
    """
    if rank == 0:
        with socket.socket() as free:
            free.bind(("", 0))
            address = f"{socket.gethostname()}:{free.getsockname()[1]}"
        beside = path.with_name(f"{path.name}.{os.getpid()}")
        beside.write_text(address, encoding="utf-8")
        beside.replace(path)  # whole at once: nobody reads half of it
        atexit.register(path.unlink, missing_ok=True)
        return address
    failure = f"the first process has not written its address to {path}"
    return _until(timeout, lambda: path.read_text(encoding="utf-8"), failure)


def _until(limit: float, attempt: Callable[[], Any], failure: str) -> Any:
    """What ``attempt`` gives, tried again while it raises OSError and ``limit`` seconds have not passed."""
    deadline = time.monotonic() + limit
    while True:
        try:
            return attempt()
        except OSError as error:
            if time.monotonic() + _PAUSE > deadline:
                raise DistNetworkError(f"{failure} ({error}; tried for {limit:g} s)") from error
        time.sleep(_PAUSE)


def _addresses(host: str, port: int, limit: float) -> list[Any]:
    """What the system's resolver says, in a thread: it may ask name servers for minutes."""
    found: list[Any] = []

    def ask() -> None:
        try:
            found.append(socket.getaddrinfo(host, port))
        except OSError as error:
            found.append(error)

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    thread.join(limit)
    if not found:
        raise TimeoutError("the name servers do not answer")
    if isinstance(found[0], OSError):
        raise found[0]
    return found[0]


def _connect(addresses: list[Any], kind: int) -> None:
    """Connect to one of the addresses, and hang up; with SOCK_DGRAM, only find a way there."""
    last: OSError = OSError("no address")
    for family, *_, to in addresses:
        try:
            with socket.socket(family, kind) as s:
                s.settimeout(5.0)
                s.connect(to)
                return
        except OSError as error:
            last = error
    raise last
