# SPDX-License-Identifier: BSD-3-Clause
"""Claims about where one begins to win over another: what they mean, and their faults."""

import pytest
from tests.runner.experiments import KNOWN, faults, parse

from fibench.experiment.claims import Claim, cells_of
from fibench.experiment.experiment import parse_experiment

FILE = """\
title = "t"
[[matrix]]
backend = ["py-sync", "py-mp"]
n = [25, 5, 15]
[load]
clients = 8
[[claim]]
says = "c"
crossover = { over = "n", of = [{ backend = "py-mp" }, { backend = "py-sync" }] }
metric = "throughput"
below = 22
"""


def only_claim(text: str) -> Claim:
    (claim,) = parse(text).claims
    return claim


def test_a_crossover_compares_two_cells_at_each_value_of_an_axis_by_rising_value() -> None:
    claim = only_claim(FILE)

    assert (claim.kind, claim.over, claim.low, claim.high) == ("crossover", "n", None, 22.0)
    assert [(point.at, point.left.label, point.right.label) for point in claim.points] == [
        (5, "py-mp n=5", "py-sync n=5"),
        (15, "py-mp n=15", "py-sync n=15"),
        (25, "py-mp n=25", "py-sync n=25"),
    ]
    assert (claim.left, claim.right) == (claim.points[0].left, claim.points[0].right)
    assert {cell.key for cell in cells_of(claim)} == {cell.key for cell in parse(FILE).cells}


@pytest.mark.parametrize(
    ("axis", "values", "bound", "high"),
    [
        ("io_wait", '["1ms", "10ms", "1s"]', '"5ms"', 0.005),
        ("rate", '["100/s", 1000, 5000]', '"500/s"', 500.0),
        ("rate", '["100/s", 1000, 5000]', "500", 500.0),
        ("requests", "[10, 100, 1000]", "50.5", 50.5),
    ],
)
def test_bounds_are_in_the_units_of_the_axis(
    axis: str, values: str, bound: str, high: float
) -> None:
    text = FILE.replace("n = [25, 5, 15]", f"{axis} = {values}").replace('"n"', f'"{axis}"')
    claim = only_claim(text.replace("below = 22", f"below = {bound}"))

    assert claim.high == high
    assert claim.points[0].at < high < claim.points[2].at


def test_where_fixes_the_other_axes() -> None:
    text = FILE.replace("clients = 8", "").replace("[load]", "clients = [1, 8]\n[load]")
    claim = only_claim(text + "where = { clients = 8 }")

    assert [point.left.label for point in claim.points] == [
        "py-mp clients=8 n=5",
        "py-mp clients=8 n=15",
        "py-mp clients=8 n=25",
    ]


def test_a_crossover_whose_axis_an_option_fixes_is_left_out_and_listed() -> None:
    changed = parse(FILE, {"n": "20"})

    assert changed.claims == ()
    assert [claim.reason for claim in changed.dropped_claims] == ["n has 1 value only: 20"]


SIDES = 'of = [{ backend = "py-mp" }, { backend = "py-sync" }]'
DIAGNOSTICS = {
    "axis that is none": (
        ('over = "n"', 'over = "client"'),
        'e.toml:9:22: over "client" is unknown\ndid you mean "clients"?',
    ),
    "axis that has no numbers": (
        ('over = "n"', 'over = "framing"'),
        (
            'e.toml:9:22: over "framing" has no numbers to go over\naxes: workers, io_wait, '
            "work_units, backlog, idle_timeout, max_connections, max_n, switch_interval, clients, "
            "n, duration, requests, pipeline, requests_per_connection, threads, rate, timeout"
        ),
    ),
    "misspelt key": (
        ('over = "n"', 'ove = "n"'),
        'e.toml:9:15: unknown key "ove" in crossover\ndid you mean "over"?',
    ),
    "no axis": (
        ('over = "n", ', ""),
        'e.toml:9:13: over is missing in crossover\nadd over = "n"',
    ),
    "no sides": (
        (f", {SIDES}", ""),
        (
            "e.toml:9:13: of is missing in crossover\n"
            'add of = [{ backend = "py-mp" }, { backend = "py-sync" }]'
        ),
    ),
    "three sides": (
        (SIDES, SIDES.replace("]", ', { backend = "py-mt" }]')),
        "e.toml:9:32: of must be a list of two: [A, B]",
    ),
    "misspelt key of a side": (
        ('{ backend = "py-mp" }', '{ backen = "py-mp" }'),
        'e.toml:9:35: unknown key "backen" in crossover\ndid you mean "backend"?',
    ),
    "unknown backend": (
        ('{ backend = "py-mp" }', '{ backend = "py-mpp" }'),
        'e.toml:9:45: unknown backend "py-mpp"\ndid you mean "py-mp"?',
    ),
    "axis fixed in where": (
        ("below", "where = { n = 5 }\nbelow"),
        "e.toml:11:15: n is what the crossover goes over, and has one value here\nremove it",
    ),
    "axis fixed in a side": (
        ('{ backend = "py-mp" }', '{ backend = "py-mp", n = 5 }'),
        "e.toml:9:58: n is what the crossover goes over, and has one value here\nremove it",
    ),
    "key in where and in a side": (
        ("below", 'where = { backend = "py-mt" }\nbelow'),
        "e.toml:9:45: backend stands in `where` and in this side\nkeep one of them",
    ),
    "another axis left free": (
        ("[load]\nclients = 8", "clients = [1, 8]\n[load]"),
        (
            'e.toml:9:33: { backend = "py-mp" } selects 6 cells; left free beside n: '
            "clients (1, 8)\nadd clients to this side, or to where"
        ),
    ),
    "values that are not the same": (
        ("[load]", '[[matrix]]\nbackend = "py-mp"\nn = [30, 31]\n[load]'),
        (
            "e.toml:12:32: the two sides have different values of n: "
            "5, 15, 25, 30, 31 against 5, 15, 25\ngive both the same"
        ),
    ),
    "two values": (
        ("[25, 5, 15]", "[25, 5]"),
        (
            "e.toml:9:22: n has 2 values only: 5, 25\n"
            "a crossover needs at least 3: give more in [[matrix]]"
        ),
    ),
    "axis that does not vary": (
        ('over = "n"', 'over = "clients"'),
        (
            "e.toml:9:22: clients has 1 value only: 8\n"
            "a crossover needs at least 3: give more in [[matrix]]"
        ),
    ),
    "same cells": (
        ('{ backend = "py-sync" }', '{ backend = "py-mp" }'),
        "e.toml:9:32: both sides are the same cells: py-mp\na crossover compares two",
    ),
    "cell that is not there": (
        ('{ backend = "py-sync" }', '{ backend = "c-mt" }'),
        (
            'e.toml:9:68: no cell has { backend = "c-mt" }\n'
            "backend is py-sync or py-mp"
        ),
    ),
    "bound beyond the axis": (
        ("below = 22", "above = 25"),
        (
            "e.toml:11:9: no crossover can meet this bound: n goes from 5 to 25\n"
            "give a bound between them, or more values of n"
        ),
    ),
    "bound with a unit": (
        ("below = 22", 'below = "5ms"'),
        'e.toml:11:9: below of n is a number without unit, not "5ms"\nwrite below = 22',
    ),
    "no bound": (
        ("below = 22", ""),
        (
            "e.toml:7:3: the claim has no bound\n"
            "give one of above = 1.3, below = 1.1, within = [0.95, 1.05]"
        ),
    ),
    "count": (
        ('"throughput"', '"refused"'),
        (
            "e.toml:10:10: refused has no crossover: it is a count, which may be zero on both "
            "sides\nuse a metric that has ratios, such as throughput"
        ),
    ),
    "value as well": (
        ("below", 'value = { backend = "py-mp" }\nbelow'),
        (
            "e.toml:9:1: value and crossover are both given\n"
            'write ratio = [{ backend = "py-mp" }, { backend = "py-mt" }] or '
            'value = { backend = "py-mt" }'
        ),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", DIAGNOSTICS)
def test_a_fault_of_a_crossover_is_explained(name: str) -> None:
    (right, wrong), expected = DIAGNOSTICS[name]
    assert right in FILE

    assert faults(FILE.replace(right, wrong, 1)) == [expected]


def test_an_axis_that_one_side_does_not_have_is_explained() -> None:
    text = FILE.replace("py-sync", "c-mt").replace("n = [25, 5, 15]", "AXIS")
    text = text.replace("AXIS", 'switch_interval = ["1ms", "5ms", "9ms"]')
    text = text.replace('over = "n"', 'over = "switch_interval"').replace("22", '"2ms"')

    assert faults(text) == [
        "e.toml:9:70: switch_interval has no value for c-mt\nleave out what has no switch_interval"
    ]


def test_a_faulty_axis_is_reported_once() -> None:
    assert faults(FILE.replace("[25, 5, 15]", '[25, "5", 15]')) == [
        "e.toml:4:10: n must be a whole number, not text\nwrite 5, without quotes"
    ]


@pytest.mark.parametrize("metric", ["p999", "memory_peak", "switches_per_request", "p99"])
def test_any_metric_but_a_count_may_cross(metric: str) -> None:
    assert only_claim(FILE.replace("throughput", metric)).metric == metric


@pytest.mark.parametrize(
    "metric", ["p999", "memory_peak", "switches_per_request", "syscalls_per_request"]
)
def test_client_bench_has_none_of_what_fibload_alone_measures(metric: str) -> None:
    text = FILE.replace("clients = 8", 'clients = 8\nkind = "process"').replace(
        "throughput", metric
    )

    (fault,) = faults(text)
    assert fault == (
        f'e.toml:11:10: kind "process" has no {metric}\n'
        "it has wall, throughput, cores, cpu_per_request, running, ready, run_delay_per_request"
    )


def test_a_server_of_ones_own_takes_part() -> None:
    own = '[backends.mine]\ncommand = ["./s", "{port}"]\n'
    text = FILE.replace('"py-sync"', '"mine"').replace("[load]", own + "[load]")

    (claim,) = parse_experiment(text, "e.toml", KNOWN).claims
    assert claim.points[2].right.label == "mine n=25"
