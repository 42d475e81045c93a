# SPDX-License-Identifier: BSD-3-Clause
"""Who chooses what is measured again: a short, seeded form of what docs/statistics.md has of it."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from tests.here import CHECKOUT
from tests.runner.verdict.chosen_runs import DISTURBED, trial
from tests.runner.verdict.claims import A, B, make_claim
from tests.runner.verdict.decided_runs import ask

from fibench.develop.bench.choosing import (
    NOISES,
    NONE,
    RULES,
    Chosen,
    attacked,
    broken_off,
    disturbed,
    emptied,
    judged,
    normal,
    tables,
)
from fibench.develop.bench.sequential import ALPHAS, LOOKS, MOST, decide_runs
from fibench.develop.bench.written import PAGE
from fibench.record import Disturbed
from fibench.verdict import Sample
from fibench.verdict.deciding.decide import decide

AS_IS = RULES["as it is"]
SIDES = {"CONFIRMED": 1, "REFUTED": -1, "INCONCLUSIVE": 0}
PROBE = Disturbed("probe", "a CPU computed slower than in other blocks")


def moved(made: Chosen) -> Chosen:
    """The same with a truth that lies on the bound in few runs, and to either side of it in others,
    so that the claim is decided in most of them."""
    levels = np.linspace(-0.05, 0.07, len(made.last))[:, None, None] * np.array([1.0, 0.0])
    shifted = made.last + levels, made.least + levels, made.most + levels
    return Chosen(*shifted, made.again, made.lost, made.can_be_borne)


def samples_of(made: Chosen, run: int) -> list[Sample]:
    """A run as the code that judges real ones has it."""
    found = []
    for block in range(MOST):
        for side, (cell, sign) in enumerate(((A, 1.0), (B, -1.0))):
            at = run, block, side
            ends = (made.least[at], made.most[at]) if made.again[at] else ()
            logs = [sign * float(log) for log in (*ends, made.last[at])]
            own = trial(cell, block, logs)
            is_out = made.lost[run, block] and made.again[at]
            why = DISTURBED if made.can_be_borne else PROBE
            found.append(replace(own, disturbed=why) if is_out else own)
    return found


MAKE: Mapping[str, Callable[..., Chosen]] = {
    **{
        f"{name}{share}": partial(attacked, noise, share)
        for name, (noise, shares) in NOISES.items()
        for share in shares
    },
    **{
        f"left out {share}": partial(attacked, normal, share, leaves_out=True)
        for share in (0.02, 0.05, 0.1)
    },
    **{
        f"left out {share} of blocks": partial(emptied, normal, share) for share in (0.1, 0.25, 0.4)
    },
    **{
        f"by chance {share}": partial(disturbed, share, (1.2, 3.0)) for share in (1 / 74, 0.05, 0.1)
    },
}


def made_of(name: str) -> Chosen:
    return moved(MAKE[name](chance=np.random.default_rng(7), runs=25))


def runs_to_compare(made: Chosen, alpha: float) -> list[int]:
    """One in three, and all that are decided otherwise without the rule."""
    with_rule, without = (judged(made, alpha, rule) for rule in (AS_IS, NONE))
    other = (with_rule.blocks != without.blocks) | (with_rule.side != without.side)
    other[::3] = True
    return [int(run) for run in other.nonzero()[0]]


@pytest.mark.parametrize("name", MAKE)
def test_what_is_simulated_is_what_real_runs_are_decided_by(name: str) -> None:
    made = made_of(name)
    for total, alpha in ((1, ALPHAS["alone"]), (8, ALPHAS["one of eight"])):
        questions = ask([make_claim(low=1.0)], total_claims=total)
        # What is left out always counts in real runs.
        for rule in (AS_IS,) if made.lost.any() else (AS_IS, NONE):
            known = judged(made, alpha, rule)
            for run in runs_to_compare(made, alpha):
                real = samples_of(made, run)
                if rule is NONE:
                    real = [replace(one, superseded=()) for one in real]
                found = decide(questions, real)
                assert [SIDES[one.outcome] for one in found.verdicts] == [known.side[run]]
                assert found.blocks == known.blocks[run]


@pytest.mark.parametrize("name", ["0.1", "0.2", "left out 0.1", "by chance 0.1"])
def test_the_runs_that_are_compared_are_decided_otherwise_without_the_rule(name: str) -> None:
    made = made_of(name)
    with_rule, without = (judged(made, 0.05, rule) for rule in (AS_IS, NONE))
    assert (with_rule.blocks != without.blocks).sum() >= 2
    assert abs(with_rule.side).sum() >= 2


def test_without_a_choice_the_rule_changes_nothing_and_the_promise_is_kept() -> None:
    made = attacked(normal, 0.0, np.random.default_rng(2), 20_000)
    d = made.last.sum(axis=2)
    for alpha in ALPHAS.values():
        own = judged(made, alpha, AS_IS)
        plain = decide_runs(d, LOOKS, alpha)
        assert (own.side == plain.side).all()
        assert (own.blocks == plain.blocks).all()
        assert own.power() < alpha / 2 + 4 * (alpha / 2 / len(d)) ** 0.5


@pytest.mark.parametrize(
    ("share", "leaves_out"), [(0.05, False), (0.1, False), (0.1, True), (0.2, True)]
)
def test_the_rule_takes_most_of_it_from_who_chooses(share: float, leaves_out: bool) -> None:
    chance = np.random.default_rng(3)
    made = attacked(normal, share, chance, 10_000, leaves_out=leaves_out)
    alpha = ALPHAS["one of eight"]
    without, ruled = (judged(made, alpha, rule).power() for rule in (NONE, AS_IS))
    assert without > alpha, "or there is nothing to be taken"
    assert ruled < 0.6 * without


def test_what_is_left_out_is_whole_blocks_that_have_a_chosen_trial() -> None:
    made = attacked(normal, 0.1, np.random.default_rng(3), 50, leaves_out=True)
    assert (made.lost == made.again.any(axis=2)).all()
    assert 0.1 < made.lost.mean() < 0.3
    assert (made.least <= made.last).all()
    assert (made.most >= made.last).all()


def test_who_stops_at_a_quarter_loses_no_more_blocks_at_any_look() -> None:
    made = emptied(normal, 0.4, np.random.default_rng(3), 200)
    so_far = made.lost.cumsum(axis=1)[:, LOOKS.least - 1 :]
    assert (so_far <= 0.25 * np.arange(LOOKS.least, MOST + 1)).all()
    assert made.lost.sum(axis=1).mean() > 3.5
    assert (made.again.any(axis=2) == made.lost).all()
    assert not made.again[..., 1].any()


def test_blocks_are_broken_off_so_often_and_no_more() -> None:
    edge = np.quantile(broken_off(0.0, 1, np.random.default_rng(1), 20_000), 0.25)
    left = {
        times: (broken_off(0.25, times, np.random.default_rng(2), 5_000) < edge).mean()
        for times in (0, 1, 2, None)
    }
    assert left[0] == pytest.approx(0.25, abs=0.01)
    assert left[1] == pytest.approx(0.25**2, abs=0.01)
    assert left[2] == pytest.approx(0.25**3, abs=0.005)
    assert left[None] == pytest.approx(0.0, abs=0.003)


def test_the_page_has_the_tables_that_are_written_into_it() -> None:
    text = (CHECKOUT / PAGE).read_text(encoding="utf-8")
    for name, lines in tables(40, 4).items():
        written = text.split(f"<!-- {name} -->")[1].split("<!-- end -->")[0]
        rows = [line.split("|")[1:3] for line in written.splitlines() if line.startswith("|")]
        made = [line.split("|")[1:3] for line in lines if line.startswith("|")]
        assert [row[0] for row in rows] == [row[0] for row in made]
        assert rows[0] == made[0]
