# SPDX-License-Identifier: BSD-3-Clause
"""Which of two designs is faster, in a sentence: the answer, or what is lacking for one."""

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from tests.runner.verdict.claims import A, B, ratios

from fibench.parameters import FEWEST_BLOCKS
from fibench.record import Disturbed
from fibench.report.faster import faster_lines

STEADY = [1.98, 2.02, 2.0, 1.99, 2.01, 2.0]
EVEN = [0.9, 1.1, 1.05, 0.95, 1.02, 1.0]


def first_line(figures: Sequence[float], spent_s: float = 12.0) -> str:
    return faster_lines((A, B), ratios(figures), spent_s).lines[0]


def test_the_faster_one_stands_first_with_the_factor_and_its_interval() -> None:
    said = faster_lines((A, B), ratios(STEADY), 12.0)
    assert said.is_clear
    found = re.fullmatch(
        r"a is ([0-9.]+) times \[([0-9.]+), ([0-9.]+)\] as fast as b", said.lines[0]
    )
    assert found is not None, said.lines
    mean, low, high = map(float, found.groups())
    assert low <= mean <= high
    assert 1.9 < low < 2.0 < high < 2.1


def test_the_second_may_be_the_faster_one_and_the_interval_turns_with_it() -> None:
    slower = faster_lines((A, B), ratios([1 / ratio for ratio in STEADY]), 12.0)
    faster = first_line(STEADY)
    assert slower.is_clear
    assert slower.lines[0] == faster.replace("a is", "b is").replace("fast as b", "fast as a")


def test_what_is_not_clear_is_called_too_short_with_how_long_it_would_take() -> None:
    said = faster_lines((A, B), ratios([1.3, 0.9, 1.4, 1.0, 1.2, 0.95]), 12.0)
    assert not said.is_clear
    assert said.lines[0].startswith("too short to say: a is between 0.")
    found = re.search(r"--seconds ([0-9]+) would say", said.lines[0])
    assert found is not None, said.lines
    assert int(found[1]) > 12


def test_of_two_that_are_as_fast_nothing_is_promised() -> None:
    assert "hours would not show it" in first_line([1.1, 1 / 1.1, 1.2, 1 / 1.2, 1.05, 1 / 1.05])


@pytest.mark.parametrize("blocks", range(1, FEWEST_BLOCKS))
def test_few_blocks_never_say_which_is_faster(blocks: int) -> None:
    said = faster_lines((A, B), ratios(STEADY[:blocks]), 4.0 * blocks)
    assert not said.is_clear
    if blocks == 1:
        assert "one block alone has no interval" in said.lines[0]
    else:
        assert f"by {blocks} blocks; --seconds 30 has {FEWEST_BLOCKS}" in said.lines[0]


def test_without_a_valid_trial_of_one_of_them_the_reason_is_given() -> None:
    only = [one for one in ratios(STEADY) if one.cell_key == "a"]
    line = faster_lines((A, B), only, 12.0).lines[0]
    assert line == "which of a and b is faster is not known: b was not measured"


SLOW = Disturbed("probe", "a CPU computed slower than in other blocks")
PORT = "the port was in use"


@pytest.mark.parametrize(
    ("changes", "blocks", "why"),
    [
        ({"disturbed": SLOW}, 6, f"the machine was not quiet: {SLOW.says}; 6 of 6 blocks are left"),
        ({"disturbed": SLOW}, 2, f"the machine was not quiet: {SLOW.says}; 2 of 6 blocks are left"),
        ({"disturbed": SLOW}, 1, None),
        ({"bound": "its core was full"}, 1, "the load generator was the limit in a in block 1: "),
        ({"not_full": "it kept 90 %"}, 2, "the load generator was the limit in 2 of 6 blocks, "),
        ({"not_full": "it kept 90 %"}, 1, None),
        ({"valid": False, "reason": "it hung"}, 1, "1 of 6 trials of a failed: it hung"),
        ({"valid": False, "reason": "it hung"}, 6, "no trial of a is valid: it hung"),
        ({"valid": False, "reason": PORT, "unstarted": True}, 1, None),
        ({"foreign_cores": 1.5}, 6, "the machine was not quiet: 0.75 cores of others"),
        ({"foreign_cores": 0.01}, 6, None),
    ],
)
@pytest.mark.parametrize("ratio", [2.0, 0.5])
def test_nothing_is_said_of_trials_on_which_no_claim_could_rest(
    changes: dict[str, Any], blocks: int, why: str | None, ratio: float
) -> None:
    """Of what is faster by far, too: it is told as a claim of a file would be judged."""
    found = [
        replace(one, **(changes if one.cell_key == A.key and one.block < blocks else {}))
        for one in ratios([ratio * figure / 2.0 for figure in STEADY])
    ]
    found = [replace(one, foreign_cores=one.foreign_cores or 0.0) for one in found]
    if "foreign_cores" in changes and ratio > 1.0 and changes["foreign_cores"] > 1.0:
        # What others took from the faster side makes it no slower.
        assert faster_lines((A, B), found, 12.0).is_clear
        return
    said = faster_lines((A, B), found, 12.0)
    assert said.is_clear is (why is None), said.lines
    if why is not None:
        assert said.lines[0].startswith(f"which of a and b is faster is not known: {why}")
    else:
        assert said.lines[0].startswith("a is" if ratio > 1.0 else "b is")


def test_each_load_has_its_own_sentence_and_all_hold_at_once() -> None:
    more = [
        replace(cell, key=f"{cell.key}-2", parameters=replace(cell.parameters, clients=2))
        for cell in (A, B)
    ]
    again = [replace(one, cell_key=f"{one.cell_key}-2") for one in ratios(EVEN)]
    said = faster_lines((A, B, *more), ratios(STEADY) + again, 12.0)
    assert len(said.lines) == 3
    assert not said.is_clear, "one of the two is open"
    assert said.lines[-1] == "by throughput; all intervals hold at once at 95 %"
    alone = faster_lines((A, B), ratios(STEADY), 12.0)
    assert said.lines[0] != alone.lines[0], "the interval is wider where several are to hold"


def test_nothing_to_compare_is_no_answer() -> None:
    assert not faster_lines((), (), 0.0).is_clear
