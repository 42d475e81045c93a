# SPDX-License-Identifier: BSD-3-Clause
"""The causes of claims: which cells and bounds they mean, and what is said of faulty ones."""

import pytest
from tests.runner.experiment import cause_faults
from tests.runner.experiment.cause_faults import EXAMPLE
from tests.runner.experiments import CLAIM, GIL, KNOWN, OWN, RATIO, SMALL, faults, parse

from fibench.experiment import Cause, cells_about, claims_digest, parse_experiment
from fibench.plan import cells_to_trace


def stated(cause: str, claim: str = RATIO) -> str:
    """SMALL with a claim in line 6 that states a cause in line 11."""
    return SMALL.replace("[load]", f"[load]{claim}{cause}")


def causes(text: str, **overrides: str) -> tuple[Cause, ...]:
    (claim,) = parse(text, overrides or None).claims
    return claim.causes


def labels_of(text: str) -> list[str]:
    return [cause.cell.label for cause in causes(text) if cause.cell is not None]


def test_a_cause_is_a_cell_a_metric_and_a_bound() -> None:
    (cause,) = causes(stated(EXAMPLE))
    assert cause.cell is not None
    assert (cause.cell.label, cause.metric) == ("py-mt", "waiting_for_gil")
    assert (cause.low, cause.high, cause.lost) == (0.6, None, "")


def test_there_may_be_several_in_a_list_or_as_tables() -> None:
    other = '{ of = { backend = "py-sync" }, metric = "cpu_per_request", below = "1ms" }'
    listed = f"cause = [{EXAMPLE.removeprefix('cause = ')}, {other}]"
    tables = (
        '[[claim.cause]]\nof = { backend = "py-mt" }\nmetric = "waiting_for_gil"\nabove = 0.6\n'
        '[[claim.cause]]\nof = { backend = "py-sync" }\nmetric = "cpu_per_request"\nbelow = "1ms"\n'
    )
    assert causes(stated(listed)) == causes(stated(tables))
    assert [one.high for one in causes(stated(listed))] == [None, 0.001]


def test_where_is_shared_with_the_claim() -> None:
    text = GIL.replace("where = { n = 27 }\n", f"where = {{ n = 27 }}\n{EXAMPLE}\n")
    (cause,) = parse(text).claims[0].causes
    assert cause.cell is not None
    assert cause.cell.label == "py-mt n=27"


@pytest.mark.parametrize(
    "claim", [RATIO, CLAIM.replace("cores", "throughput").replace("1.1", '"1/s"')]
)
def test_any_claim_may_state_one(claim: str) -> None:
    assert labels_of(stated(EXAMPLE, claim)) == ["py-mt"]


def test_a_cell_along_an_axis_is_named_with_its_place() -> None:
    text = stated(
        EXAMPLE.replace("py-mt", 'py-mt", n = 20').replace('20"', "20"),
        '\n[[claim]]\nsays = "c"\ncrossover = { over = "n", of = [{ backend = "py-mt" }, '
        '{ backend = "py-sync" }] }\nmetric = "throughput"\nabove = 15\n',
    ).replace('backend = ["py-sync", "py-mt"]', 'backend = ["py-sync", "py-mt"]\nn = [10, 20, 30]')
    assert labels_of(text) == ["py-mt n=20"]


def test_cells_of_an_own_server_are_selected_by_its_axes() -> None:
    own = OWN.replace("4", "{io_threads}")
    text = (
        f'title = "t"\n[[matrix]]\nbackend = "mine"\nio_threads = [1, 2]\n{own}'
        '[[claim]]\nsays = "c"\nratio = [{ io_threads = 1 }, { io_threads = 2 }]\n'
        'metric = "throughput"\nabove = 1.3\n'
        'cause = { of = { io_threads = 2 }, metric = "running", above = 0.5 }\n'
    )
    (claim,) = parse_experiment(text, "e.toml", KNOWN).claims
    (cause,) = claim.causes
    assert cause.cell is not None
    assert cause.cell.label == "mine io_threads=2"


@pytest.mark.parametrize(
    ("cause", "expected"), cause_faults.FAULTS.values(), ids=cause_faults.FAULTS.keys()
)
def test_a_faulty_cause_is_explained(cause: str, expected: str) -> None:
    assert faults(stated(cause)) == [expected]


def test_a_cause_that_is_the_claim_itself_is_none() -> None:
    cause = 'cause = { of = { backend = "py-mt" }, metric = "cores", below = 1.2 }'
    assert faults(stated(cause, CLAIM)) == [
        (
            "e.toml:11:48: cores of py-mt is what the claim is about, and no cause of it\n"
            "name a figure by which the reason is seen"
        )
    ]
    assert faults(stated(cause.replace("py-mt", "py-sync"), CLAIM)) == []


def test_a_key_of_where_does_not_stand_in_a_cause_too() -> None:
    cause = EXAMPLE.replace("py-mt", 'py-mt", n = 27').replace('27"', "27")
    text = GIL.replace("where = { n = 27 }\n", f"where = {{ n = 27 }}\n{cause}\n")
    assert [one.split("\n")[0].partition(": ")[2] for one in faults(text)] == [
        "n stands in `where` and in this side"
    ]


def test_what_a_load_of_processes_lacks_is_no_cause() -> None:
    text = stated(EXAMPLE).replace("[load]", '[load]\nkind = "process"')
    (fault,) = faults(text)
    assert fault.startswith('e.toml:12:48: kind "process" has no waiting_for_gil\n')


def test_a_rate_that_is_searched_is_not_known_beforehand() -> None:
    text = stated(EXAMPLE, RATIO).replace(
        'backend = ["py-sync", "py-mt"]',
        'backend = ["py-sync", "py-mt"]\n[[matrix]]\nbackend = "c-mt"\nrate = "search"',
    )
    text = text.replace('of = { backend = "py-mt" }', 'of = { backend = "c-mt" }')
    assert any("is searched, and not known beforehand" in one for one in faults(text))


def test_all_faults_are_told_at_once() -> None:
    """Those of a claim beside those of its cause."""
    text = stated(
        EXAMPLE.replace("0.6", "60"), RATIO.replace("1.3", "-1").replace("py-sync", "c-mp")
    )
    places = [one.split(" ")[0] for one in faults(text)]
    assert places == ["e.toml:8:45:", "e.toml:10:9:", "e.toml:11:75:"]


def test_options_that_take_a_cell_take_its_cause_and_not_the_claim() -> None:
    where = "where = { n = 27 }\n"
    stated_cause = 'cause = { of = { backend = "py-sync" }, metric = "running", above = 0.9 }\n'
    text = GIL.replace(where, where + stated_cause)
    experiment = parse(text, {"backend": "py-mp,py-mt"})
    (cause,) = experiment.claims[0].causes
    assert cause.cell is None
    assert cause.lost.startswith('no cell has { backend = "py-sync"')


def test_the_digest_of_claims_has_their_causes() -> None:
    """Who has seen figures may choose causes by them."""
    plain, with_cause, other = (
        claims_digest(parse(text).claims)
        for text in (stated(""), stated(EXAMPLE), stated(EXAMPLE.replace("0.6", "0.7")))
    )
    assert len({plain, with_cause, other}) == 3


def test_system_calls_are_counted_for_a_cause() -> None:
    text = stated(EXAMPLE.replace("waiting_for_gil", "syscalls_per_request"))
    experiment = parse(text)
    assert [cell.label for cell in cells_to_trace(experiment)] == ["py-mt"]
    assert [one.label for one in cells_about(experiment.claims[0], "throughput")] == [
        "py-mt", "py-sync"
    ]  # fmt: skip
