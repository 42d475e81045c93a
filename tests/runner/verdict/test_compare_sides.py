# SPDX-License-Identifier: BSD-3-Clause
"""Several runs on a side of a comparison, and what is not there to be compared."""

import csv
import io
import json
import math
import shutil
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from tests.runner.judged_runs import judged_run
from tests.runner.stored_runs import EXPERIMENT, MACHINE, make_run, places_with, rewrite_journal
from tests.runner.verdict.comparisons import as_text

from fibench.export import comparison as formats
from fibench.store.stored_run import read_run
from fibench.verdict.comparing.comparison import Comparison, compare
from fibench.verdict.comparing.welch import over_runs
from fibench.verdict.reviewing import Review, review


def side(folder: Path, factors: tuple[float, ...], seed: int = 0, **how: Any) -> list[Review]:
    """A run for each factor of its throughputs."""
    return [
        judged_run(folder / f"{place}", factor=factor, seed=seed + place, **how)
        for place, factor in enumerate(factors)
    ]


RUNS = st.lists(st.lists(st.floats(-5, 5), min_size=1, max_size=6), min_size=2, max_size=5)


@given(RUNS, RUNS)
def test_over_runs_it_is_welchs_test_of_their_means(
    first: list[list[float]], second: list[list[float]]
) -> None:
    from scipy import stats

    means = [[math.fsum(logs) / len(logs) for logs in runs] for runs in (first, second)]
    assume(all(max(own) - min(own) > 1e-6 for own in means))
    theirs = stats.ttest_ind(means[1], means[0], equal_var=False)
    interval = theirs.confidence_interval(0.95)
    assume(abs(interval.low) < 500 and abs(interval.high) < 500)
    ours = over_runs(first, second, 0.05)
    assert ours.low is not None
    assert ours.high is not None
    assert ours.degrees == pytest.approx(theirs.df)
    assert math.log(ours.low) == pytest.approx(interval.low, rel=1e-6, abs=1e-6)
    assert math.log(ours.high) == pytest.approx(interval.high, rel=1e-6, abs=1e-6)


def test_what_runs_share_is_a_difference_of_two_runs_and_none_of_two_machines(
    tmp_path: Path,
) -> None:
    """Runs vary by 30 %, trials by 3 %: one run on each side differs, six do not."""
    first = side(tmp_path / "a", (1.0, 1.3, 0.8))
    second = side(tmp_path / "b", (1.25, 0.9, 1.05), seed=9)

    def differing(comparison: Comparison) -> set[str]:
        return {row.metric for row in comparison.rows if row.ratio and row.ratio.differs}

    assert "throughput" in differing(compare(first[0], second[0]))
    several = compare(first, second)
    assert differing(several) == set()
    assert {row.runs for row in several.rows} == {(3, 3)}
    assert {row.blocks for row in several.rows} == {(15, 15)}
    apart = compare(first, side(tmp_path / "c", (15.0, 14.0, 16.0), seed=20))
    assert "throughput" in differing(apart)


@pytest.mark.parametrize(
    ("counts", "over", "begins"),
    [
        ((1, 1), "trials", "one run on each side: the intervals speak of these two runs, and not"),
        ((1, 2), "trials", "one run on a side: the intervals speak of these very runs, and not"),
        ((2, 3), "runs", "2 runs beside 3: the intervals take in how runs vary"),
    ],
)
def test_the_first_line_of_every_format_says_what_the_intervals_speak_of(
    tmp_path: Path, counts: tuple[int, int], over: str, begins: str
) -> None:
    sides = [
        side(tmp_path / f"{place}", (1.0,) * count, seed=10 * place)
        for place, count in enumerate(counts)
    ]
    comparison = compare(*sides)
    assert comparison.over == over
    assert " ".join(as_text(comparison).split()).startswith(begins)
    assert formats.markdown(comparison).splitlines()[2].startswith(begins)
    document = json.loads(formats.json_document(comparison))
    assert document["scope"].startswith(begins)
    assert document["over"] == over
    assert [len(document["runs"][head]) for head in ("first", "second")] == list(counts)
    table = list(csv.DictReader(io.StringIO(formats.comma_separated(comparison), newline="")))
    assert {line["over"] for line in table} == {over}
    assert {(line["first_runs"], line["second_runs"]) for line in table} == {
        (str(counts[0]), str(counts[1]))
    }
    assert len(table) == len(document["rows"]) == 9
    for name in (*document["runs"]["first"], *document["runs"]["second"]):
        assert name in as_text(comparison)


def test_a_cell_that_only_some_runs_of_a_side_have_is_compared_by_those(tmp_path: Path) -> None:
    first = [
        *side(tmp_path / "a", (1.0,)),
        judged_run(tmp_path / "alone", overrides={"backend": "py-mt"}, schema=2),
    ]
    comparison = compare(first, side(tmp_path / "b", (1.0, 1.1), seed=5))
    runs = {row.cell: row.runs for row in comparison.rows}
    assert runs == {"py-mp": (1, 2), "py-mt": (2, 2)}
    told = {row.cell: row.absent for row in comparison.rows}
    assert told == {"py-mp": "known in one run only of a side", "py-mt": None}
    assert "known in one run only of a side" in as_text(comparison)
    assert (comparison.only_first, comparison.only_second) == ((), ())


def test_what_differs_within_a_side_is_told(tmp_path: Path) -> None:
    other = {**MACHINE, "cpus": 8}
    first = [*side(tmp_path / "a", (1.0,)), *side(tmp_path / "x", (1.0,), 3, environment=other)]
    comparison = compare(first, side(tmp_path / "b", (1.0, 1.0), seed=5))
    assert "cpus 4 or 8 → 4" in as_text(comparison)
    assert "different machines" in formats.leading_warnings(comparison)[0]


def test_verdicts_of_runs_that_do_not_agree_stand_beside_each_other(tmp_path: Path) -> None:
    comparison = compare(
        side(tmp_path / "a", (1.0, 1.0)),
        [*side(tmp_path / "b", (1.0,), 5), *side(tmp_path / "c", (1.0,), 6, text=STRICTER)],
    )
    (changed,) = comparison.changed
    assert changed.first == "CONFIRMED"
    assert changed.second == "CONFIRMED, REFUTED"


def test_a_run_on_both_sides_and_trials_in_common_are_told(tmp_path: Path) -> None:
    first = side(tmp_path / "a", (1.0, 1.0))
    folder = tmp_path / "copy" / "0"
    shutil.copytree(first[0].run.folder, folder)
    copied = review(read_run(folder, places_with(folder)))
    comparison = compare(first, [copied, first[1]])
    warnings = formats.leading_warnings(comparison)
    assert "a/1 is on both sides" in warnings
    assert "copy/0: all of its 10 trials are also in a/0" in warnings


# What was not there to be compared


STRICTER = EXPERIMENT.replace("above = 1.3", "above = 3.0")


def test_a_claim_that_was_not_judged_says_so_and_why(tmp_path: Path) -> None:
    alone = judged_run(tmp_path / "b", overrides={"backend": "py-mt"}, schema=2)
    comparison = compare(judged_run(tmp_path / "a"), alone)
    (changed,) = (each for each in comparison.changed if "beats" in each.claim)
    assert changed.first == "CONFIRMED"
    assert changed.second is not None
    (dropped,) = alone.run.experiment.dropped_claims
    assert changed.second == f"not judged ({dropped.reason})"
    assert "CONFIRMED → not judged (" in as_text(comparison)
    assert "no such claim" not in as_text(comparison)


def test_a_claim_that_one_run_does_not_have_is_still_none(tmp_path: Path) -> None:
    without = EXPERIMENT.rpartition("[[claim]]")[0]
    text = as_text(compare(judged_run(tmp_path / "a"), judged_run(tmp_path / "b", text=without)))
    assert "Nothing is refused: CONFIRMED → no such claim" in text


def test_copies_of_a_run_are_told_apart_by_their_folders(tmp_path: Path) -> None:
    own = make_run(tmp_path / "ann" / "gil" / "one")
    shutil.copytree(own, tmp_path / "bob" / "gil" / "one")
    found = [
        review(read_run(tmp_path / name / "gil" / "one", places_with(tmp_path)))
        for name in ("ann", "bob")
    ]
    comparison = compare(*found)
    assert (comparison.first, comparison.second) == ("ann/gil/one", "bob/gil/one")
    assert "first   ann/gil/one\nsecond  bob/gil/one\n" in as_text(comparison)


def test_a_cell_that_failed_in_both_runs_has_a_row_that_says_why(tmp_path: Path) -> None:
    reviews = []
    for name in "ab":
        folder = make_run(tmp_path / name)

        def fail(record: dict[str, Any]) -> None:
            if record["parameters"]["backend"] == "py-mp":
                record.update(valid=False, reason="the server ended", failure="server")

        rewrite_journal(folder, fail)
        reviews.append(review(read_run(folder, places_with(folder))))
    comparison = compare(*reviews)
    (row,) = (row for row in comparison.rows if row.cell == "py-mp")
    said = "all its 5 trials failed: the server ended (both runs)"
    assert row.absent == said
    for text in (as_text(comparison), formats.markdown(comparison)):
        assert said in " ".join(text.split())
    assert said in formats.comma_separated(comparison)
    assert json.loads(formats.json_document(comparison))["rows"][0]["absent"] == said
