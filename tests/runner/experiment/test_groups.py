# SPDX-License-Identifier: BSD-3-Clause
"""Client groups and open loops: what a cell gets of them, and what is wrong with them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.runner.experiment.client_groups import CLAIM, EVERYTHING, SLOW_AND_SMALL
from tests.runner.experiments import SMALL, parse

from fibench.experiment.cells import Cell
from fibench.parameters.groups import Group, described, written
from fibench.parameters.groups import parse as parse_groups

NAMES = st.from_regex(r"[a-z0-9][a-z0-9._-]{0,20}", fullmatch=True)
CLIENTS = st.integers(1, 20_000)
RATES = st.floats(1, 1e6).map(lambda rate: round(rate, 6))
ASKING = st.builds(
    Group,
    NAMES,
    CLIENTS,
    st.integers(0, 45),
    st.none() | RATES,
    st.sampled_from([None, "poisson", "uniform"]),
)
IDLE = st.builds(Group, NAMES, CLIENTS, st.none(), idle=st.just(True))


def first_cell(text: str, overrides: dict[str, str] | None = None) -> Cell:
    return parse(text, overrides).cells[0]


# As text


@given(st.lists(ASKING | IDLE, min_size=1, max_size=6))
def test_groups_are_read_as_they_are_written(groups: list[Group]) -> None:
    assert parse_groups(written(groups)) == tuple(groups)


def test_no_text_is_no_groups() -> None:
    assert parse_groups(None) == ()


@pytest.mark.parametrize(
    "text", ["clients=1", "name=a", "name=a,clients=x", "name=a,clients=1,m=2"]
)
def test_other_text_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"client group|invalid literal"):
        parse_groups(text)


def test_a_group_is_described_in_words() -> None:
    assert described(Group("small", 1, 2)) == "small: 1 client, n=2"
    assert described(Group("idle", 9, None, idle=True)) == "idle: 9 clients, connected and silent"
    assert described(Group("a", 2, 1, 0.5 + 1, "uniform")) == "a: 2 clients, n=1, 1.5/s uniform"


# In a cell


def test_a_cell_has_its_groups_as_one_text_in_the_syntax_of_fibload() -> None:
    cell = first_cell(SMALL + SLOW_AND_SMALL)

    assert cell.parameters.value_of("groups") == (
        "name=small,clients=7,n=1;name=slow,clients=1,n=30;name=idle,clients=10000,idle"
    )
    assert cell.parameters.clients == 8, "those that ask"
    assert cell.label == "py-sync", "groups that all cells have are not in their names"


def test_a_group_takes_what_it_lacks_from_the_load() -> None:
    text = SMALL + (
        'clients = 4\nn = 9\nrate = 100\narrivals = "uniform"\n[[load.group]]\nname = "a"\n'
        '[[load.group]]\nname = "b"\nclients = 1\nrate = "2.5/s"\narrivals = "poisson"\n'
    )
    cell = first_cell(text)

    assert cell.parameters.value_of("groups") == (
        "name=a,clients=4,n=9,rate=100,arrivals=uniform;"
        "name=b,clients=1,n=9,rate=2.5,arrivals=poisson"
    )
    assert cell.parameters.clients == 5
    assert (cell.parameters.n, cell.parameters.rate) == (9, 100.0)


def test_what_the_matrix_varies_a_group_takes_from_each_cell() -> None:
    text = SMALL.replace("[server]", "n = [1, 30]\nclients = [2, 4]\n[server]")
    text += '[[load.group]]\nname = "a"\n[[load.group]]\nname = "b"\nclients = 1\nn = 5\n'
    cells = [cell for cell in parse(text).cells if cell.backend == "py-mt"]

    assert [cell.label for cell in cells] == [
        "py-mt clients=2 n=1",
        "py-mt clients=2 n=30",
        "py-mt clients=4 n=1",
        "py-mt clients=4 n=30",
    ]
    assert cells[2].parameters.value_of("groups") == "name=a,clients=4,n=1;name=b,clients=1,n=5"
    assert cells[2].parameters.clients == 5


def test_claims_select_by_what_the_file_says_not_by_the_sum() -> None:
    text = SMALL.replace("[server]", "clients = [2, 4]\n[server]")
    text += '[[load.group]]\nname = "a"\n[[load.group]]\nname = "b"\nclients = 1\n'
    text += CLAIM.replace('"py-mt"', '"py-mt", clients = 4').replace('"small"', '"a"')

    assert parse(text).claims[0].left.label == "py-mt clients=4"


def test_cells_that_differ_by_their_idle_clients_alone_are_told_apart() -> None:
    text = SMALL.replace("[server]", "clients = [100, 8000]\n[server]")
    text += '[[load.group]]\nname = "idle"\nidle = true\n'
    text += '[[load.group]]\nname = "asking"\nclients = 8\n'
    cells = [cell for cell in parse(text).cells if cell.backend == "py-mt"]

    assert [cell.parameters.clients for cell in cells] == [8, 8]
    assert [cell.label for cell in cells] == ["py-mt clients=100", "py-mt clients=8000"]


def test_cells_without_groups_keep_their_keys() -> None:
    """Results on disk are found by these names."""
    assert (
        first_cell(SMALL, {"backend": "py-mt", "warmup": "200ms"}).key == "py-mt-n1-c1-6c86afe8d1"
    )


def test_groups_that_differ_make_keys_that_differ() -> None:
    text = SMALL + SLOW_AND_SMALL

    assert first_cell(text).key != first_cell(text.replace("n = 30", "n = 29")).key


def test_client_bench_has_no_groups() -> None:
    text = SMALL.replace("[server]", 'kind = ["fibload", "process"]\n[server]') + SLOW_AND_SMALL
    cells = parse(text).cells

    assert {cell.parameters.kind: cell.parameters.value_of("groups") is None for cell in cells} == {
        "fibload": False,
        "process": True,
    }


def test_a_single_table_may_be_written_for_a_list_of_one() -> None:
    assert first_cell(SMALL + '[load.group]\nname = "a"').parameters.value_of("groups") == (
        "name=a,clients=1,n=1"
    )


# Open loops


@pytest.mark.parametrize("rate", ['"500/s"', '"500 /s"', "500", "500.0"])
def test_a_rate_is_text_or_a_number(rate: str) -> None:
    cell = first_cell(SMALL + f"rate = {rate}")

    assert [cell.parameters.value_of(name) for name in ("rate", "arrivals", "spin")] == [
        500.0,
        "poisson",
        0,
    ]


def test_a_rate_has_no_more_decimals_than_fibload_takes() -> None:
    assert first_cell(SMALL + "rate = 33.333333333333336").parameters.rate == 33.333333


def test_a_closed_loop_has_no_arrivals() -> None:
    cell = first_cell(SMALL)

    assert [cell.parameters.value_of(name) for name in ("rate", "arrivals", "spin")] == [None] * 3


def test_a_rate_may_vary_and_be_an_option() -> None:
    text = SMALL.replace("[server]", 'rate = ["100/s", 2.5]\n[server]') + "spin = true\n"

    assert [cell.label for cell in parse(text, {"backend": "py-mt"}).cells] == [
        "py-mt rate=100/s",
        "py-mt rate=2.5/s",
    ]
    assert [cell.label for cell in parse(SMALL, {"rate": "100,500/s"}).cells[:2]] == [
        "py-sync rate=100/s",
        "py-sync rate=500/s",
    ]


def test_tables_may_be_open_and_closed() -> None:
    text = SMALL.replace("[server]", 'rate = 5\n[[matrix]]\nbackend = "py-mt"\n[server]')
    cells = parse(text + 'arrivals = "uniform"').cells

    assert [cell.parameters.arrivals for cell in cells] == ["uniform", "uniform", None]


def test_spinning_and_arrivals_may_vary() -> None:
    text = SMALL.replace("[server]", 'spin = [true, false]\narrivals = ["poisson", "uniform"]\n')
    labels = [cell.label for cell in parse(text.replace("[load]", "[load]\nrate = 9")).cells]

    assert labels[:2] == [
        "py-sync arrivals=poisson spin=true",
        "py-sync arrivals=poisson spin=false",
    ]


def test_a_claim_may_be_about_a_group() -> None:
    claim = parse(SMALL + SLOW_AND_SMALL + CLAIM).claims[0]

    assert (claim.group, claim.metric, claim.high) == ("small", "p99", 0.005)


def test_everything_together_is_understood() -> None:
    experiment = parse(EVERYTHING)

    assert [claim.kind for claim in experiment.claims] == ["value", "crossover"]
    assert len(experiment.cells) == 6
