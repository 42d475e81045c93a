# SPDX-License-Identifier: BSD-3-Clause
"""One trial: what its record holds, and that a server that does wrong makes it invalid."""

import json
import os
from pathlib import Path
from typing import Any

import pytest
from tests.runner.records import read_too_late
from tests.runner.trials import run, run_well, trial

from fibench.metrics import METRICS, OF_THREADS
from fibench.plan.pinning import Pinning
from fibench.server.cgroup import usable_parent
from fibench.server.supervision import KEPT_BYTES

RIGHT = "def answer(connection, k): connection.sendall(b'1\\n')\n"

CHECKS = {
    *("generator_bound", "generator_share", "littles_law", "lag_p99_s", "sent_share"),
    *("offered_per_s", "listen_overflows", "listen_drops", "retransmits", "flight_gate"),
    *(
        "read_lag_p50_s",
        "read_lag_p99_s",
        "steady",
        "ramp",
        "warmup_s",
        "computing_s",
        "fibonacci_s",
    ),
    "check_s",
    "saturated",
    "line",
}


@pytest.mark.serial
def test_a_record_holds_what_its_schema_names(programs: Path, tmp_path: Path) -> None:
    record = run_well(trial("c-mt"), programs, tmp_path)
    assert (record["schema"], record["role"], record["attempt"]) == (3, "measure", 1)
    metrics = record["metrics"]
    absent = {"CPU times": {"cores", "cpu_per_request_s"}, "memory": {"memory_peak_bytes"}}
    unknown = set().union(*(absent[what] for what in read_too_late(record)))
    if record["server"]["thread_time_unknown"] is not None:
        unknown |= {METRICS[name].name_with_unit for name in OF_THREADS}
    assert {name for name, value in metrics.items() if value is None} == unknown
    counted = {m.counted_as or m.name for m in METRICS.values() if m.is_count}
    timed = [m for m in METRICS.values() if m.of_role is None]
    named = {m.name_with_unit for m in timed if not m.is_count}
    assert set(metrics) == named, "trial/ makes a figure of each metric"
    assert counted <= set(record["counts"]), "a metric that is a count stands among the counts"
    assert sum(record["halves"]) == record["counts"]["window_ok"]
    assert set(record["checks"]) == CHECKS
    assert record["checks"]["littles_law"] > 0
    of_a_quota = {"quota_cores", "periods", "throttled_periods", "throttled_s"}
    assert set(record["machine"]) - of_a_quota == {
        *("steal_s", "cpu_pressure_s", "memory_pressure_s", "io_pressure_s", "load_1min"),
        *("window_s", "usable_cores", "usable_cpus", "used_cores", "accounted_cores"),
        *("foreign_cores", "window_steal_s", "probe_s", "design_cores", "late_s"),
        *("capacity_cpus", "cpu_stretch", "one_gil", "serves"),
    }
    accounting = "cgroup" if usable_parent(programs / "supervise") else "subreaper"
    assert record["server"]["accounting"] == accounting
    assert record["groups"] == {}
    json.dumps(record, allow_nan=False)


def test_every_request_of_a_trial_has_exactly_one_end(programs: Path, tmp_path: Path) -> None:
    counts = run_well(trial("py-mt"), programs, tmp_path)["counts"]
    ends = (
        "ok", "wrong", "refused", "closed", "reset", "timeout", "opening", "local", "unfinished"
    )  # fmt: skip
    assert counts["started"] == sum(counts[end] for end in ends)


LEAVES = (
    "def converse(connection):\n"
    "    ones = 0\n"
    "    for line in connection.makefile('rb'):\n"
    "        n = int(line)\n"
    "        if n == 1: ones += 1; answer(connection, number())\n"
    "        else: connection.sendall(b'%d\\n' % fibonacci(n))\n"
    "    if ones > 1: {end}\n"
)
"""A server whose first client to leave is its end. The check before the load asks once on each of
its connections, or for something else than 1."""


@pytest.mark.parametrize(
    ("end", "how"),
    [
        ("signal.signal(signal.SIGPIPE, signal.SIG_DFL); os.kill(os.getpid(), 13)", (None, 13)),
        ("os._exit(3)", (3, None)),
        ("os._exit(0)", (0, None)),
    ],
)
def test_a_server_that_ends_when_its_clients_leave_keeps_its_trial_and_it_is_said(
    programs: Path, tmp_path: Path, end: str, how: tuple[int | None, int | None]
) -> None:
    text = RIGHT + LEAVES.format(end=end).replace(
        "signal.signal(signal.SIGPIPE, signal.SIG_DFL); ", ""
    )
    if "SIGPIPE" in end:
        text = "signal.signal(signal.SIGPIPE, signal.SIG_DFL)\n" + text
    record = run_well(trial("own"), programs, tmp_path, text + "serve_threads()")
    assert record["server"]["ended_itself"]
    assert (record["server"]["status"], record["server"]["signal"]) == how


def test_a_server_that_serves_a_number_of_connections_and_ends_inside_the_window_is_lost(
    programs: Path, tmp_path: Path
) -> None:
    text = (
        "listen(); tell()\n"
        "while replies < 40:\n"
        "    connection, _ = listener.accept(); n = int(connection.recv(9))\n"
        "    if n == 1: number()  # of the load, but for one\n"
        "    connection.sendall(b'%d' % fibonacci(n)); connection.close()"
    )
    record = run(trial("own", framing="message", duration=1.0), programs, tmp_path, text)
    assert not record["valid"]
    assert record["failure"] == "server-ended", record["reason"]
    assert record["server"]["ended_itself"]
    assert record["window_opened"]


def test_a_server_whose_first_process_ends_when_it_is_ready_has_gone_into_the_background(
    programs: Path, tmp_path: Path
) -> None:
    """A daemon may listen before its parent has ended: what is said is the same."""
    text = (
        "reader, writer = os.pipe()\nif os.fork(): os.read(reader, 1); os._exit(0)\n"
        "def answer(connection, k): os.write(writer, b'x'); connection.sendall(b'1\\n')\n"
        "serve_threads()"
    )
    record = run(trial("own"), programs, tmp_path, text)
    assert record["failure"] == "server-ended", record["reason"]
    assert record["reason"].startswith("the server went into the background: ")
    assert record["hint"].startswith("a server must stay in the foreground to be measured")


@pytest.mark.serial
def test_memory_is_read_thrice_in_the_window_and_the_most_is_the_peak(
    programs: Path, tmp_path: Path
) -> None:
    record = run_well(trial("py-mp", duration=1.0), programs, tmp_path)
    readings = record["server"]["memory_readings"]
    # A machine that is busy may leave no time for the one near the end.
    assert len(readings) in (2, 3)
    assert record["metrics"]["memory_bytes"] == readings[1]
    late = "memory" in read_too_late(record)
    assert record["metrics"]["memory_peak_bytes"] == (None if late else max(readings))
    assert record["server"]["processes"] > 1


def test_a_window_of_unknown_length_has_one_reading_of_memory(
    programs: Path, tmp_path: Path
) -> None:
    record = run_well(trial("c-sync", requests=3000, duration=None), programs, tmp_path)
    late = "memory" in read_too_late(record)
    assert len(record["server"]["memory_readings"]) == (0 if late else 1)
    assert (record["metrics"]["memory_bytes"] is None) == late


def test_switches_of_ended_processes_count(programs: Path, tmp_path: Path) -> None:
    forking = trial("c-mp", framing="message", requests=300, duration=None, clients=1)
    record = run_well(forking, programs, tmp_path)
    # Each child waits for its request or begins life on another CPU; and its parent waits for it.
    assert record["metrics"]["switches_per_request"] >= 1.0


def test_where_children_are_lost_switches_are_absent_and_a_cgroup_still_knows_cpu_time(
    programs: Path, tmp_path: Path
) -> None:
    text = "signal.signal(signal.SIGCHLD, signal.SIG_IGN)\n" + RIGHT + "serve_threads()"
    record = run_well(trial("own"), programs, tmp_path, text)
    assert record["metrics"]["switches_per_request"] is None
    assert record["server"]["switches_voluntary"] is None
    known = usable_parent(programs / "supervise") is not None
    known = known and "CPU times" not in read_too_late(record)
    assert (record["metrics"]["cores"] is not None) == known


def test_without_a_cgroup_the_subreaper_accounts_and_says_so(
    programs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fibench.server.cgroup.create", lambda supervise: None)
    record = run_well(trial("py-mt"), programs, tmp_path)
    assert record["server"]["accounting"] == "subreaper"
    assert "CPU times" in read_too_late(record) or record["metrics"]["cores"] > 0


def test_server_and_load_run_where_they_are_pinned(programs: Path, tmp_path: Path) -> None:
    cpu = str(max(os.sched_getaffinity(0)))
    record = run_well(trial("c-mt"), programs, tmp_path, pinning=Pinning(cpu, cpu, "a test"))
    assert record["server"]["cpus"] == record["generator"]["cpus"] == cpu
    own_choice = trial("c-mt", server_cpus="all", load_cpus=cpu)
    record = run(own_choice, programs, tmp_path, pinning=Pinning(cpu, None, "a test"))
    assert (record["server"]["cpus"], record["generator"]["cpus"]) == (None, cpu)


def test_the_ceiling_is_a_trial_of_the_null_server(programs: Path, tmp_path: Path) -> None:
    what = trial("c-null", "ceiling", framing="message", n=27)
    record = run_well(what, programs, tmp_path)
    assert record["role"] == "ceiling"
    assert record["metrics"]["throughput_per_s"] > 0


@pytest.mark.parametrize(
    ("behaviour", "kind", "reason", "count"),
    [
        pytest.param(
            "if k % 100 == 0: time.sleep(60)\n    connection.sendall(b'1\\n')",
            "invalid",
            "requests given up as too old: ",
            "timeout",
            id="drops every hundredth request",
        ),
        pytest.param(
            "connection.sendall(b'2\\n' if k % 1000 == 0 else b'1\\n')",
            "invalid",
            "wrong replies: ",
            "wrong",
            id="one in a thousand is wrong",
        ),
        pytest.param(
            "connection.sendall(b'1\\n1\\n' if k == 500 else b'1\\n')",
            "invalid",
            "bytes that nobody asked for: ",
            "surplus_bytes",
            id="answers twice",
        ),
        pytest.param(
            "connection.shutdown(2) if k == 500 else connection.sendall(b'1\\n')",
            "invalid",
            "closed or reset before a reply",
            "refused_by_cap",
            id="closes early",
        ),
        pytest.param(
            "connection.sendall(b'1\\n'[:2 - (k == 500)])\n    if k == 500: connection.shutdown(2)",
            "invalid",
            "replies cut short by the server: ",
            "cut_short",
            id="closes in the middle of a reply",
        ),
        pytest.param(
            "connection.sendall(b'1\\n')\n    if k >= 500: lock.acquire()",
            "invalid",
            "requests given up as too old: ",
            "timeout",
            id="stops reading",
        ),
        pytest.param(
            "connection.sendall(b'1\\n')\n    if k == 500: os.kill(os.getpid(), signal.SIGSTOP)",
            "invalid",
            "requests given up as too old: ",
            "timeout",
            id="is stopped",
        ),
        pytest.param(
            "connection.sendall(b'1\\n')\n    if k == 500: os.abort()",
            "server-ended",
            "the server ended during the trial, by SIGABRT",
            None,
            id="crashes",
        ),
        pytest.param(
            "connection.sendall(b'1\\n')\n    if k == 500: os._exit(3)",
            "server-ended",
            "the server ended during the trial, with status 3",
            None,
            id="ends",
        ),
        pytest.param(
            "connection.sendall(b'2\\n')",
            "wrong-reply",
            "to '1\\n' it replied '2\\n', not '1\\n'",
            None,
            id="is wrong from the start",
        ),
    ],
)
def test_a_server_that_does_wrong_makes_the_trial_invalid(
    programs: Path, tmp_path: Path, behaviour: str, kind: str, reason: str, count: str | None
) -> None:
    text = f"def answer(connection, k):\n    {behaviour}\nserve_threads()"
    # A server that hangs is one that somebody has given up.
    own = trial("own", duration=0.6, timeout=0.4)
    record: dict[str, Any] = run(own, programs, tmp_path, text)
    assert not record["valid"]
    assert record["failure"] == kind
    assert reason in record["reason"]
    assert "\n" not in record["reason"]
    if count is not None:
        assert record["counts"][count] > 0
    assert set(record["checks"]) == CHECKS
    json.dumps(record, allow_nan=False)


def test_a_server_that_needs_longer_than_its_load_is_killed_and_it_is_said(
    programs: Path, tmp_path: Path
) -> None:
    text = "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n" + RIGHT + "serve_threads()"
    record = run_well(trial("own"), programs, tmp_path, text, grace_s=0.1)
    assert record["server"]["forced"]
    assert record["metrics"]["switches_per_request"] > 0


def test_each_number_that_a_group_asks_for_is_checked_first(programs: Path, tmp_path: Path) -> None:
    text = (
        "def converse(connection):\n"
        "    for line in connection.makefile('rb'): connection.sendall(b'1\\n')\n"
        "serve_threads()"
    )
    groups = "name=small,clients=1,n=1;name=idle,clients=1,idle;name=large,clients=1,n=10"
    record = run(trial("own", groups=groups, clients=2), programs, tmp_path, text)
    assert record["failure"] == "wrong-reply"
    assert "to '10\\n' it replied '1\\n', not '89\\n'" in record["reason"]


FEW = """
listener.bind((host, port)); listener.listen(2); tell()
ones = 0
while ones < 5:
    connection, _ = listener.accept()
    asked = connection.recv(256)
    ones += asked == b"1"
    connection.sendall({b"1": b"1", b"2": b"2", b"3": b"3", b"4": b"5"}.get(asked, b""))
    connection.close()
signal.pause()
"""


def test_a_full_listen_queue_is_named_with_its_length(programs: Path, tmp_path: Path) -> None:
    crowd = trial("own", framing="message", clients=16, timeout=1.5, duration=2.5)
    record = run(crowd, programs, tmp_path, FEW)
    assert not record["valid"]
    assert "waiting for a SYN or data sent again: a listen queue overflowed" in record["reason"]
    assert record["hint"].startswith("the server's listen queue (backlog 2) is too short")
    assert record["server"]["backlog"] == 2
    assert record["checks"]["listen_overflows"] > 0


def test_the_length_of_the_listen_queue_is_kept(programs: Path, tmp_path: Path) -> None:
    most = int(Path("/proc/sys/net/core/somaxconn").read_text())
    record = run_well(trial("c-mt", backlog=77), programs, tmp_path)
    assert record["server"]["backlog"] == min(77, most)
    assert record["hint"] is None


def test_of_a_server_that_prints_without_end_the_beginning_and_the_end_are_kept(
    programs: Path, tmp_path: Path
) -> None:
    """A mebibyte for each request, as a forgotten trace does."""
    text = """
print("the first line", file=sys.stderr, flush=True)
def answer(connection, k):
    sys.stderr.write("x" * (1 << 20) + f"\\n{k} asked\\n"); sys.stderr.flush()
    connection.sendall(b"1\\n")
serve_threads()
"""
    record = run(trial("own", clients=1), programs, tmp_path, text)
    assert record["valid"], record["reason"]
    kept = (tmp_path / "server.err").read_bytes()
    assert len(kept) < 2 * KEPT_BYTES + 100
    assert kept.startswith(b"the first line\n")
    assert b" bytes left out " in kept
    assert kept.endswith(b" asked\n")
