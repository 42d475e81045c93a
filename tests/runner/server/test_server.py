# SPDX-License-Identifier: BSD-3-Clause
"""A server is started when it is ready, is given what it should be, and nothing of it is left."""

import errno
import os
import select
import signal
import socket
import subprocess
import sys
from contextlib import ExitStack, closing
from dataclasses import replace
from pathlib import Path

import pytest
from tests.processes import ending, stop
from tests.runner.small_servers import (
    ECHO,
    HOST,
    LISTEN,
    PATIENCE_S,
    Starter,
    command,
    echo,
    failure,
    python,
)

from fibench.machine import sockets as listening
from fibench.machine.ports import holder_of
from fibench.server.start_error import tail
from fibench.server.starting import (
    Ending,
    RunningServer,
    ServerCommand,
    check_port_free,
    clean_environment,
    free_port,
)

FORKING = """
listen()
for _ in range(3):
    if os.fork() == 0:
        os.setsid()
        serve()
tell()
serve()
"""


def watch_ends(pids: list[int]) -> list[int]:
    return [os.pidfd_open(pid) for pid in pids]


def assert_all_end(pidfds: list[int], within_s: float) -> None:
    for pidfd in pidfds:
        ended, _, _ = select.select([pidfd], [], [], within_s)
        os.close(pidfd)
        assert ended


# --- it starts, and it ends


@pytest.mark.parametrize("ready_fd", [True, False])
def test_a_started_server_answers_and_stops_when_asked(start: Starter, ready_fd: bool) -> None:
    with start(command(ECHO, ready_fd=ready_fd)) as running:
        assert running.alive()
        assert running.tree() == [running.pid]
        assert echo(running.port) == b"30"
        assert running.stop() == Ending(status=None, signal=signal.SIGTERM, swept=0, forced=False)
        assert not running.alive()
        assert running.tree() == []


def test_a_server_may_choose_its_port(start: Starter) -> None:
    text = "listen(0); port = listener.getsockname()[1]; tell(); serve()"
    with start(ServerCommand(argv=[*python(text), "0"], port=0)) as running:
        assert running.port > 0
        assert echo(running.port) == b"30"


def test_a_server_on_all_addresses_is_recognised(start: Starter) -> None:
    with start(command("host = '0.0.0.0'\n" + ECHO)) as running:
        assert echo(running.port) == b"30"


@pytest.mark.needs("IPv6")
def test_a_server_on_all_addresses_of_ipv6_is_recognised(start: Starter) -> None:
    six = "listener = socket.socket(socket.AF_INET6); host = '::'\n"
    with start(command(six + ECHO)) as running:
        assert echo(running.port) == b"30"


def test_the_status_of_a_server_that_ends_by_itself_when_asked_is_kept(start: Starter) -> None:
    text = "signal.signal(signal.SIGTERM, lambda *_: sys.exit(9))\n"
    assert start(command(text + ECHO)).stop() == Ending(9, None, 0, False)


def test_a_server_that_ignores_sigterm_is_killed_after_its_grace(start: Starter) -> None:
    text = "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
    running = start(command(text + ECHO))
    assert running.stop(grace_s=0.1) == Ending(None, signal.SIGKILL, 0, True)
    assert running.stop() == running.kill()


def test_leaving_the_context_kills_every_process_of_the_server(start: Starter) -> None:
    with start(command(FORKING)) as running:
        tree = running.tree()
        ends = watch_ends(tree)
        assert len(tree) == 4
    assert_all_end(ends, 0)
    assert running.kill() == Ending(None, signal.SIGKILL, 3, True)


def test_a_stopped_server_can_be_ended(start: Starter) -> None:
    with start(command(ECHO)) as running:
        stop(lambda: [running.pid])
        assert running.stop(grace_s=0.05).forced


def test_a_crash_is_seen_at_once_and_told_at_the_end(start: Starter) -> None:
    with start(command("listen(); tell(); listener.accept(); os.abort()")) as running:
        socket.create_connection((HOST, running.port)).close()
        assert select.select([running.news_fd], [], [], PATIENCE_S)[0]
        assert not running.alive()
        assert running.stop() == Ending(None, signal.SIGABRT, 0, False)


def test_a_server_does_not_outlive_a_killed_supervisor(start: Starter) -> None:
    with start(command(ECHO)) as running:
        ends = watch_ends([running.pid])
        os.kill(running.supervisor_pid, signal.SIGKILL)
        assert select.select([running.news_fd], [], [], PATIENCE_S)[0]
        assert not running.alive()
    assert_all_end(ends, PATIENCE_S)


def test_a_stopped_supervisor_is_woken_to_end_its_tree(start: Starter) -> None:
    with start(command(ECHO)) as running:
        ends = watch_ends([running.pid, running.supervisor_pid])
        stop(lambda: [running.supervisor_pid])
    assert_all_end(ends, 0)


RUNNER = """
import os, signal, sys
from pathlib import Path
from fibench.server import starting as server
port = server.free_port("127.0.0.1")
argv = [sys.executable, "-S", "-c", sys.argv[3], str(port)]
running = server.start(server.ServerCommand(argv=argv, port=port),
                       supervise=Path(sys.argv[1]), stderr_path=Path(sys.argv[2]))
with running:
    # Blocked, a SIGINT cannot come in the moment before pause(2), which would then wait for ever.
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
    print(running.supervisor_pid, *running.tree(), flush=True)
    signal.sigwait([signal.SIGINT])
    raise KeyboardInterrupt
"""


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
def test_no_process_survives_the_end_of_the_runner(start: Starter, number: signal.Signals) -> None:
    files = [start.supervise, start.stderr_path]
    argv: list[str | Path] = [sys.executable, "-c", RUNNER, *files, LISTEN + FORKING]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with ending(
        subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment)
    ) as runner:
        assert runner.stdout is not None
        pids = [int(pid) for pid in runner.stdout.readline().split()]
        assert len(pids) == 5
        ends = watch_ends(pids)
        runner.send_signal(number)
        assert_all_end(ends, PATIENCE_S)


def test_ctrl_c_while_a_server_starts_leaves_nothing(start: Starter) -> None:
    # The server itself sends the SIGINT, between its start and its being ready.
    text = f"os.kill({os.getpid()}, signal.SIGINT); time.sleep(60)"
    with pytest.raises(KeyboardInterrupt):
        start(command(text))


# --- what it is given, what it writes


def test_the_server_gets_a_clean_environment_and_no_input(
    start: Starter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MALLOC_ARENA_MAX", "1")
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    what = command("print(dict(os.environ), sys.stdin.read() == '', flush=True)\n" + ECHO)
    with start(ServerCommand(what.argv, what.port, env={"MINE": "yes"})) as running:
        running.stop()
    written = start.stderr_path.read_text()
    assert "'MINE': 'yes'" in written
    assert "'LC_ALL': 'C.UTF-8'" in written
    assert "MALLOC_ARENA_MAX" not in written
    assert written.endswith("True\n")
    assert running.environment == clean_environment(os.environ) | {"MINE": "yes"}


def test_what_a_server_wrote_is_shown_without_what_a_terminal_obeys(tmp_path: Path) -> None:
    path = tmp_path / "err"
    path.write_bytes(b"line\n" * 1000 + b"\x1b[31mred\x07 \xff\ttab\xe2\x80\xae\r\nlast\n")
    lines = tail(path).split("\n")
    assert len(lines) == 20
    assert lines[-2:] == [r"\x1b[31mred\x07 \xff tab\u202e", "last"]


def test_a_free_port_is_outside_the_range_of_source_ports() -> None:
    lowest = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    port = free_port(HOST)
    assert 1024 <= port < lowest
    check_port_free(HOST, port)
    assert holder_of(HOST, port) == ""


@pytest.mark.needs("IPv6")
def test_both_ways_to_ask_for_listening_sockets_agree(monkeypatch: pytest.MonkeyPatch) -> None:
    with ExitStack() as stack:
        opened = set()
        for family, host in [(socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")]:
            door = stack.enter_context(closing(socket.create_server((host, 0), family=family)))
            opened.add((host, door.getsockname()[1], os.fstat(door.fileno()).st_ino))

        def seen() -> set[tuple[str, int, int]]:
            return {(str(at.address), at.port, at.inode) for at in listening.listeners()} & opened

        assert seen() == opened

        def refused(family: int) -> list[listening.ListeningSocket]:
            raise OSError(errno.EPROTONOSUPPORT, "Protocol not supported")

        monkeypatch.setattr(listening, "listeners_by_diag", refused)
        assert seen() == opened


def test_many_starts_leave_no_descriptor_behind(start: Starter) -> None:
    def once(ready_fd: bool) -> RunningServer:
        with start(command(ECHO, ready_fd=ready_fd)) as running:
            failure(start, command("sys.exit(1)", ready_fd=ready_fd))
            return running

    once(True)
    before = os.listdir("/proc/self/fd")
    for ready_fd in (True, False):
        once(ready_fd)
    assert os.listdir("/proc/self/fd") == before


def test_a_server_runs_on_the_cpus_that_it_is_given(start: Starter) -> None:
    cpu = max(os.sched_getaffinity(0))
    with start(replace(command(ECHO), cpus=str(cpu))) as running:
        assert os.sched_getaffinity(running.pid) == {cpu}


def test_cpus_that_are_not_here_are_named(start: Starter) -> None:
    told = failure(start, replace(command(ECHO), cpus="1023"))
    assert told.kind == "not-placed"
    assert "CPU 1023 may not be used here" in told.message
    assert "server.cpus" in told.hint


def test_a_wrapped_server_is_asked_to_end_itself(start: Starter) -> None:
    # The wrapper ignores SIGTERM, as strace does, and ends with the status of what it runs.
    wrapper = ("sh", "-c", "trap '' TERM; \"$@\" & wait $!", "sh")
    text = "signal.signal(signal.SIGTERM, lambda *_: os._exit(5))\n" + ECHO
    with start(replace(command(text), wrapper=wrapper)) as running:
        assert running.stop() == Ending(status=5, signal=None, swept=0, forced=False)
