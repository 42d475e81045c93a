# SPDX-License-Identifier: BSD-3-Clause
"""supervise reports how its command ends and leaves no process behind, whatever happens."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.faults.conftest import PATIENCE_S, StartSupervise
from tests.here import require
from tests.processes import ending, stop, wait_until

from fibench.machine.processes import TICK_NS, descendants, read_stat
from fibench.server.cgroup import Cgroup, create

ORDINARY_SIGNALS = 0x7FFFFFFF
"""1 to 31; glibc keeps the next two for itself and sees to them in posix_spawn(3)."""

PIPES = ("--lifeline", "0", "--report", "1")


def test_reports_start_and_exit_status(supervise: StartSupervise) -> None:
    command = supervise("sh", "-c", "echo $$; exit 5")
    pid = command.said()
    assert command.report() == f"started {pid}"
    assert command.ending() == ["exited 5", "swept 0", ""]
    assert command.end() == 0


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSEGV, signal.SIGTERM])
def test_reports_the_signal_that_killed_the_command(
    supervise: StartSupervise, number: signal.Signals
) -> None:
    command = supervise("sh", "-c", f"kill -{number.value} $$")
    assert command.report().startswith("started ")
    assert command.report() == f"killed {number.value}"


def test_reports_why_a_command_cannot_be_executed(
    supervise: StartSupervise, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", f"{tmp_path / 'nowhere'}:{tmp_path}")
    no_program = tmp_path / "no_program"
    no_program.write_text("not a program\n")
    plain = tmp_path / "plain"
    plain.write_text("#!/bin/sh\n")
    no_program.chmod(0o755)
    for path, line in [
        (tmp_path / "absent", "failed 2 No such file or directory"),
        (plain, "failed 13 Permission denied"),
        (no_program, "failed 8 Exec format error"),
        ("absent", "failed 2 No such file or directory"),
        ("plain", "failed 13 Permission denied"),
        ("no_program", "failed 8 Exec format error"),
    ]:
        command = supervise(str(path))
        assert [command.report(), command.report()] == [line, ""]
        assert command.end() == 1


@pytest.mark.parametrize(
    ("argv", "complaint"),
    [
        ([], "nothing to run"),
        (["--lifeline", "0", "--report", "1", "--"], "nothing to run"),
        (["--lifeline", "0", "--", "true"], "--lifeline and --report are needed"),
        (["--lifeline", "99", "--report", "1", "--", "true"], "--lifeline '99' is not open"),
        (["--lifeline", "x", "--report", "1", "--", "true"], "--lifeline 'x' is not a number"),
        (["true"], "'true' is one argument too many"),
        *(
            ([*PIPES, "--cpus", cpus, "--", "true"], f"--cpus '{cpus}' is no list of CPUs")
            for cpus in ("x", "1-0", "0,", "0,,1", "-1", "0 1", "99999999999999999999")
        ),
        ([*PIPES, "--cpus", "", "--", "true"], "--cpus '' is empty"),
        ([*PIPES, "--cpus", "0-1023", "--", "true"], "may not be used here"),
        ([*PIPES, "--cgroup", "/nowhere", "--", "true"], "--cgroup /nowhere: No such file"),
        ([*PIPES, "--cgroup", "/", "--", "true"], "--cgroup / is not a folder of cgroup v2"),
    ],
)
def test_a_wrong_command_line_is_one_line_and_status_2(
    programs: Path, argv: list[str], complaint: str
) -> None:
    done = subprocess.run(
        [programs / "supervise", *argv], capture_output=True, text=True, timeout=PATIENCE_S
    )
    assert done.returncode == 2
    assert done.stdout == ""
    assert complaint in done.stderr
    assert done.stderr.count("\n") == 1


def test_the_command_starts_with_default_signals_in_its_own_session(programs: Path) -> None:
    # The holder ignores and blocks what it can; Python alone would restore what it ignores.
    holder = (
        "import os, signal, sys; ends = os.pipe(), os.pipe();"
        "[signal.signal(number, signal.SIG_IGN) for number in (signal.SIGCHLD, signal.SIGINT)];"
        "signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGUSR1});"
        "[os.set_inheritable(fd, True) for pair in ends for fd in pair];"
        "os.execv(sys.argv[1], ['supervise', '--lifeline', str(ends[0][0]), '--report',"
        " str(ends[1][1]), '--', 'cat', '/proc/self/status', '/proc/self/stat'])"
    )
    done = subprocess.run(
        [sys.executable, "-S", "-c", holder, programs / "supervise"],
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=True,
    )
    status = dict(line.split(":\t", 1) for line in done.stdout.splitlines() if ":\t" in line)
    for mask in ("SigIgn", "SigBlk"):
        assert int(status[mask], 16) & ORDINARY_SIGNALS == 0
    pid, session = done.stdout.splitlines()[-1].split()[0:6:5]
    assert pid == session


def test_the_command_does_not_hold_lifeline_and_report(supervise: StartSupervise) -> None:
    command = supervise("sh", "-c", "for fd in /proc/self/fd/*; do readlink $fd; done; echo end")
    lines = list(iter(command.said, "end"))
    assert sum(line.startswith("pipe:") for line in lines) <= 1  # its standard output


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_signals_are_passed_on_to_the_command(
    supervise: StartSupervise, number: signal.Signals
) -> None:
    command = supervise("sh", "-c", "echo up; exec sleep 60")
    assert command.said() == "up"
    command.process.send_signal(number)
    assert command.report().startswith("started ")
    assert command.report() == f"killed {number.value}"


def test_a_storm_of_signals_does_not_end_supervise_before_its_tree(
    supervise: StartSupervise,
) -> None:
    command = supervise("sh", "-c", "trap '' TERM INT HUP QUIT USR1; echo up; exec sleep 60")
    assert command.said() == "up"
    numbers = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1)
    for _ in range(200):
        for number in numbers:
            command.process.send_signal(number)
    command.cut_lifeline()
    assert command.report().startswith("started ")
    assert command.ending() == ["killed 9", "swept 0", ""]
    assert command.said() == ""
    assert command.end() == 0


def test_what_the_command_leaves_behind_is_killed_and_counted(python: StartSupervise) -> None:
    command = python(
        "import os, signal\n"
        "ready, tell = os.pipe()\n"
        "for kind in 'child', 'session', 'daemon':\n"
        "    if os.fork() == 0:\n"
        "        if kind != 'child': os.setsid()\n"
        "        if kind == 'daemon': os.fork()\n"
        "        os.write(tell, b'.'); signal.pause()\n"
        "for _ in range(4): os.read(ready, 1)\n"
        "os._exit(3)"
    )
    assert command.report().startswith("started ")
    assert command.ending() == ["exited 3", "swept 4", ""]
    assert command.said() == ""


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("sleep 60 & setsid sleep 60 & echo up; wait", id="children"),
        pytest.param("trap '' TERM HUP INT; echo up; sleep 60 & wait", id="ignores-signals"),
        pytest.param("(setsid sh -c '(setsid sleep 60 &); echo up; sleep 60' &); wait; sleep 60"),
    ],
)
def test_the_end_of_the_lifeline_kills_the_whole_tree(supervise: StartSupervise, text: str) -> None:
    command = supervise("sh", "-c", text)
    assert command.said() == "up"
    command.cut_lifeline()
    assert command.said() == ""
    assert command.end() == 0


def test_so_does_it_where_the_whole_tree_is_stopped(supervise: StartSupervise) -> None:
    command = supervise("sh", "-c", "setsid sleep 60 & setsid sleep 60 & echo up; wait")
    assert command.said() == "up"
    assert len(stop(lambda: descendants(command.process.pid))) == 3
    command.cut_lifeline()
    assert command.said() == ""
    assert command.end() == 0


def test_deeply_nested_sessions_are_killed_to_the_last(python: StartSupervise) -> None:
    command = python(
        "import os, signal\n"
        "for _ in range(40):\n"
        "    if os.fork(): signal.pause()\n"
        "    os.setsid()\n"
        "os.write(1, b'up\\n'); signal.pause()"
    )
    assert command.said() == "up"
    command.cut_lifeline()
    assert command.report().startswith("started ")
    assert command.ending() == ["killed 9", "swept 40", ""]
    assert command.said() == ""


def test_a_storm_of_forks_is_ended(python: StartSupervise) -> None:
    command = python(
        "import os\n"
        "for _ in range(4): os.fork() or os.setsid()\n"
        "os.write(1, b'up\\n')\n"
        "while True:\n"
        "    if os.fork() == 0:\n"
        "        os.fork(); os._exit(0)\n"
        "    os.wait()"
    )
    for _ in range(16):
        assert command.said() == "up"
    command.cut_lifeline()
    while command.report():
        pass
    assert command.said() == ""
    assert command.end() == 0


def test_orphans_are_reaped_while_the_command_runs_and_their_time_is_kept(
    python: StartSupervise,
) -> None:
    command = python(
        "import os, signal, sys, time\n"
        "alive, tell = os.pipe()\n"
        "if os.fork() == 0:\n"
        "    if os.fork(): os._exit(0)\n"
        "    while time.process_time() < 0.2: pass\n"
        "    os._exit(0)\n"
        "os.wait(); os.close(tell); os.read(alive, 1)\n"
        "os.write(1, b'orphan gone\\n'); signal.pause()"
    )
    assert command.said() == "orphan gone"
    pid = command.process.pid
    # The orphan's pipe closes a moment before it can be reaped: SIGCHLD follows on its heels.
    wait_until(lambda: len(descendants(pid)) <= 1, "the orphan is reaped")
    stat = read_stat(pid)
    assert stat is not None
    assert (stat.reaped_user + stat.reaped_system) * TICK_NS >= 180_000_000


def test_a_report_that_nobody_reads_hinders_nothing(supervise: StartSupervise) -> None:
    command = supervise("sh", "-c", "sleep 60 & echo up; exec sleep 60")
    assert command.said() == "up"
    command.stop_reading()
    command.cut_lifeline()
    assert command.said() == ""
    assert command.end() == 0


def test_a_holder_killed_with_sigkill_takes_the_tree_along(programs: Path) -> None:
    # The holder keeps the lifeline's other end; its death is all that supervise learns of.
    holder = (
        "import os, subprocess, sys; lifeline, report = os.pipe(), os.pipe();"
        "subprocess.Popen([sys.argv[1], '--lifeline', str(lifeline[0]), '--report',"
        " str(report[1]), '--', 'sh', '-c', 'setsid sleep 60 & sleep 60 & echo up; wait'],"
        " pass_fds=(lifeline[0], report[1]));"
        "os.close(lifeline[0]); os.close(report[1]); import signal; signal.pause()"
    )
    output, output_end = os.pipe()
    with ending(
        subprocess.Popen(
            [sys.executable, "-S", "-c", holder, programs / "supervise"], stdout=output_end
        )
    ) as process:
        os.close(output_end)
        with open(output) as said:
            assert said.readline() == "up\n"
            process.kill()
            assert said.read() == ""


def test_the_command_and_its_children_run_on_the_cpus_asked_for(
    python: StartSupervise,
) -> None:
    allowed = sorted(os.sched_getaffinity(0))
    show = (
        "import os\n"
        "child = os.fork(); child and os.wait()\n"
        "print(sorted(os.sched_getaffinity(0)), flush=True)"
    )
    for cpus, listed in [(allowed[-1:], str(allowed[-1])), (allowed, ",".join(map(str, allowed)))]:
        command = python(show, options=["--cpus", listed])
        assert [command.said(), command.said()] == [str(cpus), str(cpus)]


@pytest.fixture
def cgroup(programs: Path) -> Iterator[Cgroup]:
    require("cgroup v2")
    made = create(programs / "supervise")
    assert made is not None
    yield made
    made.remove()
    assert not made.path.exists()


def test_the_command_and_its_children_are_born_into_the_cgroup(
    supervise: StartSupervise, cgroup: Cgroup
) -> None:
    show = "grep ^0:: /proc/self/cgroup; (setsid grep ^0:: /proc/self/cgroup)"
    command = supervise("sh", "-c", show, options=["--cgroup", str(cgroup.path)])
    for _ in range(2):
        assert command.said().endswith(f"/{cgroup.path.name}")
    assert command.said() == ""
    command.end()
    used = cgroup.cpu_time()
    assert used is not None
    assert used.total_ns > 0
    # supervise itself stays outside: what it does is not the server's.
    assert f"/{cgroup.path.name}" not in Path("/proc/self/cgroup").read_text()


def test_a_command_that_cannot_be_executed_in_a_cgroup_is_reported_as_elsewhere(
    supervise: StartSupervise, cgroup: Cgroup, tmp_path: Path
) -> None:
    command = supervise(str(tmp_path / "absent"), options=["--cgroup", str(cgroup.path)])
    assert [command.report(), command.report()] == ["failed 2 No such file or directory", ""]


@pytest.mark.plain_user
@pytest.mark.needs("a plain user")
def test_a_cgroup_that_takes_no_processes_is_one_line(programs: Path, cgroup: Cgroup) -> None:
    (cgroup.path / "cgroup.procs").chmod(0o444)
    argv = [*PIPES, "--cgroup", str(cgroup.path), "--", "true"]
    done = subprocess.run([programs / "supervise", *argv], capture_output=True, text=True)
    assert done.returncode == 2
    assert (
        done.stderr == f"supervise: --cgroup {cgroup.path} takes no processes: Permission denied\n"
    )


def test_what_was_used_is_that_of_all_processes_ended_and_swept_ones_too(
    python: StartSupervise,
) -> None:
    command = python(
        "import os, signal, time\n"
        "def burn():\n"
        "    while time.process_time() < 0.1: pass\n"
        "    for _ in range(50): time.sleep(0.0001)\n"
        "alive, tell = os.pipe()\n"
        "if os.fork() == 0: burn(); os._exit(0)\n"
        "os.wait()\n"
        "if os.fork() == 0:\n"
        "    os.setsid(); burn(); os.write(tell, b'.'); signal.pause()\n"
        "burn(); os.read(alive, 1)"
    )
    *_, used = iter(command.report, "")
    word, user_ns, system_ns, voluntary, _ = used.split()
    assert word == "used"
    assert 290_000_000 <= int(user_ns) + int(system_ns) < 2_000_000_000
    assert int(voluntary) >= 150
