# SPDX-License-Identifier: BSD-3-Clause
"""A run that was broken off, by Ctrl-C, SIGKILL or failures, and the run that goes on with it."""

import json
import os
import random
import re
import signal
import socket
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from tests.processes import ending
from tests.runner.desk import (
    CHECKOUT,
    INVOKE,
    QUICK,
    Desk,
    run_with_a_trial_finished,
    said_by,
)
from tests.runner.records import last_documents
from tests.runner.stored_runs import places_with

from fibench.store import journal, read_run
from fibench.store.record import read_head
from fibench.tried import could_not_start
from fibench.verdict import review

MINE = """
title = "A server of one's own"
[backends.mine]
command = [{python}, "./mine.py", "{{port}}"]
[matrix]
backend = "mine"
[load]
duration = "0.1s"
warmup = "20ms"
n = 5
[plan]
timelines = false
blocks = 2
"""

SERVER = """
import os, socket, sys
{first}
listener = socket.create_server(("127.0.0.1", int(sys.argv[1])))
while True:
    connection, _ = listener.accept()
    with connection:
        connection.recv(256)
        connection.sendall(b"8")
"""

FAILS_ONCE = """
try:
    os.close(os.open("tried", os.O_CREAT | os.O_EXCL))
    sys.exit("not the first time")
except FileExistsError:
    pass
"""


def _runs(desk: Desk) -> list[Path]:
    return sorted(desk.results.glob("*/*"))


def _assert_whole(desk: Desk) -> None:
    """Every trial counts exactly once, and every line has its folder and no folder is without."""
    records = desk.records()
    last = last_documents(records)
    assert [record["trial"] for record in last] == desk.planned()
    assert not any(map(_could_not_start, last))
    attempts = [(record["trial"], record["attempt"]) for record in records]
    assert len(set(attempts)) == len(attempts)
    folders = {journal.folder_name(record["index"], record["attempt"]) for record in records}
    assert set(os.listdir(desk.run_folder() / "trials")) == folders


def _is_finished(desk: Desk) -> bool:
    if not list(desk.results.glob("*/*/claims.json")):
        return False
    return not any(map(_could_not_start, last_documents(desk.records())))


def _could_not_start(document: dict[str, Any]) -> bool:
    """Whether a trial is to be tried again; one that failed otherwise is a result."""
    head = read_head(document)
    return head is not None and could_not_start(head)


def _finish(desk: Desk, path: Path) -> None:
    """Run until the run is finished; on a busy machine a trial may fail, a figure be unread."""
    for _ in range(5):
        if _is_finished(desk):
            break
        done = desk.invoke("run", path)
        assert done.returncode in (0, 4, 5), done.stdout + done.stderr
        assert "CONFIRMED" in done.stdout or done.returncode in (4, 5)
    _assert_whole(desk)


def test_after_ctrl_c_the_same_command_goes_on_and_comes_to_verdicts(desk: Desk) -> None:
    text = QUICK.format(blocks=5, above=1)
    with run_with_a_trial_finished(desk, text=text) as process:
        os.killpg(process.pid, signal.SIGINT)
        assert process.stdout is not None
        rest = process.stdout.read()
        assert process.wait(timeout=30) == 130
    assert "CONFIRMED" not in rest
    command = re.search(r"`invoke run (.*)` resumes it", rest)
    assert command is not None
    kept = len(desk.records())
    done = desk.invoke("run", command[1])
    said = re.match(r"resuming ([0-9]+)/([0-9]+) ", done.stdout)
    assert said is not None
    assert 0 <= int(said[1]) <= kept
    assert int(said[2]) == len(desk.planned())
    assert done.returncode in (0, 4, 5), done.stdout + done.stderr
    assert "CONFIRMED" in done.stdout or done.returncode in (4, 5)
    _finish(desk, desk.folder / "small.toml")


def _kill_after(desk: Desk, path: Path, seconds: float) -> None:
    """Run, and kill the runner after so long, if it has not ended before."""
    command = [*INVOKE, "run", str(path)]
    with (
        ending(
            subprocess.Popen(
                command, cwd=CHECKOUT, env=desk.environment(), stdout=subprocess.DEVNULL
            )
        ) as process,
        suppress(subprocess.TimeoutExpired),
    ):
        process.wait(timeout=seconds)


def _kill_and_resume(desk: Desk, kills: int, seed: int) -> None:
    moments = random.Random(seed)
    path = desk.write(QUICK.format(blocks=8, above=1))
    for _ in range(kills):
        if _is_finished(desk):
            break
        _kill_after(desk, path, moments.uniform(0.2, 2.5))
        for run in desk.results.glob("*/2*"):
            assert len(journal.read(run / "trials.jsonl").damaged) <= 1
    _finish(desk, path)
    _assert_all_that_was_broken_off_is_counted(desk.run_folder())


def _assert_all_that_was_broken_off_is_counted(folder: Path) -> None:
    """Each session that was killed in a trial has left a block that was broken off."""
    found = review(read_run(folder, places_with(folder.parents[1])))
    lost = {(one.block, one.session) for one in found.run.begun if not one.ended}
    counted = sorted(one.block for one in found.findings.made_again.broken_off)
    assert not Counter(block for block, _ in lost) - Counter(counted)
    assert not any("cut" in mark for mark in found.marks)


def test_a_run_killed_at_random_points_ends_as_one_that_was_not(desk: Desk) -> None:
    _kill_and_resume(desk, kills=4, seed=1)


@pytest.mark.long
@pytest.mark.parametrize("seed", range(20))
def test_a_run_killed_many_times_ends_as_one_that_was_not(desk: Desk, seed: int) -> None:
    _kill_and_resume(desk, kills=10, seed=seed + 100)


def test_a_torn_last_line_is_reported_and_its_trial_measured_again(desk: Desk) -> None:
    path = desk.write(QUICK.format(blocks=5, above=1))
    _finish(desk, path)
    lines = desk.run_folder() / "trials.jsonl"
    lines.write_bytes(lines.read_bytes()[:-20])
    (desk.run_folder() / "claims.json").unlink()
    done = desk.invoke("run", path)
    (said,) = said_by(done)
    assert re.match(r"trials\.jsonl: the last line, [0-9]+, is torn; ", said)
    assert "resuming " in done.stdout
    _finish(desk, path)


def test_a_trial_that_failed_is_a_result_and_the_same_command_begins_a_new_run(
    desk: Desk,
) -> None:
    desk.write(SERVER.format(first=FAILS_ONCE), "mine.py")
    path = desk.write(MINE.format(python=json.dumps(sys.executable)))
    failed = desk.invoke("run", path)
    assert failed.returncode == 5, failed.stdout + failed.stderr
    said = f"a trial that failed is a result, and stays one; `invoke run {path}` begins a new run"
    assert said in failed.stdout
    assert (desk.run_folder() / "claims.json").exists()
    (first,) = (record for record in desk.records() if record["failure"] == "exited")
    assert (first["valid"], first["window_opened"], first["attempt"]) == (False, False, 1)
    again = desk.invoke("run", path)
    assert "resum" not in again.stdout + again.stderr
    assert len(_runs(desk)) == 2
    assert "run 2 of this experiment on this machine; before: " in again.stdout


def test_what_could_not_start_for_want_of_its_port_is_tried_again_and_by_the_same_command(
    desk: Desk,
) -> None:
    desk.write(SERVER.format(first=""), "mine.py")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        text = MINE.format(python=json.dumps(sys.executable))
        path = desk.write(text.replace("[load]", f"[server]\nport = {port}\n[load]"))
        lost = desk.invoke("run", path)
    assert lost.returncode == 5, lost.stdout + lost.stderr
    assert "could not start (port " in lost.stdout
    assert f"`invoke run {path}` tries again what could not start" in lost.stdout
    assert {record["attempt"] for record in desk.records()} == {1, 2, 3}
    assert not any(record["window_opened"] for record in desk.records())
    total = len(desk.planned())
    mended = desk.invoke("run", path)
    assert f"resuming 0/{total} " in mended.stdout, mended.stderr
    assert f"{total} of {total} trials could not start at once" in mended.stdout
    _assert_whole(desk)


def test_after_a_finished_run_a_new_one_begins_without_words(desk: Desk) -> None:
    path = desk.write(QUICK.format(blocks=1, above=1))
    for count in (1, 2):
        done = desk.invoke("run", path)
        assert len(_runs(desk)) == count
        assert "resum" not in done.stdout + done.stderr


def _break_off(desk: Desk) -> None:
    """Make the one run look like one that was broken off in its last block."""
    lines = desk.run_folder() / "trials.jsonl"
    lines.write_bytes(b"".join(lines.read_bytes().splitlines(keepends=True)[:-1]))
    (desk.run_folder() / "claims.json").unlink()


def test_fresh_begins_anew(desk: Desk) -> None:
    path = desk.write(QUICK.format(blocks=1, above=1))
    desk.invoke("run", path)
    _break_off(desk)
    done = desk.invoke("run", path, "--fresh")
    assert "resum" not in done.stdout + done.stderr
    assert len(_runs(desk)) == 2


def test_a_changed_program_begins_a_new_run_and_is_named(desk: Desk) -> None:
    desk.write(SERVER.format(first=""), "mine.py")
    path = desk.write(MINE.format(python=json.dumps(sys.executable)))
    desk.invoke("run", path)
    name = desk.run_folder().name
    _break_off(desk)
    desk.write(SERVER.format(first="# faster now"), "mine.py")
    done = desk.invoke("run", path)
    assert f"not resuming small/{name}: mine: ./mine.py has changed since\n" in done.stderr
    assert len(_runs(desk)) == 2


def test_changed_parameters_begin_a_new_run_and_changed_claims_do_not(desk: Desk) -> None:
    path = desk.write(QUICK.format(blocks=2, above=1))
    desk.invoke("run", path)
    _break_off(desk)
    desk.write(QUICK.format(blocks=2, above=2))
    done = desk.invoke("run", path)
    assert "resuming " in done.stdout
    assert (desk.run_folder() / "experiment.toml").read_text() == path.read_text()
    _break_off(desk)
    done = desk.invoke("run", path, "--clients", "1")
    assert "its parameters, blocks or seed were others" in done.stderr
    assert len(_runs(desk)) == 2


@contextmanager
def _beside(desk: Desk, *words: str) -> Iterator[subprocess.Popen[str]]:
    """Another command, for the length of a with block."""
    with ending(
        subprocess.Popen(
            [*INVOKE, *words], cwd=CHECKOUT, env=desk.environment(), text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )
    ) as process:  # fmt: skip
        yield process


def _first_line(process: subprocess.Popen[str]) -> str:
    assert process.stderr is not None
    return process.stderr.readline()


def test_whoever_measures_waits_for_a_run_and_names_it(desk: Desk) -> None:
    """Another run does, and a benchmark: until Ctrl-C, which leaves no run, or the end of it."""
    with run_with_a_trial_finished(desk) as first:
        other = str(desk.write(QUICK.format(blocks=1, above=1), "other.toml"))
        with _beside(desk, "run", other) as second, _beside(desk, "bench") as third:
            name = desk.run_folder().name
            line = _first_line(second)
            assert line.startswith(f"waiting for small/{name} (pid {first.pid}), which is ")
            assert "Ctrl-C gives up" in line
            assert f"(pid {first.pid})" in _first_line(third)
            for process in (second, third):
                process.send_signal(signal.SIGINT)
            assert second.communicate(timeout=60)[1] == "interrupted\n"
            assert third.wait(timeout=60) == second.returncode == 130
        assert [run.parent.name for run in _runs(desk)] == ["small"]

        with _beside(desk, "run", other) as second:
            assert "waiting for small/" in _first_line(second)
            first.kill()
            stdout, _ = second.communicate(timeout=60)
            assert second.returncode in (0, 4, 5)
            assert "CONFIRMED" in stdout or second.returncode == 4
    assert [run.parent.name for run in _runs(desk)] == ["other", "small"]
