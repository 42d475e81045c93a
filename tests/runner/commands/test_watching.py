# SPDX-License-Identifier: BSD-3-Clause
"""`watch`: what the threads of a server do, drawn in a terminal. Of how much there is of what, only
that is asked which holds on any machine."""

import json
import re
import subprocess

import pytest
from tests.runner.desk import Desk
from tests.runner.small_servers import LISTEN

from fibench.timeline import COLUMNS, LETTERS, NOT_THERE, read_thread_time

OWN = """
title = "t"
[backends.mine]
command = ["python3", "server.py", "{port}"]
[requests.one]
send = "x"
expect = "same"
[matrix]
backend = "mine"
request = "one"
[load]
clients = 2
"""
SERVER = LISTEN + "\nlisten(); serve()\n"
ROW = re.compile(rf"^\S+(?: [0-9]+)? ([{''.join(LETTERS.values())}{NOT_THERE}]+)$", re.MULTILINE)


def watched(desk: Desk, *words: str, **extra: str) -> "subprocess.CompletedProcess[str]":
    done = desk.invoke("watch", *words, **extra)
    assert done.returncode == 0, done.stdout + done.stderr
    assert not desk.results.exists(), "nothing of it is kept"
    return done


def test_a_row_for_each_thread_with_totals_and_a_sentence(desk: Desk) -> None:
    done = watched(desk, "py-mt", "-n", "20", "--clients", "3")
    rows = ROW.findall(done.stdout)
    assert rows, done.stdout
    assert len({len(row) for row in rows}) == 1
    assert all("\x1b" not in line and len(line) <= 100 for line in done.stdout.splitlines())
    assert re.search(r"^ +[rqglnso] +[0-9.<]+ %  \w", done.stdout, re.MULTILINE)
    assert re.search(
        r"^([0-9]+ threads|one thread): .+ of (their|its) time", done.stdout, re.MULTILINE
    )
    assert re.match(r"py-mt: 3 clients, .*fibonacci\(20\)$", done.stdout, re.MULTILINE)


def test_for_programs_it_is_what_a_record_has(desk: Desk) -> None:
    done = watched(desk, "c-mt", "-n", "20", "--json")
    document = json.loads(done.stdout)
    assert document.pop("cell").startswith("c-mt")
    found = read_thread_time(document)
    assert not isinstance(found, str)
    assert found.threads >= 1
    assert sum(found.shares.values()) + (found.residual or 0.0) == pytest.approx(1.0, abs=0.01)
    assert {len(row.columns) for row in found.rows} <= {*range(1, COLUMNS + 1)}


def test_a_server_of_ones_own_is_watched_as_in_its_first_cell(desk: Desk) -> None:
    (desk.folder / "server.py").write_text(SERVER)
    done = watched(desk, "mine", str(desk.write(OWN)))
    assert ROW.findall(done.stdout), done.stdout
    assert done.stdout.startswith("mine")


def test_a_backend_of_a_ready_experiment_has_its_load(desk: Desk) -> None:
    done = watched(desk, "c-mt", "gil")
    assert "8 clients" in done.stdout
    assert "fibonacci(34)" in done.stdout


def test_where_colours_are_wanted_there_are_blocks(desk: Desk) -> None:
    asked = {"FORCE_COLOR": "1", "TERM": "xterm", "LC_ALL": "C.UTF-8", "COLUMNS": "60"}
    text = watched(desk, "c-sync", "-n", "20", **asked).stdout
    assert re.search("[█▆▄▂▁]", text)
    assert "\x1b[" in text
    plain = watched(desk, "c-sync", "-n", "20", **asked, NO_COLOR="1").stdout
    assert not re.search("[█▆▄▂▁]", plain)
    assert ROW.findall(re.sub(r"\x1b\[[0-9;]*m", "", plain))


@pytest.mark.parametrize(
    ("words", "said", "advice"),
    [
        (("c-mtt",), 'there is no backend "c-mtt"', 'did you mean "c-mt"?'),
        (("zzz",), 'there is no backend "zzz"', "one of your own: `watch NAME FILE.toml`"),
        (("c-mt", "--clients", "1,2"), "under one load, and not at 2", "one value"),
        (("c-mt", "-n", "many"), "-n many", ""),
        (("py-mq", "gil"), 'no cell of', 'did you mean "py-mt"?'),
        (("c-mt", "nowhere"), "nowhere", ""),
    ],
)  # fmt: skip
def test_a_mistake_is_told_with_what_to_do(
    desk: Desk, words: tuple[str, ...], said: str, advice: str
) -> None:
    done = desk.invoke("watch", *words)
    assert (done.returncode, done.stdout) == (2, ""), done.stdout + done.stderr
    assert said in done.stderr
    assert advice in done.stderr


def test_what_is_not_here_is_said_with_the_reason(desk: Desk) -> None:
    done = desk.invoke("watch", "py-mt", "--interpreter", "python9.9")
    assert done.returncode == 1
    assert "py-mt cannot run here" in done.stderr
    assert "python9.9" in done.stderr


def test_a_server_that_does_not_start_is_told_as_what_it_said(desk: Desk) -> None:
    (desk.folder / "server.py").write_text("import sys; sys.exit('no such luck')\n")
    done = desk.invoke("watch", "mine", desk.write(OWN))
    assert done.returncode == 5
    assert "mine could not be watched: " in done.stderr
    assert "no such luck" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_load_without_a_window_cannot_be_watched(desk: Desk) -> None:
    path = desk.write('title = "t"\n[matrix]\nbackend = "c-mt"\n[load]\nkind = "process"\nn = 1\n')
    done = desk.invoke("watch", "c-mt", path)
    assert done.returncode == 5
    assert "client_bench.sh announces no window" in done.stderr
