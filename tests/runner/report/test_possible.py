# SPDX-License-Identifier: BSD-3-Clause
"""What is possible at most, in the table beside what was measured, and beside what was expected."""

import json
import re

import pytest
from tests.runner.report.three_cells import (
    MP,
    MT,
    C,
    make_claim,
    make_samples,
    one_line,
    report,
)

from fibench.experiment import Belief, Claim, beliefs_json, read_beliefs
from fibench.report.claims.expected import expectations
from fibench.report.table import POSSIBLE
from fibench.verdict import judge
from fibench.verdict.asymptotic.asymptotes import Demand, Possible
from fibench.verdict.asymptotic.foretold import foretold
from fibench.wording import json_text


def bounded(per_s: float) -> Possible:
    return Possible(
        per_s=per_s, limit="cpus", at_once=8, cpus=2.0,
        demand=Demand(2.0 / per_s, 2.0 / per_s), source="computing",
    )  # fmt: skip


KNOWN = {MP.key: bounded(98.2), MT.key: bounded(49.3), C.key: Possible("nobody knows")}


def test_it_stands_behind_the_throughput_where_there_is_room() -> None:
    lines = report(make_samples(), possible=KNOWN, width=140).splitlines()
    (mp,), (mt,), (c,) = ([one for one in lines if one.startswith(cell.label)]
                          for cell in (MP, MT, C))  # fmt: skip
    assert re.match(r"py-mp n=27 +7\d\.\d/s ±\d(\.\d)? % +of 98\.2/s", mp)
    assert "of 49.3/s" in mt
    assert " of " not in c
    assert POSSIBLE in one_line("\n".join(lines))


@pytest.mark.parametrize("width", [80, 60])
def test_it_stands_below_where_there_is_none(width: int) -> None:
    text = report(make_samples(), possible=KNOWN, width=width)
    assert max(map(len, text.splitlines()[:-1])) <= width
    table = text.partition("geometric means")[0].splitlines()
    place = next(at for at, line in enumerate(table) if line.startswith(MP.label))
    assert "±" in table[place + 1]
    assert table[place + 2].split() == ["of", "98.2/s"]


@pytest.mark.parametrize("width", [60, 80, 140])
def test_where_nothing_is_known_the_table_is_as_it_was(width: int) -> None:
    unknown = {cell.key: Possible("nobody knows") for cell in (MP, MT, C)}
    text = report(make_samples(), possible=unknown, width=width)
    assert text == report(make_samples(), width=width)


@pytest.mark.parametrize(
    ("claim", "figure", "belief"),
    [
        (make_claim(1.3), 98.2 / 49.3, "holds"),
        (make_claim(2.5), 98.2 / 49.3, "does not hold"),
        (make_claim(None, 1.1), 98.2 / 49.3, "does not hold"),
        (make_claim(1.5, 2.5), 98.2 / 49.3, "holds"),
        (make_claim(90.0, right=None), 98.2, "holds"),
        (make_claim(120.0, right=None), 98.2, "does not hold"),
    ],
)
def test_bounds_alone_say_something_of_a_throughput(
    claim: Claim, figure: float, belief: Belief
) -> None:
    found = foretold(claim, KNOWN)
    assert found is not None
    assert found.figure == pytest.approx(figure)
    assert found.belief == belief


@pytest.mark.parametrize(
    "claim",
    [make_claim(1.3, metric="p50"), make_claim(1.3, right=C), make_claim(1.3, left=C, right=MT)],
)
def test_of_what_they_do_not_bound_they_say_nothing(claim: Claim) -> None:
    assert foretold(claim, KNOWN) is None


def test_what_was_expected_the_bounds_and_what_came_stand_below_each_other() -> None:
    claim = make_claim(1.3)
    beliefs = read_beliefs(beliefs_json([(claim, "does not hold")]))
    verdicts = judge([claim], make_samples(), 2)
    text = report(make_samples(), verdicts, possible=KNOWN, width=120, beliefs=beliefs)
    said = [line.strip() for line in text.splitlines()]
    place = said.index("you expected that it does not hold; it holds")
    assert re.fullmatch(
        r"the bounds alone: ×1\.99, it holds; measured: ×1\.[78]\d", said[place + 1]
    )
    document = json.loads(json_text(expectations(beliefs, verdicts, (), KNOWN).as_json(), None))
    assert document["claims"][0]["by_bounds"] == {
        "figure": pytest.approx(98.2 / 49.3),
        "expected": "holds",
    }


def test_who_expected_nothing_is_told_nothing_of_bounds_below_a_verdict() -> None:
    verdicts = judge([make_claim(1.3)], make_samples(), 2)
    assert "the bounds alone" not in report(make_samples(), verdicts, possible=KNOWN)
