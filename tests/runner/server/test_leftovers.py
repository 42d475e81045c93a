# SPDX-License-Identifier: BSD-3-Clause
"""What a run leaves behind that is killed together with its supervisors is ended by the next one.

Tests beside these begin runs as well, and may be the ones that end it.
"""

import os
import select
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from tests.processes import ending, stop
from tests.runner.small_servers import PATIENCE_S, Starter, command

import fibench
from fibench.server.leftovers import end_leftovers, said_of
from fibench.server.supervision import MARK

RUNNER = """
import os, signal, sys
from pathlib import Path
from fibench.server.cgroup import create
from fibench.server.supervision import launch
supervise, text = Path(sys.argv[1]), sys.argv[2]
group = create(supervise) if "cgroup" in sys.argv else None
told, tell = os.pipe()
running = launch(
    [sys.executable, "-S", "-c", text, str(tell)], supervise=supervise,
    output=open(os.devnull, "wb"), environment={"PATH": os.defpath}, cwd=None, pass_fds=(tell,),
    cgroup=None if group is None else group.path,
)
os.close(tell)
running.wait(lambda report: report.pid is not None, 60)
children = os.read(told, 100).decode().split()
print(running.process.pid, running.report.pid, *children, flush=True)
signal.pause()
"""
"""A runner of one server: prints the numbers of supervise, the server, and what that started."""

FORKING = """
import os, signal, sys
child = os.fork()
if child == 0:
    os.setsid()
    signal.pause()
os.write(int(sys.argv[1]), str(child).encode())
signal.pause()
"""
WITHOUT_MARK = FORKING.replace(
    "    signal.pause()\nos.write",
    "    os.execve('/bin/sleep', ['sleep', '600'], {})\nos.write",
)


class Killed:
    """A runner that was killed together with its supervise, in one moment."""

    def __init__(self, programs: Path, text: str, *more: str) -> None:
        argv = [sys.executable, "-c", RUNNER, str(programs / "supervise"), text, *more]
        found = {**os.environ, "PYTHONPATH": str(Path(fibench.__file__).parents[1])}
        with ending(subprocess.Popen(argv, stdout=subprocess.PIPE, text=True, env=found)) as runner:
            assert runner.stdout is not None
            supervisor, self.server, *self.children = map(int, runner.stdout.readline().split())
            self.ends = {pid: os.pidfd_open(pid) for pid in (self.server, *self.children)}
            for pid in stop(lambda: (runner.pid, supervisor)):
                os.kill(pid, signal.SIGKILL)

    def ended(self, pid: int, within_s: float = PATIENCE_S) -> bool:
        return bool(select.select([self.ends[pid]], [], [], within_s)[0])


def test_a_server_dies_with_them_and_its_children_are_ended_by_the_next_run(
    programs: Path,
) -> None:
    killed = Killed(programs, FORKING)
    assert killed.ended(killed.server)
    (child,) = killed.children
    said = end_leftovers()
    assert said is None or f"(pid {child})" in said
    assert killed.ended(child)


def test_it_is_told_in_one_line() -> None:
    assert said_of(["sh (pid 1)"]) == (
        "ended 1 process that a killed run had left behind: sh (pid 1)"
    )
    assert said_of(["a (pid 1)", "b (pid 2)", "c (pid 3)", "d (pid 4)"]) == (
        "ended 4 processes that a killed run had left behind: a (pid 1), b (pid 2), c (pid 3), …"
    )


@pytest.mark.needs("cgroup v2")
def test_what_has_lost_its_mark_is_known_by_its_cgroup(programs: Path) -> None:
    killed = Killed(programs, WITHOUT_MARK, "cgroup")
    (child,) = killed.children
    assert killed.ended(killed.server)
    end_leftovers()
    assert killed.ended(child)


def test_what_a_living_runner_has_started_is_left_alone(programs: Path, tmp_path: Path) -> None:
    start = Starter(programs / "supervise", tmp_path, cgroup=True)
    with start(command("listen(); os.fork(); tell(); serve()", ready_fd=False)) as running:
        tree = running.tree()
        environ = Path(f"/proc/{running.pid}/environ").read_bytes()
        assert f"{MARK}={os.getpid()}-".encode() in environ
        end_leftovers()
        assert running.alive()
        assert running.tree() == tree


@pytest.mark.parametrize("mark", ["", "x", "1", "1-", "-1", "99999999999-1", "0-0x1"])
def test_a_mark_that_fibench_does_not_write_means_nothing(mark: str) -> None:
    environment = {**os.environ, MARK: mark}
    with ending(subprocess.Popen(["sleep", "600"], env=environment)) as process:
        end_leftovers()
        status = process.poll()
    assert status is None


def test_a_number_that_has_passed_to_another_process_is_not_taken_for_the_runner() -> None:
    """The mark of this very process, had it begun at another time."""
    environment = {**os.environ, MARK: f"{os.getpid()}-1"}
    with ending(subprocess.Popen(["sleep", "600"], env=environment)) as process:
        end_leftovers()
        end = os.pidfd_open(process.pid)
        ended = select.select([end], [], [], PATIENCE_S)[0]
        os.close(end)
    assert ended
    assert process.returncode == -signal.SIGKILL
