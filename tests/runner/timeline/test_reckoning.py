# SPDX-License-Identifier: BSD-3-Clause
"""From samples to shares: what the kernel tells late is put where it was, and nothing is lost."""

import errno
from collections.abc import Mapping, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fibench.timeline import COLUMNS, NOT_THERE, ROWS, Recording, ThreadTime, thread_time
from fibench.timeline.filling import RAN, WAS_READY, filled
from fibench.timeline.recording import NotRead, RecordedThread, ThreadSample
from fibench.timeline.stored import read_thread_time

MS = 1_000_000
BEGIN, END = 100 * MS, 400 * MS


def thread(
    samples: Sequence[ThreadSample], last_ms: int = 420, ended: bool = False, was_there: bool = True
) -> RecordedThread:
    first = samples[0].at_ns
    return RecordedThread(7, 8, "name", first, last_ms * MS, 300, was_there, ended, samples)


def recorded(
    *threads: RecordedThread,
    lacks: Mapping[str, NotRead] | None = None,
    full_ns: int | None = None,
    given_out: int = 0,
    seen: int = 0,
) -> Recording:
    without = {"switches": NotRead(errno.EACCES, 1), **(lacks or {})}
    return Recording(50 * MS, 420 * MS, MS, 370, given_out, seen, without, full_ns, threads)


def found(*threads: RecordedThread, **more: object) -> ThreadTime:
    recording = recorded(*threads, **more)  # type: ignore[arg-type] # named as there
    time = thread_time(recording, BEGIN, END)
    if time.absent is None:
        assert read_thread_time(time.as_document()) == time
        assert sum(time.shares.values()) + (time.residual or 0) == pytest.approx(1, abs=1e-5)
    return time


def sample(
    at_ms: float, does: str, run_ms: float = 0, delay_ms: float = 0, gap_ms: float = 1
) -> ThreadSample:
    gap_ns, run_ns, delay_ns = (int(each * MS) for each in (gap_ms, run_ms, delay_ms))
    return ThreadSample(int(at_ms * MS), gap_ns, does, run_ns, delay_ns)


def ticking(tick_ms: int, run_ms: float, delay_ms: float = 0) -> RecordedThread:
    """One that is always runnable, of which the kernel tells at ticks only."""
    ticks = range(50 + tick_ms, 420, tick_ms)
    told = (sample(at, "r", run_ms, delay_ms) for at in ticks)
    return thread([sample(50, "r", gap_ms=0), *told])


@pytest.mark.parametrize("tick_ms", [1, 4, 10])
def test_who_runs_all_along_runs_however_rarely_the_kernel_tells(tick_ms: int) -> None:
    time = found(ticking(tick_ms, tick_ms))
    assert time.shares["running"] == 1
    assert time.residual == 0
    (row,) = time.rows
    assert row.columns == "r" * COLUMNS
    assert [dict(one)["running"] for one in time.slices] == [1] * 10


def test_who_has_a_cpu_half_of_the_time_is_ready_in_the_other_half() -> None:
    time = found(ticking(4, 2, 2))
    assert time.shares["running"] == pytest.approx(0.5, abs=0.01)
    assert time.shares["ready"] == pytest.approx(0.5, abs=0.01)


def test_who_is_runnable_and_never_gets_a_cpu_is_ready() -> None:
    assert found(thread([sample(50, "r")])).shares["ready"] == 1


@pytest.mark.parametrize(
    ("letter", "state"),
    [("g", "gil"), ("l", "lock"), ("n", "network"), ("s", "sleeping"), ("o", "other")],
)
def test_who_waits_goes_on_waiting_until_something_changes(letter: str, state: str) -> None:
    time = found(thread([sample(50, letter), sample(250, "r"), sample(251, letter, 1)]))
    assert {name: share for name, share in time.shares.items() if share > 0.01} == {
        state: pytest.approx(299 / 300, abs=0.002)
    }
    assert time.shares["running"] == pytest.approx(1 / 300, abs=1e-5)


def test_what_it_used_between_two_looks_at_which_it_waited_is_not_lost() -> None:
    busy = [sample(at, "g", 0.25, 0.5) for at in range(51, 420)]
    shares = found(thread([sample(50, "g"), *busy])).shares
    assert shares["running"] == pytest.approx(0.25, abs=0.002)
    assert shares["ready"] == pytest.approx(0.5, abs=0.002)
    assert shares["gil"] == pytest.approx(0.25, abs=0.002)


def test_a_thread_that_comes_and_goes_is_there_in_between_only() -> None:
    there = thread([sample(200, "r"), sample(250, "r", 50)], 300, ended=True, was_there=False)
    time = found(thread([sample(50, "n")]), there)
    assert time.threads == 2
    assert time.shares["network"] == pytest.approx(0.75, abs=0.001)
    assert time.shares["running"] == pytest.approx(0.125, abs=0.001)
    first, second = time.rows
    assert first.columns == "n" * COLUMNS
    assert second.columns == NOT_THERE * 50 + "r" * 25 + "q" * 25 + NOT_THERE * 50
    assert time.slices[0]["network"] == 1
    assert time.slices[4]["network"] == pytest.approx(0.5, abs=0.001)


def test_where_more_shows_up_than_can_have_been_used_no_figure_is_beyond_1() -> None:
    time = found(ticking(4, 5))
    assert time.shares["running"] == 1
    assert time.residual == 0
    time = found(thread([sample(50, "n"), *(sample(at, "n", 1.2) for at in range(51, 420))]))
    assert time.shares["running"] == 1
    assert all(each["running"] <= 1 for each in time.slices)


def test_the_rows_are_those_that_ran_most_in_the_order_of_their_begin() -> None:
    idle = [thread([sample(50, "n")]) for _ in range(ROWS)]
    time = found(*idle, ticking(4, 4))
    assert time.threads == ROWS + 1
    assert len(time.rows) == ROWS
    assert time.rows_left_out == 1
    assert time.rows[-1].columns == "r" * COLUMNS


def test_without_schedstat_running_and_ready_are_absent_and_waits_are_not() -> None:
    lacks = {"schedstat": NotRead(errno.ENOSYS, 2)}
    time = found(thread([sample(50, "n")]), thread([sample(50, "r")]), lacks=lacks)
    assert time.shares == {"gil": 0, "lock": 0, "network": 0.5, "sleeping": 0, "other": 0}
    assert time.residual == 0.5
    assert time.unknown == (
        "whether threads ran or were ready: this kernel does not tell it in /proc/PID/schedstat",
    )
    assert time.rows[1].columns == "o" * COLUMNS


def test_where_calls_cannot_be_read_waits_are_absent() -> None:
    time = found(thread([sample(50, "?")]), lacks={"call": NotRead(errno.EPERM, 1)})
    assert time.shares == {"running": 0, "ready": 0}
    assert time.residual == 1
    (why,) = time.unknown
    assert why.startswith("what threads waited for: /proc/PID/syscall of 1 threads cannot be read")
    assert "Yama" in why


def test_where_the_gil_cannot_be_told_both_locks_are_absent() -> None:
    threads = thread([sample(50, "f")]), thread([sample(50, "n")])
    time = found(*threads, lacks={"gil": NotRead(errno.EACCES, 1)})
    assert time.shares.keys().isdisjoint({"gil", "lock"})
    assert time.shares["network"] == time.residual == 0.5
    assert "which lock is the GIL" in time.unknown[0]


def test_of_a_program_for_another_architecture_waits_are_absent() -> None:
    time = found(thread([sample(50, "?")]), lacks={"foreign": NotRead(0, 1)})
    assert "another architecture" in time.unknown[0]


def test_what_there_was_no_room_for_is_left_over_and_said() -> None:
    time = found(thread([sample(50, "n")]), full_ns=250 * MS, lacks={"room": NotRead(0, 3)})
    assert time.residual == pytest.approx(0.5)
    assert len(time.unknown) == 2


def test_that_others_began_and_were_not_seen_is_said() -> None:
    one = thread([sample(50, "n")])
    assert found(one, given_out=99, seen=9).unknown == ()
    assert found(one, given_out=20, seen=10).unknown == ()
    assert "of 21 processes and threads" in found(one, given_out=21, seen=10).unknown[0]


@pytest.mark.parametrize("window", [(END, BEGIN), (END, END), (500 * MS, 600 * MS)])
def test_where_no_thread_was_nothing_is_known(window: tuple[int, int]) -> None:
    gone = thread([sample(50, "n")], 420, ended=True)
    assert thread_time(recorded(gone), *window).absent == "no thread was seen in the window"
    assert thread_time("why", *window).absent == "why"


@given(
    st.lists(
        st.integers(1, 5 * MS).flatmap(
            lambda step: st.tuples(
                st.just(step),
                st.integers(0, step),
                st.sampled_from("rglnso?f"),
                st.integers(0, step // 2),
                st.integers(0, step // 2),
            )
        ),
        max_size=40,
    )
)
def test_stretches_fill_the_time_without_gaps_and_no_execution_time_is_lost(
    looks: Sequence[tuple[int, int, str, int, int]],
) -> None:
    at, samples = 50 * MS, [sample(50, "n")]
    for step, gap, does, run, delay in looks:
        at += step
        samples.append(ThreadSample(at, gap, does, run, delay))
    stretches, surplus = filled(
        RecordedThread(1, 1, "", 50 * MS, at + MS, 9, True, False, samples), at + MS
    )
    ends = [50 * MS, *(one.end_ns for one in stretches)]
    assert [one.begin_ns for one in stretches] == ends[:-1]
    assert ends[-1] == at + MS
    assert all(one.begin_ns < one.end_ns for one in stretches)
    for did, used in (
        (RAN, sum(one.run_ns for one in samples)),
        (WAS_READY, sum(one.delay_ns for one in samples)),
    ):
        placed = sum(one.end_ns - one.begin_ns for one in stretches if one.did == did)
        assert placed + sum(one.length_ns for one in surplus if one.did == did) == used


def test_what_was_used_before_the_first_sample_is_not_of_the_time_after_it() -> None:
    one = thread([sample(50, "r"), sample(51, "r", 4, 90), *ticking(4, 4).samples[1:]])
    stretches, surplus = filled(one, 420 * MS)
    assert not surplus
    assert {each.did for each in stretches} <= {RAN, WAS_READY, "r"}


def test_who_was_ready_before_the_sampler_asked_was_not_waiting_any_more() -> None:
    one = thread([sample(50, "g"), sample(60, "r", 0.5, 4)])
    stretches, surplus = filled(one, 60 * MS)
    assert not surplus
    did = [((each.end_ns - each.begin_ns) / MS, each.did) for each in stretches]
    assert did == [(5.5, "g"), (4, WAS_READY), (0.5, RAN)]
