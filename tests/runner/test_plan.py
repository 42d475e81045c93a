# SPDX-License-Identifier: BSD-3-Clause
"""The plan: blocks, their order, and what it warns of."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.runner.samples import GIL, KNOWN, SMALL, parse

from fibench.plan import expected_seconds, plan, plan_json, warnings

SEEDS = st.integers(0, 2**63 - 1)
BLOCKS = st.integers(1, 12)


def with_plan(blocks: int, seed: int, n: str = "[1, 2, 3, 4]") -> str:
    return SMALL.replace("[server]", f"n = {n}\n[plan]\nblocks = {blocks}\nseed = {seed}")


@given(BLOCKS, SEEDS)
def test_every_block_has_every_cell_once(blocks: int, seed: int) -> None:
    experiment = parse(with_plan(blocks, seed))
    trials = plan(experiment)

    assert [trial.index for trial in trials] == list(range(len(trials)))
    for block in range(blocks):
        measured = (t for t in trials if t.block == block and t.role == "measure")
        keys = sorted(trial.cell.key for trial in measured)
        assert keys == sorted(cell.key for cell in experiment.cells)
    assert [trial.block for trial in trials] == sorted(trial.block for trial in trials)


@given(BLOCKS, SEEDS)
def test_the_same_seed_gives_the_same_order(blocks: int, seed: int) -> None:
    assert plan(parse(with_plan(blocks, seed))) == plan(parse(with_plan(blocks, seed)))


@given(BLOCKS, SEEDS)
def test_more_blocks_leave_the_earlier_ones_as_they_were(blocks: int, seed: int) -> None:
    shorter = plan(parse(with_plan(blocks, seed)))

    assert plan(parse(with_plan(blocks + 1, seed)))[: len(shorter)] == shorter


@given(SEEDS)
def test_blocks_have_orders_of_their_own(seed: int) -> None:
    trials = plan(parse(with_plan(6, seed)))
    orders = {tuple(t.cell.key for t in trials if t.block == block) for block in range(6)}

    assert len(orders) > 1


@given(SEEDS, st.integers(5, 30))
def test_a_further_cell_leaves_the_keys_of_others_as_they_were(seed: int, n: int) -> None:
    before = {trial.key for trial in plan(parse(with_plan(2, seed)))}
    after = {trial.key for trial in plan(parse(with_plan(2, seed, f"[1, 2, 3, 4, {n}]")))}

    assert before < after


def test_keys_are_those_of_earlier_versions() -> None:
    """Results on disk are found by these names."""
    trials = plan(parse(SMALL, {"blocks": "1", "backend": "py-mt"}))

    assert {trial.key for trial in trials if trial.role == "measure"} == {
        "b000-py-mt-n1-c1-6c86afe8d1"
    }


def test_the_order_of_a_seed_does_not_change_between_versions() -> None:
    trials = plan(parse(with_plan(1, 7)))

    assert [trial.cell.label for trial in trials if trial.block == 0] == [
        "py-mt n=3",
        "py-sync n=3",
        "py-mt n=1",
        "py-sync n=4",
        "py-sync n=2",
        "py-sync n=1 (again)",
        "py-mt n=4",
        "py-sync n=1",
        "py-mt n=2",
    ]


def test_the_expected_time_is_warm_ups_and_windows() -> None:
    cells_and_twin, ceiling_s = 9 * 10 * 0.9, 0.5 + 0.2

    assert expected_seconds(plan(parse(GIL))) == pytest.approx(cells_and_twin + ceiling_s)


def test_a_load_that_ends_by_itself_counts_one_second() -> None:
    text = SMALL.replace("[load]", '[load]\nrequests = 100\nwarmup = "0s"\n[plan]\nblocks = 1')

    assert expected_seconds(plan(parse(text))) == pytest.approx(3 * 1.0 + 0.5)


def test_the_plan_as_json_has_cells_and_ordered_trials() -> None:
    document = json.loads(json.dumps(plan_json(parse(GIL), ["a warning"]), allow_nan=False))

    assert document["schema"] == 2
    assert document["blocks"] == 10
    assert len(document["cells"]) == 8
    assert len(document["trials"]) == 1 + 9 * 10
    assert document["expected_s"] == 81.7
    assert document["warnings"] == ["a warning"]
    first = document["trials"][1]
    assert set(first) == {"index", "block", "role", "cell", "key", "backend", "parameters"}
    assert first["parameters"]["duration"] == 0.7
    assert first["parameters"]["backend"] == first["backend"]


def keep_alive(backend: str, extra: str) -> str:
    return (
        f'title = "t"\n[matrix]\nbackend = "{backend}"\n'
        f'[server]\nframing = "line"\n[load]\n{extra}\n'
    )


def test_it_warns_of_clients_that_wait_for_ever_under_keep_alive() -> None:
    (warning,) = warnings(parse(keep_alive("py-sync", "clients = 8")), KNOWN, 2)

    assert warning == (
        "py-sync serves 1 connection at a time: with 8 clients under keep-alive the other 7 wait "
        "for ever and are counted as unfinished"
    )


def test_it_warns_of_more_clients_than_workers() -> None:
    text = keep_alive("c-mt-pool", "clients = 8").replace("[server]", "[server]\nworkers = 3")

    assert "serves 3 connections" in warnings(parse(text), KNOWN, 2)[0]
    assert (
        "serves 4 connections"
        in warnings(parse(keep_alive("c-mt-pool", "clients = 8")), KNOWN, 4)[0]
    )


@pytest.mark.parametrize(
    ("backend", "extra"),
    [
        ("py-sync", "clients = 1"),
        ("py-mt", "clients = 8"),
        ("py-sync", "clients = 8\nrequests_per_connection = 10"),
    ],
)
def test_it_does_not_warn_where_every_client_is_served(backend: str, extra: str) -> None:
    assert warnings(parse(keep_alive(backend, extra)), KNOWN, 2) == []


def test_gil_needs_no_warning_but_of_cores() -> None:
    assert warnings(parse(GIL), KNOWN, 2) == []
    assert warnings(parse(GIL), KNOWN, 1)[1] == (
        '"The GIL is why: threads use one core" is not testable here: it needs 2 cores, '
        "and this machine has 1 core"
    )


def test_it_warns_of_requests_longer_than_the_window() -> None:
    found = warnings(
        parse(SMALL, {"n": "34", "backend": "py-mt,c-mt", "duration": "0.5s"}), KNOWN, 2
    )

    assert found == [
        "py-mt: one request takes about 0.58 s, and the window is 0.5s: it may see no reply"
    ]


def test_it_warns_of_addresses_that_others_reach() -> None:
    found = warnings(parse(SMALL, {"host": "0.0.0.0"}), KNOWN, 2)

    assert found == ["host 0.0.0.0 is not loopback: others on the network can reach the servers"]
    assert warnings(parse(SMALL, {"host": "::1"}), KNOWN, 2) == []
