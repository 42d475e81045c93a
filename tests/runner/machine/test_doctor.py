# SPDX-License-Identifier: BSD-3-Clause
"""What the doctor finds on machines that are made up, on this one, and how it is told."""

import io
import json
import os
import subprocess
import sys
import unicodedata
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.processes import ending, wait_until
from tests.runner.desk import Desk

from fibench.backends.catalogue import read_catalogue
from fibench.commands import doctor as commands
from fibench.commands import quiet
from fibench.folders import find_places
from fibench.machine.busy import Busy, Server
from fibench.machine.doctor import Facts, disturbing
from fibench.machine.foreign import Glance, Glancing
from fibench.machine.processes import began
from fibench.machine.quota import Limited
from fibench.report.checkup import render_checkup

QUIET = Facts(
    governor="performance", turbo=False, virtualisation="none", power_source="mains",
    load_1min=0.0, steal_share=0.0, swap_used_bytes=0, memory_available_share=0.9,
    memory_pressure_percent=0.0, nofile_hard=None, somaxconn=4096, port_range=(32768, 60999),
    tw_reuse=2, ptrace_scope=1, io_uring_disabled=0, clocksource="tsc", results_free_bytes=10**12,
)  # fmt: skip

WORDS = st.text(max_size=30)
FACTS = st.builds(
    Facts,
    cores=st.integers(1, 256),
    hardware_threads=st.integers(1, 512),
    governor=st.none() | WORDS,
    turbo=st.none() | st.booleans(),
    turbo_switch=st.sampled_from([None, "intel", "boost"]),
    virtualisation=st.none() | WORDS,
    power_source=st.sampled_from([None, "mains", "battery"]),
    load_1min=st.none() | st.floats(0, 1e4),
    busy=st.lists(
        st.builds(Busy, WORDS, st.integers(1), st.floats(0, 300)), max_size=3
    ).map(tuple),
    foreign_cores=st.none() | st.floats(0, 300),
    quota_cores=st.none() | st.floats(0.01, 300),
    throttled=st.none() | st.tuples(st.integers(0, 10**9), st.integers(0, 10**9)),
    steal_share=st.none() | st.floats(0, 1),
    swap_used_bytes=st.none() | st.integers(0, 2**50),
    memory_available_share=st.none() | st.floats(0, 1),
    memory_pressure_percent=st.none() | st.floats(0, 100),
    nofile_hard=st.none() | st.integers(0, 2**31),
    somaxconn=st.none() | st.integers(0, 2**31),
    port_range=st.none() | st.tuples(st.integers(0, 65535), st.integers(0, 65535)),
    tw_reuse=st.none() | st.integers(0, 2),
    cgroup_version=st.sampled_from([None, 1, 2]),
    cgroup_writable=st.booleans(),
    strace=st.booleans(),
    perf=st.booleans(),
    ptrace_scope=st.none() | st.integers(0, 3),
    is_root=st.booleans(),
    io_uring_disabled=st.none() | st.integers(0, 2),
    memlock_bytes=st.none() | st.integers(0, 2**40),
    clocksource=st.none() | WORDS,
    compiler=st.none() | WORDS,
    measuring=st.none() | WORDS,
    servers=st.lists(
        st.builds(Server, WORDS, st.integers(1), st.integers(1, 65535)), max_size=3
    ).map(tuple),
    results=WORDS,
    results_writable=st.booleans(),
    results_free_bytes=st.none() | st.integers(0, 2**60),
)  # fmt: skip


def _ids(facts: Facts) -> list[str]:
    return [item.id for item in disturbing(facts)]


def test_a_quiet_machine_has_nothing_that_disturbs() -> None:
    assert disturbing(QUIET) == []


def test_what_cannot_be_told_is_no_finding() -> None:
    assert disturbing(Facts()) == []


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"governor": "powersave"}, "governor"),
        ({"governor": "performance, powersave"}, "governor"),
        ({"turbo": True}, "turbo"),
        ({"hardware_threads": 4}, "smt"),
        ({"cores": 1, "hardware_threads": 1}, "cores"),
        ({"virtualisation": "KVM"}, "virtualised"),
        ({"power_source": "battery"}, "battery"),
        ({"load_1min": 1.5}, "load"),
        ({"busy": (Busy("cc1", 12, 0.9),)}, "busy"),
        ({"steal_share": 0.05}, "steal"),
        ({"memory_pressure_percent": 10.0}, "memory-pressure"),
        ({"swap_used_bytes": 1 << 30, "memory_available_share": 0.05}, "swap"),
        ({"nofile_hard": 4096}, "descriptors"),
        ({"somaxconn": 128}, "somaxconn"),
        ({"port_range": (32768, 33768)}, "ports"),
        ({"tw_reuse": 0}, "ports"),
        ({"cgroup_writable": False}, "cgroup"),
        ({"strace": False, "perf": False}, "strace"),
        ({"ptrace_scope": 3}, "ptrace"),
        ({"io_uring_disabled": 2}, "io_uring"),
        ({"memlock_bytes": 64 << 10}, "memlock"),
        ({"memlock_bytes": 8 << 20, "hardware_threads": 64, "cores": 64}, "memlock"),
        ({"clocksource": "hpet"}, "clocksource"),
        ({"compiler": None}, "compiler"),
        ({"measuring": "gil (pid 3)"}, "run"),
        ({"servers": (Server("mt_server", 12, 2999),)}, "server"),
        ({"results_writable": False}, "results"),
        ({"results_free_bytes": 1000}, "disk"),
    ],
)  # fmt: skip
def test_each_disturbance_is_found_by_itself(changes: dict[str, object], expected: str) -> None:
    assert _ids(replace(QUIET, **changes)) == [expected]  # type: ignore[arg-type]


def test_rings_have_room_where_they_are_few_or_cannot_be_at_all() -> None:
    assert _ids(replace(QUIET, memlock_bytes=8 << 20)) == []
    assert _ids(replace(QUIET, memlock_bytes=0, io_uring_disabled=2)) == ["io_uring"]


def test_the_superuser_may_trace_whatever_the_scope_says() -> None:
    assert _ids(replace(QUIET, ptrace_scope=2, is_root=True)) == []


def test_an_installed_fibench_needs_no_compiler() -> None:
    assert _ids(replace(QUIET, compiler=None, needs_compiler=False)) == []


def test_ports_that_rest_a_minute_bound_the_rate_of_connections() -> None:
    (item,) = disturbing(replace(QUIET, port_range=(32768, 60999), tw_reuse=0))
    assert item.values == {"ports": 28232, "rest_s": 60, "connections_per_s": 470}
    assert "470 a second" in item.why


def test_a_command_mends_what_it_stands_beside() -> None:
    (item,) = disturbing(replace(QUIET, turbo=True, turbo_switch="intel"))
    assert "no_turbo" in item.mend
    (item,) = disturbing(replace(QUIET, clocksource="hpet", clocksources=("hpet", "tsc")))
    assert "current_clocksource" in item.mend


@given(FACTS)
def test_any_machine_gets_items_of_one_line_each_that_are_shown_harmlessly(facts: Facts) -> None:
    items = disturbing(facts)
    for item in items:
        assert item.id
        assert item.what
        assert item.why
    json.dumps([item.values for item in items], allow_nan=False)
    out = io.StringIO()
    render_checkup(items, "a machine", out)
    text = out.getvalue()
    obeyed = {"Cc", "Cf", "Cs", "Zl", "Zp"}
    assert not obeyed.intersection(map(unicodedata.category, text.replace("\n", "")))
    assert "nothing" in text.splitlines()[-1]


@given(FACTS, FACTS)
def test_a_better_machine_has_no_more_findings(facts: Facts, other: Facts) -> None:
    """Taking the quiet machine's value of any fact takes findings away, and adds none."""
    for name in ("governor", "steal_share", "nofile_hard", "somaxconn", "results_writable"):
        better = replace(facts, **{name: getattr(QUIET, name)})
        assert set(_ids(better)) <= set(_ids(facts))


def test_the_facts_of_this_machine_can_be_read_and_judged(programs: Path) -> None:
    places = find_places()
    facts = commands.read_facts(places, read_catalogue(places.catalogue))
    assert facts.cores >= 1
    assert facts.hardware_threads >= facts.cores
    assert facts.compiler
    disturbing(facts)


def test_a_server_that_was_left_running_is_found(programs: Path) -> None:
    for argv, program in (
        ([str(programs / "mt_server")], "mt_server"),
        ([sys.executable, str(programs / "mt_server.py")], "mt_server.py"),
    ):
        with ending(
            subprocess.Popen([*argv, "--ready-fd", "1", "0"], stdout=subprocess.PIPE, text=True)
        ) as process:
            assert process.stdout is not None
            port = int(process.stdout.readline())
            found = [one for one in commands.servers({program}) if one.pid == process.pid]
        assert found == [Server(program, process.pid, port)]


def test_a_server_of_a_run_that_is_under_way_is_not_one_that_was_left(programs: Path) -> None:
    """Whichever checkout it is of: its runner is there, and ends it."""
    for runner, is_left in ((os.getpid(), False), (2**22 - 1, True)):
        mark = f"{runner}-{began(os.getpid())}"
        with ending(
            subprocess.Popen(
                [str(programs / "mt_server"), "--ready-fd", "1", "0"],
                stdout=subprocess.PIPE, env={**os.environ, "FIBENCH_RUN": mark},
            )
        ) as process:  # fmt: skip
            assert process.stdout is not None
            process.stdout.readline()
            found = [one.pid for one in commands.servers({"mt_server"}) if one.pid == process.pid]
        assert found == [process.pid] * is_left


def test_a_program_of_the_same_name_that_is_not_ours_is_not_found(tmp_path: Path) -> None:
    (tmp_path / "server.py").write_text(
        "import socket, sys\n"
        "listener = socket.create_server(('127.0.0.1', 0))\n"
        "print('listening', flush=True)\n"
        "sys.stdin.read()\n"
    )
    with ending(
        subprocess.Popen(
            [sys.executable, "server.py"],
            cwd=tmp_path,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"listening\n"
        found = [one for one in commands.servers({"server.py"}) if one.pid == process.pid]
    assert found == []


def test_a_busy_process_is_found(programs: Path) -> None:
    with ending(subprocess.Popen([sys.executable, "-c", "while True: pass"])) as process:

        def is_found() -> bool:
            # On a crowded machine five others may be busier, or it has hardly run in half a second.
            found = commands.read_facts(find_places(), {}).busy
            return process.pid in {busy.pid for busy in found} or len(found) == 5

        wait_until(is_found, "it is named")


BUSY = (Busy("sh", 4021, 1.0), Busy("cc1", 4100, 0.9), Busy("idle", 1, 0.01))


def test_who_else_computes_is_named_in_one_line() -> None:
    items = disturbing(replace(QUIET, foreign_cores=1.9, busy=BUSY[:2]))
    assert items[0].id == "foreign"
    assert items[0].what == "1.9 of 2 cores are used by others: sh (4021) 1.0, cc1 (4100) 0.9"
    assert _ids(replace(QUIET, foreign_cores=0.04)) == []
    # What has ended before it could be looked at is counted all the same.
    (item,) = disturbing(replace(QUIET, cores=4, foreign_cores=0.3))
    assert item.what == "0.3 of 4 cores are used by others"


def test_a_cpu_quota_is_told_with_what_it_has_stopped() -> None:
    (item,) = disturbing(replace(QUIET, quota_cores=0.5, throttled=(107, 172)))
    assert item.what == (
        "the cgroup has a CPU quota of 0.5 cores: used up in 107 of 172 periods so far"
    )
    (item,) = disturbing(replace(QUIET, quota_cores=1.0, throttled=(0, 0)))
    assert item.what == "the cgroup has a CPU quota of 1 core"


def test_before_a_run_it_is_said_what_its_verdicts_will_be() -> None:
    loud, soft = Glance(1.9, 2, BUSY), Glance(0.4, 2, BUSY[1:2])
    assert list(quiet.lines(loud, [])) == [
        (
            "1.9 of 2 cores are used by others: sh (4021) 1.0, cc1 (4100) 0.9; "
            "trials will be disturbed and verdicts INCONCLUSIVE: end them or wait"
        )
    ]
    (said,) = quiet.lines(soft, [])
    assert said.endswith("cc1 (4100) 0.9; intervals will be widened for it")
    assert list(quiet.lines(Glance(0.03, 2, ()), [])) == []
    assert list(quiet.lines(Glance(None, 2, ()), [])) == []
    (said,) = quiet.lines(Glance(0.0, 2, ()), [Limited(Path("/x"), 0.5, True)])
    assert "a CPU quota of 0.5 cores" in said


def test_a_name_from_outside_is_harmless_before_a_run(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    evil = Busy("\x1b[2J\u202e", 7, 2.0)
    glancing = Glancing(starts=True)
    monkeypatch.setattr(Glancing, "end", lambda self, least_s: Glance(2.0, 2, (evil,)))
    monkeypatch.setattr(quiet, "limited", list)
    quiet.say_who_is_busy(glancing)
    said = capsys.readouterr().err
    assert said.startswith("warning: 2.0 of 2 cores are used by others: \\x1b[2J\\u202e (7) 2.0;")
    assert said.count("\n") == 1


def test_the_command_prints_json_for_programs_and_ends_well(tmp_path: Path, programs: Path) -> None:
    desk = Desk(tmp_path)
    done = desk.invoke("doctor", "--json")
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert document["schema"] == 1
    for item in document["items"]:
        assert set(item) == {"id", "what", "why", "mend", "values"}
    done = desk.invoke("doctor")
    assert done.returncode == 0
    assert "disturb a measurement" in done.stdout
    assert not desk.results.exists(), "it changes nothing"
