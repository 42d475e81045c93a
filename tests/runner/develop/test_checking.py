# SPDX-License-Identifier: BSD-3-Clause
"""`invoke check COMMAND`: the conformance suite for one server of one's own."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.here import CHECKOUT
from tests.runner.desk import Desk

from fibench.commands.refused import WRONG_INPUT, Refused
from fibench.develop import checking
from fibench.folders import find_places

SERVER = """\
import socketserver, sys

def fibonacci(n):
    found, following = 1, 1
    for _ in range(n):
        found, following = following, found + following
    return found

class Handler(socketserver.BaseRequestHandler):
    def handle(self):
        asked = self.request.recv(256)
        if asked:
            self.request.sendall(str(fibonacci(int(asked))).encode())

class Server(socketserver.ThreadingMixIn, socketserver.TCPServer):
    allow_reuse_address = True

Server(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""


def check(desk: Desk, folder: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    """As a person types it in a folder of their own."""
    return subprocess.run(
        [sys.executable, "-I", str(CHECKOUT / "tasks.py"), "check", *words],
        cwd=CHECKOUT, env={**desk.environment(), "FIBENCH_FROM": str(folder)},
        capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_a_server_is_held_to_the_suite_from_where_the_person_stands(
    desk: Desk, tmp_path: Path
) -> None:
    (tmp_path / "mine.py").write_text(SERVER)
    (tmp_path / "tests").mkdir()  # which is not taken for ours
    (tmp_path / "tests" / "__init__.py").write_text("raise SystemExit('not this one')\n")
    command = f"{sys.executable} mine.py {{port}}"
    done = check(desk, tmp_path, command, "--select", "34_is_the_largest or silent_clients")
    assert done.returncode == 1, done.stdout + done.stderr  # its n has no limit
    assert "out of range" in done.stdout
    assert 'b"35"' in done.stdout, "what was sent"
    assert "14930352" in done.stdout, "what came"
    assert "test_34_is_the_largest_number_served_unless_said[own]" in done.stdout
    assert "1 failed, 1 passed" in done.stdout
    assert "docs/demands.md" in done.stdout
    assert "c-mt" not in done.stdout


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("./my_servr {port}", "there is no program './my_servr' in "),
        ("no-such-program {port}", "there is no program 'no-such-program' on the PATH"),
        ("false {port}", "the server cannot be checked: "),
        ("./mine.py {port}", "'./mine.py'"),
    ],
)
def test_what_does_not_start_is_told_in_a_line_and_nothing_is_tested(
    tmp_path: Path,
    command: str,
    said: str,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "mine.py").write_text("not executable\n")
    monkeypatch.setenv("FIBENCH_FROM", str(tmp_path))
    with pytest.raises(Refused) as refused:
        checking.check(checking.asked(command, "", ""), find_places(), CHECKOUT, "")
    assert refused.value.status == 1
    assert said in str(refused.value)
    assert len(str(refused.value).splitlines()) <= 2
    assert capfd.readouterr().out == ""


def test_so_it_is_told_to_who_types_it(desk: Desk, tmp_path: Path) -> None:
    done = check(desk, tmp_path, "./my_servr {port}")
    assert (done.returncode, done.stdout) == (1, "")
    assert "there is no program './my_servr' in " in done.stderr
    assert len(done.stderr.splitlines()) <= 2


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("./mine", "", ""), "./mine lacks {port}: the server must be told its port"),
        (("./mine '{port}", "", ""), "the command has an open quote"),
        (("./mine {port}", "lines", ""), "--framing lines: no such framing"),
        (("./mine {port}", "", "0"), "--serves 0: not how many it serves at once"),
        (("./mine {port}", "", "some"), "--serves some: not how many it serves at once"),
    ],
)
def test_a_mistake_is_told_with_what_to_write(words: tuple[str, str, str], said: str) -> None:
    with pytest.raises(Refused) as refused:
        checking.asked(*words)
    assert str(refused.value).startswith(said)
    assert refused.value.status == WRONG_INPUT
    assert len(str(refused.value).splitlines()) == 2


def test_the_suite_is_told_what_was_asked() -> None:
    told = checking.asked("./mine --name 'a b' {options} {port}", "line", "workers").variables()
    assert json.loads(told["FIBENCH_COMMAND"]) == ["./mine", "--name", "a b", "{options}", "{port}"]
    assert (told["FIBENCH_FRAMING"], told["FIBENCH_SERVES"]) == ("line", "workers")
    assert told["FIBENCH_ONLY_OWN"] == "1"
    assert "FIBENCH_FRAMING" not in checking.asked("./mine {port}", "", "").variables()
    assert not told.keys() & os.environ.keys()
