"""What a person did wrong, said in one line."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any


class Refused(Exception):
    """A wrong option, a broken data file, a checkpoint of something else: one line says it, no trace follows."""


def guarded(main: Callable[[], Any], name: str) -> int:
    """Call ``main`` and return the exit code of a script: 0, 2 after a :class:`Refused`, 130 when interrupted."""
    try:
        main()
    except Refused as refused:
        print(f"{name}: error: {' '.join(str(refused).split())}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print(f"{name}: stopped; --resume goes on from the last checkpoint", file=sys.stderr)
        return 130
    return 0
