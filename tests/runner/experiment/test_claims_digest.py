# SPDX-License-Identifier: BSD-3-Clause
"""By which digest it is known that a run was gone on with under other claims."""

import pytest
from tests.runner.experiments import KNOWN

from fibench.experiment import Experiment, claims_digest
from fibench.experiment.experiment import parse_experiment

TEXT = """
title = "t"
[matrix]
backend = ["c-mt", "c-mp", "py-mt"]
[[claim]]
says = "C is fast"
because = "it is C"
value = { backend = "c-mt" }
metric = "throughput"
above = "1/s"
[[claim]]
says = "So is Python"
value = { backend = "py-mt" }
metric = "throughput"
above = "1/s"
"""


def _digest(text: str, **overrides: str) -> str:
    experiment = _parsed(text, overrides)
    return claims_digest(experiment.claims, len(experiment.dropped_claims))


def _parsed(text: str, overrides: dict[str, str]) -> Experiment:
    return parse_experiment(text, "t.toml", KNOWN, overrides)


@pytest.mark.parametrize(
    "needs",
    ["needs_cpus = 64", 'needs_backend = "c-mp"', 'needs_interpreter = "pypy3"',
     'needs_cpus = 2\nneeds_backend = "c-mp"'],
)  # fmt: skip
def test_what_a_claim_needs_is_part_of_it(needs: str) -> None:
    """A claim that cannot be tested here is judged by no figure."""
    changed = TEXT.replace('above = "1/s"\n[[', f'above = "1/s"\n{needs}\n[[')
    assert changed != TEXT
    assert _digest(changed) != _digest(TEXT)
    assert _digest(changed.replace(needs, "needs_cpus = 3")) != _digest(changed)


def test_how_many_claims_options_dropped_is_part_of_it() -> None:
    backends = {"backend": "c-mt"}
    alone = TEXT.rpartition("[[claim]]")[0]
    assert len(_parsed(TEXT, backends).dropped_claims) == 1
    assert _digest(TEXT, **backends) != _digest(alone, **backends)
    assert _parsed(TEXT, backends).claims_in_file == 2


def test_words_are_no_part_of_it() -> None:
    changed = TEXT.replace("C is fast", "C is quick").replace('because = "it is C"\n', "")
    assert _digest(changed.replace('"1/s"', '"1/s"\nneeds_cpus = 1')) == _digest(TEXT)


def test_earlier_versions_kept_it_without_what_claims_need() -> None:
    changed = TEXT.replace('"1/s"', '"1/s"\nneeds_cpus = 2')
    before = [claims_digest(_parsed(one, {}).claims, with_needs=False) for one in (TEXT, changed)]
    assert before[0] == before[1] == _digest(TEXT) != _digest(changed)
