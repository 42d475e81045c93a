# SPDX-License-Identifier: BSD-3-Clause
"""Beliefs about claims: what is written is read back, and nothing else is believed."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.runner.experiments import GIL, parse

from fibench.experiment import NO_BELIEFS, Beliefs, Claim, beliefs_json, read_beliefs
from fibench.experiment.beliefs import MOST_BELIEFS, told_digest

CLAIMS = parse(GIL).claims
KEPT = beliefs_json([(CLAIMS[0], "holds"), (CLAIMS[1], "too close")])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


def test_what_was_said_is_read_back() -> None:
    found = read_beliefs(KEPT)
    assert [found.about(claim) for claim in CLAIMS] == ["holds", "too close"]
    assert found.of_others(CLAIMS) == found.improper == 0
    assert read_beliefs(None) is NO_BELIEFS


@pytest.mark.parametrize(
    "altered",
    [
        replace(CLAIMS[0], says="Multiprocess beats threads"),
        replace(CLAIMS[0], id="other"),
        replace(CLAIMS[0], low=1.4),
        replace(CLAIMS[0], low=None, high=1.3),
        replace(CLAIMS[0], metric="p50"),
        replace(CLAIMS[0], left=CLAIMS[1].left, right=CLAIMS[0].left),
    ],
    ids=["words", "id", "bound", "other side", "metric", "sides"],
)
def test_of_a_claim_that_was_altered_nothing_was_expected(altered: Claim) -> None:
    found = read_beliefs(KEPT)
    assert found.about(altered) is None
    assert found.of_others([altered, CLAIMS[1]]) == 1


@pytest.mark.parametrize(
    "same",
    [
        replace(CLAIMS[0], because="something else"),
        replace(CLAIMS[0], needs_cpus=64),
        replace(CLAIMS[0], says=CLAIMS[0].says.replace(" ", "\n  ")),
    ],
    ids=["because", "needs", "spaces"],
)
def test_what_nobody_was_told_binds_nothing(same: Claim) -> None:
    assert read_beliefs(KEPT).about(same) == "holds"


ONE: dict[str, Any] = {"claim": "a", "told": "0" * 64, "expected": "holds"}


@pytest.mark.parametrize(
    "entry",
    [
        None, 3, "holds", [], {}, {**ONE, "claim": None}, {**ONE, "claim": "a" * 1001},
        {**ONE, "told": "0" * 63}, {**ONE, "told": 7}, {**ONE, "expected": "Holds"},
        {**ONE, "expected": None}, {**ONE, "expected": ["holds"]}, {**ONE, "expected": {}},
    ],
)  # fmt: skip
def test_an_entry_that_is_none_is_left_out_and_counted(entry: object) -> None:
    other = {**ONE, "claim": "b"}
    assert read_beliefs([entry, other]) == Beliefs({("b", "0" * 64): "holds"}, improper=1)


def test_who_contradicts_themselves_has_said_nothing() -> None:
    assert read_beliefs([ONE, {**ONE, "expected": "too close"}]) == Beliefs(improper=1)
    assert read_beliefs([ONE, ONE]).improper == 0


@pytest.mark.parametrize("document", [{}, "holds", 7, False, [ONE] * (MOST_BELIEFS + 1)])
def test_what_is_no_list_of_beliefs_is_told_of(document: object) -> None:
    assert read_beliefs(document) == Beliefs(improper=1)


@given(JSON | st.lists(st.fixed_dictionaries({"claim": JSON, "told": JSON, "expected": JSON})))
def test_whatever_stands_there_it_is_read_or_left_out(document: object) -> None:
    found = read_beliefs(document)
    assert [found.about(claim) for claim in CLAIMS] == [None, None]


def test_a_digest_has_a_fixed_length_and_any_words() -> None:
    odd = replace(CLAIMS[0], says="\ud800 \u202e {}")
    assert len(told_digest(odd)) == 64
