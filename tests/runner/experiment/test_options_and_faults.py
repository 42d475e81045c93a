# SPDX-License-Identifier: BSD-3-Clause
"""A file is steps once, with its options; whose a fault is, the file's or an option's, is told."""

import pytest
from tests.runner.experiments import GIL, SMALL, faults, parse

from fibench.experiment import experiment
from fibench.parameters import Blocks

CLAIM = """
[[claim]]
says = "c"
value = { backend = "py-mt", clients = 8 }
metric = "cores"
below = 1.1
"""
TABLES = """\
title = "t"
[[matrix]]
backend = "c-sync"
[[matrix]]
backend = "py-mt"
pipeline = [1, 2]
"""


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is done to a file, in its order."""
    done: list[str] = []
    for name in ("check_document", "resolve_claims"):
        real = getattr(experiment, name)

        def noted(*given: object, name: str = name, real: object = real, **more: object) -> object:
            done.append(name)
            assert callable(real)
            return real(*given, **more)

        monkeypatch.setattr(experiment, name, noted)
    return done


def test_a_file_with_options_is_checked_and_judged_once(steps: list[str]) -> None:
    assert parse(GIL, {"clients": "4", "blocks": "3"}).plan.blocks == Blocks(3, 3)
    assert steps == ["check_document", "resolve_claims"]


def test_a_claim_that_an_option_robs_of_its_cells_is_left_out(steps: list[str]) -> None:
    assert [one.id for one in parse(SMALL + "clients = 8" + CLAIM, {"clients": "4"}).dropped_claims]
    assert steps == ["check_document", "resolve_claims", "resolve_claims"]


@pytest.mark.parametrize("given", [{"clients": "4"}, {"blocks": "3"}, {"backend": "py-mt"}])
def test_a_claim_that_never_had_cells_is_the_files_fault_whatever_the_options(
    given: dict[str, str],
) -> None:
    text = SMALL + "clients = 7" + CLAIM
    assert faults(text, given) == faults(text)
    assert "e.toml:" in faults(text)[0]


@pytest.mark.parametrize(
    ("text", "given"),
    [
        (SMALL.replace("[server]", "[[exclude]]\nn = 3\n[server]"), {"clients": "4"}),
        (SMALL.replace("[server]", '[[matrix]]\nbackend = "py-mt"\n[server]'), {"blocks": "3"}),
        (TABLES.replace("[1, 2]", "[1, 1]"), {"n": "3"}),
        (TABLES, {"backend": "py-mt"}),
        (TABLES + '[server]\nswitch_interval = "5ms"\n[load]\nspin = true\n', {"n": "3"}),
    ],
    ids=["exclude", "the same cell twice", "twice", "conflict", "without effect"],
)
def test_a_fault_of_the_file_has_its_place_whatever_the_options(
    text: str, given: dict[str, str]
) -> None:
    assert faults(text)
    assert faults(text, given) == faults(text)


def test_a_fault_of_the_file_comes_before_one_of_an_option() -> None:
    text = SMALL + "n = 40"
    assert faults(text, {"clients": "x"}) == faults(text) + faults(SMALL, {"clients": "x"})


@pytest.mark.parametrize(
    "text",
    [SMALL + "n = 40", SMALL + 'n = "x"', SMALL.replace("[server]", "n = [40, 41]\n[server]"),
     SMALL.replace("[server]", "n = [1, true]\n[server]")],
)  # fmt: skip
def test_what_an_option_replaces_is_no_fault_and_what_is_wrong_with_another_is_told(
    text: str,
) -> None:
    assert faults(text)
    assert {cell.parameters.n for cell in parse(text, {"n": "20"}).cells} == {20}
    assert faults(text, {"n": "20", "blocks": "0"}) == [
        "--blocks 0: blocks 0 is outside 1 to 10000"
    ]
    assert faults(text, {"n": "x"}) == ['-n x: "x" is not a whole number']


def test_options_are_judged_beside_a_file_that_is_wrong_elsewhere() -> None:
    text = SMALL + "client = 8\nn = 40"
    assert faults(text, {"n": "20", "clients": "0"}) == [
        *faults(SMALL + "client = 8"),
        "--clients 0: clients 0 is outside 1 to 20000",
    ]
    assert faults('title = "t"', {"clients": "0"}) == [
        *faults('title = "t"'),
        "--clients 0: clients 0 is outside 1 to 20000",
    ]


def test_an_option_may_mend_what_is_wrong_in_the_file() -> None:
    text = SMALL + "n = 40"
    assert faults(text)
    assert [cell.parameters.n for cell in parse(text, {"n": "20"}).cells] == [20, 20]


def test_every_fault_of_every_option_is_told_at_once() -> None:
    assert faults(SMALL, {"clients": "0,x", "n": "99,98", "rate": "fast", "zipf": "1"}) == [
        '--clients 0,x: "x" is not a whole number',
        "-n 99,98: n 99 is outside 0 to 45",
        "-n 99,98: n 98 is outside 0 to 45",
        '--rate fast: rate "fast" is no rate\nwrite "500/s", or 500',
        *faults(SMALL, {"zipf": "1"}),
    ]


def test_an_option_with_more_faults_than_anyone_reads_is_cut_short() -> None:
    found = faults(SMALL, {"n": ",".join(str(100 + k) for k in range(300))})
    assert len(found) == 101
    assert "200 more faults" in found[-1]
    assert "1001 values; 1000 are allowed" in faults(SMALL, {"n": ",".join(["1"] * 1001)})[0]
