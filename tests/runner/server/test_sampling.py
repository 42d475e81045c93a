# SPDX-License-Identifier: BSD-3-Clause
"""Programs whose threads wait for something known: sampled, that is what they wait for."""

import os
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import pytest
from tests.here import leave_out
from tests.runner.server.sampled import PATIENCE_S, python, watched

from fibench.timeline import NOT_THERE, ROWS, ThreadTime, thread_time

THREADS_COMPUTE = """
import threading
def compute():
    while True: sum(range(2000))
for _ in range(8): threading.Thread(target=compute, daemon=True).start()
print('up', flush=True)
threading.Event().wait()
"""
PROCESSES_COMPUTE = """
import os
for _ in range(3): os.fork()
os.write(1, b'up\\n')
while True: sum(range(2000))
"""
KNOWN_LOCK = """
import threading
held = threading.Lock()
held.acquire()
for _ in range(4): threading.Thread(target=held.acquire, daemon=True).start()
print('up', flush=True)
held.acquire()
"""
IDLE_POOL = """
import threading
from concurrent.futures import ThreadPoolExecutor
pool, together = ThreadPoolExecutor(4), threading.Barrier(4)
list(pool.map(lambda _: together.wait(), range(4)))
print('up', flush=True)
threading.Event().wait()
"""
ASYNCIO = """
import asyncio
async def serve():
    async with await asyncio.start_server(lambda reader, writer: None, '127.0.0.1', 0):
        print('up', flush=True)
        while True:
            sum(range(2000))
            await asyncio.sleep(0.002)
asyncio.run(serve())
"""
ACCEPTS = """
import socket, threading
listener = socket.create_server(('127.0.0.1', 0))
for _ in range(3): threading.Thread(target=listener.accept, daemon=True).start()
print('up', flush=True)
listener.accept()
"""
SLEEPS = "import time; print('up', flush=True); time.sleep(600)"
READS_A_PIPE = "import os; print('up', flush=True); os.read(os.pipe()[0], 1)"
FORKS_WHEN_TOLD = """
import os, signal, socket
listener = socket.create_server(('127.0.0.1', 0))
def fork(*_):
    for _ in range(5):
        if os.fork() == 0: listener.accept()
    os.write(1, b'forked\\n')
signal.signal(signal.SIGUSR1, fork)
print('up', flush=True)
while True: signal.pause()
"""
COME_AND_GO = """
import threading
print('up', flush=True)
while True:
    one = threading.Thread(target=sum, args=(range(1000),))
    one.start(); one.join()
"""
ENDS_WHEN_TOLD = """
import os, signal
signal.signal(signal.SIGUSR1, lambda *_: os._exit(3))
print('up', flush=True)
while True: sum(range(2000))
"""
MANY_IDLE = """
import threading
threading.stack_size(65536)
wait = threading.Event()
for _ in range(100): threading.Thread(target=wait.wait, daemon=True).start()
print('up', flush=True)
wait.wait()
"""
MAY_NOT_BE_TRACED = """
import ctypes, threading
assert ctypes.CDLL(None).prctl(4, 0, 0, 0, 0) == 0
def compute():
    while True: sum(range(2000))
threading.Thread(target=compute, daemon=True).start()
print('up', flush=True)
threading.Event().wait()
"""
WITHOUT = """#!{python} -S
import ctypes, os, sys
for capability in {capabilities}:
    ctypes.CDLL(None).prctl(24, capability, 0, 0, 0)  # PR_CAPBSET_DROP: of a plain user nothing
os.execv({supervise!r}, [{supervise!r}, *sys.argv[1:]])
"""
TRACES = (19,)  # CAP_SYS_PTRACE
SEES_SWITCHES = (21, 38)  # CAP_SYS_ADMIN, CAP_PERFMON


def without(capabilities: Sequence[int], programs: Path, folder: Path) -> Path:
    """supervise, but that may do less."""
    wrapper = folder / "supervise"
    supervise = os.fspath(programs / "supervise")
    wrapper.write_text(
        WITHOUT.format(python=sys.executable, capabilities=capabilities, supervise=supervise)
    )
    wrapper.chmod(0o755)
    return wrapper


@pytest.fixture(params=["switches", "samples"])
def supervise(request: pytest.FixtureRequest, programs: Path, tmp_path: Path) -> Path:
    """supervise that may see switches, where anybody may here, and that may not."""
    if request.param == "switches":
        return programs / "supervise"
    if perf_is_for_all():
        leave_out("kernel.perf_event_paranoid lets everybody see switches")
    return without(SEES_SWITCHES, programs, tmp_path)


def perf_is_for_all() -> bool:
    paranoid = Path("/proc/sys/kernel/perf_event_paranoid")
    return paranoid.exists() and int(paranoid.read_text()) <= 0


def look(supervise: Path, text: str, ups: int = 1) -> ThreadTime:
    """What a program's threads do, all of which are there throughout the window."""
    with watched(supervise, python(text), ups) as program:
        found, recording = program.look()
    assert found.source == ("switches" if recording.has_switches else "samples")
    assert recording.cpu_ns < 0.1 * (recording.to_ns - recording.from_ns)
    assert found.residual is not None
    assert abs(found.residual) <= 0.03
    assert sum(found.shares.values()) + found.residual == pytest.approx(1, abs=1e-5)
    sums = [sum(each.values()) for each in found.slices]
    assert sums == pytest.approx([1] * 10, abs=0.06), recording
    assert found.unknown == ()
    return found


def test_threads_that_compute_in_python_wait_for_the_gil(supervise: Path) -> None:
    found = look(supervise, THREADS_COMPUTE)
    shares = found.shares
    assert found.threads == 9
    assert found.threads * shares["running"] <= 1.05
    # Who is woken and has no CPU, as on a busy machine, waits for nothing else meanwhile.
    assert shares["gil"] >= 0.6 * (1 - shares["ready"])
    assert shares["lock"] <= 1 / 9 + 0.01  # the main thread
    assert all("g" in row.columns for row in found.rows[1:])


def test_processes_that_compute_run_or_are_ready_and_wait_for_no_gil(supervise: Path) -> None:
    found = look(supervise, PROCESSES_COMPUTE, ups=8)
    assert len({row.pid for row in found.rows}) == found.threads == 8
    assert found.shares["running"] + found.shares["ready"] >= 0.97
    assert found.shares["gil"] < 0.05


def test_threads_that_wait_for_a_lock_of_pythons_wait_for_a_lock(supervise: Path) -> None:
    found = look(supervise, KNOWN_LOCK)
    assert found.threads == 5
    assert found.shares["lock"] >= 0.97
    assert found.shares["gil"] == 0


def test_an_idle_pool_of_threads_does_not_wait_for_the_gil(supervise: Path) -> None:
    found = look(supervise, IDLE_POOL)
    assert found.threads == 5
    assert found.shares["lock"] >= 0.97
    assert found.shares["gil"] == 0


def test_a_loop_of_asyncio_never_waits_for_a_lock(supervise: Path) -> None:
    shares = look(supervise, ASYNCIO).shares
    assert shares["gil"] == shares["lock"] == 0
    assert shares["network"] + shares["running"] + shares["ready"] >= 0.97


@pytest.mark.parametrize(
    ("text", "state"), [(ACCEPTS, "network"), (SLEEPS, "sleeping"), (READS_A_PIPE, "other")]
)
def test_who_only_waits_hardly_runs(supervise: Path, text: str, state: str) -> None:
    found = look(supervise, text)
    assert found.shares["running"] < 0.05
    assert {name: share for name, share in found.shares.items() if share > 0.05}.keys() == {state}


def test_children_that_are_forked_meanwhile_appear(supervise: Path) -> None:
    with watched(supervise, python(FORKS_WHEN_TOLD)) as program:
        program.begin()
        program.command.ask_to_end(signal.SIGUSR1)
        assert program.said.readline() == "forked\n"
        begin_ns = time.monotonic_ns()
        program.command.wait(lambda report: report.ended, 0.2)
        found = thread_time(program.recording(), begin_ns, time.monotonic_ns())
    assert found.threads == 6
    assert len({row.pid for row in found.rows}) == 6
    assert found.shares["network"] >= 0.6
    assert found.shares["gil"] == found.shares["lock"] == 0


def test_threads_that_come_and_go_are_seen_or_said_to_be_unseen(supervise: Path) -> None:
    with watched(supervise, python(COME_AND_GO)) as program:
        found, recording = program.look()
    assert recording.cpu_ns < 0.1 * (recording.to_ns - recording.from_ns)
    assert len(found.rows) <= ROWS
    assert found.threads == len(found.rows) + found.rows_left_out
    assert found.threads > 2
    assert found.residual is not None
    assert abs(found.residual) < 0.1


def test_a_program_that_ends_while_it_is_watched_was_there_until_then(supervise: Path) -> None:
    with watched(supervise, python(ENDS_WHEN_TOLD)) as program:
        begin_ns = program.begin()
        program.command.wait(lambda report: report.ended, 0.1)
        program.command.ask_to_end(signal.SIGUSR1)
        assert program.command.wait(lambda report: report.ended, PATIENCE_S)
        ended_ns = program.command.report.ended_at_ns
        recording = program.recording()
    assert ended_ns is not None
    (thread,) = recording.threads
    assert thread.ended
    assert begin_ns < thread.last_ns <= ended_ns
    found = thread_time(recording, begin_ns, 2 * ended_ns - begin_ns)
    assert found.shares["running"] + found.shares["ready"] >= 0.9  # of the time that it was there
    (row,) = found.rows
    assert row.columns.rstrip(NOT_THERE)
    assert row.columns.count(NOT_THERE) >= 70
    assert NOT_THERE not in row.columns.rstrip(NOT_THERE)
    assert found.slices[-1] == {}


def test_a_program_that_ended_before_is_said_to_have(supervise: Path) -> None:
    with watched(supervise, python("print('up', flush=True)")) as program:
        assert program.command.wait(lambda report: report.closed, PATIENCE_S)
        program.command.begin_sampling()
        program.command.end_sampling()
        assert program.command.report.sampled is None


def test_the_end_of_the_lifeline_ends_all_while_it_is_watched(supervise: Path) -> None:
    with watched(supervise, python(THREADS_COMPUTE)) as program:
        program.begin()
        report = program.command.kill()
    assert report.sampled == 0
    assert report.signal == signal.SIGKILL
    assert report.closed


def test_what_is_no_order_is_ignored_and_orders_count_once(supervise: Path) -> None:
    with watched(supervise, python(SLEEPS)) as program:
        program.command.lifeline.write(b"xe\0e")
        program.begin()
        program.command.lifeline.write(b"bb?b")
        recording = program.recording()
        program.command.begin_sampling()
        program.command.ask_to_end()
        assert program.command.wait(lambda report: report.closed, PATIENCE_S)
    assert len(recording.threads) == 1
    assert program.command.report.signal == signal.SIGTERM


def test_many_threads_are_looked_at_more_rarely(supervise: Path) -> None:
    found = look(supervise, MANY_IDLE)
    assert found.threads == 101
    assert len(found.rows) == ROWS
    assert found.rows_left_out == 101 - ROWS
    assert found.rate_hz is not None
    assert 1 < found.rate_hz < 900


def test_of_a_program_that_may_not_be_traced_only_its_times_are_known(
    programs: Path, tmp_path: Path
) -> None:
    with watched(without(TRACES, programs, tmp_path), python(MAY_NOT_BE_TRACED)) as program:
        found, _ = program.look()
    assert found.shares.keys() == {"running", "ready"}
    assert found.shares["running"] + found.shares["ready"] == pytest.approx(0.5, abs=0.05)
    assert found.residual == pytest.approx(0.5, abs=0.05)
    assert len(found.unknown) == 1
    assert found.unknown[0].startswith("what threads waited for: /proc/PID/syscall of 2 threads")
    assert "Yama" in found.unknown[0]
