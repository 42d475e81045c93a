# SPDX-License-Identifier: BSD-3-Clause
"""What failed or disturbed trials mean for claims, and how what was made again is counted."""

from dataclasses import replace
from typing import Any

import pytest
from tests.runner.experiments import KNOWN
from tests.runner.records import recorded
from tests.runner.verdict.chosen_runs import record as _record
from tests.runner.verdict.claims import A, B, make_claim, ratios, sample, verdict_on
from tests.runner.verdict.decided_runs import ask
from tests.runner.verdict.neighbours import trial as noisy_trial

from fibench.experiment import Cell, unbounded_cells
from fibench.experiment.claims import claims_digest
from fibench.experiment.experiment import parse_experiment
from fibench.metrics import METRICS
from fibench.parameters.groups import Group
from fibench.record import Disturbed
from fibench.store.stops import Session
from fibench.verdict.attempts.made_again import made_again
from fibench.verdict.deciding.decide import decide
from fibench.verdict.estimate import Sample
from fibench.verdict.judging import judge
from fibench.verdict.looks import Looks
from fibench.verdict.sampling.sampled import samples

TWO_GROUPS = (
    '[load]\n[[load.group]]\nname = "fast"\nclients = 4\n[[load.group]]\n'
    'name = "slow"\nclients = 1\nrate = "5/s"\n'
)
BOUNDS = {
    **dict.fromkeys(("p50", "p99", "run_delay_per_request"), '"1s"'),
    **dict.fromkeys(("running", "ready"), "0.9"),
    "throughput": '"1/s"',
}
SLOW = "a CPU computed slower than in other blocks"


def _disturbed(one: Sample, kind: str) -> Sample:
    return replace(one, disturbed=Disturbed(kind, SLOW))


def _failing(failed: int, blocks: int = 8) -> list[Sample]:
    """A is 1.5 times B, and was that in its best trials only."""
    found = ratios([1.5, 1.49, 1.51, 1.5, 1.52, 1.48, 1.5, 1.5][:blocks])
    reasons = [sample(A, block, None, "a client had no reply") for block in range(failed)]
    return [*reasons, *(one for one in found if one.cell_key != A.key or one.block >= failed)]


@pytest.mark.parametrize(
    ("failed", "tolerates", "outcome"),
    [(0, 0.0, "CONFIRMED"), (1, 0.0, "INVALID"), (1, 0.125, "CONFIRMED"), (1, 0.12, "INVALID"),
     (2, 0.25, "CONFIRMED"), (3, 0.25, "INVALID")],
)  # fmt: skip
def test_failed_trials_make_a_claim_invalid_unless_the_file_tolerates_their_share(
    failed: int, tolerates: float, outcome: str
) -> None:
    claim = replace(make_claim(low=1.3), tolerates=tolerates)
    verdict = verdict_on(claim, _failing(failed))
    assert verdict.outcome == outcome
    if outcome == "INVALID":
        assert verdict.reason is not None
        assert f"{failed} of 8 trials of a failed" in verdict.reason
        assert "a client had no reply" in verdict.reason


def test_what_could_not_start_is_no_result_and_spoils_no_claim() -> None:
    found = [replace(one, unstarted=not one.valid) for one in _failing(2)]
    assert verdict_on(make_claim(low=1.3), found).outcome == "CONFIRMED"


def test_to_tolerate_more_than_the_run_was_begun_with_is_another_claim() -> None:
    claim = make_claim(low=1.3)
    assert claims_digest([claim]) != claims_digest([replace(claim, tolerates=0.1)])


def test_the_share_is_read_from_the_plan_of_the_file() -> None:
    text = (
        'title = "t"\n[matrix]\nbackend = "c-mt"\n[plan]\ntolerate_failures = 0.1\n[[claim]]\n'
        'says = "x"\nvalue = { backend = "c-mt" }\nmetric = "throughput"\nabove = "1/s"\n'
    )
    experiment = parse_experiment(text, "t.toml", KNOWN)
    assert [claim.tolerates for claim in experiment.claims] == [0.1]


@pytest.mark.parametrize(
    ("kind", "metric", "left_out"),
    [("probe", "throughput", True), ("steal", "throughput", True), ("foreign", "throughput", True),
     ("foreign", "p50", True), ("foreign", "p99", True), ("foreign", "max", True),
     ("foreign", "memory", False), ("foreign", "cpu_per_request", False),
     ("steal", "memory", True)],
)  # fmt: skip
def test_what_is_disturbed_still_is_left_out_of_figures_that_it_can_have_moved(
    kind: str, metric: str, left_out: bool
) -> None:
    """Block 0 is far off: with it nothing is clear, and put back it moves the interval."""
    figures = [0.4, 1.5, 1.49, 1.51, 1.5, 1.52, 1.48, 1.5]
    made = [replace(one, metrics={metric: one.metrics["throughput"]}) for one in ratios(figures)]
    found = [_disturbed(one, kind) if one.block == 0 else one for one in made]
    verdict = verdict_on(make_claim(metric, low=1.2), found)
    assert verdict.outcome == ("CONFIRMED" if left_out else "INCONCLUSIVE")
    assert verdict.estimate is not None
    assert verdict.estimate.blocks == (7 if left_out else 8)


@pytest.mark.parametrize(
    ("looks", "blocks", "disturbed", "rests_on"),
    [(None, 8, 2, 6), (None, 8, 3, 8), (None, 5, 1, 5), (None, 6, 1, 5),
     (Looks(6, 20), 6, 1, 6), (Looks(6, 20), 7, 1, 6), (Looks(6, 20), 8, 2, 6),
     (Looks(6, 20), 7, 2, 7)],
)  # fmt: skip
def test_what_others_slowed_counts_where_too_little_would_be_left_without_it(
    looks: Looks | None, blocks: int, disturbed: int, rests_on: int
) -> None:
    """Their CPU time bounds what they took, so that such a trial is better than none."""
    found = [
        _disturbed(one, "foreign") if one.block < disturbed and one.cell_key == A.key else one
        for one in ratios([1.5 + 0.01 * (block % 3) for block in range(blocks)])
    ]
    (verdict,) = judge([make_claim(low=1.3)], found, cpus=2, looks=looks)
    assert verdict.outcome == "CONFIRMED"
    assert verdict.estimate is not None
    assert verdict.estimate.blocks == rests_on


def test_a_trial_that_a_neighbour_halved_in_all_attempts_keeps_no_claim_open() -> None:
    """As in a run of gil.toml: c-mp had 72.9 of 150/s in its second block, c-sync as much as ever,
    and ×1.9 was not "above 1.5" after fourteen blocks, ×1.78 [1.44, 2.38]."""
    rates = [149, 72.9, 139, 150, 150, 151, 152, 151, 150, 153, 151, 149, 148, 154]
    found = []
    for block, rate in enumerate(rates):
        foreign = 1.0 if block == 1 else 0.02
        made = (noisy_trial(A.key, block, rate, foreign, min(1.97, 2.0 - foreign)),
                noisy_trial(B.key, block, 78.5 + 0.5 * (block % 3), 0.02, 0.997))  # fmt: skip
        spoilt = _disturbed(made[0], "foreign")
        found += [replace(spoilt, superseded=(spoilt, spoilt)) if block == 1 else made[0]]
        found += [replace(made[1], design_cores=1.0)]
    questions = ask([make_claim(low=1.5)], total_claims=8)
    (verdict,) = decide(questions, found, ended=True).verdicts
    assert (verdict.outcome, verdict.decided) == ("CONFIRMED", 8)
    before = [replace(one, disturbed=None, superseded=()) for one in found]
    (verdict,) = decide(questions, before, ended=True).verdicts
    assert verdict.outcome == "INCONCLUSIVE", "or it would not show anything"


@pytest.mark.parametrize(("blocks", "outcome"), [(2, "CONFIRMED"), (3, "INCONCLUSIVE")])
def test_above_a_quarter_left_out_the_machine_was_not_quiet(blocks: int, outcome: str) -> None:
    found = [
        _disturbed(one, "probe") if one.block < blocks else one
        for one in ratios([1.5, 1.49, 1.51, 1.5, 1.52, 1.48, 1.5, 1.5])
    ]
    verdict = verdict_on(make_claim(low=1.3), found)
    assert verdict.outcome == outcome
    if outcome == "INCONCLUSIVE":
        assert verdict.reason == (
            f"the machine was not quiet: {SLOW}; 3 of 8 blocks are left out for what disturbed them"
        )


def test_what_is_left_out_is_a_share_of_blocks_whatever_the_reasons() -> None:
    """A claim rests on blocks with both sides: one side's bad ones and the other's add up."""
    figures = [1.5, 1.49, 1.51, 1.5, 1.52, 1.48, 1.5, 1.5]

    def judged(noisy: int, not_full: int, metric: str = "throughput") -> tuple[str, str]:
        found = []
        for one in ratios(figures):
            kept = replace(one, metrics={metric: one.metrics["throughput"]})
            if one.cell_key == A.key and one.block < noisy:
                kept = _disturbed(kept, "probe")
            if one.cell_key == B.key and noisy <= one.block < noisy + not_full:
                kept = replace(kept, not_full="it kept 90 %")
            found.append(kept)
        verdict = verdict_on(make_claim(metric, low=1.3), found)
        return verdict.outcome, str(verdict.reason)

    assert judged(1, 1)[0] == "CONFIRMED"
    assert judged(3, 0)[0] == "INCONCLUSIVE"
    outcome, reason = judged(2, 1)
    assert outcome == "INCONCLUSIVE"
    assert "3 of 8 blocks are left out" in reason
    outcome, reason = judged(2, 3)
    assert outcome == "INVALID"
    assert reason.startswith("the load generator was the limit in 3 of 8 blocks, the first is b")
    assert judged(2, 3, "memory")[0] == "CONFIRMED", "which the generator has no part in"


@pytest.mark.parametrize("blocks", range(5, 21))
def test_a_fixed_run_rests_on_three_quarters_of_its_blocks_and_on_four_at_least(
    blocks: int,
) -> None:
    made = ratios([1.5 + 0.01 * (block % 3) for block in range(blocks)])
    for noisy in range(blocks):
        found = [_disturbed(one, "steal") if one.block < noisy else one for one in made]
        verdict = verdict_on(make_claim(low=1.3), found)
        if verdict.outcome == "CONFIRMED":
            assert verdict.estimate is not None
            assert verdict.estimate.blocks >= max(4, 0.75 * blocks)
        assert (verdict.outcome == "CONFIRMED") == (4 * noisy <= blocks)


def _of_others(cell: Cell, foreign: float, metric: str) -> list[Sample]:
    """Six trials of a run that asked for no quiet machine, and of which none was measured again."""
    machine = {
        "window_s": 2.0, "usable_cores": 2, "usable_cpus": 2, "used_cores": 2.0,
        "accounted_cores": 2.0 - foreign, "foreign_cores": foreign,
    }  # fmt: skip
    with_unit = METRICS[metric].name_with_unit
    return samples(
        recorded(
            *(
                _record(
                    block, cell=cell.key, machine=machine,
                    metrics={"throughput_per_s": 100.0, "cores": 1.0, with_unit: 0.020},
                    counts={"window_ok": 100_000, "errors": 0},
                )
                for block in range(6)
            )
        )
    )  # fmt: skip


OPEN = replace(A, parameters=replace(A.parameters, rate=100.0, arrivals="poisson"))
MIXED = replace(
    A,
    parameters=replace(A.parameters, groups=(Group("fast", 4, 20), Group("slow", 1, 20, rate=5.0))),
)


@pytest.mark.parametrize(
    ("cell", "metric", "group", "outcome"),
    [
        (A, "p99", None, "INCONCLUSIVE"),
        (A, "max", None, "INCONCLUSIVE"),
        (A, "switches_per_request", None, "INCONCLUSIVE"),
        (A, "memory", None, "REFUTED"),
        (OPEN, "p50", None, "INCONCLUSIVE"),
        (MIXED, "p50", None, "INCONCLUSIVE"),
        (MIXED, "p50", "slow", "INCONCLUSIVE"),
        (OPEN, "cpu_per_request", None, "REFUTED"),
    ],
)
def test_a_claim_made_afterwards_asks_for_a_machine_as_quiet_as_one_made_before(
    cell: Cell, metric: str, group: str | None, outcome: str
) -> None:
    """No trial is marked as disturbed: the run had no such claim. Others had 0.3 of 2 cores."""
    claim = replace(make_claim(metric, high=0.010, right=None), left=cell, group=group)
    found = _of_others(cell, 0.3, metric)
    if group is not None:
        found = [
            replace(
                one,
                metrics={**one.metrics, f"{group}/{metric}": 0.020},
                counts={**one.counts, f"{group}/window_ok": 10_000},
            )
            for one in found
        ]
    assert {one.disturbed for one in found} == {None}
    verdict = verdict_on(claim, found)
    assert verdict.outcome == outcome
    if outcome == "INCONCLUSIVE":
        assert verdict.reason == (
            "the machine was not quiet: others used 0.3 of 2 cores; "
            "6 of 6 blocks are left out for what disturbed them"
        )
    quiet = [replace(one, crowded=None) for one in found]
    assert verdict_on(claim, quiet).outcome == "REFUTED"
    still = _of_others(cell, 0.05, metric)
    assert {one.crowded for one in still} == {None}


@pytest.mark.parametrize(
    ("load", "metric", "group", "asks"),
    [
        ("", "p50", "", False),
        ("", "p99", "", True),
        ("", "switches_per_request", "", True),
        ("", "ready", "", True),
        ("", "run_delay_per_request", "", True),
        ("", "running", "", False),
        ('[load]\nrate = "100/s"\n', "p50", "", True),
        ('[load]\nrate = "100/s"\n', "throughput", "", False),
        (TWO_GROUPS, "p50", "", True),
        (TWO_GROUPS, "p50", 'group = "slow"\n', True),
        (TWO_GROUPS, "p50", 'group = "fast"\n', False),
    ],
)
def test_a_run_asks_for_a_quieter_machine_where_nothing_bounds_what_others_did(
    load: str, metric: str, group: str, asks: bool
) -> None:
    text = (
        f'title = "t"\n[matrix]\nbackend = "c-mt"\n{load}[[claim]]\nsays = "x"\n'
        f'value = {{ backend = "c-mt" }}\n{group}metric = "{metric}"\n'
        f"below = {BOUNDS.get(metric, 3)}\n"
    )
    (claim,) = parse_experiment(text, "t.toml", KNOWN).claims
    assert bool(unbounded_cells(claim)) is asks


NOISY: dict[str, Any] = {"disturbed": {"kind": "foreign", "says": "others"}}
FAILED: dict[str, Any] = {"valid": False, "reason": "10 wrong replies", "failure": "invalid"}


def test_counts_are_over_all_attempts_and_failed_trials_too() -> None:
    """A trial with errors is invalid, so that among valid ones there never was any."""
    errors: dict[str, Any] = {"window_ok": 990, "errors": 10, "refused_by_cap": 2}
    records = recorded(*(_record(block) for block in range(4)), _record(4, counts=errors, **FAILED))
    claim = make_claim("errors", high=1, right=None)
    verdict = verdict_on(claim, samples(records))
    assert (verdict.outcome, verdict.reason) == ("REFUTED", "missed in 1 of 5 blocks")
    disturbed = _record(4, counts=errors, **NOISY)
    again = recorded(*(_record(block) for block in range(4)), disturbed, _record(4, 2))
    assert verdict_on(make_claim("refused", high=1, right=None), samples(again)).outcome == (
        "REFUTED"
    )


@pytest.mark.parametrize("attempts", [1, 2, 3])
@pytest.mark.parametrize("side", ["a", "b", "both"])
def test_a_trial_that_was_made_more_often_counts_no_more_than_another(
    attempts: int, side: str
) -> None:
    """Each trial of both sides refuses 10."""
    ten = {"window_ok": 1000, "errors": 0, "refused_by_cap": 10}
    made = []
    for block in range(6):
        for cell in "ab":
            often = attempts if block == 3 and side in (cell, "both") else 1
            made += [
                _record(block, n, cell, counts=ten, **(NOISY if n < often else {}))
                for n in range(1, often + 1)
            ]
    found = samples(recorded(*made))
    near = verdict_on(make_claim("refused", low=0.7, high=1.5), found)
    assert near.outcome == "CONFIRMED"
    assert near.count is not None
    assert (near.count.least, near.count.most, near.count.total) == (10, 10, 60)
    for low, high, outcome in ((9, None, "CONFIRMED"), (11, None, "REFUTED"), (15, None, "REFUTED"),
                               (None, 11, "CONFIRMED"), (None, 10, "REFUTED")):  # fmt: skip
        value = verdict_on(make_claim("refused", low=low, high=high, right=None), found)
        assert value.outcome == outcome, (low, high)
        assert value.count is not None
        assert (value.count.least, value.count.most) == (10, 10)


def test_what_one_attempt_missed_is_told_as_it_was_in_that_attempt() -> None:
    made = [_record(block) for block in range(5)]
    many = {"window_ok": 1000, "errors": 0, "refused_by_cap": 7}
    made[2:3] = [_record(2, counts=many, **NOISY), _record(2, 2)]
    verdict = verdict_on(make_claim("refused", high=5, right=None), samples(recorded(*made)))
    assert (verdict.outcome, verdict.reason) == ("REFUTED", "missed in 1 of 5 blocks")
    assert verdict.count is not None
    assert (verdict.count.blocks, verdict.count.most, verdict.count.total) == (5, 7, 7)


def test_a_count_that_is_met_by_what_did_not_fail_is_still_invalid() -> None:
    records = recorded(*(_record(block) for block in range(4)), _record(4, **FAILED))
    assert verdict_on(make_claim("errors", high=1, right=None), samples(records)).outcome == (
        "INVALID"
    )


def test_what_was_made_again_is_counted_by_trials_and_kinds() -> None:
    port: dict[str, Any] = {"valid": False, "reason": "in use", "failure": "address-in-use"}
    port["window_opened"] = False
    slow: dict[str, Any] = {"disturbed": {"kind": "probe", "says": SLOW}}
    records = recorded(
        _record(0, **NOISY), _record(0, 2, **slow), _record(0, 3),
        _record(1, **slow), _record(1, 2, **slow), _record(1, 3, **slow),
        _record(2, **port), _record(2, 2),
        _record(3), _record(3, 1, "b"), _record(3, 2), _record(3, 2, "b"), _record(3, 2, "c"),
        *(_record(4, n, **NOISY) for n in (1, 2, 3)),
    )  # fmt: skip
    sessions = [Session("interrupted", 10, "", {3: 2})]
    found = made_again(records, sessions)
    assert list(found.lines()) == [
        "3 of 7 trials were disturbed and measured again: foreign CPU 2, slow CPU 1",
        (
            "2 of 7 trials were disturbed in the last attempt: foreign CPU 1, slow CPU 1; 1 of "
            "them was left out of every claim; 1 of them was left out of claims on what others can "
            "move, where enough was left without"
        ),
        (
            "1 of 7 trials could not start at once, for reasons that are not the server's, and was "
            "tried again"
        ),
        "1 block was broken off and measured again: block 4 (interrupted)",
    ]
    assert found.as_json()["broken_off"] == [{"block": 4, "why": "interrupted"}]


def test_the_other_side_of_a_ratio_counts_too() -> None:
    found = [one for one in ratios([1.5] * 6) if (one.cell_key, one.block) != (B.key, 0)]
    verdict = verdict_on(make_claim(low=1.3), [*found, sample(B, 0, None, "hung")])
    assert verdict.outcome == "INVALID"
