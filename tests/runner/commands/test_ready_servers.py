# SPDX-License-Identifier: BSD-3-Clause
"""The servers of other people that ready experiments compare, with the small applications beside
them: each starts, answers every request that is asked of it there, and ends when it is told to.

What was measured is not looked at: only that all of it counts.
"""

import os
import re
import sys
from pathlib import Path

import pytest
from tests import here
from tests.runner.desk import CHECKOUT, Desk

from fibench.backends.catalogue import known_backends, read_catalogue
from fibench.experiment import Cell
from fibench.experiment.experiment import load_experiment
from fibench.wording import as_toml

FOLDER = CHECKOUT / "experiments"
KNOWN = known_backends(read_catalogue(CHECKOUT / "catalogue.toml"))
NEEDS = {"gevent": "gevent", "gunicorn-gevent": "gevent", "nginx": "nginx", "redis": "redis-server"}
NEEDS |= {"node": "node", "node-cluster": "node"}
"""What is lacking on some machines, by backend. The others are in requirements-dev.lock."""
LOAD = """
[load]
duration = "0.1s"
warmup = "50ms"
[plan]
timelines = false
blocks = 1
"""


FAULTS = ("wrong", "refused", "closed", "reset", "timeout", "opening", "local")


def servers() -> list[tuple[str, str]]:
    """Each server of its own that a ready experiment has: the file's name, and the server's."""
    found = []
    for path in sorted(FOLDER.glob("*.toml")):
        if "[backends." in path.read_text():
            found += [(path.stem, name) for name in load_experiment(path, KNOWN).backends]
    return found


SERVERS = servers()
ALIKE = {("preload", "workers"), ("preload", "threads")}
"""As the long form: what they serve is `preloaded`'s, and they start as those of wsgi-asgi do."""


def cell_table(cell: Cell) -> str:
    """A [[matrix]] of one cell: what it is told, and what it is asked."""
    values = {"backend": cell.backend, "request": cell.parameters.request, **dict(cell.axes)}
    values |= {} if cell.parameters.workers is None else {"workers": cell.parameters.workers}
    values["clients"] = 2
    return "[[matrix]]\n" + "".join(f"{key} = {as_toml(at)}\n" for key, at in values.items())


def only(name: str, backend: str) -> tuple[str, int]:
    """A file that has one server of a ready one, with a cell for each of its requests."""
    path = FOLDER / f"{name}.toml"
    of_it = re.compile(rf"\[(backends\.{re.escape(backend)}[].]|requests\.|\[prepare)")
    beginning, *tables = re.split(r"^(?=\[)", path.read_text(), flags=re.MULTILINE)
    kept = [table for table in tables if of_it.match(table)]
    cells = load_experiment(path, KNOWN).cells
    first = {one.parameters.request: one for one in reversed(cells) if one.backend == backend}
    return "".join([beginning, *kept, *map(cell_table, first.values()), LOAD]), len(first)


def test_there_are_some() -> None:
    assert {"wsgi-asgi", "redis-threads", "nginx-workers", "node-cluster"} <= {
        name for name, _ in SERVERS
    }
    assert {*SERVERS} > ALIKE


@pytest.mark.parametrize(
    ("name", "backend"),
    [
        pytest.param(*one, id="-".join(one), marks=[pytest.mark.long] if one in ALIKE else [])
        for one in SERVERS
    ],
)
def test_a_server_answers_all_that_it_is_asked(desk: Desk, name: str, backend: str) -> None:
    if backend in NEEDS:
        here.require(NEEDS[backend])
    (desk.folder / "apps").symlink_to(FOLDER / "apps")
    text, cells = only(name, backend)
    beside = Path(sys.executable).parent  # python3 is what has the servers of the lock
    path = os.pathsep.join([str(beside), os.environ["PATH"]])

    done = desk.run(desk.write(text), PATH=path)

    assert done.returncode == 0, done.stdout + done.stderr
    assert "left out" not in done.stderr
    assert " processes behind in " not in done.stdout
    measured = desk.measured()
    assert len(measured) == cells
    for record in measured:
        assert record["valid"]
        counts = record["counts"]
        assert counts["ok"] > 0
        assert counts["started"] == sum(counts[one] for one in ("ok", *FAULTS, "unfinished"))
        assert not any(counts[one] for one in FAULTS)
