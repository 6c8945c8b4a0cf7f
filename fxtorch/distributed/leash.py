"""``leash.py PARENT COMMAND...``: run a command that ends when the process that started it does, even by SIGKILL.

The launcher starts each worker through this file, by its path: it imports nothing of fxtorch, and becomes the command.
Where the system cannot tie one process to another (Linux can), the command runs untied.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1  # prctl(2)


def main(parent: int, command: list[str]) -> None:
    """Become ``command``, tied to the process ``parent``."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # it was gone before
            sys.exit(128 + signal.SIGKILL)
    os.execvp(command[0], command)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])
