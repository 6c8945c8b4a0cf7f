"""What a run says, and how soon, where its processes cannot meet."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from fxtorch.distributed.errors import DistNetworkError
from fxtorch.distributed.meeting import by_file, check
from tests.running import ROOT, python

SECONDS = 0.3
UNSHARE = "import os, sys; os.execvp('unshare', ['unshare', '-rn', sys.executable, *sys.argv[1:]])"


def free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def known_names(monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
    plain = socket.getaddrinfo

    def look_up(host: str, port: int, *args: Any) -> Any:
        if host not in names:
            raise socket.gaierror(-2, "Name or service not known")
        return plain("127.0.0.1", port, *args)

    monkeypatch.setattr(socket, "getaddrinfo", look_up)


def test_an_own_name_without_an_address_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    known_names(monkeypatch, "127.0.0.1")
    with pytest.raises(DistNetworkError, match=r"this machine's own name, .* has no address"):
        check("127.0.0.1:1", 0, 2, SECONDS)


def test_a_first_process_whose_name_has_no_address_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    known_names(monkeypatch, socket.gethostname())
    with pytest.raises(DistNetworkError, match=r"elsewhere:29500, cannot be resolved; MASTER_ADDR"):
        check("elsewhere:29500", 0, 2, SECONDS)


def test_name_servers_that_do_not_answer_are_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args: time.sleep(5))
    start = time.monotonic()
    with pytest.raises(DistNetworkError, match="the name servers do not answer"):
        check("127.0.0.1:1", 0, 2, SECONDS)
    assert time.monotonic() - start < 4


def test_a_first_process_that_does_not_answer_is_not_waited_for_longer_than_the_timeout(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    known_names(monkeypatch, socket.gethostname(), "first")
    port = free_port()
    with pytest.raises(DistNetworkError, match=f"rank 1 of 2 could not reach the first process at first:{port}"):
        check(f"first:{port}", 1, 2, SECONDS)


def test_a_first_process_that_comes_late_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    known_names(monkeypatch, socket.gethostname(), "first")
    with socket.socket() as first:
        first.bind(("127.0.0.1", 0))
        first.listen()
        check(f"first:{first.getsockname()[1]}", 1, 2, SECONDS)


def test_no_network_is_said_in_time() -> None:
    """In a network of its own, with the loopback interface down."""
    if python("-c", UNSHARE, "-c", "", timeout=60).returncode:
        pytest.skip("needs unshare -rn")
    program = "from fxtorch.distributed.meeting import check; check('127.0.0.1:29500', 0, 2, 0.3)"
    ran = python("-c", UNSHARE, "-c", program, timeout=120)
    assert "there is no way to the first process at 127.0.0.1:29500" in ran.stderr


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ties a process to the one that started it")
def test_workers_end_with_a_launcher_that_is_killed(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text("""
import os, signal, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
open(f"{sys.argv[1]}/{os.environ['RANK']}", "w").close()
while len(os.listdir(sys.argv[1])) < 3:  # both, and this file
    time.sleep(0.01)
if os.environ["RANK"] == "0":
    os.kill(os.getppid(), signal.SIGKILL)
time.sleep(600)
""")
    command = ["-m", "fxtorch.distributed.run", "--nproc-per-node", "2", str(script), str(tmp_path)]
    ran = python(*command, timeout=120)  # it waits for whoever holds the output open: the workers
    assert ran.returncode == -9


def test_the_first_process_writes_its_address_into_a_file_for_the_others(tmp_path: Path) -> None:
    path = tmp_path / "meet"
    with pytest.raises(DistNetworkError, match=r"has not written its address to .*meet"):
        by_file(path, 1, SECONDS)
    address = by_file(path, 0, SECONDS)
    assert by_file(path, 1, SECONDS) == address
    host, _, port = address.rpartition(":")
    assert host == socket.gethostname() and 0 < int(port) < 65536


BY_FILE = """
import sys, torch, torch.distributed as dist
dist.init_process_group("gloo", init_method=f"file://{sys.argv[1]}", rank=int(sys.argv[2]), world_size=2)
x = torch.ones(2) * (dist.get_rank() + 1)
dist.all_reduce(x)
assert x.tolist() == [3.0, 3.0]
"""


def test_two_processes_meet_by_a_file(tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text(BY_FILE)
    command = [sys.executable, "-m", "fxtorch", str(tmp_path / "program.py"), str(tmp_path / "meet")]
    both = [subprocess.Popen([*command, str(rank)], cwd=ROOT, stderr=subprocess.PIPE, text=True) for rank in range(2)]
    for process in both:
        error = process.communicate(timeout=120)[1]
        assert process.returncode == 0, error
    assert not (tmp_path / "meet").exists()
