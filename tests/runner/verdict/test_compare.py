# SPDX-License-Identifier: BSD-3-Clause
"""Two runs compared: independent samples, intervals that hold at once, and what else differs."""

import csv
import io
import json
import math
import random
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from tests.runner.judged_runs import judged_run
from tests.runner.stored_runs import EXPERIMENT, MACHINE, leave_out, make_run, places_with
from tests.runner.verdict.comparisons import as_text

from fibench.export import comparison as formats
from fibench.store.stored_run import read_run
from fibench.verdict.comparing.comparison import compare, matched
from fibench.verdict.comparing.ratios import Side, figures_of, ratio_rows
from fibench.verdict.comparing.welch import Ratio, over_trials
from fibench.verdict.estimate import summarise
from fibench.verdict.reviewing import review
from fibench.verdict.sampling.sampled import samples

LOGS = st.lists(st.floats(-12, 12), min_size=2, max_size=12)


def welch(
    first: list[float],
    second: list[float],
    alpha: float,
    grains: tuple[float, float] = (0.0, 0.0),
) -> Ratio:
    return over_trials([first], [second], alpha, grains)


@given(LOGS, LOGS)
def test_swapped_runs_have_the_reciprocal_ratio(first: list[float], second: list[float]) -> None:
    there, back = welch(first, second, 0.05), welch(second, first, 0.05)
    assert there.low is not None
    assert there.high is not None
    assert back.low is not None
    assert back.high is not None
    assert there.mean * back.mean == pytest.approx(1.0)
    if math.isfinite(there.high) and there.low > 0.0:
        assert there.low * back.high == pytest.approx(1.0)
        assert there.high * back.low == pytest.approx(1.0)
    assert there.differs == back.differs


@given(LOGS)
def test_a_run_against_itself_is_exactly_1(logs: list[float]) -> None:
    ratio = welch(logs, logs, 0.05)
    assert ratio.mean == 1.0
    assert not ratio.differs


@given(LOGS, LOGS)
def test_it_is_welchs_test(first: list[float], second: list[float]) -> None:
    from scipy import stats

    # Of smaller spreads scipy squares the variance to nothing.
    assume(all(max(logs) - min(logs) > 1e-6 for logs in (first, second)))
    theirs = stats.ttest_ind(second, first, equal_var=False)
    interval = theirs.confidence_interval(0.95)
    assume(math.isfinite(interval.low) and abs(interval.low) < 500 and abs(interval.high) < 500)
    ours = welch(first, second, 0.05)
    assert ours.low is not None
    assert ours.high is not None
    assert ours.degrees == pytest.approx(theirs.df)
    assert math.log(ours.low) == pytest.approx(interval.low, rel=1e-6, abs=1e-9)
    assert math.log(ours.high) == pytest.approx(interval.high, rel=1e-6, abs=1e-9)


@given(LOGS, LOGS, st.floats(0.001, 0.05))
def test_more_confidence_is_a_wider_interval(
    first: list[float], second: list[float], alpha: float
) -> None:
    narrow, wide = welch(first, second, 0.05), welch(first, second, alpha)
    assert narrow.low is not None
    assert narrow.high is not None
    assert wide.low is not None
    assert wide.high is not None
    assert wide.low <= narrow.low <= narrow.high <= wide.high


def test_one_block_has_no_interval_and_does_not_differ() -> None:
    assert welch([0.0], [math.log(2.0), math.log(2.0)], 0.05) == Ratio(2.0, None, None, None)
    assert welch([0.0], [9.0], 0.05).differs is None


def test_where_nothing_varies_the_interval_is_a_point() -> None:
    assert welch([0.0] * 3, [1.0] * 3, 0.05).differs
    assert not welch([1.0] * 3, [1.0] * 3, 0.05).differs


@pytest.mark.parametrize(
    ("blocks", "spreads"),
    [((5, 5), (0.03, 0.03)), ((5, 10), (0.06, 0.02)), ((10, 10), (0.01, 0.05))],
)
def test_intervals_cover_the_true_ratio_as_often_as_they_say(
    blocks: tuple[int, int], spreads: tuple[float, float]
) -> None:
    """4,000 pairs of runs with a true ratio of 1.1; 95 % ± three standard errors, and Welch's own
    approximation, which is a little on the safe side for few blocks of unequal spread."""
    chance = random.Random(f"{blocks}{spreads}")
    covered = 0
    for _ in range(4000):
        first = [chance.gauss(0.0, spreads[0]) for _ in range(blocks[0])]
        second = [chance.gauss(math.log(1.1), spreads[1]) for _ in range(blocks[1])]
        ratio = welch(first, second, 0.05)
        assert ratio.low is not None
        assert ratio.high is not None
        covered += ratio.low <= 1.1 <= ratio.high
    assert 0.939 <= covered / 4000 <= 0.966


def test_equal_runs_differ_in_no_row_nineteen_times_of_twenty(tmp_path: Path) -> None:
    """All rows at once: 2 cells of 5 metrics, in 150 pairs of runs of one truth."""
    template = judged_run(tmp_path / "run").run
    cells = template.experiment.cells
    chance = random.Random(3)

    def drawn() -> Side:
        records = []
        for record in template.records:
            metrics = {
                name: value * math.exp(chance.gauss(0.0, 0.05))
                for name, value in template.records[0].metrics.items()
                if value is not None
            }
            records.append(replace(record, metrics=metrics))
        found = samples(records)
        figures = figures_of(found, summarise(found, [cell.key for cell in cells]))
        return {key: [figure] for key, figure in figures.items()}

    wrong = 0
    for _ in range(150):
        found = ratio_rows([(cell, cell) for cell in cells], drawn(), drawn())
        assert len(found) == 9, "p99 needs a thousand replies, which py-mt does not have"
        wrong += any(row.ratio is not None and row.ratio.differs for row in found)
    assert wrong <= 15


def test_twice_the_throughput_is_a_ratio_of_two_that_differs(tmp_path: Path) -> None:
    comparison = compare(
        judged_run(tmp_path / "a" / "one"), judged_run(tmp_path / "b" / "two", seed=2, factor=2.0)
    )
    found = {(row.cell, row.metric): row for row in comparison.rows}
    row = found["py-mt", "throughput"]
    assert row.ratio is not None
    assert row.ratio.mean == pytest.approx(2.0, rel=0.1)
    assert row.ratio.differs
    assert row.blocks == (5, 5)
    memory = found["py-mt", "memory"].ratio
    assert memory is not None
    assert (memory.mean, memory.differs) == (1.0, False)
    text = as_text(comparison)
    assert "first   a/one" in text
    assert "differs" in text
    assert "of 9 ratios differ from 1" in text


def test_a_run_compared_with_itself_shows_no_difference(tmp_path: Path) -> None:
    one = judged_run(tmp_path / "gil" / "one")
    comparison = compare(one, one)
    assert {row.ratio.mean for row in comparison.rows if row.ratio} == {1.0}
    assert (comparison.changed, comparison.differences) == ((), ())
    assert (comparison.only_first, comparison.only_second) == ((), ())
    assert "0 of 9 ratios differ from 1" in as_text(comparison)
    assert formats.leading_warnings(comparison) == ["first and second are one run"]
    assert comparison.marks == ((), ())


def test_a_metric_that_only_one_side_knows_is_a_row_without_a_ratio(tmp_path: Path) -> None:
    long = judged_run(tmp_path / "long", factor=4.0)
    short = judged_run(tmp_path / "short")
    (row,) = [
        r for r in compare(short, long).rows if (r.cell, r.metric) == ("py-mt", "p99")
    ]  # fmt: skip
    assert (row.first, row.ratio) == (None, None)
    assert row.second is not None
    assert row.absent == "p99 needs 1000 replies in every trial (first run)"


def test_cells_of_other_settings_are_paired_by_name_and_that_is_told(tmp_path: Path) -> None:
    longer = judged_run(tmp_path / "b", overrides={"duration": "3s"}, schema=2)
    comparison = compare(judged_run(tmp_path / "a"), longer)
    assert len(comparison.rows) == 9
    told = {each.name: (each.first, each.second) for each in comparison.differences}
    assert told["duration"] == ("2s", "3s")
    assert told["overrides.duration"] == (None, "3s")


def test_cells_that_only_one_has_are_listed(tmp_path: Path) -> None:
    alone = judged_run(tmp_path / "b", overrides={"backend": "py-mt"})
    comparison = compare(judged_run(tmp_path / "a"), alone)
    assert (comparison.only_first, comparison.only_second) == (("py-mp",), ())
    assert "cells that only" in as_text(comparison)
    one, other = (each.run.experiment.cells for each in (judged_run(tmp_path / "c"), alone))
    assert matched(one, other)[1:] == (("py-mp",), ())


def test_runs_without_a_common_cell_are_told_apart_in_every_format(tmp_path: Path) -> None:
    one = judged_run(tmp_path / "a", overrides={"backend": "py-mp"})
    comparison = compare(one, judged_run(tmp_path / "b", overrides={"backend": "py-mt"}))
    for text in (as_text(comparison), formats.markdown(comparison)):
        assert "no cell in common" in text
        assert "ratios differ" not in text
    assert json.loads(formats.json_document(comparison))["rows"] == []
    assert formats.comma_separated(comparison).count("\r\n") == 1


def test_of_cells_that_one_run_left_out_it_is_said_why(tmp_path: Path) -> None:
    folder = make_run(tmp_path / "b")
    leave_out(folder, "py-mp", "py-mp: there is no fork")
    other = review(read_run(folder, places_with(tmp_path)))
    comparison = compare(judged_run(tmp_path / "a"), other)

    assert comparison.only_first == ("py-mp (left out of the other: py-mp: there is no fork)",)
    assert comparison.only_second == ()
    assert [(each.first, each.second) for each in comparison.changed] == [("CONFIRMED", "NOT HERE")]


def test_another_python_behind_a_name_is_a_difference(tmp_path: Path) -> None:
    one, other = (
        judged_run(tmp_path / version, environment={**MACHINE, "interpreters": kept})
        for version in ("3.13.0", "3.13.1")
        for kept in [{"python3.13": {"version": version, "gil": True}}]
    )
    text = as_text(compare(one, other))
    assert "interpreters.python3.13.version 3.13.0 → 3.13.1" in text


def test_verdicts_that_changed_are_named(tmp_path: Path) -> None:
    stricter = EXPERIMENT.replace("above = 1.3", "above = 1.9")
    comparison = compare(judged_run(tmp_path / "a"), judged_run(tmp_path / "b", text=stricter))
    (changed,) = comparison.changed
    assert (changed.claim, changed.first) == ("multiprocess-beats-threads", "CONFIRMED")
    assert changed.second in ("REFUTED", "INCONCLUSIVE")
    assert f"Multiprocess beats threads: CONFIRMED → {changed.second}" in as_text(comparison)


def test_runs_of_two_files_lead_with_a_warning(tmp_path: Path) -> None:
    reviews = []
    for place, path in enumerate(["a/lab.toml", "b/lab.toml", None]):
        folder = make_run(tmp_path / str(place), seed=place)
        plan = json.loads((folder / "plan.json").read_text())
        plan |= {} if path is None else {"source_path": path}
        (folder / "plan.json").write_text(json.dumps(plan))
        reviews.append(review(read_run(folder, places_with(folder))))
    first, second, old = reviews
    assert "different files" in formats.leading_warnings(compare(first, second))[0]
    assert "a/lab.toml → b/lab.toml" in as_text(compare(first, second))
    assert formats.leading_warnings(compare(first, first)) == ["first and second are one run"]
    assert formats.leading_warnings(compare(first, old)) == []


def test_another_machine_leads_with_a_warning(tmp_path: Path) -> None:
    other = MACHINE | {
        "processor": "Other \x1b[31m| CPU",
        "kernel": "6.2.0",
        "boot_id": "0",
        "git": {"revision": "0" * 40, "changed": True},
    }
    comparison = compare(judged_run(tmp_path / "a"), judged_run(tmp_path / "b", environment=other))
    text = as_text(comparison)
    assert text.startswith("one run on each side: the intervals speak of these two runs, and not")
    assert "different machines" in text.split("\n\n")[0]
    assert "\x1b" not in text
    assert "kernel 6.1.0 → 6.2.0" in text
    assert "git.revision 9cf2cc3cce41 → 000000000000" in text
    assert "git.changed no → yes" in text
    assert "boot_id" not in text, "every start of a machine has another boot_id"


def test_an_interrupted_run_is_compared_without_verdicts(tmp_path: Path) -> None:
    comparison = compare(judged_run(tmp_path / "a"), judged_run(tmp_path / "b", complete=False))
    assert comparison.changed == ()
    assert {row.blocks for row in comparison.rows} == {(5, 3)}
    assert "was interrupted" in formats.leading_warnings(comparison)[0]


def test_of_runs_of_one_block_it_is_not_known_whether_a_ratio_differs(tmp_path: Path) -> None:
    text = EXPERIMENT.replace("blocks = 5", "blocks = 1")
    assert text != EXPERIMENT
    sides = [judged_run(tmp_path / name, text=text, seed=seed) for seed, name in enumerate("ab")]
    comparison = compare(*sides)
    rows = json.loads(formats.json_document(comparison))["rows"]
    assert {(row["low"], row["high"], row["differs"]) for row in rows} == {(None, None, None)}
    table = csv.DictReader(io.StringIO(formats.comma_separated(comparison), newline=""))
    assert {line["differs"] for line in table} == {""}


@pytest.mark.parametrize(("failed", "which"), [(1, "its only trial"), (3, "all its 3 trials")])
def test_of_a_cell_whose_trials_all_failed_it_is_said_why(
    tmp_path: Path, failed: int, which: str
) -> None:
    both = samples(judged_run(tmp_path).run.records)
    key = both[0].cell_key
    kept = [one for one in both if one.cell_key == key and one.block < failed]
    bad = [replace(one, valid=False, reason="wrong reply", hint="") for one in kept]
    found = figures_of(bad, summarise(bad, [key]))[key, "throughput"]
    assert found.absent == f"{which} failed: wrong reply"


def test_every_format_has_the_same_rows(tmp_path: Path) -> None:
    other = judged_run(tmp_path / "b", seed=2, factor=2.0)
    comparison = compare(judged_run(tmp_path / "a"), other)
    document = json.loads(formats.json_document(comparison))
    table = list(csv.DictReader(io.StringIO(formats.comma_separated(comparison), newline="")))
    assert document["schema"] == 1
    assert len(document["rows"]) == len(table) == len(comparison.rows)
    for kept, line, row in zip(document["rows"], table, comparison.rows, strict=True):
        if row.ratio is None:
            assert (kept["ratio"], line["ratio"], line["note"]) == (None, "", row.absent)
            continue
        assert kept["ratio"] == row.ratio.mean
        assert float(line["low"]) == pytest.approx(kept["low"])
        assert line["differs"] == {True: "yes", False: "no", None: ""}[kept["differs"]]
    assert document["rows"][0]["metric"] == "throughput_per_s"
    page = formats.markdown(comparison)
    assert page.count("\n| py-m") == len(comparison.rows)


def test_figures_that_never_vary_are_known_no_finer_than_whole_replies() -> None:
    first, second = [math.log(48.0)] * 5, [math.log(48.2)] * 5
    grains = (1 / 48 / math.sqrt(12), 1 / 48 / math.sqrt(12))
    assert welch(first, second, 0.05).differs
    assert not welch(first, second, 0.05, grains).differs
