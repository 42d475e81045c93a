# SPDX-License-Identifier: BSD-3-Clause
"""`interpreters`: what a person sees of the Pythons that are here, and what a program reads."""

import json
import platform
from pathlib import Path

from tests.runner.desk import Desk
from tests.runner.pythons import answering, pyenv, script

KEYS = {
    *("write", "path", "default", "available", "reason", "version", "implementation", "build"),
    *("gil", "free_threaded", "subinterpreters"),
}
FREE = answering(
    number=[3, 14], version="3.14.1", free_threaded=True, gil=False, subinterpreters=True
)


def here(folder: Path) -> dict[str, str]:
    """A pyenv with a Python that has no GIL, one that is broken, and nothing else anywhere."""
    environ = pyenv(folder / "pyenv")
    script(folder / "pyenv" / "versions" / "3.14.1t" / "bin" / "python", FREE)
    script(folder / "pyenv" / "versions" / "3.9.1" / "bin" / "python", "echo '\033[2J' >&2; exit 1")
    return environ


def test_each_is_an_object_with_what_to_write_and_what_it_is(desk: Desk) -> None:
    done = desk.invoke("interpreters", "--json", **here(desk.folder))
    assert (done.returncode, done.stderr) == (0, "")
    own, free, broken = json.loads(done.stdout)
    assert [set(one) for one in (own, free, broken)] == [KEYS] * 3
    assert (own["default"], own["version"]) == (True, platform.python_version())
    assert free["write"] == ["3.14t", "3.14.1t"]
    assert (free["available"], free["reason"], free["default"]) == (True, None, False)
    assert (free["gil"], free["free_threaded"], free["subinterpreters"]) == (False, True, True)
    assert (broken["write"], broken["available"]) == (["3.9", "3.9.1"], False)
    assert broken["reason"] == r"is no Python: \x1b[2J"
    assert {broken[name] for name in ("version", "gil", "free_threaded", "subinterpreters")} == {
        None
    }


def test_a_person_sees_what_to_write_first_and_why_one_is_left_out(desk: Desk) -> None:
    done = desk.invoke("interpreters", **here(desk.folder), COLUMNS="400")
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert lines[0].split()[:3] == ["(default)", "CPython", f"{platform.python_version()},"]
    path = desk.folder / "pyenv" / "versions" / "3.14.1t" / "bin" / "python"
    assert [" ".join(line.split()) for line in lines[2:]] == [
        "3.14t CPython 3.14.1, free-threaded: no GIL, sub-interpreters",
        f"{path}; or 3.14.1t",
        r"3.9 Not here: is no Python: \x1b[2J",
        f"{path.parents[2]}/3.9.1/bin/python; or 3.9.1",
        "",
        lines[-1],
    ]
    assert lines[-1].startswith("2 of 3 can run servers in Python, 1 without a GIL, ")


def test_where_none_is_without_a_gil_it_is_said_what_brings_one(desk: Desk) -> None:
    done = desk.invoke("interpreters", **pyenv(desk.folder / "pyenv"))
    counted = done.stdout.partition("can run servers in Python, ")[2]
    assert counted.startswith("0 without a GIL") == ("install 3.14t" in counted)


def test_the_shell_completes_what_may_be_written(desk: Desk) -> None:
    words = ("--complete", "--", "run", "gil", "--interpreter", "3.1")
    done = desk.invoke(*words, **here(desk.folder))
    assert (done.returncode, done.stdout.splitlines()) == (0, ["3.14t", "3.14.1t"])
