# SPDX-License-Identifier: BSD-3-Clause
"""Runs on several Pythons, as a person types them: measured, left out, and gone on with."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.here import require
from tests.runner.desk import CHECKOUT, INVOKE, Desk, said_by
from tests.runner.pythons import PYENV, another, script
from tests.runner.small_servers import PATIENCE_S

TWO = """
title = "Two Pythons"
[matrix]
backend = "py-sync"
interpreter = ["{own}", "{other}"]
[load]
n = 5
duration = "0.1s"
warmup = "20ms"
[plan]
timelines = false
blocks = {blocks}
[[claim]]
says = "Both take memory"
id = "both"
ratio = [
  {{ backend = "py-sync", interpreter = "{own}" }},
  {{ backend = "py-sync", interpreter = "{other}" }},
]
metric = "memory"
within = [0.01, 100]
"""


def document(desk: Desk, name: str) -> dict[str, Any]:
    (folder,) = desk.results.glob("*/*")
    found: dict[str, Any] = json.loads((folder / name).read_bytes())
    return found


def test_a_server_is_measured_on_two_interpreters(desk: Desk) -> None:
    require("another Python")
    other = another()
    assert other is not None
    done = desk.run(desk.write(TWO.format(own=sys.executable, other=other, blocks=5)))

    assert done.returncode in (0, 4), done.stdout + done.stderr  # 4: starved, memory is not read
    assert f"{int(done.returncode == 0)} of 1 claim confirmed" in done.stdout
    assert [record["valid"] for record in desk.measured()] == [True] * 10
    assert {record["parameters"]["interpreter"] for record in desk.measured()} == {
        sys.executable, other,
    }  # fmt: skip
    kept = document(desk, "environment.json")["interpreters"]
    assert set(kept) == {sys.executable, other}
    assert kept[other]["version"].startswith(f"{other}.")
    assert Path(kept[other]["path"]).is_relative_to(PYENV)
    assert kept[sys.executable]["implementation"] == sys.implementation.name.replace("cp", "CP", 1)
    assert isinstance(kept[other]["gil"], bool)
    assert kept == document(desk, "plan.json")["identity"]["interpreters"]
    shown = desk.invoke("report", desk.run_folder()).stdout
    assert f"interpreter {other}: CPython {kept[other]['version']}" in " ".join(shown.split())


def test_an_interpreter_that_is_not_there_fails_no_trial(desk: Desk) -> None:
    path = desk.write(TWO.format(own=sys.executable, other="python3.99", blocks=3))
    why = "interpreter python3.99: it is not on the PATH, and pyenv has no such version"

    planned = desk.invoke("plan", path)
    assert planned.returncode == 0
    assert f"({why})" in " ".join(planned.stdout.split())
    done = desk.run(path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert said_by(done)[0] == f"1 cell left out: {why}"
    assert "0 of 1 claim confirmed, 0 testable here" in done.stdout
    assert len(desk.measured()) == 3
    (claim,) = document(desk, "claims.json")["claims"]
    assert (claim["outcome"], claim["reason"]) == ("NOT HERE", why)
    for words in (("report", desk.run_folder()), ("runs",)):
        assert "NOT HERE" in desk.invoke(*words).stdout


def test_a_run_of_which_nothing_can_run_has_verdicts_all_the_same(desk: Desk) -> None:
    text = TWO.format(own="3.98", other="3.99", blocks=3)
    done = desk.invoke("run", desk.write(text))

    assert done.returncode == 0, done.stdout + done.stderr
    assert "None of the cells can be run here" in done.stdout
    assert "None of the cells can be run here" in desk.invoke("report", desk.run_folder()).stdout
    assert "NOT HERE" in desk.invoke("runs").stdout
    for name in ("md", "csv", "json", "pyperf"):
        assert desk.invoke("report", desk.run_folder(), "--format", name).returncode == 0


OLD = f"""case "$*" in *server.py*) echo "server.py: too old" >&2; exit 77;; esac
exec "{sys.executable}" "$@\""""


def test_when_more_can_run_a_new_run_begins_and_says_so(desk: Desk) -> None:
    program = script(desk.folder / "bin" / "python", OLD)
    path = desk.write(TWO.format(own=sys.executable, other="./bin/python", blocks=2))
    first = desk.invoke("run", path)
    assert "py-sync on ./bin/python: too old" in first.stderr
    (run,) = desk.results.glob("*/*")
    (run / "claims.json").unlink()

    script(program)
    second = desk.invoke("run", path)
    assert f"not resuming small/{run.name}: what can be run here has changed since" in second.stderr
    assert "cell left out: " not in second.stderr
    assert len(list(desk.results.glob("*/*"))) == 2


def test_an_unfinished_run_is_gone_on_with_where_the_same_is_left_out(desk: Desk) -> None:
    path = desk.write(TWO.format(own=sys.executable, other="3.99", blocks=2))
    desk.invoke("run", path)
    folder = desk.run_folder()
    (folder / "claims.json").unlink()
    journal = folder / "trials.jsonl"
    journal.write_bytes(b"".join(journal.read_bytes().splitlines(keepends=True)[:-1]))

    again = desk.invoke("run", path)
    assert "resuming" in again.stdout
    assert desk.run_folder() == folder
    assert len(desk.planned()) == 1 + 2 * 2


def test_an_option_names_it_from_where_one_stands(desk: Desk) -> None:
    script(desk.folder / "here" / "python")
    path = desk.write(TWO.format(own="3.98", other="3.99", blocks=1))
    origin = {"FIBENCH_FROM": str(desk.folder)}
    done = desk.run(path, "--interpreter", "./here/python", **origin)

    assert done.returncode == 0, done.stdout + done.stderr
    (record,) = desk.measured()
    assert record["parameters"]["interpreter"] == f"{desk.folder}/here/python"
    assert desk.invoke("report", desk.run_folder()).returncode == 0


def serve(desk: Desk, *words: str) -> subprocess.CompletedProcess[str]:
    """`invoke serve` of what ends at once."""
    return subprocess.run(
        [*INVOKE, "serve", *words], cwd=CHECKOUT, env=desk.environment(), capture_output=True,
        text=True, timeout=PATIENCE_S * 3, check=False,
    )  # fmt: skip


def test_serve_starts_a_server_on_the_interpreter_that_is_named(desk: Desk) -> None:
    python = script(desk.folder / "python", 'echo "on $0: $*"')
    script(python, f'test "$1" = -c && exec "{sys.executable}" "$@"; echo "started: $*"')
    done = serve(desk, "py-mt", "--interpreter", str(python), "--port", "4000")

    assert done.returncode == 0, done.stderr
    assert re.search(r"^started: \S+/mt_server.py 4000$", done.stdout, re.MULTILINE)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("py-mt", "--interpreter", "3.99"), "--interpreter 3.99: pyenv has no such version"),
        (("c-mt", "--interpreter", "3.13"), "--interpreter 3.13: c-mt is not in Python"),
    ],
)
def test_serve_refuses_an_interpreter_that_it_cannot_use(
    desk: Desk, words: tuple[str, ...], said: str
) -> None:
    done = serve(desk, *words)

    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_the_shims_of_pyenv_are_not_taken_by_a_run(desk: Desk) -> None:
    """A shim on the PATH, and a .python-version beside the programs that would lead it astray."""
    shims = desk.folder / "pyenv" / "shims"
    script(shims / "python3.99", "exit 1")
    script(desk.folder / "pyenv" / "versions" / "3.99.1" / "bin" / "python")
    path = desk.write(TWO.format(own=sys.executable, other="python3.99", blocks=1))
    found = {"PYENV_ROOT": str(desk.folder / "pyenv"), "PATH": f"{shims}:{os.environ['PATH']}"}
    plan = json.loads(desk.invoke("plan", path, "--json", **found).stdout)

    assert plan["interpreters"]["python3.99"]["path"].endswith("/versions/3.99.1/bin/python")
    assert plan["left_out"] == []


OWN = """
title = "On the Python of the shell"
[backends.mine]
command = ["python3", "server.py", "{port}"]
framing = "line"
[matrix]
backend = ["mine"]
[load]
n = 5
duration = "0.1s"
warmup = "20ms"
[plan]
timelines = false
blocks = 1
"""
SERVER = """
import socketserver, sys
class Eight(socketserver.StreamRequestHandler):
    def handle(self):
        for _ in self.rfile: self.wfile.write(b"8\\n")
print(sys.executable, file=sys.stderr, flush=True)
socketserver.TCPServer(("127.0.0.1", int(sys.argv[1])), Eight).serve_forever()
"""


def test_the_python_of_the_shell_serves_what_is_called_python3_and_is_told(desk: Desk) -> None:
    venv = desk.folder / "student"
    (venv / "bin").mkdir(parents=True)
    (venv / "bin" / "python3").symlink_to(sys.executable)
    base = Path(sys.executable).resolve().parent
    (venv / "pyvenv.cfg").write_text(f"home = {base}\n")
    (desk.folder / "server.py").write_text(SERVER)
    path, shell = desk.write(OWN), {"PATH": f"{venv / 'bin'}:{os.environ['PATH']}"}
    words = f"python3 of mine: CPython {'.'.join(map(str, sys.version_info[:3]))}"

    assert words in " ".join(desk.invoke("plan", path, **shell).stdout.split())
    done = desk.run(path, **shell)
    assert done.returncode == 0, done.stdout + done.stderr
    (record,) = desk.measured()
    written = desk.run_folder() / "trials" / f"{record['index']:03d}" / "server.err"
    assert written.read_text().splitlines()[0] == str(venv / "bin" / "python3")
    kept = document(desk, "environment.json")["interpreters"]
    assert kept["python3 of mine"]["path"] == str(venv / "bin" / "python3")
    for told in (done.stdout, *(desk.invoke("report", desk.run_folder(), "--format", name).stdout
                                for name in ("text", "md", "json"))):  # fmt: skip
        assert "python3 of mine" in " ".join(told.split())
        assert str(venv / "bin" / "python3") in told.replace("\n", "")
