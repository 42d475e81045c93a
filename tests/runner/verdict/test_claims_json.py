# SPDX-License-Identifier: BSD-3-Clause
"""claims.json: what a program reads of verdicts."""

import json
from typing import Any

from tests.runner.verdict.claims import (
    NEAR_ONE_AND_A_HALF,
    make_claim,
    ratios,
    refusals,
    verdict_on,
)

from fibench.verdict.judging import claims_json
from fibench.verdict.verdict import claim_json


def test_the_json_of_a_ratio_names_its_units_and_can_be_read_back() -> None:
    verdict = verdict_on(make_claim(low=1.3), ratios(NEAR_ONE_AND_A_HALF))
    document = json.loads(json.dumps(claims_json([verdict]), allow_nan=False))
    assert set(document) == {"schema", "confidence", "claims_added_afterwards", "claims"}
    assert document["schema"] == 2
    assert document["claims_added_afterwards"] is False
    assert claims_json([verdict], added_afterwards=True)["claims_added_afterwards"] is True
    (claim,) = document["claims"]
    assert set(claim) == {
        *("id", "says", "because", "kind", "metric", "needs_cpus", "above", "below", "outcome"),
        *("reason", "left", "right", "estimate", "count", "smallest_detectable_effect"),
        *("effect_asked_for", "blocks_needed", "group", "crossover", "limit", "sustained"),
        *("needs_backend", "needs_interpreter", "needed_s", "near_bound", "far_blocks", "decided"),
        *("foreign_unknown", "cause"),
    }
    assert (claim["outcome"], claim["above"], claim["below"]) == ("CONFIRMED", 1.3, None)
    assert set(claim["left"]) == {"cell", "label", "throughput_per_s"}
    assert claim["estimate"]["quantity"] == "ratio"
    assert claim["estimate"]["low"] < claim["estimate"]["mean"] < claim["estimate"]["high"]
    assert claim["estimate"]["blocks"] == 6


def test_the_json_of_a_value_says_what_is_measured_and_in_which_unit() -> None:
    verdict = verdict_on(make_claim(right=None, high=2.0), ratios(NEAR_ONE_AND_A_HALF))
    claim: Any = claim_json(verdict)
    assert claim["right"] is None
    assert claim["estimate"]["quantity"] == "throughput_per_s"


def test_the_json_of_a_count_has_its_range_and_no_estimate() -> None:
    verdict = verdict_on(make_claim("refused", right=None, high=1.0), refusals([0, 2, 0]))
    claim: Any = claim_json(verdict)
    assert claim["estimate"] is None
    assert claim["count"] == {"blocks": 3, "least": 0, "most": 2, "total": 2} | {
        "missed_below": None
    }
    assert set(claim["left"]) == {"cell", "label"}


def test_an_interval_without_an_end_is_null_in_json() -> None:
    verdict = verdict_on(make_claim(low=1.3), ratios([1e-300, 1e300, 1e-300]))
    document = json.loads(json.dumps(claims_json([verdict]), allow_nan=False))
    assert document["claims"][0]["estimate"]["high"] is None
