# SPDX-License-Identifier: BSD-3-Clause
"""Runs that search their rates, of real servers: whatever they find, all of it can be read."""

import json
import shutil
import signal
import subprocess
from collections.abc import Iterator

import pytest
from tests.processes import ending
from tests.runner.desk import CHECKOUT, INVOKE, Desk

FILE = """\
title = "Two that are searched"
[[matrix]]
backend = ["c-mt", "c-epoll"]
rate = "search"
[load]
clients = 8
n = 20
duration = "0.1s"
warmup = "20ms"
[plan]
timelines = false
blocks = 1
[[claim]]
says = "Threads sustain 100/s"
sustains = { over = "rate", of = { backend = "c-mt" } }
metric = "p50"
limit = "20ms"
above = "100/s"
[[claim]]
says = "They sustain as much as a loop"
sustains = { over = "rate", of = [{ backend = "c-mt" }, { backend = "c-epoll" }] }
metric = "p50"
limit = "20ms"
within = [0.5, 2]
"""
ENDED = (0, 3, 4, 5)
"""Whatever the verdicts are, and though a trial may fail on a busy machine."""


def searches_in(desk: Desk) -> list[dict[str, object]]:
    plan = json.loads((desk.run_folder() / "plan.json").read_text())
    found = plan["searches"]
    assert isinstance(found, list)
    return found


def test_a_searched_run_can_be_read_in_every_way(desk: Desk) -> None:
    file = desk.write(FILE)
    assert "and up to 16 search trials before them" in " ".join(
        desk.invoke("plan", file).stdout.split()
    )
    done = desk.run(file)
    assert done.returncode in ENDED, done.stderr
    rates = {one["backend"]: one["rates"] for one in searches_in(desk)}
    assert set(rates) == {"c-mt", "c-epoll"}
    measured = {(r["parameters"]["backend"], r["parameters"]["rate"]) for r in desk.measured()}
    for backend, found in rates.items():
        assert isinstance(found, list)
        assert {(backend, rate) for rate in found} <= measured
    assert "rates found by" in done.stdout
    for form in ("json", "csv", "md", "text"):
        told = desk.invoke("report", desk.run_folder(), "--format", form)
        assert told.returncode == 0, told.stderr
        assert "search trials" in " ".join(told.stdout.split())
    for form in ("pyperf", "hlog"):
        told = desk.invoke("report", desk.run_folder(), "--format", form)
        assert told.returncode == 0, told.stderr
    document = json.loads(desk.invoke("report", desk.run_folder(), "--format", "json").stdout)
    assert [one["rates"] for one in document["searches"]] == list(rates.values())
    listed = desk.invoke("runs")
    assert listed.returncode == 0, listed.stderr
    first = desk.run_folder()
    second = shutil.copytree(first, first.with_name("2999-01-01T0000-abcd"))
    compared = desk.invoke("compare", first, second)
    assert compared.returncode == 0, compared.stderr
    assert "trials are also in the second run" in " ".join(compared.stdout.split())


@pytest.fixture
def searching(desk: Desk) -> Iterator["subprocess.Popen[str]"]:
    """A run that has made two trials of its search."""
    with ending(
        subprocess.Popen(
            [*INVOKE, "run", str(desk.write(FILE))],
            cwd=CHECKOUT,
            env=desk.environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
    ) as running:
        assert running.stdout is not None
        while "[ 2/16] search" not in (line := running.stdout.readline()):
            assert line, running.communicate()
        yield running


def test_ctrl_c_in_a_search_loses_nothing_and_the_same_command_goes_on(
    desk: Desk, searching: "subprocess.Popen[str]"
) -> None:
    searching.send_signal(signal.SIGINT)
    said, _ = searching.communicate(timeout=60)
    assert searching.returncode == 128 + signal.SIGINT
    assert "resumes it" in said
    before = [record["trial"] for record in desk.records()]
    assert len(before) >= 2
    assert {record["role"] for record in desk.records()} == {"search"}
    for words in (("report", desk.run_folder()), ("runs",)):
        read = desk.invoke(*words)
        assert read.returncode == 0, read.stderr
    done = desk.invoke("run", desk.folder / "small.toml")
    assert done.returncode in ENDED, done.stderr
    trials = [r["trial"] for r in desk.records() if r["role"] == "search" and r["attempt"] == 1]
    assert trials[: len(before)] == before
    assert len(set(trials)) == len(trials)
    assert all(one["rates"] for one in searches_in(desk))
