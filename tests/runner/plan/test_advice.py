# SPDX-License-Identifier: BSD-3-Clause
"""What may surprise about a load with client groups is said before it is measured."""

import pytest
from tests.runner.experiment.client_groups import ONE, SLOW_AND_SMALL
from tests.runner.experiments import CLAIM, KNOWN, SMALL, parse

from fibench.plan.advice import warnings


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
        ("py-mt: the server closes idle clients after 60s (idle_timeout), and a trial lasts 60.5s")
    ]


def test_it_warns_of_a_group_whose_request_outlasts_the_window() -> None:
    assert warned('duration = "50ms"\n' + SLOW_AND_SMALL) == [
        "py-mt: one request takes about 85 ms, and the window is 50ms: it may see no reply"
    ]


@pytest.mark.parametrize(
    ("blocks", "warned"), [("1", True), ("4", True), ("5", False), ("auto", False)]
)
def test_too_few_blocks_for_a_verdict_are_told_of_beforehand(blocks: str, warned: bool) -> None:
    said = warnings(parse(SMALL + CLAIM, {"blocks": blocks}), {}, 2)
    assert any("no claim has a verdict" in line for line in said) is warned
    assert not any("verdict" in line for line in warnings(parse(SMALL, {"blocks": blocks}), {}, 2))


def test_work_besides_takes_time_too() -> None:
    asked = {"backend": "py-mt", "n": "1", "work": "hash", "work_units": "2000"}
    assert warnings(parse(SMALL, asked), KNOWN, 2) == [
        "py-mt: one request takes about 1.4 s, and the window is 1s: it may see no reply"
    ]
    rate = {**asked, "clients": "1", "work_units": "100", "rate": "50"}
    assert any("takes about 69 ms" in line for line in warnings(parse(SMALL, rate), KNOWN, 2))


def test_it_warns_of_clients_that_are_too_few_for_a_rate() -> None:
    def of(clients: int) -> list[str]:
        options = {"backend": "py-mt", "io_wait": "100ms"}
        text = f"{SMALL}rate = 200\nclients = {clients}\nn = 1"
        return warnings(parse(text, options), KNOWN, 2)

    assert of(19) == [
        (
            "py-mt: 19 clients are too few for 200/s: a request takes about 100 ms, so that 21 are "
            "needed at least"
        )
    ]
    assert of(21) == []


def test_it_warns_of_a_group_that_is_too_small_for_its_rate() -> None:
    group = '[[load.group]]\nname = "{}"\nclients = {}\nn = 27\n'
    few = group.format("few", 2) + "rate = 400\n" + group.format("free", 2)
    (said,) = warned(few)
    assert said.startswith('py-mt: 2 clients of group "few" are too few for 400/s: ')


PERCENTILES = """\
title = "t"
[matrix]
backend = "py-mt"
rate = ["150/s", "900/s"]
[load]
duration = "{duration}"
clients = 64
n = 1
arrivals = "{arrivals}"
[[claim]]
says = "It holds"
sustains = {{ over = "rate", of = {{ backend = "py-mt" }} }}
metric = "{metric}"
limit = "50ms"
above = "200/s"
"""


@pytest.mark.parametrize(
    ("metric", "duration", "arrivals", "said"),
    [
        ("p99", "1s", "poisson", "needs 1000 replies in every trial, and 150/s gives about 150"),
        ("p99", "7s", "poisson", "needs 1000 replies in every trial, and 150/s gives about 1050"),
        ("p99", "7s", "uniform", ""),
        ("p99", "8s", "poisson", ""),
        ("p90", "1s", "poisson", ""),
        ("max", "1s", "poisson", ""),
    ],
)
def test_it_warns_of_windows_too_short_for_a_percentile_that_is_claimed(
    metric: str, duration: str, arrivals: str, said: str
) -> None:
    text = PERCENTILES.format(metric=metric, duration=duration, arrivals=arrivals)
    found = warnings(parse(text), KNOWN, 2)
    if not said:
        assert found == []
        return
    (line,) = found
    assert line == f'"It holds": {metric} {said} in {duration}: --duration 8s would do'


def test_it_warns_of_a_group_by_its_own_rate() -> None:
    group = '[[load.group]]\nname = "{}"\nclients = 8\nn = 1\nrate = {}\n'
    claim = (
        '[[claim]]\nsays = "Soon"\nvalue = {{ backend = "py-mt" }}\ngroup = "{}"\n'
        'metric = "p90"\nbelow = "50ms"\n'
    )
    groups = 'duration = "1s"\n' + group.format("few", 20) + group.format("many", 400)
    assert warned(groups + claim.format("many")) == []
    (said,) = warned(groups + claim.format("few"))
    assert said.startswith('"Soon": p90 needs 100 replies in every trial, and 20.0/s gives about')
    of_all = claim.replace('group = "{}"\n', "").format().replace("p90", "p99")
    (said,) = warned(groups + of_all)
    assert said.startswith(
        '"Soon": p99 needs 1000 replies in every trial, and 420/s gives about 420'
    )
    assert warned(groups.replace("rate = 20", "") + of_all) == [], "of a closed loop nobody knows"


GROUPS = """\
title = "t"
[backends.mine]
command = ["./s", "{{port}}"]
[requests.kept]
get = "/"
[requests.anew]
get = "/"
close = {close}
[[matrix]]
backend = "mine"
[[load.group]]
name = "a"
clients = 2
request = "kept"
[[load.group]]
name = "b"
clients = 2
request = "anew"
"""


@pytest.mark.parametrize(("close", "mixed"), [("true", True), ("false", False)])
def test_it_warns_of_groups_that_connect_beside_groups_that_do_not(close: str, mixed: bool) -> None:
    said = warnings(parse(GROUPS.format(close=close)), {}, 2)
    assert any("mix the two" in line for line in said) is mixed


def test_it_warns_of_causes_that_nobody_sees() -> None:
    cause = 'cause = { of = { backend = "py-mt" }, metric = "waiting_for_gil", above = 0.6 }\n'
    why = "waiting_for_gil is not known of py-mt, which nobody watches"
    said = f'the cause of "c" cannot be seen: {why}'
    for plan, warned in (("", []), ("[plan]\ntimelines = false\n", [said])):
        assert warnings(parse(SMALL + plan + CLAIM + cause), KNOWN, 2) == warned


@pytest.mark.parametrize(("axis", "warned"), [("threads", True), ("pool", False)])
def test_a_servers_threads_are_not_those_of_the_load(axis: str, warned: bool) -> None:
    text = f"""
title = "t"
[backends.mine]
command = ["./mine", "{{port}}", "--threads", "{{{axis}}}"]
[matrix]
backend = "mine"
{axis} = [4, 16]
[load]
clients = 64
"""
    said = [one for one in warnings(parse(text), KNOWN, 8) if "load generator's own" in one]
    assert bool(said) == warned
    assert not said or "{threads} in [backends.mine]" in said[0]
