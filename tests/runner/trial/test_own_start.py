# SPDX-License-Identifier: BSD-3-Clause
"""A server of one's own has in its trial what its file says: files, variables, port, readiness,
end; and what is left of its folder is little."""

import json
import os
import socket
import stat
from pathlib import Path
from typing import Any

import pytest
from tests.runner.small_servers import doubled, python
from tests.runner.trials import PROTOCOL, run, run_well, trial

from fibench.backends.own_start import KEPT_FILES, LARGEST_KEPT_BYTES, keep_little, remove_folder
from fibench.machine import free_port
from fibench.requests import filler
from fibench.requests.template import Sized

RIGHT = "def answer(connection, k): connection.sendall(b'1\\n')\n"
WRONG = "def answer(connection, k): connection.sendall(b'2\\n')\n"
TELLS = """
import json
own = {k: v for k, v in os.environ.items() if k.startswith("OWN_")}
seen = {}
for place, _, names in os.walk(sys.argv[2]):
    for name in names:
        with open(os.path.join(place, name), "rb") as stream:
            seen[os.path.relpath(stream.name, sys.argv[2])] = stream.read().decode()
told = {"own": own, "seen": seen, "folder": sys.argv[2], "at": os.getcwd(), "port": port}
print(json.dumps(told), flush=True)
"""
"""Says in server.err what it was given; its second argument is {dir}."""


def words(text: str) -> tuple[str, ...]:
    """A command that hands its folder to a small server."""
    return (*(doubled(word) for word in python(PROTOCOL + text)), "{port}", "{dir}")


def told(folder: Path) -> dict[str, Any]:
    """What a server said that it was given."""
    line = (folder / "server.err").read_text().splitlines()[0]
    found: dict[str, Any] = json.loads(line)
    return found


FILES = (
    ("server.err", "a file of that name: {port}"),
    ("conf/d/a.conf", "listen {host}:{port}; { workers {workers}; {unknown} }"),
    ("zeros", Sized(70_000)),
)


def test_it_has_its_files_and_its_variables(programs: Path, tmp_path: Path) -> None:
    record = run_well(
        trial("own", workers=3),
        programs,
        tmp_path,
        "",
        command=words(TELLS + RIGHT + "serve_threads()"),
        files=FILES,
        env=(("OWN_PORT", "{port}"), ("OWN_DIR", "{dir}/x"), ("OWN_BRACE", "{{}}")),
    )
    found, port = told(tmp_path), record["port"]
    folder = str(tmp_path / "server")
    assert found["folder"] == folder
    assert found["at"] == str(tmp_path)
    assert found["own"] == {
        "OWN_PORT": str(port),
        "OWN_DIR": f"{folder}/x",
        "OWN_BRACE": "{}",
    }
    assert found["seen"] == {
        "server.err": f"a file of that name: {port}",
        "conf/d/a.conf": f"listen 127.0.0.1:{port}; {{ workers 3; {{unknown}} }}",
        "zeros": filler(70_000).decode(),
    }
    assert not (tmp_path / "server").exists()  # the trial was measured


def test_what_is_read_of_its_folder_is_kept_where_it_failed(programs: Path, tmp_path: Path) -> None:
    record = run(
        trial("own"),
        programs,
        tmp_path,
        "",
        command=words(TELLS + WRONG + "serve_threads()"),
        files=FILES,
    )
    assert record["failure"] in ("wrong-reply", "invalid")
    kept = {str(path.relative_to(tmp_path / "server")) for path in files_of(tmp_path / "server")}
    assert kept == {"server.err", "conf/d/a.conf"}


def files_of(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


MESS = """
import socket as sockets
os.chdir(sys.argv[2])
os.mkdir("deep"); os.mkdir("deep/er"); os.mkdir("empty")
open("deep/er/log", "w").write("read me")
os.symlink("/etc/passwd", "link"); os.symlink("/etc", "folder"); os.symlink("nowhere", "lost")
os.mkfifo("fifo")
unix = sockets.socket(sockets.AF_UNIX); unix.bind("socket")
open("data", "wb").write(b"x" * (1 << 20))
os.chmod("deep/er", 0); os.chmod("deep", 0); os.chmod(".", 0o500)
"""


@pytest.mark.parametrize("answer", [RIGHT, WRONG])
def test_whatever_it_makes_of_its_folder_the_trial_is_kept(
    programs: Path, tmp_path: Path, answer: str
) -> None:
    record = run(
        trial("own"),
        programs,
        tmp_path,
        "",
        command=words(MESS + answer + "serve_threads()"),
        files=(("a", "b"),),
    )
    folder = tmp_path / "server"
    if record["valid"]:
        assert answer is RIGHT
        assert not folder.exists()
    else:
        assert answer is WRONG, record["reason"]
        assert {str(path.relative_to(folder)) for path in files_of(folder)} == {"a", "deep/er/log"}
        assert {path.name for path in folder.rglob("*") if path.is_dir()} == {"deep", "er"}
    assert Path("/etc/passwd").stat().st_size > 0


def test_of_many_files_some_are_kept(tmp_path: Path) -> None:
    folder = tmp_path / "server"
    folder.mkdir()
    for number in range(KEPT_FILES + 50):
        (folder / f"{number:04d}").write_text("x")
    (folder / "large").write_bytes(b"x" * (LARGEST_KEPT_BYTES + 1))
    keep_little(folder)
    assert len(list(folder.iterdir())) == KEPT_FILES


@pytest.mark.needs("a plain user")
def test_who_may_not_change_its_own_folder_has_it_removed_all_the_same(tmp_path: Path) -> None:
    folder = tmp_path / "server"
    (folder / "deep").mkdir(parents=True)
    (folder / "deep" / "a").write_text("x")
    for path in (folder / "deep", folder):
        path.chmod(0)
    remove_folder(folder)
    assert not folder.exists()


@pytest.mark.needs("root")
def test_the_folder_of_a_server_of_root_is_open_to_its_workers(
    programs: Path, tmp_path: Path
) -> None:
    text = "print(oct(os.stat(sys.argv[2]).st_mode), flush=True)\n" + RIGHT + "serve_threads()"
    before = os.umask(0o077)
    try:
        run_well(trial("own"), programs, tmp_path, "", command=words(text))
    finally:
        os.umask(before)
    mode = int((tmp_path / "server.err").read_text().splitlines()[0], 8)
    assert stat.S_IMODE(mode) == 0o755


def test_it_has_the_only_port_that_it_can_have(programs: Path, tmp_path: Path) -> None:
    port = free_port("127.0.0.1")
    text = RIGHT + "serve_threads()"
    record = run_well(trial("own"), programs, tmp_path, text, port=port)
    assert record["port"] == port


def test_who_has_that_port_is_named_and_no_other_is_proposed(
    programs: Path, tmp_path: Path
) -> None:

    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        record = run(trial("own"), programs, tmp_path, RIGHT + "serve_threads()", port=port)
    assert record["failure"] == "address-in-use"
    assert f"port {port} on 127.0.0.1 is in use by " in record["reason"]
    assert record["hint"] == (
        "end what uses it: the server cannot be told another (port in [backends.own])"
    )


READY = """
answered = []
def converse(connection):
    for line in connection.makefile("rb"):
        if line.startswith(b"GET "):
            answered.append(line)
            status = 200 if len(answered) > 2 else 503
            connection.sendall(b"HTTP/1.1 %d Whatever\\r\\n\\r\\n" % status)
            connection.shutdown(socket.SHUT_WR)
            continue
        if b":" in line or not line.strip():
            continue
        if len(answered) < 3:
            os._exit(9)
        connection.sendall(b"%d\\n" % fibonacci(int(line)))
serve_threads()
"""


def test_it_is_loaded_when_it_answers_the_path(programs: Path, tmp_path: Path) -> None:
    record = run_well(trial("own"), programs, tmp_path, READY, ready_fd=False, ready_get="/health")
    assert record["server"]["status"] is None


@pytest.mark.parametrize("name", ["SIGQUIT", "SIGINT", "SIGWINCH"])
def test_it_is_asked_to_end_as_its_file_says(programs: Path, tmp_path: Path, name: str) -> None:
    text = f"signal.signal(signal.{name}, lambda number, frame: os._exit(44))\n"
    record = run_well(
        trial("own"), programs, tmp_path, text + RIGHT + "serve_threads()", stop_signal=name
    )
    assert record["server"]["status"] == 44
    assert not record["server"]["forced"]


@pytest.mark.needs("strace")
def test_under_strace_it_is_the_same_server(programs: Path, tmp_path: Path) -> None:
    text = "signal.signal(signal.SIGQUIT, lambda number, frame: sys.exit(0))\n" + TELLS
    record = run_well(
        trial("own", "syscalls"),
        programs,
        tmp_path,
        "",
        command=words(text + RIGHT + "serve_threads()"),
        files=(("a", "{port}"),),
        env=(("OWN_A", "b"),),
        stop_signal="SIGQUIT",
    )
    assert record["metrics"]["syscalls_per_request"] > 0
    found = told(tmp_path)
    assert found["seen"] == {"a": str(found["port"])}
    assert found["own"] == {"OWN_A": "b"}


def test_a_name_without_a_value_fails_the_trial_in_words(programs: Path, tmp_path: Path) -> None:
    record = run(
        trial("own"), programs, tmp_path, RIGHT + "serve_threads()", env=(("OWN", "{size}"),)
    )
    assert record["failure"] == "not-told"
    assert "own cannot be told what it needs: has {size}, which has no value" in record["reason"]


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ({"env": (("OWN", "{framing}\0"),)}, "contains a NUL character"),
        ({"files": (("a", Sized("{framing}")),)}, '"line" is no number of bytes for file "a"'),
        ({"files": (("a", Sized("9{n}")), ("b", Sized("-1")))}, "would have -1 bytes"),
        ({"files": (("a", Sized(2**40)),)}, "would have 1099511627776 bytes; 0 to 1048576 are"),
        (
            {"env": tuple((f"OWN_{number}", "x" * 65_000) for number in range(60))},
            "its command and its variables are longer than the kernel takes",
        ),
    ],
)
def test_what_cannot_be_told_fails_the_trial_in_words(
    programs: Path, tmp_path: Path, told: dict[str, Any], said: str
) -> None:
    record = run(trial("own", n=5), programs, tmp_path, RIGHT + "serve_threads()", **told)
    assert record["failure"] == "not-told"
    assert said in record["reason"]
