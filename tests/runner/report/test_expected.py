# SPDX-License-Identifier: BSD-3-Clause
"""What was expected beside what came, in words and in numbers."""

from dataclasses import replace

import pytest
from tests.runner.experiments import GIL, parse

from fibench.experiment import Belief, Claim, beliefs_json, read_beliefs
from fibench.report.claims.expected import Expectations, expectations
from fibench.report.words import claim_needs
from fibench.verdict.verdict import Outcome, Verdict

CLAIM = parse(GIL).claims[0]
CLEAR: tuple[Outcome, ...] = ("CONFIRMED", "REFUTED")
OPEN: tuple[Outcome, ...] = ("INCONCLUSIVE", "NOT HERE", "INVALID")
SAID: tuple[Belief, ...] = ("holds", "does not hold", "too close")


def claims(count: int) -> list[Claim]:
    return [replace(CLAIM, id=f"c{n}", says=f"Claim {n}") for n in range(count)]


def compared(*pairs: tuple[Belief, Outcome]) -> Expectations:
    """What comes of so many claims, each with a belief and an outcome."""
    every = claims(len(pairs))
    said = zip(every, (belief for belief, _ in pairs), strict=True)
    found = zip(every, (outcome for _, outcome in pairs), strict=True)
    verdicts = [Verdict(claim, outcome, 0.05) for claim, outcome in found]
    return expectations(read_beliefs(beliefs_json(said)), verdicts)


@pytest.mark.parametrize(
    ("belief", "outcome", "is_met"),
    [
        ("holds", "CONFIRMED", True), ("holds", "REFUTED", False),
        ("does not hold", "CONFIRMED", False), ("does not hold", "REFUTED", True),
        ("too close", "CONFIRMED", False), ("too close", "REFUTED", False),
        *((belief, outcome, None) for belief in SAID for outcome in OPEN),
    ],
)  # fmt: skip
def test_what_is_not_clear_counts_neither_for_nor_against(
    belief: Belief, outcome: Outcome, is_met: bool | None
) -> None:
    (found,) = compared((belief, outcome)).every.values()
    assert found.is_met is is_met


def test_it_is_said_in_words() -> None:
    found = compared(("holds", "REFUTED"), ("too close", "CONFIRMED"), ("holds", "NOT HERE"))
    assert [one.words for one in found.every.values()] == [
        "that it holds; it does not hold",
        "that it is too close to say; it holds",
        "that it holds; it cannot be tested here",
    ]


@pytest.mark.parametrize(
    ("pairs", "said"),
    [
        ([("holds", "CONFIRMED")] * 2, "2 of 2 came as expected"),
        ([("holds", "CONFIRMED"), ("holds", "REFUTED")],
         "1 of 2 came as expected; surprises: Claim 1"),
        ([("holds", "CONFIRMED"), ("holds", "INVALID")],
         "1 of 1 came as expected; of 1 more that cannot be told"),
        ([("holds", "REFUTED")] * 5,
         ("0 of 5 came as expected; surprises: Claim 0; Claim 1; Claim 2; "
          "and 2 more")),
        ([("too close", "INCONCLUSIVE")], "of no claim it can be told whether it came as expected"),
    ],
)  # fmt: skip
def test_the_sum_says_how_many_and_which_surprised(
    pairs: list[tuple[Belief, Outcome]], said: str
) -> None:
    assert list(compared(*pairs).summary()) == [said]


def test_a_claim_without_a_verdict_is_not_decided() -> None:
    first, second = claims(2)
    beliefs = read_beliefs(beliefs_json([(first, "holds"), (second, "holds")]))
    found = expectations(beliefs, [Verdict(first, "CONFIRMED", 0.05)], [second])
    assert found.said_of(second) == "that it holds; it was not decided"
    assert list(found.summary()) == ["1 of 1 came as expected; of 1 more that cannot be told"]


def test_beliefs_of_claims_that_were_altered_are_counted_and_not_compared() -> None:
    first, second = claims(2)
    beliefs = read_beliefs(beliefs_json([(first, "holds"), (second, "holds")]))
    easier = replace(second, low=1.0)
    found = expectations(beliefs, [Verdict(one, "CONFIRMED", 0.05) for one in (first, easier)])
    assert list(found.every) == ["c0"]
    assert list(found.summary())[1] == (
        "1 prediction is of a claim that has been altered since, and not compared"
    )
    assert found.as_json() == {
        "as_expected": 1, "compared": 1, "of_altered_claims": 1,
        "claims": [
            {"id": "c0", "expected": "holds", "as_expected": True, "by_bounds": None},
        ],
    }  # fmt: skip


def test_of_who_was_not_asked_nothing_is_said() -> None:
    found = expectations(read_beliefs(None), [Verdict(CLAIM, "CONFIRMED", 0.05)])
    assert (found.said_of(CLAIM), list(found.summary()), found.as_json()) == ("", [], None)


CLOSED = """
title = "t"
[[matrix]]
backend = ["py-mp", "py-mt"]
n = [10, 20, 30]
"""
OPEN_LOOP = CLOSED.replace("n = [10, 20, 30]", 'n = 5\nrate = ["100/s", "200/s"]')
HEAD = "\n[[claim]]\nsays = 'x'\n"
LIMIT = "metric = 'p90'\nlimit = '20ms'"
MP, MT = ('{ backend = "py-mp" }', '{ backend = "py-mt" }')


@pytest.mark.parametrize(
    ("table", "said"),
    [
        (f"ratio = [{MP}, {MT}]\nmetric = 'throughput'\nwhere = {{ n = 20 }}\nabove = 1.3",
         "throughput py-mp ÷ py-mt at n=20: > 1.3"),
        (f"value = {MT}\nmetric = 'p50'\nwhere = {{ n = 20 }}\nbelow = '50ms'",
         "p50 py-mt at n=20: < 50 ms"),
        (f"value = {MT}\nmetric = 'cores'\nwhere = {{ n = 20 }}\nwithin = [0.9, 1.1]",
         "cores py-mt at n=20: 0.9 to 1.1"),
        (f"value = {MT}\nmetric = 'refused'\nwhere = {{ n = 20 }}\nbelow = 1",
         "refused py-mt at n=20: < 1 in every block"),
        (f"crossover = {{ over = 'n', of = [{MP}, {MT}] }}\nmetric = 'throughput'\nabove = 15",
         "py-mp begins to beat py-mt in throughput at n > 15"),
        (f"sustains = {{ over = 'rate', of = {MT} }}\n{LIMIT}\nabove = '150/s'",
         "py-mt holds p90 < 20 ms up to ≥ 150/s"),
        (f"sustains = {{ over = 'rate', of = [{MP}, {MT}] }}\n{LIMIT}\nabove = 1.1",
         "rate with p90 < 20 ms, py-mp ÷ py-mt: > 1.1"),
    ],
    ids=["ratio", "value", "within", "count", "crossover", "sustains", "two sustain"],
)  # fmt: skip
def test_what_a_claim_needs_is_said_before_there_is_any_figure(table: str, said: str) -> None:
    text = OPEN_LOOP if "sustains" in table else CLOSED
    (claim,) = parse(text + HEAD + table + "\n").claims
    assert claim_needs(claim) == said
