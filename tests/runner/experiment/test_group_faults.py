# SPDX-License-Identifier: BSD-3-Clause
"""Each fault of a load with client groups, or of an open loop, is explained where it stands."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.runner.experiment.client_groups import CLAIM, EVERYTHING, ONE, SLOW_AND_SMALL
from tests.runner.experiments import GIL, SMALL, faults, parse

from fibench.plan.trials import plan

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
        "e.toml:8:11: clients must be a whole number, not text\nwrite 3, without quotes",
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
        SLOW_AND_SMALL.replace("clients = 7", "client = 7"),
    ],
)
def test_a_fault_of_a_load_does_not_bring_others_that_only_follow_from_it(added: str) -> None:
    assert len(faults(SMALL + added)) == 1


def test_a_key_that_is_all_but_right_hides_no_other_fault() -> None:
    found = faults(SMALL + "n = 5\n" + SLOW_AND_SMALL.replace("clients = 7", "client = 7"))
    assert [fault.splitlines()[0] for fault in found] == [
        "e.toml:6:1: n applies to none of these cells",
        'e.toml:10:1: unknown key "client" in [[load.group]]',
    ]


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
        ("-n 5: n applies to none of these cells\nevery client group has n of its own, or is idle")
    ]
    assert faults(SMALL, {"rate": "5x"}) == [
        '--rate 5x: rate "5x" is no rate\nwrite "500/s", or 500'
    ]


@given(st.dictionaries(st.sampled_from(["rate", "spin", "arrivals", "server_cpus"]), st.text()))
def test_any_option_of_a_load_is_taken_or_explained(overrides: dict[str, str]) -> None:
    assert all(fault.startswith("--") for fault in faults(GIL, overrides))


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
