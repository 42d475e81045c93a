# SPDX-License-Identifier: BSD-3-Clause
"""The plan: blocks, their order, and what it warns of."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.runner.experiments import GIL, KNOWN, SMALL, parse

from fibench.experiment.experiment import Experiment
from fibench.plan._ceilings import ceilings
from fibench.plan.advice import warnings
from fibench.plan.trials import Trial, ceiling_of, expected_seconds, plan, plan_json, twin_of

SEEDS = st.integers(0, 2**63 - 1)
BLOCKS = st.integers(1, 12)


def with_plan(blocks: int, seed: int, n: str = "[1, 2, 3, 4]") -> str:
    return SMALL.replace(
        "[server]", f"n = {n}\n[plan]\ntimelines = false\nblocks = {blocks}\nseed = {seed}"
    )


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
    trials = plan(parse(SMALL, {"blocks": "1", "backend": "py-mt", "warmup": "200ms"}))

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
    cells_and_twin_s, ceilings_s, watched_s = 9 * 10 * 0.9, 2 * (0.5 + 0.2), 8 * 0.6

    assert expected_seconds(plan(parse(GIL))) == pytest.approx(
        cells_and_twin_s + ceilings_s + watched_s
    )


def test_a_load_that_ends_by_itself_counts_one_second() -> None:
    text = SMALL.replace(
        "[load]", '[load]\nrequests = 100\nwarmup = "0s"\n[plan]\nblocks = 1\ntimelines = false'
    )

    assert expected_seconds(plan(parse(text))) == pytest.approx(3 * 1.0 + 2 * 0.5)


def test_the_plan_as_json_has_cells_and_ordered_trials() -> None:
    document = json.loads(json.dumps(plan_json(parse(GIL), ["a warning"]), allow_nan=False))

    assert document["schema"] == 2
    assert document["blocks"] == 10
    assert len(document["cells"]) == 8
    assert len(document["trials"]) == 2 + 9 * 10 + 8
    assert document["expected_s"] == 87.2
    assert document["warnings"] == ["a warning"]
    first = document["trials"][2]
    assert set(first) == {"index", "block", "role", "cell", "key", "backend", "parameters"}
    assert first["parameters"]["duration"] == 0.7
    assert first["parameters"]["backend"] == first["backend"]


def test_what_other_rooms_know_is_merged_into_the_plan() -> None:
    document = plan_json(parse(GIL), extra={"overrides": {"n": "5"}, "source": "gil.toml"})

    assert (document["overrides"], document["source"]) == ({"n": "5"}, "gil.toml")
    assert document["schema"] == 2


def of_role(experiment: Experiment, role: str) -> list[Trial]:
    return [trial for trial in plan(experiment) if trial.role == role]


# The twin


@given(BLOCKS, SEEDS)
def test_every_block_has_one_cell_twice_under_two_names(blocks: int, seed: int) -> None:
    experiment = parse(with_plan(blocks, seed))
    twins = of_role(experiment, "twin")

    first = experiment.cells[0]
    assert [trial.block for trial in twins] == list(range(blocks))
    assert {trial.cell.key for trial in twins} == {f"{first.key}~aa"}
    assert {trial.cell.label for trial in twins} == {"py-sync n=1 (again)"}
    assert all(trial.cell.parameters == first.parameters for trial in twins)
    assert [trial.key for trial in twins] == [f"b{at:03d}-{first.key}~aa" for at in range(blocks)]


@given(SEEDS)
def test_the_twin_is_shuffled_among_the_cells(seed: int) -> None:
    order = [trial.role for trial in plan(parse(with_plan(20, seed))) if trial.block >= 0]
    places = {order[at : at + 9].index("twin") for at in range(0, len(order), 9)}

    assert len(places) > 1


def test_the_twin_is_of_the_first_cell_that_fibload_drives() -> None:
    text = SMALL.replace("[server]", 'kind = ["process", "fibload"]\n[server]')
    twin = twin_of(parse(text))
    of_processes = twin_of(parse(SMALL, {"kind": "process"}))

    assert twin is not None
    assert twin.label == "py-sync kind=fibload (again)"
    assert of_processes is not None
    assert of_processes.label == "py-sync (again)"


# Ceilings


def test_a_run_begins_with_a_null_server_for_each_load_shape() -> None:
    text = with_plan(2, 7).replace("n = ", "clients = [1, 64]\nn = ")
    experiment = parse(text, {"backend": "py-mt"})
    trials = plan(experiment)

    assert [trial.role for trial in trials[:3]] == ["ceiling", "ceiling", "measure"]
    assert [(t.block, t.cell.label) for t in trials[:2]] == [
        (-1, "c-null clients=1"),
        (-1, "c-null clients=64"),
    ]
    for trial in trials[:2]:
        assert trial.key == f"ceiling-{trial.cell.key}"
        assert trial.cell.parameters.duration == 0.5
        assert set(trial.cell.parameters.as_json()) == set(experiment.cells[0].parameters.as_json())


def loops(backends: str, extra: str = "") -> list[tuple[str, object]]:
    text = f'title = "t"\n[matrix]\nbackend = {backends}\n[load]\n[server]\n{extra}\n'
    return [(cell.label, cell.parameters.workers) for cell in ceilings(parse(text))]


def test_a_ceiling_has_as_many_loops_as_the_design() -> None:
    assert loops('["c-sync"]') == [("c-null", 1)]
    assert loops('["c-mt"]') == [("c-null", None)]
    assert loops('["c-mt-pool"]', "workers = 3") == [("c-null", 3)]
    assert loops('["c-mt-pool"]') == [("c-null", None)]
    assert loops('["c-sync", "py-sync", "c-mt"]') == [("c-null workers=1", 1), ("c-null", None)]


@pytest.mark.parametrize(
    "same",
    [
        "n = 20",
        'io_wait = "9ms"',
        "rate = 100",
        'rate = 100\narrivals = "uniform"',
        'duration = "5s"',
        'warmup = "5s"',
        "backlog = 9",  # a queue that is too short would be measured, and no ceiling
    ],
)
def test_what_the_wire_does_not_see_makes_no_load_shape(same: str) -> None:
    text = f'title = "t"\n[[matrix]]\nbackend = "c-mt"\n[[matrix]]\nbackend = "c-mp"\n{same}\n'

    assert len(ceilings(parse(text))) == 1


@pytest.mark.parametrize(
    "other", ["clients = 3", 'framing = "line"', 'host = "::1"', "max_connections = 9"]
)
def test_what_the_wire_sees_makes_a_load_shape(other: str) -> None:
    text = f'title = "t"\n[[matrix]]\nbackend = "c-mt"\n[[matrix]]\nbackend = "c-mp"\n{other}\n'

    assert len(ceilings(parse(text))) == 2


def test_a_ceiling_is_a_closed_loop_of_all_clients_that_ask() -> None:
    text = SMALL + (
        'rate = 50\nrequests = 10\n[[load.group]]\nname = "a"\nclients = 3\n'
        '[[load.group]]\nname = "b"\nclients = 4\n'
        '[[load.group]]\nname = "c"\nclients = 9\nidle = true\n'
    )
    (ceiling,) = ceilings(parse(text, {"backend": "py-mt"}))

    names = ("clients", "groups", "rate", "arrivals", "requests", "duration")
    assert [ceiling.parameters.value_of(name) for name in names] == [7, None, None, None, None, 0.5]


@pytest.mark.parametrize(("given_s", "window_s"), [("0.1s", 0.1), ("3s", 0.5)])
def test_a_ceiling_takes_half_a_second_at_most(given_s: str, window_s: float) -> None:
    (ceiling,) = ceilings(parse(SMALL, {"backend": "py-mt", "duration": given_s, "warmup": "9s"}))

    assert (ceiling.parameters.duration, ceiling.parameters.warmup) == (window_s, 0.2)


def test_each_cell_knows_its_ceiling() -> None:
    experiment = parse(GIL)
    keys = {trial.cell.key for trial in of_role(experiment, "ceiling")}

    assert {ceiling_of(cell, experiment) for cell in experiment.cells} == keys
    assert len(keys) == 2, "with one loop, and with as many as there are cores"


def test_without_fibload_there_is_no_ceiling() -> None:
    experiment = parse(SMALL, {"kind": "process"})

    assert of_role(experiment, "ceiling") == []
    assert ceiling_of(experiment.cells[0], experiment) is None


# System calls

SYSCALLS = """
[[claim]]
says = "s"
value = { backend = "py-mt", n = 1 }
metric = "syscalls_per_request"
below = 10
"""


def test_the_cells_of_a_claim_about_system_calls_are_traced_at_the_end_of_each_block() -> None:
    experiment = parse(with_plan(3, 7) + SYSCALLS)
    traced = of_role(experiment, "syscalls")

    assert [(trial.block, trial.cell.label) for trial in traced] == [
        (0, "py-mt n=1"),
        (1, "py-mt n=1"),
        (2, "py-mt n=1"),
    ]
    assert traced[1].key == f"b001-{traced[1].cell.key}~syscalls"
    assert [trial.role for trial in plan(experiment) if trial.block == 1][-1] == "syscalls"
    assert len({trial.key for trial in plan(experiment)}) == len(plan(experiment))


def test_every_point_of_a_crossover_is_traced() -> None:
    claim = """
[[claim]]
says = "s"
crossover = { over = "n", of = [{ backend = "py-mt" }, { backend = "py-sync" }] }
metric = "syscalls_per_request"
below = 3
"""
    assert len(of_role(parse(with_plan(1, 7) + claim), "syscalls")) == 8


def test_a_traced_trial_counts_two_seconds() -> None:
    plain, traced = parse(with_plan(3, 7)), parse(with_plan(3, 7) + SYSCALLS)

    longer = expected_seconds(plan(traced)) - expected_seconds(plan(plain))
    assert longer == pytest.approx(3 * 2.0)


# Warnings


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
        '"The GIL is why: threads use one core" is not testable here: it needs 2 physical cores, '
        "and 1 can be used here"
    )


def test_it_warns_of_requests_longer_than_the_window() -> None:
    found = warnings(
        parse(SMALL, {"n": "34", "backend": "py-mt,c-mt", "duration": "0.5s"}), KNOWN, 2
    )

    assert found == [
        "py-mt: one request takes about 580 ms, and the window is 0.5s: it may see no reply"
    ]


def test_it_warns_of_addresses_that_others_reach() -> None:
    found = warnings(parse(SMALL, {"host": "0.0.0.0"}), KNOWN, 2)

    assert found == ["host 0.0.0.0 is not loopback: others on the network can reach the servers"]
    assert warnings(parse(SMALL, {"host": "::1"}), KNOWN, 2) == []
