# SPDX-License-Identifier: BSD-3-Clause
"""Where the kernel tells of every switch, when a thread ran is not guessed."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fibench.timeline import Recording, thread_time
from fibench.timeline.recording import RecordedThread, Switch, ThreadSample
from fibench.timeline.switching import switched

MS = 1_000_000


def thread(
    samples: Sequence[ThreadSample], switches: Sequence[Switch], was_there: bool = True
) -> RecordedThread:
    return RecordedThread(7, 8, "name", 0, 100 * MS, 9, was_there, False, samples, switches)


def sample(at_ms: int, does: str, delay_ms: int = 0, run_ms: int = 0) -> ThreadSample:
    return ThreadSample(at_ms * MS, MS, does, run_ms * MS, delay_ms * MS)


def switches(text: str) -> list[Switch]:
    """ "20I 30W": at 20 ms it got a CPU, at 30 ms it waited."""
    return [Switch(int(one[:-1]) * MS, one[-1]) for one in text.split()]


def did(one: RecordedThread) -> str:
    """What it did: a letter and how many ms each."""
    found = switched(one, 100 * MS)
    return " ".join(f"{(each.end_ns - each.begin_ns) // MS}{each.did}" for each in found)


@pytest.mark.parametrize(
    ("told", "means"),
    [
        ("", "100n"),
        ("20I 30W", "20n 10R 70n"),
        ("20W 30I", "20R 10n 70R"),
        ("20P 30I 31W", "20R 10Q 1R 69n"),
        ("20I 20W 30I", "30n 70R"),
    ],
)
def test_it_runs_from_when_it_gets_a_cpu_until_it_leaves_it(told: str, means: str) -> None:
    assert did(thread([sample(0, "n")], switches(told))) == means


def test_who_never_switches_runs_or_is_ready_or_waits_all_along() -> None:
    assert did(thread([sample(0, "r"), sample(4, "r", run_ms=4)], [])) == "100R"
    assert did(thread([sample(0, "r")], [])) == "100Q"
    assert did(thread([sample(0, "l")], [])) == "100l"
    assert did(thread([], [])) == "100?"


def test_who_begins_is_ready_until_it_runs() -> None:
    assert did(thread([], switches("5I 10W"), was_there=False)) == "5Q 5R 90?"


def test_a_wait_is_for_what_the_nearest_sample_says() -> None:
    samples = [sample(0, "n"), sample(40, "g"), sample(90, "n")]
    assert did(thread(samples, switches("20I 30W 50I 60W"))) == "20n 10R 20g 10R 40n"


def test_how_long_it_was_ready_after_it_was_woken_is_in_the_next_sample() -> None:
    samples = [sample(0, "n"), sample(25, "r", 5), sample(90, "n", 12)]
    told = switches("20I 30P 40I 50W 70I 80W")
    assert did(thread(samples, told)) == "15n 5Q 10R 10Q 10R 18n 2Q 10R 20n"


def test_of_a_window_the_shares_are_exact() -> None:
    one = thread([sample(0, "n")], switches("20I 30W 60I 62W"))
    recording = Recording(0, 100 * MS, 0, 100, 0, 0, {}, None, (one,))
    found = thread_time(recording, 25 * MS, 75 * MS)
    assert found.source == "switches"
    assert found.shares["running"] == pytest.approx(7 / 50)
    assert found.shares["network"] == pytest.approx(43 / 50)
    assert found.residual == 0


def test_where_some_were_lost_samples_have_to_do() -> None:
    one = thread([sample(0, "n")], switches("20I"))
    recording = Recording(0, 100 * MS, 0, 100, 0, 0, {}, None, (one,), lost=1)
    found = thread_time(recording, 0, 100 * MS)
    assert found.source == "samples"
    assert found.shares["network"] == 1


@given(
    st.lists(st.tuples(st.integers(-5, 105), st.sampled_from("IWP")), max_size=20),
    st.lists(st.tuples(st.integers(0, 100), st.sampled_from("rgn"), st.integers(0, 9)), max_size=9),
    st.booleans(),
)
def test_stretches_fill_the_time_without_gaps(
    told: list[tuple[int, str]], looks: list[tuple[int, str, int]], was_there: bool
) -> None:
    samples = [sample(at, does, delay) for at, does, delay in sorted(looks)]
    switched_at = [Switch(at * MS, does) for at, does in sorted(told)]
    found = switched(thread(samples, switched_at, was_there), 100 * MS)
    assert [one.begin_ns for one in found] == [0, *(one.end_ns for one in found[:-1])]
    assert found[-1].end_ns == 100 * MS
    assert all(one.begin_ns < one.end_ns for one in found)
