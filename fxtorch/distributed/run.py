"""``python -m fxtorch.distributed.run --nproc-per-node 2 script.py``: torchrun's part, for JAX's processes.

Every worker finds RANK, WORLD_SIZE, LOCAL_RANK, MASTER_ADDR and MASTER_PORT in its environment, and
``init_process_group()`` reads them.  When a worker fails or is killed, the others are stopped and the run ends with
its exit code, or starts anew with ``--max-restarts``: a script that saves and loads checkpoints goes on from the last.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from fxtorch.distributed.launcher import GRACE, Run


def parser() -> argparse.ArgumentParser:
    """The command line, with torchrun's names."""
    p = argparse.ArgumentParser(prog="python -m fxtorch.distributed.run", description=(__doc__ or "").split("\n\n")[1])
    p.add_argument(
        "--nproc-per-node", "--nproc_per_node", default="1", help="workers on this machine; auto: one a core"
    )
    p.add_argument("--nnodes", type=int, default=1, help="machines")
    p.add_argument("--node-rank", "--node_rank", type=int, default=0, help="which of them this one is")
    p.add_argument("--master-addr", "--master_addr", default="127.0.0.1", help="the first machine's address")
    p.add_argument("--master-port", "--master_port", type=int, default=0, help="a port there; one machine finds one")
    p.add_argument("--max-restarts", "--max_restarts", type=int, default=0, help="after a failure, for all workers")
    p.add_argument("--grace", type=float, default=GRACE, help="seconds to end in, once another worker has failed")
    p.add_argument("--standalone", action="store_true", help="accepted: one machine is")
    p.add_argument("-m", "--module", action="store_true", help="the script is the name of a module")
    p.add_argument("--no-python", "--no_python", action="store_true", help="the script is a program of its own")
    p.add_argument("script")
    p.add_argument("args", nargs=argparse.REMAINDER)
    return p


def main(argv: Sequence[str] | None = None) -> int:
    """Start the workers, wait for them, and return the exit code."""
    p = parser()
    o = p.parse_args(argv)
    if o.nproc_per_node in ("auto", "cpu"):
        workers = os.cpu_count() or 1
    elif not o.nproc_per_node.isdigit() or int(o.nproc_per_node) < 1:
        p.error(f"--nproc-per-node must be a positive number or auto, not {o.nproc_per_node}")
    else:
        workers = int(o.nproc_per_node)
    if not 0 <= o.node_rank < o.nnodes:
        p.error(f"--node-rank {o.node_rank} is not one of {o.nnodes} machines")
    if o.nnodes > 1 and not o.master_port:
        p.error("several machines need --master-port")
    python = [] if o.no_python else [sys.executable, *(["-m"] if o.module else [])]
    run = Run(
        [*python, o.script, *o.args], workers, o.nnodes, o.node_rank, o.master_addr, o.master_port, o.max_restarts,
        o.grace,
    )  # fmt: skip
    return run()


if __name__ == "__main__":
    sys.exit(main())
