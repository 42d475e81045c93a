# SPDX-License-Identifier: BSD-3-Clause
"""What a trial's record has of who else had the machine in its window."""

import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from tests.processes import ending, wait_until
from tests.runner.records import read_too_late
from tests.runner.trials import run_well, trial

from fibench.machine import cores, foreign
from fibench.machine.busy import too_much
from fibench.machine.foreign import CpuTimes
from fibench.machine.processes import cpu_clock_ns
from fibench.machine.quota import Throttling
from fibench.trial.evidence import watch as watching
from fibench.trial.evidence.probing import Probe, Probed, read_probed
from fibench.trial.evidence.watch import Moment, Watch, figures_between

LOOP = [sys.executable, "-c", "while True: pass"]


@pytest.fixture(autouse=True)
def _two_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "cores_in_mask", lambda: 2)


def moment(s: float, used_s: float, own_s: float = 0.0, steal_s: float = 0.0) -> Moment:
    return Moment(CpuTimes(int(s * 1e9), used_s, steal_s), own_s, ())


def test_what_neither_server_nor_load_nor_runner_used_is_others() -> None:
    begin, end = moment(100.0, 7.0, 1.0, 0.5), moment(102.0, 10.0, 1.1, 0.75)
    figures, missing = figures_between(begin, end, 0.9, [])
    assert not missing
    assert figures["window_s"] == pytest.approx(2.0)
    assert figures["used_cores"] == pytest.approx(1.5)
    assert figures["accounted_cores"] == pytest.approx(0.95)
    assert figures["foreign_cores"] == pytest.approx(0.55)
    assert figures["window_steal_s"] == pytest.approx(0.25)


def test_less_than_nothing_is_shown_as_nothing_and_stays_known() -> None:
    figures, missing = figures_between(moment(0, 0), moment(2.0, 1.9), 1.0, [])
    assert not missing
    assert figures["foreign_cores"] == 0.0
    assert figures["used_cores"] == pytest.approx(0.95)


def test_a_stat_that_does_not_count_the_trial_is_no_evidence() -> None:
    figures, missing = figures_between(moment(0, 0), moment(2.0, 0.4), 1.0, [])
    assert figures["foreign_cores"] is figures["used_cores"] is None
    assert "does not count" in missing["foreign"]


@pytest.mark.parametrize("begin", [True, False])
def test_without_a_stat_foreign_cpu_and_steal_are_missing(begin: bool) -> None:
    edges = [moment(0, 0), moment(1.0, 1.0)]
    edges[not begin] = Moment(None, 0.0, ())
    figures, missing = figures_between(edges[0], edges[1], 1.0, [])
    assert missing.keys() == {"foreign", "steal"}
    assert figures["foreign_cores"] is figures["window_steal_s"] is None


def test_where_a_side_is_not_known_nobody_is_blamed_for_it() -> None:
    figures, missing = figures_between(moment(0, 0), moment(1.0, 1.5), 0.1, ["the server"])
    assert figures["foreign_cores"] is None
    assert missing == {"foreign": "what the server used is not known"}
    assert figures["window_steal_s"] == 0.0


def test_a_stat_of_a_container_alone_is_used_and_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "counts_part_of_machine", lambda: True)
    figures, missing = figures_between(moment(0, 0), moment(1.0, 1.5), 1.0, [])
    assert figures["foreign_cores"] == pytest.approx(0.5)
    assert "this container alone" in missing["foreign"]


def test_what_a_quota_stopped_is_that_of_the_window() -> None:
    begin = moment(0, 0)._replace(throttled=(Throttling(10, 2, 0.1),))
    end = moment(1.0, 0.5)._replace(throttled=(Throttling(20, 8, 0.6),))
    figures, _ = figures_between(begin, end, 0.5, [])
    assert figures["periods"] == 10
    assert figures["throttled_periods"] == 6
    assert figures["throttled_s"] == pytest.approx(0.5)
    assert "periods" not in figures_between(moment(0, 0), moment(1, 1), 0.5, [])[0]


def test_a_quota_of_this_cgroup_takes_no_share_of_the_cpus_on_which_others_are_counted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Half a core of eight that others use is little, also for who may use one of them."""
    monkeypatch.setattr(watching, "cores_in_mask", cores.cores_in_mask)
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(8)))
    monkeypatch.setattr(cores, "physical_core", lambda cpu: ("0", str(cpu)))
    monkeypatch.setattr(cores, "cgroup_cpu_quota", lambda: 1.0)
    assert cores.usable_cores() == 1
    figures, missing = figures_between(moment(0, 0), moment(2.0, 3.0), 1.0, [])
    assert not missing
    assert figures["foreign_cores"] == pytest.approx(0.5)
    assert figures["usable_cores"] == 8
    assert too_much(figures, ["cc1"], unbounded=False) is None
    crowded, _ = figures_between(moment(0, 0), moment(2.0, 6.2), 1.0, [])
    assert too_much(crowded, ["cc1"], unbounded=False) == "others used 2.1 of 8 cores: cc1"


def test_a_look_before_a_run_counts_the_cores_of_the_mask_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(cores, "cgroup_cpu_quota", lambda: 0.5)
    monkeypatch.setattr(cores, "physical_core", lambda cpu: ("0", str(cpu)))
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(8)))
    assert foreign.Glancing(starts=False).end(0.0).usable == 8


@pytest.fixture
def watch(programs: Path) -> Iterator[Watch]:
    with Watch(programs, os.getpid()) as made:
        yield made


def test_a_loop_beside_the_window_is_counted_and_this_process_is_not(programs: Path) -> None:
    # The loop is a child of this test, and so of the runner: it must be a stranger's.
    with ending(subprocess.Popen(["setsid", "--fork", *LOOP, str(programs)])) as started:
        started.wait()
        pid = _stranger(str(programs))
        try:
            with Watch(programs, os.getpid()) as watch:
                watch.edge("begin")
                begun_ns = cpu_clock_ns(pid)
                wait_until(lambda: cpu_clock_ns(pid) > begun_ns + 300_000_000, "it computes")
                until_s = time.process_time() + 0.2
                while time.process_time() < until_s:
                    pass
                watch.edge("end")
                seen = watch.conclude(0.0, 0.0)
        finally:
            os.kill(pid, signal.SIGKILL)
    figures = {name: figure or 0.0 for name, figure in seen.figures.items()}
    window_s = figures["window_s"]
    assert figures["accounted_cores"] * window_s > 0.19
    # Ticks are samples; the others of this machine are in it as well.
    assert figures["foreign_cores"] * window_s > 0.15
    assert len(seen.evidence.foreign) <= 3


def _stranger(word: str) -> int:
    """The process that has this word last in its command line."""
    found: list[int] = []

    def is_there() -> bool:
        for name in filter(str.isdecimal, os.listdir("/proc")):
            try:
                words = Path(f"/proc/{name}/cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if words[-2:-1] == [word.encode()] and words[1:2] == [b"-c"]:
                found.append(int(name))
        return bool(found)

    wait_until(is_there, "the loop runs")
    return found[0]


def _is_known(figure: str, record: Mapping[str, Any]) -> bool:
    """Whether a figure of the machine is; it must be, unless what the server used was read too late
    and it is said so."""
    if "CPU times" not in read_too_late(record):
        assert record["machine"][figure] is not None, record["evidence"]
        return True
    assert record["machine"][figure] is None
    assert "server" in record["evidence"]["missing"]["foreign"]
    return False


def test_a_trial_records_what_was_seen(programs: Path, tmp_path: Path) -> None:
    record = run_well(trial("c-sync"), programs, tmp_path)
    machine: dict[str, Any] = record["machine"]
    assert machine["window_s"] == pytest.approx(0.2, abs=0.15)
    if _is_known("foreign_cores", record):
        assert machine["used_cores"] <= machine["usable_cpus"] + 0.2
    assert machine["probe_s"] is None or 1e-6 < machine["probe_s"] < 1e-2
    assert set(record["evidence"]) == {"foreign", "missing"}
    assert record["disturbed"] is None


def test_the_courses_clients_are_no_strangers(programs: Path, tmp_path: Path) -> None:
    course = trial("py-sync", kind="process", framing="message", n=10, duration=None, warmup=None)
    record = run_well(course, programs, tmp_path)
    machine: dict[str, Any] = record["machine"]
    # Python takes some 20 ms of CPU to start, and there are four of them.
    if _is_known("accounted_cores", record):
        assert machine["accounted_cores"] * machine["window_s"] > 0.03


def test_a_trial_without_a_probe_goes_on_and_says_so(
    programs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fibench.trial.evidence.probing.PROBE", "no-such-program")
    record = run_well(trial("c-sync"), programs, tmp_path)
    assert record["machine"]["probe_s"] is None
    assert "No such file" in record["evidence"]["missing"]["probe"]
    _is_known("foreign_cores", record)


def test_a_trial_without_a_stat_goes_on_and_says_so(
    programs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watching, "cpu_times", lambda: None)
    record = run_well(trial("c-sync"), programs, tmp_path)
    assert record["machine"]["foreign_cores"] is None
    assert set(record["evidence"]["missing"]) >= {"foreign", "steal", "probe"}


def test_a_clock_that_is_stepped_moves_nothing(
    programs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest = time.time
    steps = iter(range(0, 10**9, 3600))
    monkeypatch.setattr(time, "time", lambda: honest() - next(steps))
    machine = run_well(trial("c-sync"), programs, tmp_path)["machine"]
    assert machine["window_s"] == pytest.approx(0.2, abs=0.15)


def now_ns() -> int:
    return time.clock_gettime_ns(time.CLOCK_MONOTONIC)


def test_the_probe_tells_the_median_of_any_window(programs: Path) -> None:
    with Probe(programs) as probe:
        begin_ns = now_ns()
        found: list[Probed] = []

        def is_known() -> bool:
            found.append(probe.between(begin_ns, now_ns()))
            return found[-1].missing is None

        wait_until(is_known, "there are samples of every CPU")
        (pid,) = probe.pids
        assert probe.between(0, begin_ns).slowest_s is None
    assert found[-1].slowest_s is not None
    assert 1e-6 < found[-1].slowest_s < 1e-2
    assert cpu_clock_ns(pid) == 0, "it has ended"


def test_a_probe_ends_with_who_has_started_it(programs: Path, tmp_path: Path) -> None:
    said = tmp_path / "pid"
    text = (
        "import sys, time; from pathlib import Path\n"
        "from fibench.trial.evidence.probing import Probe\n"
        f"probe = Probe(Path({str(programs)!r}))\n"
        f"Path({str(said)!r}).write_text(str(probe.pids[0]) + '.')\n"
        "sys.stdin.read()"
    )
    argv = [sys.executable, "-c", f"import sys; sys.path[:0] = {sys.path!r}\n{text}"]
    with ending(subprocess.Popen(argv, stdin=subprocess.PIPE)) as runner:
        wait_until(lambda: said.exists() and said.read_text().endswith("."), "it is started")
        runner.kill()
        runner.wait()
    pid = int(said.read_text().rstrip("."))
    wait_until(lambda: not Path(f"/proc/{pid}/exe").exists(), "the probe has ended")


def test_a_probe_that_has_ended_is_missing_evidence(programs: Path) -> None:
    with Probe(programs) as probe:
        os.kill(probe.pids[0], signal.SIGKILL)
        assert probe.between(0, now_ns()).slowest_s is None
        wait_until(lambda: probe.between(0, 1).missing is not None, "it is missed")


@pytest.mark.parametrize(
    ("text", "probed"),
    [
        ("0 50 25000\n1 50 30000\n\n", Probed(30e-6)),
        (
            "0 50 25000\n1 - Operation not permitted\n\n",
            Probed(25e-6, "it may not be pinned to CPU 1: Operation not permitted"),
        ),
        ("0 - Denied\n1 - Denied\n\n", Probed(None, "it may not be pinned to CPU 0, 1: Denied")),
        (
            "0 50 25000\n1 4 90000\n\n",
            Probed(25e-6, "it came to fewer than 5 samples on CPU 1"),
        ),
        ("\n", Probed(None, None)),
    ],
)
def test_what_the_probe_answers_is_read(text: str, probed: Probed) -> None:
    found = read_probed(text)
    assert found.missing == probed.missing
    assert found.slowest_s == pytest.approx(probed.slowest_s)


def test_a_probe_that_may_not_be_pinned_is_missing_evidence(tmp_path: Path) -> None:
    script = tmp_path / "probe"
    script.write_text("#!/bin/sh\nread line\necho '0 - Operation not permitted'\necho\nread end\n")
    script.chmod(script.stat().st_mode | stat.S_IXUSR)
    with Probe(tmp_path) as probe:
        assert probe.between(0, 1) == Probed(
            None, "it may not be pinned to CPU 0: Operation not permitted"
        )


def test_reading_all_processes_is_no_part_of_the_window(
    programs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Watch(programs, os.getpid()) as watch:
        with monkeypatch.context() as inside:

            def too_long() -> dict[int, foreign.Process]:
                raise AssertionError("all processes are read inside of the window")

            inside.setattr(watching, "processes", too_long)
            watch.edge("begin")
            watch.edge("end")
        assert watch.conclude(0.0, 0.0).figures
