# SPDX-License-Identifier: BSD-3-Clause
"""Why a server did not start is told apart, with what to do: its port, its silence, its words."""

import re
import socket
import subprocess
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from tests.here import leave_out
from tests.processes import ending
from tests.runner.small_servers import ECHO, HOST, Starter, command, echo, failure, python

from fibench.machine.ports import bind_once
from fibench.server.starting import StartError, check_port_free, free_port


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
        (
            r"sys.exit('no such module\n\n]\n')",
            "ended with status 1 before it was ready: no such module",
        ),
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


def test_a_missing_supervise_names_the_remedy(tmp_path: Path) -> None:
    start = Starter(tmp_path / "supervise", tmp_path)
    told = failure(start, command(ECHO))
    assert told.kind == "not-found"
    assert "invoke build" in told.hint


def test_a_strange_address_is_told() -> None:
    with pytest.raises(StartError) as caught:
        check_port_free("192.0.2.1", 2999)
    assert caught.value.kind == "bad-address"
