# SPDX-License-Identifier: BSD-3-Clause
"""Verdicts in the report: what a person reads of each claim, and at the end of a run."""

import re
from dataclasses import replace

import pytest
from tests.runner.report.three_cells import (
    MP,
    MT,
    C,
    make_cell,
    make_claim,
    make_experiment,
    make_samples,
    one_line,
    report,
)

from fibench.report.words import tally, verdict_lines
from fibench.verdict.findings import Failure
from fibench.verdict.judging import judge
from fibench.verdict.looks import Looks


def test_a_claim_about_a_group_names_it() -> None:
    samples = [
        replace(
            sample,
            metrics={"small/throughput": sample.metrics["throughput"]},
            counts={"small/window_ok": 100},
        )
        for sample in make_samples()
    ]
    (verdict,) = judge([replace(make_claim(1.3), group="small")], samples, 2)
    line = one_line(verdict_lines(verdict)[0])
    assert re.match(r"throughput py-mp 7[\d.]+/s, py-mt 3[\d.]+/s of small at n=27: ×1", line)


def test_an_invalid_claim_says_which_trial_and_still_has_its_figures() -> None:
    samples = [replace(sample, bound="94 % of its core") for sample in make_samples()]
    (verdict,) = judge([make_claim(1.3)], samples, 2)
    lines = verdict_lines(verdict)
    assert lines[0].startswith("throughput py-mp")
    assert lines[1].startswith("the load generator was the limit in 20 of 20 trials")
    assert lines[2].startswith("four of five such runs show a difference of ")


def test_a_confirmed_claim_reads_as_in_the_guide() -> None:
    (verdict,) = judge([make_claim(1.3)], make_samples(), 2)
    first, second = verdict_lines(verdict)
    assert re.fullmatch(
        r"throughput py-mp 7[\d.]+/s, py-mt 3[\d.]+/s at n=27: "
        r"×1\.\d\d \[1\.\d\d, 1\.\d\d\], needed > 1\.3",
        one_line(first),
    )
    assert second == "The GIL lets one thread at a time run Python code"


def test_a_value_is_set_against_its_bound_in_the_same_unit() -> None:
    claim = make_claim(high=0.005, metric="p50", left=C, right=None)
    (verdict,) = judge([claim], make_samples(), 2)
    line = one_line(verdict_lines(verdict)[0])
    assert re.fullmatch(r"p50 c-sync at n=27: 1\.\d\d ms \[[\d.]+, [\d.]+\], needed < 5 ms", line)


def test_a_range_and_a_count_have_words_of_their_own() -> None:
    claims = [
        make_claim(0.95, 1.05),
        make_claim(high=1.0, metric="refused", left=MT, right=None),
    ]
    within, refused = judge(claims, make_samples(refused=3), 2)
    assert "needed 0.95 to 1.05" in one_line(verdict_lines(within)[0])
    expected = "refused py-mt at n=27: 3 in each block, 30 in all, needed < 1 in every block"
    assert one_line(verdict_lines(refused)[0]) == expected


def test_an_inconclusive_claim_says_what_the_run_could_have_seen_and_what_would_settle_it() -> None:
    (verdict,) = judge([make_claim(1.8)], make_samples(), 2)
    assert verdict.outcome == "INCONCLUSIVE"
    hint = (
        r"four of five such runs show a difference of [\d.]+ %; "
        r"with --blocks \d+ they would show [\d.]+ %"
    )
    assert re.fullmatch(hint, verdict_lines(verdict)[1])
    assert verdict_lines(verdict)[-1].startswith("Expected because: ")


def test_a_refuted_claim_says_what_the_run_could_have_seen() -> None:
    (verdict,) = judge([make_claim(3.0)], make_samples(), 2)
    assert verdict.outcome == "REFUTED"
    assert verdict_lines(verdict)[1].startswith("four of five such runs show a difference of ")


def test_a_claim_that_cannot_be_told_from_its_bound_is_advised_no_number_of_blocks() -> None:
    (verdict,) = judge([make_claim(1.8)], make_samples(), 2)
    hint = verdict_lines(replace(verdict, blocks_needed=None))[1]
    assert "--blocks" not in hint
    assert "too near the bound" in hint


def test_a_longer_window_is_no_advice_where_the_generator_was_the_limit() -> None:
    (verdict,) = judge([replace(make_claim(1.3), metric="p999")], make_samples(), 2)
    absent = replace(verdict.estimate, mean=None, absent="too few") if verdict.estimate else None
    few = replace(verdict, outcome="INCONCLUSIVE", estimate=absent)
    assert "more --duration" in " ".join(verdict_lines(few))
    assert "more --duration" not in " ".join(verdict_lines(replace(few, outcome="INVALID")))


def test_a_claim_that_is_not_testable_says_why() -> None:
    (verdict,) = judge([make_claim(1.3, needs_cpus=2)], make_samples(), 1)
    assert verdict_lines(verdict)[0] == "needs 2 physical cores; 1 can be used here"


def test_sides_that_differ_in_an_axis_are_named_by_it() -> None:
    many = replace(make_cell("py-mt", 20), key=MP.key)
    (verdict,) = judge([make_claim(1.3, left=many)], make_samples(), 2)
    line = one_line(verdict_lines(verdict)[0])
    assert re.match(r"throughput py-mt n=20 7[\d.]+/s, py-mt n=27 3[\d.]+/s: ×", line)


def test_the_tally_counts_what_is_testable_here() -> None:
    claims = [make_claim(1.3), make_claim(3.0), make_claim(1.3, needs_cpus=8)]
    assert tally(judge(claims, make_samples(), 2)) == "1 of 3 claims confirmed, 2 testable here"


def test_the_report_ends_with_the_tally_the_overhead_and_the_folder() -> None:
    text = report(make_samples(), judge([make_claim(1.3)], make_samples(), 2))
    assert "CONFIRMED     Multiprocess beats threads\n" in text
    assert "1 of 1 claim confirmed, 1 testable here\n" in text
    assert "overhead 8.2 s of 95.1 s (8.6 %): build 2.1 s\n" in text
    assert text.endswith("results: results/gil/2026-11-23T0715-7f3a\n")


def test_an_interrupted_run_shows_estimates_and_the_verdicts_that_it_had_come_to() -> None:
    (verdict,) = judge([make_claim(1.3)], make_samples(), 2, looks=Looks(3, 20))
    decided = replace(verdict, outcome="CONFIRMED", decided=3)
    open_ = replace(make_claim(1.3), id="open", says="Nobody knows yet")
    text = report(make_samples(), [decided], interrupted=True, undecided=[open_])
    assert "Interrupted: what was decided before has its verdict, the rest has none." in text
    assert "CONFIRMED     Multiprocess beats threads" in text
    assert "; decided after 3 blocks\n" in text
    assert "not decided   Nobody knows yet" in text
    assert "1 of 2 claims confirmed, 1 not decided" in text
    assert "they are repeated intervals" in " ".join(text.split())


def test_an_interrupted_run_that_had_decided_nothing_shows_estimates_alone() -> None:
    text = report(make_samples(), [], interrupted=True, undecided=[make_claim(1.3)])
    assert "71" in text
    assert "CONFIRMED" not in text
    assert "Interrupted: these are estimates. Verdicts are given on a whole run only." in text


def test_failed_trials_are_listed_with_their_stderr_up_to_a_limit() -> None:
    failures = [(f"b{n:03d}-py-mp", "the server ended", "") for n in range(25)]
    text = report(make_samples(), failures=[("b099-py-mt", "hung", "x/server.err"), *failures])
    assert "FAILED  b099-py-mt: hung (stderr: x/server.err)\n" in text
    assert "FAILED  b000-py-mp and 24 trials more: the server ended\n" in text
    assert text.count("FAILED") == 2
    words = [
        "one",
        "two",
        "three",
        "four",
        "five",
        "six",
        "seven",
        "eight",
        "nine",
        "ten",
        "eleven",
    ]
    other = [(f"b{n:03d}", word, "") for n, word in enumerate([*words, "eleven"])]
    text = report(make_samples(), failures=other)
    assert text.count("FAILED") == 10
    assert "and 2 more: see trials.jsonl" in text


def test_claims_come_before_notes_and_failures() -> None:
    verdicts = judge([make_claim(1.3)], make_samples(), 2)
    text = report(make_samples(), verdicts, notes=["a note"], failures=[("t0", "why", "")])
    places = [text.index(word) for word in ("py-mp n=27", "CONFIRMED", "a note", "FAILED  t0")]
    assert places == sorted(places)
    assert text.index("1 of 1 claim confirmed") < text.index("a note")


def test_the_same_note_of_many_cells_is_one_line() -> None:
    cells = [make_cell("py-mp", n=n) for n in range(20)]
    text = report([], experiment=make_experiment(cells=cells))
    assert text.count("not measured") == 1
    assert re.search(r"py-mp\S*( n=\d+)?, \S+( n=\d+)? and 18 more: not measured", one_line(text))


def test_what_to_do_about_failures_stands_below_the_first_of_a_kind() -> None:
    hints = ["give it \x1b 5 s", "give it \x1b 60 s", "mend the link"]
    reasons = ["why", "why not", "because"]
    failures = [Failure(f"t{n}", reasons[n], "", hint) for n, hint in enumerate(hints)]
    lines = report(make_samples(), failures=failures).splitlines()
    at = lines.index("FAILED  t0: why")
    assert lines[at : at + 5] == [
        "FAILED  t0: why",
        "        give it \\x1b 5 s",
        "FAILED  t1: why not",
        "FAILED  t2: because",
        "        mend the link",
    ]


def test_the_notes_say_what_to_do_about_trials_that_failed() -> None:
    samples = [replace(one, valid=False, reason="why", hint="do this") for one in make_samples()]
    assert "trials failed, and do not count: why; do this" in " ".join(report(samples).split())


@pytest.mark.parametrize(
    ("needed", "said"),
    [
        (15, "the same run anew would show"),
        (43, "with --blocks 6..43 they would show"),
        (300, "with --blocks 300 they would show"),
    ],
)
def test_a_run_that_may_end_early_is_told_how_many_blocks_at_most_would_do(
    needed: int, said: str
) -> None:
    (verdict,) = judge([make_claim(1.8)], make_samples(), 2, looks=Looks(6, 20))
    asked = replace(
        verdict, outcome="INCONCLUSIVE", needed=0.05, detectable=0.2, blocks_needed=needed
    )
    assert said in " ".join(verdict_lines(asked))
