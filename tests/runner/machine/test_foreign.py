# SPDX-License-Identifier: BSD-3-Clause
"""Whose the CPU time is: /proc/stat and /proc/PID/stat, made up and real."""

import gzip
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.here import leave_out
from tests.processes import ending, wait_until

from fibench.machine import foreign
from fibench.machine.busy import BUSY_SHARE
from fibench.machine.foreign import (
    Glancing,
    Process,
    busiest_names,
    cpu_times,
    process_of,
    used_by_others,
)
from fibench.machine.processes import TICK_NS, cpu_clock_ns

STAT = """\
cpu  9 9 9 9 9 9 9 9 0 0
cpu0 100 20 3 900 5 7 11 13 0 0
cpu1 200 40 6 900 5 70 110 26 0 0
cpu7 5000 5000 5000 0 0 0 0 0 0 0
intr 1
"""


@pytest.fixture
def two_cpus(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {0, 1})


@pytest.fixture(autouse=True)
def _forgotten() -> Iterator[None]:
    foreign.irq_time_is_apart.cache_clear()
    yield
    foreign.irq_time_is_apart.cache_clear()


@pytest.mark.usefixtures("two_cpus")
@pytest.mark.parametrize(("apart", "ticks"), [(True, 369), (False, 369 + 198)])
def test_the_cpus_that_may_be_used_count_and_interrupts_where_they_are_in_others_times(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, apart: bool, ticks: int
) -> None:
    monkeypatch.setattr(foreign, "irq_time_is_apart", lambda: apart)
    (tmp_path / "stat").write_text(STAT)
    times = cpu_times(tmp_path)
    assert times is not None
    assert times.used_s == pytest.approx(ticks * TICK_NS * 1e-9)
    assert times.steal_s == pytest.approx(39 * TICK_NS * 1e-9)


@pytest.mark.usefixtures("two_cpus")
@pytest.mark.parametrize(
    "text",
    [
        "",
        "cpu  1 2 3 4 5 6 7 8\n",
        "cpu7 1 2 3 4 5 6 7 8\n",
        "cpu0 0 0 0 0 0 0 0 0 0 0\n",
        "cpu0 1\n",
    ],
)
def test_a_stat_without_our_cpus_tells_nothing(tmp_path: Path, text: str) -> None:
    (tmp_path / "stat").write_text(text)
    assert cpu_times(tmp_path) is None


def test_without_a_stat_nothing_is_told(tmp_path: Path) -> None:
    assert cpu_times(tmp_path) is None
    assert not foreign.counts_part_of_machine(tmp_path)


def test_this_machine_tells() -> None:
    assert cpu_times() is not None


def test_the_kernels_configuration_says_whose_interrupts_are(tmp_path: Path) -> None:
    path = tmp_path / "boot" / f"config-{os.uname().release}"
    path.parent.mkdir()
    for text, apart in (
        ("X=y\n# CONFIG_IRQ_TIME_ACCOUNTING is not set\n", False),
        ("X=y\nCONFIG_IRQ_TIME_ACCOUNTING=y\n", True),
    ):
        path.write_text(text)
        foreign.irq_time_is_apart.cache_clear()
        assert foreign.irq_time_is_apart(tmp_path) is apart
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc" / "config.gz").write_bytes(gzip.compress(b"X=y\n"))
    foreign.irq_time_is_apart.cache_clear()
    assert foreign.irq_time_is_apart(tmp_path) is False
    foreign.irq_time_is_apart.cache_clear()
    assert foreign.irq_time_is_apart(tmp_path / "nothing") is True


def line(name: str) -> bytes:
    """A line of /proc/PID/stat, whose numbers are those of their fields (proc_pid_stat(5))."""
    return f"1 ({name}) S {' '.join(map(str, range(4, 53)))}\n".encode()


@pytest.mark.parametrize("name", ["cc1", "a) S 1 (b", "two words", ")", "\x1b[31m"])
def test_any_name_is_read_and_nothing_else_shifted(name: str) -> None:
    assert process_of(line(name)) == Process(22, 4, 14 + 15 + 16 + 17, 39, name)


def test_a_name_in_no_encoding_is_written_out() -> None:
    assert process_of(line("x").replace(b"(x)", b"(\xff)")).name == r"\xff"


def process(ticks: int, parent: int = 1, began: int = 5, name: str = "x", cpu: int = 0) -> Process:
    return Process(began, parent, ticks, cpu, name)


@pytest.mark.usefixtures("two_cpus")
def test_what_each_process_has_used_in_between_is_told() -> None:
    before = {10: process(100), 11: process(50), 12: process(7)}
    after = {
        10: process(130),
        11: process(50),  # used nothing
        12: process(9, began=6),  # another process of that number
        13: process(4),  # a new one
        14: process(99, cpu=5),  # on a CPU that is not ours
        15: process(99),  # our own
    }
    assert used_by_others(before, after, {15}) == {10: 30, 12: 9, 13: 4}


@pytest.mark.usefixtures("two_cpus")
def test_of_a_child_that_has_ended_only_what_it_used_since_is_its_parents() -> None:
    before = {10: process(100), 11: process(600, parent=10)}
    after = {10: process(100 + 640)}
    assert used_by_others(before, after, ()) == {10: 40}


def test_names_are_few_and_of_those_who_used_much() -> None:
    names = ["cc1", "cc1", "python3", "b", "a", "idle"]
    after = {pid: process(0, name=name) for pid, name in enumerate(names)}
    assert busiest_names(dict(enumerate([300, 300, 500, 200, 200, 10])), after) == [
        "cc1",
        "python3",
        "a",
    ]
    assert busiest_names({}, after) == []


def test_a_busy_loop_is_seen_in_a_look_with_what_it_used() -> None:
    with ending(subprocess.Popen([sys.executable, "-c", "while True: pass"])) as loop:
        glancing = Glancing(starts=False)
        begun_ns = cpu_clock_ns(loop.pid)
        wait_until(lambda: cpu_clock_ns(loop.pid) > begun_ns + 300_000_000, "it computes")
        passed_s = glancing.passed_s
        look = glancing.end(0.0)
    assert look.cores is not None
    # Everybody else's is in it as well; the ticks of /proc/stat are samples.
    assert look.cores * passed_s > 0.15
    if 0.3 / passed_s < 2 * BUSY_SHARE:
        leave_out("so many run here that a busy loop gets next to nothing")
    assert loop.pid in {busy.pid for busy in look.busy}


def test_what_this_process_and_what_it_starts_compute_is_nobodys() -> None:
    glancing = Glancing(starts=True)
    with ending(subprocess.Popen([sys.executable, "-c", "while True: pass"])) as loop:
        begun_ns = cpu_clock_ns(loop.pid)
        wait_until(lambda: cpu_clock_ns(loop.pid) > begun_ns + 200_000_000, "it computes")
        until_s = time.process_time() + 0.1
        while time.process_time() < until_s:
            pass
        look = glancing.end(0.0)
    assert {loop.pid, os.getpid()}.isdisjoint(busy.pid for busy in look.busy)
