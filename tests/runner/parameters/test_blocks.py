# SPDX-License-Identifier: BSD-3-Clause
"""How many blocks a run has: what a file, an option and a plan may say."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.runner.experiments import CLAIM, SMALL, faults, parse

from fibench.parameters.blocks import (
    DEFAULT,
    MOST_BLOCKS,
    MOST_LOOKED_AT,
    Blocks,
    blocks,
    kept_blocks,
)
from fibench.parameters.kinds import Fault
from fibench.verdict.looks import Looks


def in_file(text: str) -> str:
    return SMALL.replace("[server]", f"[plan]\nblocks = {text}\n[server]")


@pytest.mark.parametrize(
    ("text", "typed", "meant"),
    [
        ('"auto"', "auto", Blocks(6, 20)),
        ("8", "8", Blocks(8, 8)),
        ("1", "1", Blocks(1, 1)),
        ("{ least = 5, most = 200 }", "5..200", Blocks(5, 200)),
        ("{ least = 900, most = 900 }", "900..900", Blocks(900, 900)),
    ],
)
def test_a_file_and_an_option_mean_the_same(text: str, typed: str, meant: Blocks) -> None:
    assert parse(in_file(text)).plan.blocks == meant
    assert parse(SMALL, {"blocks": typed}).plan.blocks == meant
    assert parse(in_file("7"), {"blocks": typed}).plan.blocks == meant


def test_what_a_file_does_not_say_is_until_the_claims_are_clear() -> None:
    assert parse(SMALL + CLAIM).plan.blocks == DEFAULT == Blocks(6, 20)
    assert parse(SMALL).plan.seed is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('"often"', 'blocks "often" is neither "auto" nor a number'),
        ("0", "blocks 0 is outside 1 to 10000"),
        ("10001", "blocks 10001 is outside 1 to 10000"),
        ("true", 'blocks must be a whole number or "auto", not true or false'),
        ("2.5", 'blocks must be a whole number or "auto", not a number with a fraction'),
        ("[6, 20]", 'blocks must be a whole number or "auto", not a list'),
        ("{ least = 6 }", "blocks lacks most"),
        ("{ least = 6, most = 20, step = 2 }", 'blocks has the unknown key "step"'),
        ("{ least = 20, most = 6 }", "blocks has a least, 20, above its most, 6"),
        ("{ least = 4, most = 20 }", "blocks from 4 to 20 is outside 5 to 200"),
        ("{ least = 6, most = 201 }", "blocks from 6 to 201 is outside 5 to 200"),
        ('{ least = "6", most = 20 }', "blocks must have a whole number as least, not text"),
    ],
)
def test_what_is_no_number_of_blocks_is_explained_at_its_place(text: str, said: str) -> None:
    (fault,) = faults(in_file(text))
    assert fault.splitlines()[0].endswith(f": {said}")
    assert fault.startswith("e.toml:")
    assert faults(in_file(text), {"blocks": "8"}) == [], "an option takes its place"


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("6..", '"6.." is no number of blocks'),
        ("20..6", "blocks has a least, 20, above its most, 6"),
        ("0", "blocks 0 is outside 1 to 10000"),
        ("6,20", "takes one value"),
    ],
)
def test_an_option_that_is_no_number_of_blocks_is_explained(typed: str, said: str) -> None:
    (fault,) = faults(SMALL, {"blocks": typed})
    assert fault.splitlines()[0] == f"--blocks {typed}: {said}"


@given(st.integers(1, MOST_LOOKED_AT + 20), st.integers(1, MOST_LOOKED_AT + 20))
def test_whatever_is_allowed_can_be_looked_at_and_is_read_back(least: int, most: int) -> None:
    try:
        found = blocks().check({"least": least, "most": most})
    except Fault:
        return
    assert (Looks(found.least, found.most).fixed, str(found)) == (
        found.fixed, f"{most}" if found.fixed else f"{least}..{most}",
    )  # fmt: skip
    text = SMALL.replace("[server]", f"[plan]\nblocks = {{ least = {least}, most = {most} }}")
    assert kept_blocks(parse(text).plan.as_json()) == found


def test_a_plan_of_an_earlier_version_has_a_fixed_number_that_was_judged_from_three() -> None:
    assert kept_blocks({"blocks": 4, "seed": 1}) == Blocks(4, 4, fewest=3)


@pytest.mark.parametrize(
    "kept",
    [
        {}, {"blocks": 0}, {"blocks": "6"}, {"blocks": MOST_BLOCKS + 1}, {"blocks": True},
        {"blocks": 20, "least_blocks": None}, {"blocks": 10**30, "least_blocks": 6},
        {"blocks": {"least": 6, "most": 20}}, {"least_blocks": 6},
    ],
)  # fmt: skip
def test_what_no_version_would_have_kept_says_nothing(kept: dict[str, Any]) -> None:
    assert kept_blocks(kept) is None
