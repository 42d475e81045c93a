# SPDX-License-Identifier: BSD-3-Clause
"""One measurement at a time: whoever comes second waits, and says for whom."""

import os
import secrets
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.processes import ending

from fibench.machine import lock

SOURCES = Path(lock.__file__).resolve().parents[2]

HOLD = """
import signal, sys
from fibench.machine.lock import measuring
try:
    with measuring(sys.argv[2], address=sys.argv[1]) as held:
        if len(sys.argv) > 3:
            held.rename(sys.argv[3])
        print("measuring", flush=True)
        sys.stdin.read()
    print("done", flush=True)
except KeyboardInterrupt:
    sys.exit(130)
"""


@pytest.fixture
def address() -> str:
    return f"fibench-test-{os.getpid()}-{secrets.token_hex(4)}"


@contextmanager
def _run(address: str, *names: str) -> Iterator[subprocess.Popen[str]]:
    """A process that measures until its standard input ends."""
    with ending(
        subprocess.Popen(
            [sys.executable, "-c", HOLD, address, *names],
            env={**os.environ, "PYTHONPATH": str(SOURCES)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
    ) as process:
        yield process


def _says(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def _waits(process: subprocess.Popen[str]) -> str:
    assert process.stderr is not None
    return process.stderr.readline().strip()


def _first_of(*two: subprocess.Popen[str]) -> list[subprocess.Popen[str]]:
    """The two in the order in which they get the lock: the first says that it measures."""
    outputs = [process.stdout for process in two if process.stdout is not None]
    ready, _, _ = select.select(outputs, [], [], 10)
    assert len(ready) == 1
    return sorted(two, key=lambda process: process.stdout is not ready[0])


def test_the_second_waits_for_the_first_and_names_it(address: str) -> None:
    with _run(address, "gil", "gil/2026-11-23T0915-7f3a") as first:
        assert _says(first) == "measuring"
        with _run(address, "io-bound") as second:
            assert _waits(second) == (
                f"waiting for gil/2026-11-23T0915-7f3a (pid {first.pid}), "
                "which is measuring on this machine; Ctrl-C gives up"
            )
            assert lock.holder(address) == f"gil/2026-11-23T0915-7f3a (pid {first.pid})"
            first.communicate(timeout=10)
            assert _says(second) == "measuring"
    assert lock.holder(address) is None


def test_the_second_goes_on_when_the_first_is_killed(address: str) -> None:
    with _run(address, "gil") as first, _run(address, "io-bound") as second:
        one, other = _first_of(first, second)
        assert _says(one) == "measuring"
        assert f"pid {one.pid}" in _waits(other)
        one.kill()
        assert _says(other) == "measuring"


def test_of_many_that_wait_each_has_its_turn_alone(address: str) -> None:
    with _run(address, "a") as a:
        assert _says(a) == "measuring"
        with _run(address, "b") as b, _run(address, "c") as c:
            assert f"pid {a.pid}" in _waits(b)
            assert f"pid {a.pid}" in _waits(c)
            a.kill()
            one, other = _first_of(b, c)
            assert _says(one) == "measuring"
            assert f"pid {one.pid}" in _waits(other)
            one.kill()
            assert _says(other) == "measuring"


def test_ctrl_c_gives_up_waiting(address: str) -> None:
    with _run(address, "gil") as first:
        assert _says(first) == "measuring"
        with _run(address, "io-bound") as second:
            assert _waits(second)
            second.send_signal(signal.SIGINT)
            assert second.wait(timeout=10) == 130
        assert lock.holder(address) == f"gil (pid {first.pid})"


def test_a_child_that_outlives_its_runner_does_not_hold_the_lock(address: str) -> None:
    with (
        lock.measuring("gil", address=address),
        ending(subprocess.Popen(["cat"], stdin=subprocess.PIPE)),
    ):
        pass_on = lock.holder(address)
        assert pass_on is not None
    with ending(subprocess.Popen(["cat"], stdin=subprocess.PIPE)):
        assert lock.holder(address) is None


def test_a_name_from_a_stranger_cannot_command_the_terminal(address: str) -> None:
    with lock.measuring("gil", address=address), socket.socket(socket.AF_UNIX) as stranger:
        stranger.bind(f"\0{address}/{os.getpid()}/\x1b[31mred\u202e".encode())
        described = lock.holder(address)
    assert described is not None
    assert described.isprintable()


def test_a_name_too_long_for_an_address_is_cut_short(address: str) -> None:
    with lock.measuring("x" * 500, address=address):
        assert f"x (pid {os.getpid()})" in str(lock.holder(address))


def test_an_address_that_somebody_has_and_does_not_listen_on_is_named(address: str) -> None:
    with socket.socket(socket.AF_UNIX) as stranger:
        stranger.bind(f"\0{address}".encode())
        with pytest.raises(lock.LockError, match=address):
            lock.acquire(address, print)


def test_a_missing_table_of_sockets_leaves_the_process_alone_named(tmp_path: Path) -> None:
    assert lock.name_told_by("a", 1, tmp_path / "none") is None
