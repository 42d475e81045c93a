# SPDX-License-Identifier: BSD-3-Clause
"""System calls per request: counted by strace, those of start and end taken off."""

from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.runner.trials import run, run_well, trial

from fibench.trial.untimed.syscalls import (
    REQUESTS,
    absent_reason,
    more_requests,
    per_request,
    read_summary,
)

TABLE = """\
% time     seconds  usecs/call     calls    errors syscall
------ ----------- ----------- --------- --------- ----------------
 61.54    0.000016           8         2           write
 38.46    0.000010           0     12345        21 accept4
  0.00    0.000000           0         1         1 access
------ ----------- ----------- --------- --------- ----------------
100.00    0.000026           0     12348        22 total
"""


def test_the_table_of_strace_is_read_by_its_columns() -> None:
    assert read_summary(TABLE) == {"write": 2, "accept4": 12345, "access": 1}
    assert read_summary("") == {}
    assert read_summary("strace: Can't stat 'x'\n") == {}


def test_start_and_end_are_taken_off() -> None:
    few, many = Counter(mmap=30, recvfrom=20), Counter(mmap=30, recvfrom=520, sendto=500)
    assert per_request(few, many, 500) == {"recvfrom": 1.0, "sendto": 1.0, "mmap": 0.0}


@given(one_s=st.floats(0, 100))
def test_requests_fit_the_time_but_are_never_few(one_s: float) -> None:
    requests = more_requests(one_s)
    assert 20 <= requests <= REQUESTS
    assert requests == 20 or requests * one_s <= 3.0


@pytest.mark.needs("strace")
@pytest.mark.parametrize("framing", ["line", "message"])
def test_a_server_that_answers_by_one_call_each_is_seen_to(
    programs: Path, tmp_path: Path, framing: str
) -> None:
    record = run_well(trial("c-sync", "syscalls", framing=framing), programs, tmp_path)
    assert record["role"] == "syscalls"
    assert set(record["metrics"]) == {"syscalls_per_request"}
    calls = record["syscalls"]["calls_per_request"]
    assert calls["sendto"] == pytest.approx(1.0, abs=0.05)
    # With a connection for each request the accept and the close belong to the request.
    assert calls.get("accept4", 0.0) == pytest.approx(float(framing == "message"), abs=0.05)
    assert "execve" not in calls
    assert record["metrics"]["syscalls_per_request"] == pytest.approx(sum(calls.values()), abs=0.01)
    assert 20 <= record["syscalls"]["requests"] <= REQUESTS
    assert record["syscalls"]["absent"] is None


@pytest.mark.needs("strace")
def test_calls_of_forked_children_count(programs: Path, tmp_path: Path) -> None:
    record = run_well(trial("c-mp", "syscalls", framing="message"), programs, tmp_path)
    calls = record["syscalls"]["calls_per_request"]
    assert calls["sendto"] == pytest.approx(1.0, abs=0.05)
    forks = sum(calls.get(name, 0.0) for name in ("clone", "clone3", "fork", "vfork"))
    assert forks == pytest.approx(1.0, abs=0.05)


@pytest.mark.needs("strace")
def test_wrong_replies_make_such_a_trial_invalid_too(programs: Path, tmp_path: Path) -> None:
    text = (
        "def answer(connection, k): connection.sendall(b'2\\n' if k == 5 else b'1\\n')\n"
        "serve_threads()"
    )
    record = run(trial("own", "syscalls"), programs, tmp_path, text)
    assert not record["valid"]
    assert record["reason"] == 'wrong replies: 1, the first "2" instead of "1"'
    assert record["metrics"] == {"syscalls_per_request": None}


def test_without_strace_the_figure_is_absent_with_a_reason_and_the_trial_is_no_failure(
    programs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    absent_reason.cache_clear()
    monkeypatch.setenv("PATH", str(tmp_path))
    try:
        record = run(trial("c-sync", "syscalls"), programs, tmp_path)
    finally:
        absent_reason.cache_clear()
    assert record["valid"]
    assert record["metrics"] == {"syscalls_per_request": None}
    assert record["syscalls"] == {"absent": "strace is not installed"}


def test_a_strace_that_may_not_trace_is_quoted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    strace = tmp_path / "strace"
    strace.write_text(
        "#!/bin/sh\necho 'strace: PTRACE_TRACEME: Operation not permitted' >&2; exit 1\n"
    )
    strace.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin:/usr/bin")
    absent_reason.cache_clear()
    try:
        assert absent_reason() == "strace: PTRACE_TRACEME: Operation not permitted"
    finally:
        absent_reason.cache_clear()


def test_a_load_without_a_number_of_requests_has_no_figure(programs: Path, tmp_path: Path) -> None:
    record = run(trial("c-sync", "syscalls", kind="process"), programs, tmp_path)
    assert record["valid"]
    assert record["metrics"] == {"syscalls_per_request": None}
    assert "client_bench.sh" in record["syscalls"]["absent"]


@pytest.mark.needs("strace")
def test_a_server_that_has_to_be_killed_leaves_no_table(programs: Path, tmp_path: Path) -> None:
    text = (
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "def answer(connection, k): connection.sendall(b'1\\n')\n"
        "serve_threads()"
    )
    record = run_well(trial("own", "syscalls"), programs, tmp_path, text, grace_s=0.1)
    assert record["metrics"] == {"syscalls_per_request": None}
    assert "had to be killed" in record["syscalls"]["absent"]
