# SPDX-License-Identifier: BSD-3-Clause
"""A server is started when it is ready, its failures are told apart, and nothing of it is left."""

import errno
import os
import platform
import re
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.here import leave_out
from tests.processes import ending, stop
from tests.runner.small_servers import ECHO, LISTEN, PATIENCE_S, Starter, command, python

from fibench import listening
from fibench.exec_error import not_executed, script_fault
from fibench.ports import bind_once, holder_of
from fibench.processes import descendants
from fibench.server import (
    Ending,
    RunningServer,
    ServerCommand,
    StartError,
    check_port_free,
    clean_environment,
    free_port,
)
from fibench.start_error import tail

HOST = "127.0.0.1"


@pytest.fixture
def start(programs: Path, tmp_path: Path) -> Iterator[Starter]:
    """Starts servers, and checks that this process has no child left after the test."""
    yield Starter(programs / "supervise", tmp_path)
    assert descendants(os.getpid()) == []


FORKING = """
listen()
for _ in range(3):
    if os.fork() == 0:
        os.setsid()
        serve()
tell()
serve()
"""


def echo(port: int) -> bytes:
    with socket.create_connection((HOST, port), PATIENCE_S) as connection:
        connection.sendall(b"30")
        return b"".join(iter(lambda: connection.recv(256), b""))


def failure(start: Starter, what: ServerCommand, timeout_s: float = PATIENCE_S) -> StartError:
    with pytest.raises(StartError) as caught:
        start(what, timeout_s=timeout_s)
    assert "\n" not in caught.value.message + caught.value.hint
    assert caught.value.hint
    return caught.value


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
from fibench import server
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


# --- it does not start


def test_a_port_in_use_is_told_with_who_holds_it(start: Starter) -> None:
    with start(command(ECHO)) as running:
        told = failure(start, command(ECHO, port=running.port))
    assert told.kind == "address-in-use"
    assert f"port {running.port} on 127.0.0.1 is in use by " in told.message
    assert f"(pid {running.pid})" in told.message


def test_a_server_that_finds_its_address_in_use_is_believed(start: Starter) -> None:
    text = "other = socket.socket(); other.bind((host, port)); other.listen(); listen()"
    told = failure(start, command(text))
    assert told.kind == "address-in-use"
    assert "Address already in use" in told.stderr_tail
    assert "only once" in told.hint


def time_wait_is_full() -> bool:
    """Whether a connection that ends now is forgotten at once: tcp_max_tw_buckets, tcp(7)."""
    most = int(Path("/proc/sys/net/ipv4/tcp_max_tw_buckets").read_text())
    held = re.search(r"^TCP: .*\btw ([0-9]+)", Path("/proc/net/sockstat").read_text(), re.MULTILINE)
    return held is not None and int(held[1]) >= most * 0.99


@pytest.mark.parametrize("ready_fd", [True, False])
def test_a_server_without_so_reuseaddr_after_time_wait_is_told_the_remedy(
    start: Starter, ready_fd: bool
) -> None:
    with start(command(ECHO)) as running:
        assert echo(running.port) == b"30"  # the server closes first: its side is in TIME_WAIT
    if time_wait_is_full():
        leave_out("the kernel keeps no more connections in TIME_WAIT (tcp_max_tw_buckets)")
    with pytest.raises(OSError, match="in use"):
        bind_once(HOST, running.port, reuse_address=False)
    text = "listener = socket.socket()\n" + ECHO
    told = failure(start, command(text, port=running.port, ready_fd=ready_fd))
    assert told.kind == "address-in-use"
    assert "SO_REUSEADDR" in told.hint
    assert "TIME_WAIT" in told.hint


@pytest.mark.parametrize("ready_fd", [True, False])
@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("sys.exit('no such table')", "ended with status 1 before it was ready: no such table"),
        ("sys.exit(0)", "ended with status 0 before it was ready"),
        ("os.abort()", "was killed by SIGABRT before it was ready"),
    ],
)
def test_a_server_that_ends_early_is_told_at_once(
    start: Starter, ready_fd: bool, text: str, message: str
) -> None:
    told = failure(start, command(text, ready_fd=ready_fd))
    assert told.kind == "exited"
    assert message in told.message


def test_a_server_that_goes_into_the_background_is_told_to_stay(start: Starter) -> None:
    text = "listen()\nif os.fork(): os._exit(0)\nos.setsid()\nif os.fork(): os._exit(0)\nserve()"
    told = failure(start, command(text))
    assert told.kind == "exited"
    assert "went into the background" in told.message


@pytest.mark.parametrize("ready_fd", [True, False])
def test_a_server_that_never_listens_is_given_up(start: Starter, ready_fd: bool) -> None:
    told = failure(start, command("signal.pause()", ready_fd=ready_fd), timeout_s=0.3)
    assert told.kind == "never-ready"
    assert "within 0.3 s" in told.message


def test_a_server_that_listens_elsewhere_is_told_where(start: Starter) -> None:
    elsewhere = free_port(HOST)
    told = failure(start, command(f"listen({elsewhere}); serve()", ready_fd=False), timeout_s=0.5)
    assert told.kind == "never-ready"
    assert f"it listens on 127.0.0.1:{elsewhere}" in told.hint


def test_a_server_on_another_family_or_a_unix_socket_is_told_where(
    start: Starter, tmp_path: Path
) -> None:
    port = free_port(HOST)
    six = f"listener = socket.socket(socket.AF_INET6); host = '::1'; listen({port}); serve()"
    told = failure(start, command(six, ready_fd=False, port=port), timeout_s=0.5)
    assert f"it listens on [::1]:{port}; it should on 127.0.0.1, port {port}" in told.hint
    path = tmp_path / "its socket"
    unix = f"listener = socket.socket(socket.AF_UNIX); listener.bind({str(path)!r})\n"
    told = failure(start, command(f"{unix}listener.listen(); serve()", ready_fd=False), 0.5)
    assert f"it listens on the Unix socket {path}; it should on 127.0.0.1" in told.hint


def test_a_server_that_is_only_slow_is_told_what_gives_it_time(start: Starter) -> None:
    what = replace(command("signal.pause()", ready_fd=False), if_slow="give it longer")
    assert failure(start, what, timeout_s=0.3).hint.endswith("; give it longer")
    elsewhere = replace(command("listen(0); serve()", ready_fd=False), if_slow="give it longer")
    assert "give it longer" not in failure(start, elsewhere, timeout_s=0.5).hint


@pytest.mark.parametrize("text", [
    "listener = socket.socket()\ntry: listen()\nexcept OSError: os._exit(3)",
    "listener = socket.socket()\ntry: listen()\nexcept OSError: signal.pause()",
])  # fmt: skip
def test_a_server_that_hides_that_its_port_is_in_time_wait_is_told_the_remedy(
    start: Starter, text: str
) -> None:
    with start(command(ECHO)) as running:
        assert echo(running.port) == b"30"
    if time_wait_is_full():
        leave_out("the kernel keeps no more connections in TIME_WAIT (tcp_max_tw_buckets)")
    told = failure(start, command(text, port=running.port, ready_fd=False), timeout_s=0.5)
    assert "TIME_WAIT" in told.hint
    assert "SO_REUSEADDR" in told.hint


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("listen(); tell(b'ready\\n'); serve()", "wrote 'ready\\n' to --ready-fd, not its port"),
        ("listen(); tell(b'x' * 100); serve()", "not its port"),
        ("listen(); tell(b'1\\n'); serve()", "says that it listens on port 1"),
        ("tell(); signal.pause()", "said that it is ready but does not listen"),
        ("listen(); tell(b''); serve()", "did not get ready"),
    ],
)
def test_a_server_that_misuses_its_ready_fd_is_told_how(
    start: Starter, text: str, message: str
) -> None:
    told = failure(start, command(text), timeout_s=0.5)
    assert told.kind == "never-ready"
    assert message in told.message


def test_another_program_on_the_port_is_not_taken_for_the_server(start: Starter) -> None:
    # Between the check and its being ready the server lets the other one take the port.
    port = free_port(HOST)
    text = "socket.create_connection((host, {})).recv(1); tell(); signal.pause()"
    with closing(socket.create_server((HOST, 0))) as door:
        what = command(text.format(door.getsockname()[1]), port=port)
        take = (
            f"c, _ = socket.socket(fileno={door.fileno()}).accept()\n"
            "listen(); c.close(); signal.pause()"
        )
        argv = [*python(take), str(port)]
        with ending(subprocess.Popen(argv, pass_fds=[door.fileno()])) as taker:
            error = failure(start, what)
    assert error.kind == "address-in-use"
    assert f"(pid {taker.pid})" in error.message


def test_a_server_that_lacks_something_says_what(start: Starter) -> None:
    told = failure(start, command("print('io_uring is off', file=sys.stderr); sys.exit(77)"))
    assert told.kind == "lacking"
    assert told.message.endswith(": io_uring is off")


def made(path: Path, content: bytes, mode: int = 0o755) -> Path:
    path.write_bytes(content)
    path.chmod(mode)
    return path


def test_programs_that_cannot_be_executed_are_told_apart(start: Starter, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "dangling").symlink_to("nowhere")
    program = Path("/bin/true").read_bytes()
    foreign = program[:18] + (b"\xb7\0" if platform.machine() != "aarch64" else b"\x3e\0")
    loader = next(iter(re.findall(rb"/lib[^\0]*/ld-[^\0]+\.so[.0-9]*", program)))
    contents = {
        "script": b"#!/no/such/interpreter\n",
        "returned": b"#!/usr/bin/python3\r\nprint()\r\n",
        "data": b"data\n",
        "empty": b"",
        "marked": b"\xef\xbb\xbf#!/bin/sh\n",
        "foreign": foreign + program[20:],
        "loaderless": program.replace(loader, b"/lib/no-" + loader[8:]),
        "cut": program[:17],
        "windows": b"MZ\x90\0",
        "by-folder": b"#!/etc\n",
    }
    for name, content in contents.items():
        made(tmp_path / name, content)
    made(tmp_path / "plain", b"#!/bin/sh\n", 0o644)
    crlf = "'./returned' ends with a carriage return (CRLF"
    for argv, cwd, kind, message, hint in [
        (["no-such-program"], None, "not-found", "no program 'no-such-program' on the PATH", ""),
        (["./absent"], tmp_path, "not-found", f"no program './absent' in {tmp_path}", ""),
        (["./script"], tmp_path, "not-found", "interpreter of './script' does not", "install"),
        (["./returned"], tmp_path, "not-found", crlf, "sed -i"),
        (["./dangling"], tmp_path, "not-found", "a symbolic link to 'nowhere'", "mend the link"),
        (["./loaderless"], tmp_path, "not-found", "loader '/lib/no-", "build it on this machine"),
        (["./plain"], tmp_path, "no-permission", "'./plain' may not be executed", "chmod +x"),
        (["./folder"], tmp_path, "no-permission", "'./folder' is a folder", "name the program"),
        (["./by-folder"], tmp_path, "no-permission", "interpreter of './by-folder' may not", ""),
        (["./data"], tmp_path, "no-permission", "'./data' is not a program", "#!/usr/bin/env"),
        (["./empty"], tmp_path, "no-permission", "'./empty' is empty", ""),
        (["./marked"], tmp_path, "no-permission", "begins with a byte order mark", "without one"),
        (["./foreign"], tmp_path, "no-permission", "'./foreign' is a program for ", "build it"),
        (["./cut"], tmp_path, "no-permission", "'./cut' is cut off", "build it again"),
        (["./windows"], tmp_path, "no-permission", "another system (Windows)", "build it"),
        (["true"], tmp_path / "absent", "not-found", "there is no folder", ""),
    ]:
        told = failure(start, ServerCommand(argv=argv, port=free_port(HOST), cwd=cwd))
        assert (told.kind, message in told.message, hint in told.hint) == (kind, True, True), (
            f"{argv}: {told.message}; {told.hint}"
        )


def test_a_program_on_the_path_that_cannot_be_executed_is_told_apart(
    start: Starter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made(tmp_path / "a-server", b"#!/usr/bin/python3\r\n")
    monkeypatch.setenv("PATH", f"/no/such/folder:{tmp_path}:{os.environ['PATH']}")
    told = failure(start, ServerCommand(argv=["a-server"], port=free_port(HOST)))
    assert "carriage return" in told.message
    assert str(tmp_path / "a-server") in told.hint


@pytest.mark.parametrize(
    ("first_line", "message"),
    [
        (b"#!/usr/bin/env python3\r", "the first line of './server' ends with a carriage return"),
        (b"#!/usr/bin/env -S python3 -u\r", "the server ended with status 1 before"),
        (f"#!{sys.executable} -u\r".encode(), "ends with a carriage return"),
        (b"#!/usr/bin/env no-such-python", "interpreter 'no-such-python' of './server' is not on"),
    ],
)
def test_a_script_whose_first_line_makes_it_end_is_told_apart(
    start: Starter, tmp_path: Path, first_line: bytes, message: str
) -> None:
    made(tmp_path / "server", first_line + b"\nimport sys\r\nsys.exit(1)\r\n")
    told = failure(start, ServerCommand(["./server"], free_port(HOST), cwd=tmp_path))
    assert message in told.message


def test_a_script_with_crlf_handed_to_a_shell_is_told(start: Starter, tmp_path: Path) -> None:
    made(tmp_path / "start.sh", b"#!/bin/sh\r\nexec nothing\r\n", 0o644)
    told = failure(start, ServerCommand(["sh", "start.sh"], free_port(HOST), cwd=tmp_path))
    assert "'start.sh' ends with a carriage return" in told.message


@settings(max_examples=200)
@given(
    content=st.binary(max_size=200) | st.binary(max_size=200).map(lambda data: b"\x7fELF" + data)
    | st.binary(max_size=50).map(lambda data: b"#!" + data),
    number=st.sampled_from([errno.ENOENT, errno.EACCES, errno.ENOEXEC, errno.ETXTBSY, errno.E2BIG]),
    mode=st.sampled_from([0o755, 0o644]),
)  # fmt: skip
def test_whatever_a_file_holds_it_can_be_told_why_it_is_not_executed(
    tmp_path_factory: pytest.TempPathFactory, content: bytes, number: int, mode: int
) -> None:
    folder = tmp_path_factory.mktemp("any")
    made(folder / "any", content, mode)
    told = not_executed(["./any"], (number, os.strerror(number)), folder)
    assert told.message.isprintable()
    assert told.hint.isprintable()
    assert len(told.hint) > 5
    assert script_fault(["./any"], 127, "", folder) is None or content.startswith(b"#!")


def test_a_missing_supervise_names_the_remedy(tmp_path: Path) -> None:
    start = Starter(tmp_path / "supervise", tmp_path)
    told = failure(start, command(ECHO))
    assert told.kind == "not-found"
    assert "invoke build" in told.hint


def test_a_strange_address_is_told() -> None:
    with pytest.raises(StartError) as caught:
        check_port_free("192.0.2.1", 2999)
    assert caught.value.kind == "bad-address"


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

        def refused(family: int) -> list[listening.Listener]:
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
