# SPDX-License-Identifier: BSD-3-Clause
"""What is said of the causes of claims, beside their verdicts."""

from dataclasses import replace

import pytest
from tests.runner.causes import above, below, judged_with, waiting, watching
from tests.runner.report.three_cells import (
    MP,
    MT,
    C,
    make_cell,
    make_claim,
    make_samples,
    one_line,
    report,
)

from fibench.experiment import Cause
from fibench.report.claims.causes import cause_words
from fibench.report.words import verdict_lines
from fibench.verdict.verdict import Verdict

LOCK = "waiting_for_gil"
MADE = watching(watching(make_samples(), MT, waiting(0.81)), MP, waiting(0.0, unevenly=0.0))


def words(verdict: Verdict) -> str:
    return cause_words(verdict).replace("\N{NO-BREAK SPACE}", " ")


def said(cause: Cause, low: float = 1.3) -> str:
    return words(judged_with(make_claim(low), cause, samples=MADE))


def test_a_cause_that_was_seen_goes_on_from_the_verdict() -> None:
    causes = above(LOCK, MT, 0.6), below(LOCK, MP, 0.05)
    verdict = judged_with(make_claim(1.3), *causes, samples=MADE)
    assert words(verdict) == (
        "and the cause was seen: "
        "py-mt's threads waited for the GIL 81 % [80, 82] of their time, needed > 60 %; "
        "py-mp's threads waited for the GIL 0 % [0, 0.20] of their time, needed < 5 %; "
        "waits are of one untimed trial, in 10 slices"
    )
    assert verdict_lines(verdict)[-2:] == [verdict.claim.because, cause_words(verdict)]


@pytest.mark.parametrize(
    ("low", "bound", "begins"),
    [
        (1.3, 0.6, "and the cause was seen: "),
        (1.3, 0.9, "but its stated cause was not seen: "),
        (3.0, 0.6, "though its stated cause was seen: "),
        (3.0, 0.9, "nor was its stated cause seen: "),
        (1.8, 0.6, "its stated cause was seen: "),
        (1.8, 0.9, "its stated cause was not seen: "),
        (1.3, 0.81, "whether its cause was there is not known: py-mt's threads waited"),
    ],
)
def test_each_verdict_has_words_for_it(low: float, bound: float, begins: str) -> None:
    assert said(above(LOCK, MT, bound), low).startswith(begins)


def test_what_was_not_seen_comes_first_and_what_was_is_told_beside_it() -> None:
    causes = below(LOCK, MP, 0.05), above(LOCK, MT, 0.9), above("sleeping", MT, 0.1)
    found = words(judged_with(make_claim(1.3), *causes, samples=MADE))
    first, unknown, seen, how = found.split("; ")
    assert first.startswith("but its stated cause was not seen: py-mt's threads waited")
    assert unknown == "not known: sleeping of py-mt was not measured"
    assert seen.startswith("seen: py-mp's threads waited for the GIL 0 %")
    assert how == "waits are of one untimed trial, in 10 slices"


@pytest.mark.parametrize(
    ("cause", "told"),
    [
        (below("cores", MT, 1.1), "py-mt kept 0.998 [0.998, 0.998] cores busy, needed < 1.1"),
        (
            above("memory", MT, 2.0**20),
            "py-mt took 9.10 MiB [9.10, 9.10] of memory, needed > 1 MiB",
        ),
    ],
)
def test_a_timed_figure_has_a_sentence_in_its_unit(cause: Cause, told: str) -> None:
    assert said(cause) == f"and the cause was seen: {told}"


def test_a_metric_without_a_sentence_is_named() -> None:
    assert "p50 of py-mt was 2" in said(below("p50", MT, 1.0))


def test_a_count_is_told_over_blocks() -> None:
    made = make_samples(refused=3)
    found = words(judged_with(make_claim(1.3), above("refused", MT, 0.0), samples=made))
    assert found == "and the cause was seen: refused of py-mt was 3 in each block, needed > 0"


def test_what_was_never_measured_says_so() -> None:
    """As of runs that an earlier version made."""
    verdict = judged_with(make_claim(1.3), above(LOCK, MT, 0.6), samples=make_samples())
    assert words(verdict) == (
        "whether its cause was there is not known: "
        "waiting_for_gil of py-mt was not measured: its server was not watched"
    )
    lost = above(LOCK, None, 0.6, 'no cell has { backend = "py-mt" }')
    assert words(judged_with(make_claim(1.3), lost, samples=MADE)) == (
        "whether its cause was there is not known: "
        'waiting_for_gil: no cell has { backend = "py-mt" }'
    )


def test_what_made_the_claim_invalid_is_not_said_again() -> None:
    made = [replace(one, valid=one.cell_key != MT.key, reason="hung") for one in MADE]
    verdict = judged_with(make_claim(1.3), above(LOCK, MT, 0.6), samples=made)
    assert verdict.outcome == "INVALID"
    assert words(verdict) == (
        "whether its cause was there is not known: waiting_for_gil of py-mt, for the same reason"
    )


def test_a_cell_is_named_by_what_tells_it_from_the_others() -> None:
    more = make_cell("py-mt", 30)
    other = watching([*MADE, *(replace(one, cell_key=more.key) for one in MADE
                              if one.cell_key == C.key)], more, waiting(0.9))  # fmt: skip
    causes = above(LOCK, MT, 0.6), above(LOCK, more, 0.6)
    found = words(judged_with(make_claim(1.3), *causes, samples=other))
    assert "the threads of py-mt n=27 waited" in found
    assert "the threads of py-mt n=30 waited" in found


def test_it_stands_below_the_reason_on_the_terminal() -> None:
    verdict = judged_with(make_claim(1.3), above(LOCK, MT, 0.6), samples=MADE)
    shown = one_line(report(MADE, [verdict], width=200))
    assert "runs Python code and the cause was seen: py-mt's threads" in shown.replace(
        "one thread at a time run Python code", "runs Python code"
    )


def test_labels_and_reasons_send_nothing_to_a_terminal() -> None:
    hostile = replace(
        make_cell("py-mt"), backend="e\x1b[2J\u202e", label="e\x1b[2J\u202e n=27\x07", key=MT.key
    )
    lost = above(LOCK, None, 0.6, "no\x1b]0;cell\x07")
    verdict = judged_with(make_claim(1.3), above(LOCK, hostile, 0.6), lost, samples=MADE)
    for text in (cause_words(verdict), report(MADE, [verdict])):
        assert not any(sign in text for sign in "\x1b\x07\u202e")
    assert r"\x1b[2J" in cause_words(verdict)
