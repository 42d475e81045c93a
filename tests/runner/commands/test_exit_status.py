# SPDX-License-Identifier: BSD-3-Clause
"""The exit status of a run, by its verdicts."""

import ast
import signal

import pytest
from tests.runner.verdict.claims import make_claim

from fibench.commands.refused import exit_code
from fibench.folders import PACKAGE
from fibench.verdict.judging import Outcome, Verdict

# The exit status


def verdicts(*outcomes: Outcome) -> list[Verdict]:
    return [Verdict(make_claim(low=1.0), outcome, 0.05) for outcome in outcomes]


@pytest.mark.parametrize(
    ("outcomes", "failed", "interrupted_by", "status"),
    [
        ([], 0, None, 0),
        (["CONFIRMED", "NOT HERE"], 0, None, 0),
        (["CONFIRMED", "INCONCLUSIVE"], 0, None, 4),
        (["CONFIRMED", "INVALID"], 0, None, 4),
        (["INCONCLUSIVE", "REFUTED"], 0, None, 3),
        (["CONFIRMED"], 1, None, 5),
        (["REFUTED"], 2, None, 5),
        (["REFUTED"], 2, signal.SIGINT, 130),
        ([], 0, signal.SIGINT, 130),
        (["CONFIRMED"], 0, signal.SIGTERM, 143),
        ([], 1, signal.SIGHUP, 129),
    ],
)
def test_the_exit_status_is_the_first_that_applies(
    outcomes: list[Outcome], failed: int, interrupted_by: int | None, status: int
) -> None:
    assert exit_code(verdicts(*outcomes), failed, interrupted_by) == status


def test_the_status_of_who_is_interrupted_is_made_in_one_place() -> None:
    statuses = {128, *(128 + number for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP))}
    found = {
        path.relative_to(PACKAGE).as_posix()
        for path in PACKAGE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_bytes()))
        if isinstance(node, ast.Constant) and type(node.value) is int and node.value in statuses
    }
    assert found == {"interruption.py"}
