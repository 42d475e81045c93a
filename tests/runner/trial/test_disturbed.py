# SPDX-License-Identifier: BSD-3-Clause
"""The rules by which a trial was disturbed, at their bounds."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from tests.runner.records import recorded

from fibench.parameters import Parameters
from fibench.record import Checks, Disturbed, Evidence, Record
from fibench.trial.evidence.disturbed import disturbed

QUIET = {
    "window_s": 2.0,
    "usable_cores": 2,
    "usable_cpus": 2,
    "used_cores": 2.0,
    "accounted_cores": 2.0,
    "foreign_cores": 0.0,
    "window_steal_s": 0.0,
    "probe_s": 25e-6,
}


def record(**machine: float | None) -> Record:
    return of_block(0, machine)


def of_block(block: int, machine: Mapping[str, float | None]) -> Record:
    (found,) = recorded(
        {
            "trial": f"{block}-a",
            "role": "measure",
            "index": block,
            "block": block,
            "cell": "a",
            "label": "a",
            "attempt": 1,
            "valid": True,
            "reason": None,
            "parameters": Parameters(backend="a", clients=1).as_json(),
            "metrics": {},
            "counts": {},
            "machine": {**QUIET, **machine},
        }
    )
    return found


def kind(found: Record, history: int = 4, *, tail: bool = False, **usual: Any) -> str | None:
    judged = disturbed(found, [of_block(block, usual) for block in range(history)], tail)
    return None if judged is None else judged.kind


def test_a_quiet_trial_is_not_disturbed() -> None:
    assert kind(record()) is None
    assert kind(record(), tail=True) is None


@pytest.mark.parametrize(
    ("foreign", "usable", "says"),
    [
        (0.5, 2, None),
        (0.51, 2, "foreign"),
        (0.25, 1, None),
        (0.26, 1, "foreign"),
        (2.1, 8, "foreign"),
    ],
)
def test_others_may_have_a_quarter_of_the_usable_cores(
    foreign: float, usable: int, says: str | None
) -> None:
    assert kind(record(foreign_cores=foreign, usable_cores=usable)) == says


def test_beside_a_tail_others_may_have_three_hundredths() -> None:
    # All CPUs were busy throughout, so that what was used is known to the tick.
    assert kind(record(foreign_cores=0.06), tail=True) is None
    assert kind(record(foreign_cores=0.061), tail=True) == "foreign"
    assert kind(record(foreign_cores=0.061)) is None


def test_what_sampling_at_ticks_may_have_made_is_not_held_against_a_tail() -> None:
    half_busy = {"used_cores": 1.0, "window_s": 1.0}  # a standard error of 0.045 cores
    assert kind(record(foreign_cores=0.14, **half_busy), tail=True) is None
    assert kind(record(foreign_cores=0.16, **half_busy), tail=True) == "foreign"


def test_less_than_three_ticks_say_nothing() -> None:
    assert kind(record(foreign_cores=0.55, window_s=0.05)) is None
    assert kind(record(foreign_cores=0.61, window_s=0.05)) == "foreign"


@pytest.mark.parametrize(
    ("steal_s", "window_s", "says"),
    [(0.02, 0.2, None), (0.03, 0.2, "steal"), (0.04, 2.0, None), (0.05, 2.0, "steal")],
)
def test_steal_counts_above_a_hundredth_and_from_three_ticks_on(
    steal_s: float, window_s: float, says: str | None
) -> None:
    assert kind(record(window_steal_s=steal_s, window_s=window_s)) == says


@pytest.mark.parametrize(("probe_s", "says"), [(31.2e-6, None), (31.3e-6, "probe")])
def test_the_probe_may_take_a_quarter_longer_than_is_usual_of_its_cell(
    probe_s: float, says: str | None
) -> None:
    assert kind(record(probe_s=probe_s)) == says
    assert kind(record(probe_s=2 * probe_s), probe_s=50e-6) == says


def test_the_probe_is_judged_from_the_third_block_on() -> None:
    slow = record(probe_s=80e-6)
    assert [kind(slow, history) for history in range(4)] == [None, None, "probe", "probe"]


def test_a_history_without_a_probe_is_none() -> None:
    assert kind(record(probe_s=80e-6), probe_s=None) is None


def test_foreign_cpu_is_named_last_since_it_can_be_borne_with() -> None:
    assert kind(record(foreign_cores=1.0, window_steal_s=0.5)) == "steal"
    assert kind(record(foreign_cores=1.0, probe_s=80e-6)) == "probe"


def test_a_load_that_was_not_what_it_was_to_be_is_named_before_what_can_be_borne_with() -> None:
    def with_gate(**machine: float | None) -> Record:
        return replace(record(**machine), checks=Checks(flight_gate="it kept 80 %"))

    assert disturbed(with_gate(), [], tail=False) == Disturbed("generator", "it kept 80 %")
    assert kind(with_gate(foreign_cores=1.0)) == "generator"
    assert kind(with_gate(window_steal_s=0.5)) == "steal"
    assert kind(with_gate(probe_s=80e-6)) == "probe"
    assert kind(replace(with_gate(), role="ceiling")) is None, "there it is to be the limit"


@pytest.mark.parametrize("tail", [False, True])
def test_a_trial_whose_edges_the_runner_read_too_late_is_disturbed(tail: bool) -> None:
    """What others used beside it is not known, and that is not as if it were nothing."""
    unknown = {"foreign_cores": None, "used_cores": None, "accounted_cores": None}
    assert kind(record(late_s=0.3, **unknown), tail=tail) == "late"
    assert kind(record(late_s=None, **unknown), tail=tail) is None
    assert kind(replace(record(late_s=0.3), role="ceiling")) == "late"
    judged = disturbed(record(late_s=0.3), [], tail)
    assert judged is not None
    assert judged.says == "the runner stood still or got no CPU for 0.3 s at an edge of the window"


def test_what_was_read_too_late_is_named_after_what_was_seen_and_before_what_spoils_less() -> None:
    assert kind(record(late_s=0.3, window_steal_s=0.5)) == "steal"
    assert kind(record(late_s=0.3, probe_s=80e-6)) == "probe"
    not_full = replace(record(late_s=0.3), checks=Checks(flight_gate="it kept 80 %"))
    assert kind(not_full) == "late"


@pytest.mark.parametrize("missing", [*QUIET, "everything"])
def test_what_is_not_known_is_not_held_against_a_trial(missing: str) -> None:
    without: dict[str, float | None] = dict.fromkeys(
        QUIET if missing == "everything" else [missing]
    )
    assert kind(record(**without), tail=True) is None


def test_who_it_was_is_said() -> None:
    found = replace(record(foreign_cores=1.83), evidence=Evidence(("python3", "cc1")))
    judged = disturbed(found, [], tail=False)
    assert judged is not None
    assert judged.says == "others used 1.8 of 2 cores: python3, cc1"
    assert disturbed(replace(found, evidence=Evidence()), [], tail=False) is not None
