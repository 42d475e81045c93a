# SPDX-License-Identifier: BSD-3-Clause
"""Each fault of an experiment file is explained where it stands."""

import pytest
from tests.runner.experiment import claim_faults, file_faults
from tests.runner.experiments import GIL, SMALL, faults

DIAGNOSTICS = [*file_faults.DIAGNOSTICS.items(), *claim_faults.DIAGNOSTICS.items()]


@pytest.mark.parametrize(("name", "diagnostic"), DIAGNOSTICS, ids=[name for name, _ in DIAGNOSTICS])
def test_a_fault_is_explained(name: str, diagnostic: tuple[tuple[str, str], str]) -> None:
    (right, wrong), expected = diagnostic
    assert right in SMALL
    assert faults(SMALL.replace(right, wrong, 1)) == [expected], name


def test_all_faults_are_reported_at_once_in_the_order_of_the_file() -> None:
    text = (
        GIL.replace('"py-mt", "py-async"', '"py-mtt", "py-async"')
        .replace("2999", "70000")
        .replace("clients = 8", "client = 8")
        .replace("where = { n = 27 }", "where = { n = 26 }")
        .replace('metric = "cores"', 'metric = "core"')
    )

    assert [fault.split("\n")[0] for fault in faults(text)] == [
        'e.toml:5:32: unknown backend "py-mtt"',
        "e.toml:13:8: port 70000 is outside 1 to 65535",
        'e.toml:17:1: unknown key "client" in [load]',
        'e.toml:30:15: no cell has { backend = "py-mp", n = 26 }',
        'e.toml:37:10: metric "core" is unknown',
    ]


def test_a_fault_does_not_bring_others_that_only_follow_from_it() -> None:
    assert len(faults(GIL.replace('"py-mt", "py-async"', '"py-mtt", "py-async"'))) == 1
    assert len(faults(GIL.replace("clients = 8", "client = 8\nthreads = 4"))) == 1
    assert len(faults(GIL.replace("n = 27  ", 'n = "27"  '))) == 1
