# SPDX-License-Identifier: BSD-3-Clause
"""A server that cannot have computed what it answers is told of, and nothing is decided by that."""

from typing import Any

import pytest
from tests.runner.records import recorded

from fibench.develop.bench.estimation import made_experiment, made_records
from fibench.verdict.findings import Findings, find

NEEDED_S = 1.8e-3


def findings(used_s: float | None, needed_s: float | None, p50_s: float = 1.0) -> Findings:
    """Of a run whose first cell uses so much CPU for each request, and would need so much."""
    experiment = made_experiment(cells=2, blocks=5, claims=1)
    own = experiment.cells[0].key
    records: list[dict[str, Any]] = list(made_records(experiment, 5))
    for record in records:
        if record["cell"] == own:
            record["metrics"] |= {"cpu_per_request_s": used_s, "p50_s": p50_s}
            record["checks"] = {**record.get("checks", {}), "computing_s": needed_s}
    return find(experiment, recorded(*records), 8, complete=True)


def told(found: Findings) -> list[str]:
    return [note for note in found.notes if "times faster than fibonacci(" in note]


def test_one_that_remembers_is_told_of_with_both_figures() -> None:
    (note,) = told(findings(32e-6, NEEDED_S))
    assert "answers 56 times faster than fibonacci(" in note
    assert ") can be computed so: 32.0 µs for each request" in note
    assert "the recursion takes a core 1.80 ms here, in C" in note


@pytest.mark.parametrize("used_s", [NEEDED_S / 9, NEEDED_S, 40 * NEEDED_S])
def test_a_good_compiler_is_no_wonder(used_s: float) -> None:
    assert told(findings(used_s, NEEDED_S)) == []


def test_where_cpu_time_is_not_known_the_time_of_a_reply_says_it() -> None:
    (note,) = told(findings(None, NEEDED_S, p50_s=20e-6))
    assert "answers 90 times faster" in note


def test_where_the_work_is_not_known_nothing_is_said() -> None:
    assert told(findings(1e-9, None)) == []


def test_it_is_a_note_and_changes_no_verdict() -> None:
    one, other = findings(32e-6, NEEDED_S), findings(32e-6, None)
    assert [verdict.outcome for verdict in one.verdicts] == [
        verdict.outcome for verdict in other.verdicts
    ]
