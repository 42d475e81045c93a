# SPDX-License-Identifier: BSD-3-Clause
"""`run` with servers of one's own: built before, on ports that are free, given up where they do not
start; and what is said where nothing can be run."""

import json
import os
import signal
import socket
import subprocess
from pathlib import Path

import pytest
from tests.processes import ending, wait_until
from tests.runner.desk import CHECKOUT, INVOKE, Desk
from tests.runner.small_servers import LISTEN
from tests.runner.trials import PROTOCOL

SERVER = (
    LISTEN + PROTOCOL + "def answer(connection, k): connection.sendall(b'1\\n')\nserve_threads()\n"
)
FILE = """
title = "t"
[backends.mine]
command = ["python3", "server.py", "{{port}}"]
framing = "line"
start_timeout = "60s"
{mine}
[backends.other]
command = ["python3", "server.py", "{{port}}"]
framing = "line"
start_timeout = "60s"
{other}
[matrix]
backend = [{cells}]
[server]
framing = "line"
[load]
duration = "0.1s"
warmup = "50ms"
[plan]
timelines = false
blocks = {blocks}
"""
DIES = "open('starts', 'a').write('x'); import sys; sys.exit('no, not me')"


def file(mine: str = "", other: str = "", blocks: int = 1, cells: str = '"mine", "other"') -> str:
    return FILE.format(mine=mine, other=other, blocks=blocks, cells=cells)


# Built before


def test_servers_are_built_before_the_run_and_the_same_once(desk: Desk) -> None:
    (desk.folder / "source.py").write_text(SERVER)
    build = "build = ['cp', '-v', 'source.py', 'server.py']"
    done = desk.run(desk.write(file(build, build)))
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr.count("building mine: cp -v source.py server.py\n") == 1
    assert "building other" not in done.stderr
    assert "source.py' -> 'server.py" not in done.stdout + done.stderr  # it went well
    assert all(record["valid"] for record in desk.records())


@pytest.mark.parametrize(
    ("build", "said", "what"),
    [
        (
            "['python3', '-c', 'print(123); raise SystemExit(\"no such header\")']",
            "123\nno such header\n",
            "the build of mine ended with status 1: python3 -c ",
        ),
        ("['./no-such']", "", "the build of mine failed: there is no program "),
        (
            "['python3', '-c', 'import os; os.kill(os.getpid(), 9)']",
            "",
            "the build of mine was killed by SIGKILL: python3 -c ",
        ),
    ],
)
def test_a_build_that_fails_ends_the_run_with_its_words(
    desk: Desk, build: str, said: str, what: str
) -> None:
    (desk.folder / "server.py").write_text(SERVER)
    done = desk.invoke("run", desk.write(file(f"build = {build}")))
    assert done.returncode == 1
    *before, last, hint = done.stderr.splitlines()
    assert set(said.splitlines()) <= set(before)  # of two pipes: in whichever order they are read
    assert last.startswith(what)
    assert hint
    assert not desk.results.exists() or not list(desk.results.glob("*/*"))


def test_an_interrupt_ends_a_build_and_the_run(desk: Desk) -> None:
    building = desk.folder / "building"
    text = (
        "import os, signal; pid = os.fork(); "
        f"pid and open({str(building)!r}, 'w').write(str(pid)); signal.pause()"
    )
    build = f"build = {json.dumps(['python3', '-c', text])}"
    command = [*INVOKE, "run", str(desk.write(file(build)))]
    with ending(
        subprocess.Popen(
            command, cwd=CHECKOUT, env=desk.environment(), stderr=subprocess.PIPE, text=True
        )
    ) as process:
        wait_until(lambda: building.exists() and building.read_text() != "", "it is being built")
        child = int(building.read_text())
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert said.endswith("interrupted\n")
    wait_until(lambda: not Path(f"/proc/{child}").exists(), "what it had started has ended")


def test_what_is_to_build_and_is_not_installed_is_not_here(desk: Desk) -> None:
    (desk.folder / "server.py").write_text(SERVER)
    done = desk.run(desk.write(file("build = ['no-such-compiler', '-o', 'x']")))
    assert done.returncode == 0, done.stdout + done.stderr
    what = 'mine: there is no program "no-such-compiler" on the PATH, which is to build it'
    assert f"1 cell left out: {what}: install it" in done.stderr


# Its only port


@pytest.fixture
def taken() -> "socket.socket":
    return socket.create_server(("127.0.0.1", 0))


def test_a_port_that_somebody_has_ends_the_run_before_it_begins(
    desk: Desk, taken: socket.socket
) -> None:
    (desk.folder / "server.py").write_text(SERVER)
    with taken:
        port = taken.getsockname()[1]
        path = desk.write(file(f"port = {port}\nbuild = ['touch', 'built']"))
        done = desk.invoke("run", path)
        planned = json.loads(desk.invoke("plan", path, "--json").stdout)
    assert done.returncode == 1
    *_, what, hint = done.stderr.splitlines()
    assert what.startswith(f"mine: port {port} on 127.0.0.1 is in use by ")
    assert f"(pid {os.getpid()})" in what
    assert hint == "end what uses it: the server cannot be told another (port in [backends.mine])"
    assert not (desk.folder / "built").exists()
    assert not desk.results.exists() or not list(desk.results.glob("*/*"))
    assert f"{what}: {hint}" in planned["warnings"]


def test_a_port_of_a_server_that_is_not_measured_may_be_taken(
    desk: Desk, taken: socket.socket
) -> None:
    (desk.folder / "server.py").write_text(SERVER)
    with taken:
        text = file(f"port = {taken.getsockname()[1]}", cells='"other"')
        done = desk.run(desk.write(text))
    assert done.returncode == 0, done.stdout + done.stderr


# Given up


@pytest.mark.parametrize("cells", ['"other", "mine"', '"mine", "other"'])
def test_one_that_never_starts_is_started_in_the_first_block_alone(desk: Desk, cells: str) -> None:
    (desk.folder / "server.py").write_text(SERVER)
    path = desk.write(file("", "", blocks=3, cells=cells))
    path.write_text(
        path.read_text().replace('"python3", "server.py"', f'"python3", "-c", "{DIES}"', 1)
    )
    done = desk.run(path)
    assert done.returncode == 5, done.stdout + done.stderr
    line = "not started again, since its server did not start in block 1: mine"
    assert done.stderr.splitlines().count(line) == 1
    has_twin = cells.startswith('"mine"')
    assert (desk.folder / "starts").read_text() == "x" * (1 + has_twin)
    blocks = [one["block"] for one in desk.measured() if one["label"].startswith("other")]
    assert blocks == [0, 1, 2]
    assert "a trial that failed is a result, and stays one" in done.stdout
    shown = desk.invoke("report", desk.run_folder())
    assert "missing" not in shown.stdout
    assert "mine: its only trial failed, and does not count" in " ".join(shown.stdout.split())


def test_where_none_starts_the_run_ends_after_the_first_block(desk: Desk) -> None:
    path = desk.write(file("", "", blocks=3, cells='"mine"'))
    path.write_text(
        path.read_text().replace('"python3", "server.py"', f'"python3", "-c", "{DIES}"')
    )
    done = desk.run(path)
    assert done.returncode == 5, done.stdout + done.stderr
    assert (desk.folder / "starts").read_text() == "xx"
    assert not [one for one in desk.records() if one["block"] > 0]


def test_what_a_server_lacks_is_said_with_what_installs_it(desk: Desk) -> None:
    path = desk.write(file("", "", cells='"mine"'))
    lacks = "import a_module_of_nobody.deep"
    path.write_text(
        path.read_text().replace('"python3", "server.py"', f'"python3", "-c", "{lacks}"', 1)
    )
    said = " ".join(desk.run(path).stdout.split())
    assert "the Python that runs it has no module a_module_of_nobody: is that its name" in said
    assert "`pip install a_module_of_nobody`" in said


# Nothing here


@pytest.mark.parametrize(
    ("program", "brings"),
    [
        ("redis-server", "`apt install redis-server` brings it"),
        ("uvicorn", "`pip install uvicorn` brings it"),
        ("no-such-program", "install it"),
    ],
)
def test_a_run_of_nothing_says_so_with_what_installs_it(
    desk: Desk, program: str, brings: str
) -> None:
    text = file("", "", cells='"mine"').replace('"python3", "server.py"', f'"{program}"')
    python = os.path.dirname(os.path.realpath(INVOKE[0]))
    done = desk.run(desk.write(text), PATH=_without(program, python, desk.folder / "programs"))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "NOT HERE      None of the cells can be run here." in done.stdout
    reason = f'mine: there is no program "{program}" on the PATH: {brings}'
    assert reason in done.stderr
    assert reason in " ".join(done.stdout.split())


def _without(program: str, python: str, links: Path) -> str:
    """A PATH on which all programs are but one: that of `python`, and a folder of links."""
    links.mkdir()
    for folder in os.environ["PATH"].split(":"):
        for name in os.listdir(folder) if os.path.isdir(folder) else ():
            if name != program and not os.path.lexists(links / name):
                (links / name).symlink_to(os.path.join(os.path.abspath(folder), name))
    return f"{python}:{links}"
