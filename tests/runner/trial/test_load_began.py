# SPDX-License-Identifier: BSD-3-Clause
"""A record says whether a load that ended before its window had begun to ask: who ends it then may
have seen how the trial goes."""

from pathlib import Path

import pytest
from tests.runner.asked_servers import file_of, record_of, valid
from tests.runner.records import recorded
from tests.runner.trials import run, run_well, trial

from fibench.record import broke_off
from fibench.tried import could_not_start

KILLS = """
def kill(crowd):
    for pid in filter(str.isdecimal, os.listdir("/proc")):
        try:
            with open(f"/proc/{{pid}}/cmdline", "rb") as stream:
                words = stream.read().split(b"\\0")
        except OSError:
            continue
        is_mine = words[0].endswith(b"/fibload") and words[-2] == b"%d" % port
        if is_mine and (b"--group" in words) == crowd:
            os.kill(int(pid), signal.SIGKILL)
def converse(connection):
    for line in connection.makefile("rb"):
        connection.sendall(b"%d\\n" % fibonacci(int(line)))
        kill({crowd})
serve_threads()
"""
"""Ends the load that asks it: that of the check by several clients, or the one that is measured."""

KILLS_BEFORE_IT_ANSWERS = """\
    for _ in requests(connection):
        for pid in filter(str.isdecimal, os.listdir("/proc")):
            try:
                with open(f"/proc/{pid}/cmdline", "rb") as stream:
                    words = stream.read().split(b"\\0")
            except OSError:
                continue
            if words[0].endswith(b"/fibload") and b"%d" % port in words:
                os.kill(int(pid), signal.SIGKILL)
        http(connection, b"Hello")"""
"""Ends what asks it first: the check of requests of the file, or what prepares for it."""
GET = '[requests.it]\nget = "/"\n'


@pytest.mark.parametrize("crowd", [False, True], ids=["warm-up", "check"])
def test_a_load_that_is_killed_before_its_window_had_begun(
    programs: Path, tmp_path: Path, crowd: bool
) -> None:
    own = trial("own", warmup=20.0)
    found = run(own, programs, tmp_path, KILLS.format(crowd=crowd))
    assert (found["failure"], found["window_opened"]) == ("load", False), found["reason"]
    assert found["load_began"]
    (record,) = recorded(found)
    assert could_not_start(record)
    assert broke_off(record)


@pytest.mark.parametrize("more", ["", '[[prepare]]\nget = "/"\n'], ids=["check", "prepare"])
def test_a_check_of_requests_of_the_file_shows_how_long_they_take(
    programs: Path, tmp_path: Path, more: str
) -> None:
    found = record_of(file_of(KILLS_BEFORE_IT_ANSWERS, GET + more), programs, tmp_path)
    assert (found["failure"], found["window_opened"]) == ("load", False), found["reason"]
    assert found["load_began"]
    (record,) = recorded(found)
    assert broke_off(record)


def test_what_was_asked_wrongly_before_the_load_is_a_result(programs: Path, tmp_path: Path) -> None:
    wrong = "    for _ in requests(connection): http(connection, b'Hello', b'500 No')"
    found = record_of(file_of(wrong, GET), programs, tmp_path)
    assert (found["failure"], found["window_opened"]) == ("wrong-reply", False)
    (record,) = recorded(found)
    assert not could_not_start(record)
    assert not broke_off(record)


def test_a_load_that_cannot_be_started_has_not_begun_but_its_server_could_be_asked(
    programs: Path, tmp_path: Path
) -> None:
    others = tmp_path / "programs"
    others.mkdir()
    for program in programs.iterdir():
        if program.name != "fibload":
            (others / program.name).symlink_to(program)
    (others / "fibload").write_text("no program")
    text = "def answer(connection, k): connection.sendall(b'1\\n')\nserve_threads()"
    found = run(trial("own"), others, tmp_path, text)
    assert (found["failure"], found["window_opened"]) == ("load", False), found["reason"]
    assert found["load_began"] is False
    asking = file_of("    for _ in requests(connection): http(connection, b'Hello')", GET)
    asked = record_of(asking, others, tmp_path)
    assert (asked["failure"], asked["load_began"]) == ("load", False), asked["reason"]
    (record,) = recorded(found)
    assert could_not_start(record)
    assert record.server is not None
    assert broke_off(record)


def test_what_came_to_its_window_has_begun(programs: Path, tmp_path: Path) -> None:
    for warmup in (0.0, 0.1):
        folder = tmp_path / str(warmup)
        folder.mkdir()
        assert run_well(trial("c-mt", warmup=warmup), programs, folder)["load_began"]
    well = "    for _ in requests(connection): http(connection, b'Hello')"
    assert valid(file_of(well, GET), programs, tmp_path)["load_began"]
