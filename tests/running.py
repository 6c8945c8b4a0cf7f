"""Programs in processes of their own: none outlives its time, nor the processes that it started."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).parents[1]


def python(
    *command: str, cwd: Path = ROOT, env: Mapping[str, str] = os.environ, timeout: float = 240
) -> subprocess.CompletedProcess[str]:
    """Run this Python on ``command``, and give what it said.

    Raises:
        TimeoutError: it took longer than ``timeout`` seconds; it says what was printed until then.
    """
    process = subprocess.Popen(
        [sys.executable, *command],
        cwd=cwd,
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        out, err = process.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)  # its children hold the pipes open too
        out, err = process.communicate()
        raise TimeoutError(f"{' '.join(command)} ran longer than {timeout} s\n{out}\n{err}") from None
    return subprocess.CompletedProcess(process.args, process.returncode, out, err)
