# SPDX-License-Identifier: BSD-3-Clause
"""`serve NAME FILE`: a server of one's own in the foreground, with what a trial would give it."""

import json
import os
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.processes import ending
from tests.runner.desk import CHECKOUT, INVOKE, Desk
from tests.runner.small_servers import HOST, LISTEN, echo

from fibench.machine import free_port

TELLS = (
    "import json\n"
    + LISTEN
    + """
heard = []
def told():
    own = {k: v for k, v in os.environ.items() if k.startswith("OWN_")}
    here = {n: open(os.path.join(sys.argv[2], n)).read() for n in os.listdir(sys.argv[2])}
    return {"own": own, "files": here, "argv": sys.argv[1:], "at": os.getcwd()}
print(json.dumps(told()), flush=True)
def on(number, frame):
    print("heard", number, flush=True)
    if number == signal.SIGQUIT: os._exit(5)
for one in (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT, signal.SIGHUP): signal.signal(one, on)
listen(); serve()
"""
)
FILE = """
title = "t"
[backends.mine]
command = ["python3", "server.py", "{port}", "{dir}", "{size}"]
env = { OWN_WORKERS = "{workers}" }
stop = { signal = "SIGQUIT", grace = "60s" }
start_timeout = "60s"
[backends.mine.files]
"a.conf" = "{size} {unknown}"
[requests.one]
send = "x"
expect = "same"
[matrix]
backend = "mine"
request = "one"
size = [64, 16]
[server]
workers = 3
"""


def written(desk: Desk, text: str = FILE, server: str = TELLS) -> Path:
    (desk.folder / "server.py").write_text(server)
    return desk.write(text)


@contextmanager
def serving(desk: Desk, *words: str | Path) -> "Iterator[subprocess.Popen[str]]":
    """The command, once it has said that the server is ready; `said` are the lines before."""
    with ending(
        subprocess.Popen(
            [*INVOKE, "serve", *map(str, words)],
            cwd=CHECKOUT,
            env={**desk.environment(), "PYTHONUNBUFFERED": "1", "TMPDIR": str(desk.folder)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
    ) as process:
        assert process.stderr is not None
        lines = []
        for line in process.stderr:
            lines.append(line)
            if " is ready on " in line:
                break
        else:
            pytest.fail("".join(lines))
        yield process


def told_by(process: "subprocess.Popen[str]") -> dict[str, Any]:
    assert process.stdout is not None
    found: dict[str, Any] = json.loads(process.stdout.readline())
    return found


def left_in(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir() if path.name.startswith("fibench-")]


@pytest.mark.parametrize("before", [True, False])
def test_it_is_started_as_in_its_first_cell(desk: Desk, before: bool) -> None:
    port = free_port(HOST)
    options = ["--port", str(port)]
    own = ["mine", str(written(desk))]
    words = [*options, *own] if before else [*own, *options]
    with serving(desk, *words) as process:
        found = told_by(process)
        assert echo(port) == b"30"
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    folder = found["argv"][1]
    assert found == {
        "own": {"OWN_WORKERS": "3"},
        "files": {"a.conf": "64 {unknown}"},
        "argv": [str(port), folder, "64"],
        "at": str(desk.folder),
    }
    assert process.returncode == 0, err
    assert out == f"heard {signal.SIGQUIT.value}\n"  # and nothing before it
    assert not Path(folder).exists()
    assert left_in(desk.folder) == []


def test_options_stand_in_the_place_of_keys(desk: Desk) -> None:
    port = free_port(HOST)
    path = written(desk)
    with serving(desk, "mine", "--file", path, "--port", str(port), "--workers", "7") as process:
        assert told_by(process)["own"] == {"OWN_WORKERS": "7"}
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)
    assert process.returncode == 128 + signal.SIGTERM
    assert left_in(desk.folder) == []


def test_one_that_does_not_end_is_killed_and_it_is_said(desk: Desk) -> None:
    path = written(desk, FILE.replace('"60s" }', '"10ms" }'), TELLS.replace("os._exit(5)", "pass"))
    with serving(desk, "mine", path, "--port", str(free_port(HOST))) as process:
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
    assert process.returncode == 0
    assert err == "it did not end at SIGQUIT for 0.01 s, and was killed\n"


@pytest.mark.parametrize(
    ("end", "status", "said"),
    [
        ("os._exit(0)", 0, "the server ended with status 0\n"),
        ("os._exit(9)", 9, "the server ended with status 9\n"),
        ("os.kill(os.getpid(), signal.SIGKILL)", 137, "the server was killed by SIGKILL\n"),
    ],
)
def test_one_that_ends_by_itself_ends_the_command(
    desk: Desk, end: str, status: int, said: str
) -> None:
    port = free_port(HOST)
    server = TELLS.replace("serve()\n", f"listener.accept(); listener.accept(); {end}\n")
    with (
        serving(desk, "mine", written(desk, server=server), "--port", str(port)) as process,
        socket.create_connection((HOST, port), 60),
    ):
        _, err = process.communicate(timeout=60)
    assert process.returncode == status
    assert err == said
    assert left_in(desk.folder) == []


FAULTS = {
    "no such server": (
        ["mime"],
        FILE,
        2,
        "there is no [backends.mime] in ",
        'did you mean "mine"?',
    ),
    "not in a cell": (
        ["idle"],
        FILE.replace("[requests", '[backends.idle]\ncommand = ["x", "{port}"]\n[requests'),
        1,
        'has backend = "idle"',
        "name it in [[matrix]]",
    ),
    "no port": (["mine", "--port", "0"], FILE, 2, "--port 0: not a port", "1 to 65535"),
    "another port": (
        ["mine", "--port", "4000"],
        FILE.replace("start_timeout", "port = 25000\nstart_timeout"),
        2,
        "--port 4000: mine listens on 25000, and cannot be told another",
        "leave the option out",
    ),
    "verbose": (
        ["mine", "--verbose"],
        FILE,
        2,
        "--verbose is for the servers of fibench",
        "its file",
    ),
    "interpreter": (
        ["mine", "--interpreter", "3.11"],
        FILE,
        2,
        "--interpreter is for the servers of fibench",
        "its file",
    ),
    "not installed": (
        ["mine"],
        FILE.replace('"python3"', '"no-such-python"'),
        1,
        'mine cannot run here: there is no program "no-such-python" on the PATH',
        "install it",
    ),
    "build": (
        ["mine"],
        FILE.replace("start_timeout", "build = ['false']\nstart_timeout"),
        1,
        "the build of mine ended with status 1: false",
        "mend it",
    ),
    "not a file": (["mine"], "title = 3", 2, "title must be text", ""),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_what_cannot_be_served_is_said_in_words(desk: Desk, fault: str) -> None:
    (name, *options), text, status, what, hint = FAULTS[fault]
    done = desk.invoke("serve", name, written(desk, text), *options)
    assert done.returncode == status, done.stderr
    assert what in done.stderr
    assert hint in done.stderr
    assert "Traceback" not in done.stderr


def test_one_that_does_not_start_says_why_after_its_own_words(desk: Desk) -> None:
    path = written(desk, server="import sys; sys.exit('no, not me')")
    done = desk.invoke("serve", "mine", path, "--port", str(free_port(HOST)))
    assert done.returncode == 1
    own, what, hint = done.stderr.splitlines()[-3:]
    assert own == "no, not me"
    assert what == "the server ended with status 1 before it was ready"
    assert hint


def test_who_names_no_backend_is_told_how_one_of_a_file_is_served(desk: Desk) -> None:
    done = desk.invoke("serve", "zzz")
    assert done.returncode == 2
    assert "one of your own: `serve NAME FILE.toml`" in done.stderr
    assert "one of your own" not in desk.invoke("serve", "py-mtt").stderr


def test_a_port_that_is_taken_is_said(desk: Desk) -> None:
    with socket.create_server((HOST, 0)) as taken:
        port = taken.getsockname()[1]
        done = desk.invoke("serve", "mine", written(desk), "--port", str(port))
    assert done.returncode == 1
    assert f"port {port} on {HOST} is in use by " in done.stderr
    assert f"(pid {os.getpid()})" in done.stderr
    assert done.stderr.splitlines()[-1] == "end what uses it, or name another --port"


def test_a_third_word_is_none_of_its_own(desk: Desk) -> None:
    done = desk.invoke("serve", "mine", written(desk), "again")
    assert done.returncode == 1
    assert "there is no command again" in done.stderr
