# SPDX-License-Identifier: BSD-3-Clause
"""Client groups and open loops: what a cell gets of them, and what is wrong with them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.runner.samples import GIL, KNOWN, SMALL, faults, parse

from fibench.experiment.cells import Cell
from fibench.parameters.groups import Group, described, written
from fibench.parameters.groups import parse as parse_groups
from fibench.plan.advice import warnings
from fibench.plan.trials import plan

SLOW_AND_SMALL = """
[[load.group]]
name = "small"
clients = 7
n = 1
[[load.group]]
name = "slow"
clients = 1
n = 30
[[load.group]]
name = "idle"
clients = 10000
idle = true
"""

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
    assert first_cell(SMALL, {"backend": "py-mt"}).key == "py-mt-n1-c1-6c86afe8d1"


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


CLAIM = """
[[claim]]
says = "c"
value = { backend = "py-mt" }
group = "small"
metric = "p99"
below = "5ms"
"""


def test_a_claim_may_be_about_a_group() -> None:
    claim = parse(SMALL + SLOW_AND_SMALL + CLAIM).claims[0]

    assert (claim.group, claim.metric, claim.high) == ("small", "p99", 0.005)


ONE = '[[load.group]]\nname = "a"\n'
FAULTS = {
    # Keys and values of a group
    "misspelt key": (
        ONE + "client = 3",
        'e.toml:8:1: unknown key "client" in [[load.group]]\ndid you mean "clients"?',
    ),
    "key of a claim": (
        ONE + 'metric = "p99"',
        'e.toml:8:1: unknown key "metric" in [[load.group]]\n`metric` belongs in [[claim]]',
    ),
    "key of the load": (
        ONE + "threads = 3",
        'e.toml:8:1: unknown key "threads" in [[load.group]]\n`threads` belongs in [load]',
    ),
    "key of a group in the load": (
        "idle = true",
        'e.toml:6:1: unknown key "idle" in [load]\n`idle` belongs in [[load.group]]',
    ),
    "no name": (
        "[[load.group]]\nclients = 3",
        'e.toml:6:8: name is missing in [[load.group]]\nadd name = "small"',
    ),
    "name that is none": (
        '[[load.group]]\nname = "a,b"',
        ("e.toml:7:8: name \"a,b\" is not allowed\nallowed: 1 to 64 of a-z, 0-9, '.', '_', '-'"),
    ),
    "name twice": (
        ONE + ONE,
        ('e.toml:9:8: another client group is called "a" too\ngive each group a name of its own'),
    ),
    "text for a number": (
        ONE + 'clients = "3"',
        "e.toml:8:11: clients must be a whole number, not text",
    ),
    "number for a truth": (
        ONE + "idle = 1",
        "e.toml:8:8: idle must be true or false, not a whole number",
    ),
    "no clients": (ONE + "clients = 0", "e.toml:8:11: clients 0 is outside 1 to 20000"),
    "no table": (
        "group = 5",
        "e.toml:6:9: group must be a table: write [[load.group]]",
    ),
    "list of no tables": (
        "group = [5]",
        "e.toml:6:10: group must be a table, not a whole number",
    ),
    "n above max_n": (
        ONE + "n = 40",
        (
            'e.toml:8:5: n 40 is above max_n 34: the reply would be "out of range"\n'
            "write max_n = 40 in [server]"
        ),
    ),
    # What does not fit together
    "idle that asks": (
        ONE + '[[load.group]]\nname = "b"\nidle = true\nn = 3',
        "e.toml:11:1: n is given for an idle group, which asks for nothing\nremove n, or idle",
    ),
    "idle with a rate": (
        ONE + '[[load.group]]\nname = "b"\nidle = true\nrate = 3',
        (
            "e.toml:11:1: rate is given for an idle group, which asks for nothing\n"
            "remove rate, or idle"
        ),
    ),
    "nobody asks": (
        ONE + "idle = true",
        (
            "e.toml:6:8: every client group is idle: nobody asks for anything\n"
            'add a group that asks: name = "asking", clients = 8, n = 1'
        ),
    ),
    "too many clients": (
        ONE + 'clients = 15000\n[[load.group]]\nname = "b"\nclients = 15000\nidle = true',
        ("e.toml:6:8: the client groups have 30000 clients; 20000 are allowed\ngive fewer clients"),
    ),
    "too many groups": (
        "".join(ONE.replace('"a"', f'"g{at}"') for at in range(33)),
        "e.toml:70:8: there are 33 client groups; 32 are allowed",
    ),
    "more threads than clients": (
        "threads = 3\n" + ONE + "clients = 2",
        (
            "e.toml:6:11: threads 3 is above clients 2: some would have nothing to do\n"
            "give at most one thread per client"
        ),
    ),
    "n that no group takes": (
        "n = 7\n" + ONE + "n = 1",
        (
            "e.toml:6:1: n applies to none of these cells\n"
            "every client group has n of its own, or is idle"
        ),
    ),
    "clients that no group takes": (
        "clients = 7\n" + ONE + "clients = 1",
        (
            "e.toml:6:1: clients applies to none of these cells\n"
            "every client group has clients of its own, or is idle"
        ),
    ),
    "arrivals of a group in a closed loop": (
        ONE + 'arrivals = "uniform"',
        ('e.toml:8:1: arrivals has no effect: a is a closed loop\ngive it a rate: rate = "500/s"'),
    ),
    "client_bench.sh": (
        'kind = "process"\n' + ONE,
        (
            "e.toml:7:8: client groups apply to none of these cells\n"
            'kind = "process" runs client_bench.sh, which knows no groups'
        ),
    ),
    # Rates
    "rate with another unit": (
        'rate = "500/min"',
        'e.toml:6:8: rate "500/min" is no rate\nwrite "500/s", or 500',
    ),
    "rate without a unit": (
        'rate = "500"',
        'e.toml:6:8: rate "500" is no rate\nwrite "500/s", or 500',
    ),
    "rate of zero": ("rate = 0", "e.toml:6:8: rate 0 is outside 1/s to 1000000/s"),
    "rate of no number": ("rate = nan", "e.toml:6:8: rate nan is outside 1/s to 1000000/s"),
    "rate too high": (
        'rate = "1000001/s"',
        'e.toml:6:8: rate "1000001/s" is outside 1/s to 1000000/s',
    ),
    "rate that is a truth": (
        "rate = true",
        'e.toml:6:8: rate must be a rate such as "500/s", not true or false',
    ),
    "arrivals without a rate": (
        'arrivals = "uniform"',
        (
            "e.toml:6:1: arrivals applies to none of these cells\n"
            'the load is a closed loop: give it a rate, as rate = "500/s"'
        ),
    ),
    "spinning without a rate": (
        "spin = true",
        (
            "e.toml:6:1: spin applies to none of these cells\n"
            'the load is a closed loop: give it a rate, as rate = "500/s"'
        ),
    ),
    "unknown arrivals": (
        'rate = 5\narrivals = "poison"',
        'e.toml:7:12: arrivals "poison" is unknown\ndid you mean "poisson"?',
    ),
    "spinning that is no truth": (
        "rate = 5\nspin = 1",
        "e.toml:7:8: spin must be true or false, not a whole number",
    ),
    # Claims about groups
    "unknown group": (
        SLOW_AND_SMALL + CLAIM.replace('"small"', '"smal"'),
        'e.toml:23:9: there is no client group "smal"\ndid you mean "small"?',
    ),
    "idle group": (
        SLOW_AND_SMALL + CLAIM.replace('"small"', '"idle"'),
        (
            'e.toml:23:9: the client group "idle" is idle: it asks for nothing\n'
            "groups that ask: small, slow"
        ),
    ),
    "no groups at all": (
        CLAIM,
        (
            "e.toml:10:9: the load of py-mt has no client groups\n"
            "write [[load.group]], or remove `group`"
        ),
    ),
    "metric that groups do not have": (
        SLOW_AND_SMALL + CLAIM.replace('"p99"', '"cores"').replace('"5ms"', "5"),
        (
            "e.toml:24:10: a client group has no cores of its own\n"
            "it has throughput, p50, p90, p99, p999, max, refused, errors"
        ),
    ),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_of_a_load_is_explained(name: str) -> None:
    added, expected = FAULTS[name]

    assert faults(SMALL + added) == [expected]


@pytest.mark.parametrize(
    "added",
    [
        'rate = "5"\narrivals = "uniform"\nspin = true',
        'arrivals = "uniform"\n[[load.group]]\nname = "a"\nrate = "5"',
        SLOW_AND_SMALL.replace("clients = 7", 'clients = "7"') + CLAIM,
        "n = 5\n" + SLOW_AND_SMALL.replace("clients = 7", "client = 7"),
    ],
)
def test_a_fault_of_a_load_does_not_bring_others_that_only_follow_from_it(added: str) -> None:
    assert len(faults(SMALL + added)) == 1


def test_a_matrix_whose_key_no_group_takes_is_explained() -> None:
    text = SMALL.replace("[server]", "n = [1, 2]\n[server]") + SLOW_AND_SMALL

    assert faults(text) == [
        (
            "e.toml:4:1: n applies to none of these cells\n"
            "every client group has n of its own, or is idle"
        )
    ]


def test_an_option_whose_key_no_group_takes_is_explained() -> None:
    assert faults(SMALL + SLOW_AND_SMALL, {"n": "5"}) == [
        ("--n 5: n applies to none of these cells\nevery client group has n of its own, or is idle")
    ]
    assert faults(SMALL, {"rate": "5x"}) == [
        '--rate 5x: rate "5x" is no rate\nwrite "500/s", or 500'
    ]


@given(st.dictionaries(st.sampled_from(["rate", "spin", "arrivals", "server_cpus"]), st.text()))
def test_any_option_of_a_load_is_taken_or_explained(overrides: dict[str, str]) -> None:
    assert all(fault.startswith("--") for fault in faults(GIL, overrides))


EVERYTHING = SMALL.replace("[server]", 'n = [1, 2, 3]\n[server]\ncpus = "0-1"') + (
    'rate = "50/s"\nspin = true\ncpus = "2"\n'
    + SLOW_AND_SMALL.replace("n = 1\n", "")
    + CLAIM.replace('"py-mt"', '"py-mt", n = 2')
    + """
[[claim]]
says = "d"
crossover = { over = "n", of = [{ backend = "py-mt" }, { backend = "py-sync" }] }
group = "small"
metric = "p999"
within = [1.5, 2.5]
"""
)
TOKENS = st.sampled_from(
    [
        *EVERYTHING.split(),
        "[",
        "]",
        "{",
        "}",
        '"',
        "=",
        "\n",
        "-1",
        "nan",
        "true",
        "[]",
        "{}",
        "1e9",
    ]
)


def test_everything_together_is_understood() -> None:
    experiment = parse(EVERYTHING)

    assert [claim.kind for claim in experiment.claims] == ["value", "crossover"]
    assert len(experiment.cells) == 6


@given(st.lists(st.tuples(st.integers(0, len(EVERYTHING)), st.integers(0, 12), TOKENS), max_size=4))
def test_a_valid_file_changed_anyhow_is_parsed_or_explained(
    edits: list[tuple[int, int, str]],
) -> None:
    text = EVERYTHING
    for at, removed, token in edits:
        text = text[:at] + token + text[at + removed :]

    found = faults(text)

    assert all(fault.startswith("e.toml") for fault in found)
    if not found:
        plan(parse(text))


@given(
    st.sampled_from([at for at, line in enumerate(EVERYTHING.split("\n")) if " = " in line]),
    st.sampled_from(["7", '"x"', "[]", "{}", "true", "[[1]]", "0.5", "-1", '"5/s"', "[1, 2]"]),
)
def test_any_value_of_a_wrong_type_is_explained(at: int, value: str) -> None:
    lines = EVERYTHING.split("\n")
    lines[at] = f"{lines[at].split(' = ')[0]} = {value}"

    assert all(fault.startswith("e.toml") for fault in faults("\n".join(lines)))


# What may surprise


def warned(added: str, backend: str = "py-mt") -> list[str]:
    return warnings(parse(SMALL + added, {"backend": backend}), KNOWN, 2)


def test_it_warns_of_open_loops_of_one_client() -> None:
    said = "an open loop with 1 connection: its requests wait for each other"

    assert warned("rate = 5") == [f"rate with 1 client is {said}"]
    assert warned("rate = 5\nclients = 2") == []
    assert warned(ONE + "rate = 5") == [f'client group "a" is {said}']
    assert warned(ONE + "rate = 5\nclients = 2") == []


def test_it_warns_of_idle_clients_that_hold_what_others_wait_for() -> None:
    assert warned(ONE + SLOW_AND_SMALL) == []
    assert warned(ONE + SLOW_AND_SMALL, "py-sync") == [
        (
            "py-sync serves 1 connection at a time, which idle clients may hold: the others then "
            "wait for them"
        )
    ]


def test_it_warns_of_idle_clients_that_the_server_closes() -> None:
    assert warned('duration = "60s"\n' + SLOW_AND_SMALL) == [
        ("py-mt: the server closes idle clients after 60s (idle_timeout), and a trial lasts 60.2s")
    ]


def test_it_warns_of_a_group_whose_request_outlasts_the_window() -> None:
    assert warned('duration = "50ms"\n' + SLOW_AND_SMALL) == [
        "py-mt: one request takes about 0.085 s, and the window is 50ms: it may see no reply"
    ]
