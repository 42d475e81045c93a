# SPDX-License-Identifier: BSD-3-Clause
"""Claims that a server sustains a rate: what they mean, and their faults."""

from dataclasses import replace

import pytest
from tests.runner.experiments import faults, parse

from fibench.experiment import Claim, cells_of, claims_digest

FILE = """\
title = "t"
[[matrix]]
backend = ["py-mt", "py-mp"]
rate = ["100/s", "25/s", "50/s"]
[load]
clients = 8
[[claim]]
says = "c"
sustains = { over = "rate", of = { backend = "py-mt" } }
metric = "p99"
limit = "50ms"
above = "40/s"
"""
RATIO = FILE.replace('{ backend = "py-mt" } }', '[{ backend = "py-mp" }, { backend = "py-mt" }] }')
RATIO = RATIO.replace('"40/s"', "1.5")


def claim_in(text: str) -> Claim:
    (claim,) = parse(text).claims
    return claim


def test_it_is_about_a_cell_at_each_rate_by_rising_rate() -> None:
    claim = claim_in(FILE)
    assert (claim.kind, claim.over, claim.limit) == ("sustains", "rate", 0.05)
    assert (claim.low, claim.high) == (40.0, None)
    (row,) = claim.rows
    assert [(step.at, step.cell.label) for step in row] == [
        (25.0, "py-mt rate=25/s"),
        (50.0, "py-mt rate=50/s"),
        (100.0, "py-mt rate=100/s"),
    ]
    assert (claim.left, claim.right) == (row[0].cell, None)
    assert cells_of(claim) == tuple(step.cell for step in row)


def test_two_are_compared_by_a_ratio() -> None:
    claim = claim_in(RATIO)
    assert (claim.low, len(claim.rows)) == (1.5, 2)
    assert [row[0].cell.label for row in claim.rows] == ["py-mp rate=25/s", "py-mt rate=25/s"]
    assert claim.right == claim.rows[1][0].cell
    assert len(cells_of(claim)) == 6


def test_two_may_be_asked_for_different_rates() -> None:
    more = '[[matrix]]\nbackend = "py-mp"\nrate = ["400/s"]\n[load]'
    claim = claim_in(RATIO.replace("[load]", more))
    assert [len(row) for row in claim.rows] == [4, 3]


def test_a_list_of_one_is_that_one() -> None:
    text = FILE.replace('{ backend = "py-mt" } }', '[{ backend = "py-mt" }] }')
    assert claim_in(text) == claim_in(FILE)


def test_where_fixes_the_other_axes() -> None:
    text = FILE.replace("clients = 8", "").replace("[load]", "clients = [8, 16]\n[load]")
    (row,) = claim_in(text + "where = { clients = 16 }").rows
    assert {step.cell.parameters.clients for step in row} == {16}


def test_other_limits_are_other_claims_and_others_have_none() -> None:
    claim = claim_in(FILE)
    assert claims_digest([claim]) != claims_digest([replace(claim, limit=0.06)])


def test_a_claim_whose_rates_an_option_fixes_is_left_out_and_listed() -> None:
    changed = parse(FILE, {"rate": "80"})
    assert changed.claims == ()
    assert [claim.reason for claim in changed.dropped_claims] == ["rate has 1 value only: 80/s"]


@pytest.mark.parametrize("bounds", ['above = "100/s"', 'below = "25/s"', "within = [30, 60]"])
def test_a_bound_may_be_a_rate_at_the_end_of_those_measured(bounds: str) -> None:
    assert claim_in(FILE.replace('above = "40/s"', bounds)).rows


GROUPS = """
[[load.group]]
name = "small"
clients = 7
[[load.group]]
name = "slow"
clients = 1
rate = "1/s"
[[claim]]
"""


def test_a_client_group_has_the_rate_of_the_matrix() -> None:
    text = FILE.replace("clients = 8\n[[claim]]", GROUPS)
    assert claim_in(text + 'group = "small"').group == "small"


def test_a_client_group_with_a_rate_of_its_own_is_none_that_is_asked_for_others() -> None:
    text = FILE.replace("clients = 8\n[[claim]]", GROUPS)
    assert faults(text + 'group = "slow"') == [
        'e.toml:17:21: the client group "slow" has a rate of its own\nremove its rate'
    ]


DIAGNOSTICS = {
    "axis that is no rate": (
        ('over = "rate"', 'over = "clients"'),
        (
            'e.toml:9:21: over "clients" is nothing that a server has to keep up with\n'
            'write over = "rate"'
        ),
    ),
    "misspelt axis": (
        ('over = "rate"', 'over = "rat"'),
        'e.toml:9:21: over "rat" is unknown\ndid you mean "rate"?',
    ),
    "misspelt key": (
        ('over = "rate"', 'ove = "rate"'),
        'e.toml:9:14: unknown key "ove" in sustains\ndid you mean "over"?',
    ),
    "misspelt key of a side": (
        ("{ backend =", "{ backen ="),
        'e.toml:9:36: unknown key "backen" in sustains\ndid you mean "backend"?',
    ),
    "no side": (
        (', of = { backend = "py-mt" }', ""),
        'e.toml:9:12: of is missing in sustains\nadd of = { backend = "py-mt" }',
    ),
    "three sides": (
        ('of = { backend = "py-mt" }', "of = [{}, {}, {}]"),
        'e.toml:9:34: of must be a table, or a list of two: { backend = "py-mt" }, or [A, B]',
    ),
    "no rates": (
        ('rate = ["100/s", "25/s", "50/s"]', ""),
        (
            "e.toml:9:21: py-mt has no rate: in a closed loop the load waits for its server\n"
            'give rates: rate = ["50/s", "100/s", "200/s"] in [[matrix]]'
        ),
    ),
    "one rate": (
        ('["100/s", "25/s", "50/s"]', '"100/s"'),
        (
            "e.toml:9:21: rate has 1 value only: 100/s\n"
            "sustains needs at least 2: give more in [[matrix]]"
        ),
    ),
    "closed loop beside it": (
        ("[load]", '[[matrix]]\nbackend = "py-mt"\n[load]'),
        (
            "e.toml:11:21: py-mt has no rate: in a closed loop the load waits for its server\n"
            'give rates: rate = ["50/s", "100/s", "200/s"] in [[matrix]]'
        ),
    ),
    "rate fixed in where": (
        ("above", 'where = { rate = "50/s" }\nabove'),
        "e.toml:12:18: rate is what `sustains` goes over, and has one value here\nremove it",
    ),
    "rate fixed in a side": (
        ('{ backend = "py-mt" }', '{ backend = "py-mt", rate = "50/s" }'),
        "e.toml:9:62: rate is what `sustains` goes over, and has one value here\nremove it",
    ),
    "another axis left free": (
        ("[load]\nclients = 8", "clients = [1, 8]\n[load]"),
        (
            'e.toml:9:34: { backend = "py-mt" } selects 6 cells; left free beside rate: '
            "clients (1, 8)\nadd clients to this side, or to where"
        ),
    ),
    "unknown backend": (
        ('of = { backend = "py-mt" }', 'of = { backend = "c-mt" }'),
        (
            'e.toml:9:46: no cell has { backend = "c-mt" }\n'
            'did you mean "py-mt"? backend is py-mt or py-mp'
        ),
    ),
    "no limit": (
        ('limit = "50ms"\n', ""),
        'e.toml:7:3: the claim has no limit\nadd limit = "50ms"',
    ),
    "limit that is a rate": (
        ('limit = "50ms"', 'limit = "50/s"'),
        'e.toml:11:9: limit "50/s" is no time\nunits: ns, us, µs, μs, ms, s, min, h',
    ),
    "limit without a unit": (
        ('limit = "50ms"', "limit = 50"),
        'e.toml:11:9: limit needs a unit, since it is a time\nwrite for example limit = "50ms"',
    ),
    "limit of nothing": (
        ('limit = "50ms"', 'limit = "0ms"'),
        'e.toml:11:9: limit "0ms" is no limit: it must be above 0',
    ),
    "metric that is no time": (
        ('"p99"', '"throughput"'),
        (
            "e.toml:10:10: throughput cannot stay below a limit as the rate rises: it is no time\n"
            "latencies: p50, p90, p99, p999, max"
        ),
    ),
    "metric that is no latency": (
        ('"p99"', '"cpu_per_request"'),
        (
            "e.toml:10:10: cpu_per_request cannot stay below a limit as the rate rises: it is no "
            "latency\nlatencies: p50, p90, p99, p999, max"
        ),
    ),
    "bound that is a time": (
        ('above = "40/s"', 'above = "40ms"'),
        'e.toml:12:9: above "40ms" is no measure of rate\nunits: /s',
    ),
    "bound above all rates": (
        ('above = "40/s"', 'above = "101/s"'),
        (
            "e.toml:12:9: no run can meet this bound: the rate goes from 25/s to 100/s\n"
            "give a bound between them, or more rates than 25/s, 50/s, 100/s"
        ),
    ),
    "bound below all rates": (
        ('above = "40/s"', 'below = "24/s"'),
        (
            "e.toml:12:9: no run can meet this bound: the rate goes from 25/s to 100/s\n"
            "give a bound between them, or more rates than 25/s, 50/s, 100/s"
        ),
    ),
    "crossover as well": (
        ("above", 'crossover = { over = "rate", of = [{}, {}] }\nabove'),
        (
            "e.toml:9:1: crossover and sustains are both given\n"
            'write ratio = [{ backend = "py-mp" }, { backend = "py-mt" }] or '
            'value = { backend = "py-mt" }'
        ),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", DIAGNOSTICS)
def test_a_fault_of_it_is_explained(name: str) -> None:
    (right, wrong), expected = DIAGNOSTICS[name]
    assert right in FILE
    assert faults(FILE.replace(right, wrong, 1)) == [expected]


def test_a_ratio_has_no_unit_and_compares_two() -> None:
    assert faults(RATIO.replace("above = 1.5", 'above = "40/s"')) == [
        'e.toml:12:9: above of a ratio is a number without unit, not "40/s"\nwrite above = 1.5'
    ]
    assert faults(RATIO.replace('py-mp" }, {', 'py-mt" }, {')) == [
        "e.toml:9:34: both sides are the same cells: py-mt\na ratio compares two"
    ]
    assert faults(RATIO.replace("above = 1.5", "above = 0")) == [
        "e.toml:12:9: above 0 is no bound: it must be above 0"
    ]


def test_a_limit_belongs_to_it_alone() -> None:
    value = 'value = { backend = "py-mt", rate = "50/s" }'
    text = FILE.replace('sustains = { over = "rate", of = { backend = "py-mt" } }', value)
    assert faults(text.replace('"40/s"', '"40ms"')) == [
        (
            "e.toml:11:1: limit belongs to sustains, and this claim has none\n"
            "a bound of other claims is above, below or within"
        )
    ]
