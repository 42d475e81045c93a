# SPDX-License-Identifier: BSD-3-Clause
"""A cell whose server did not start in the first block leaves the run, and keeps nobody in it."""

from collections.abc import Sequence
from dataclasses import replace

import pytest
from tests.runner.verdict.claims import A, B, make_claim
from tests.runner.verdict.decided_runs import ABOVE_ONE, AUTO, TWIN, C, ask, figures

from fibench.commands.following import Following
from fibench.experiment import Cell
from fibench.store.attempts import did_not_start, never_started
from fibench.tried import FROM_OUTSIDE
from fibench.verdict import decide
from fibench.verdict.looks import Looks
from fibench.verdict.sample import Sample

FIXED = Looks(4, 4)


def dead(cell: Cell, block: int = 0) -> Sample:
    """A trial whose server did not start."""
    (one,) = figures(cell, 1.0, block + 1, first=block)
    reason = "the server ended with status 1 before it was ready"
    return replace(
        one, valid=False, reason=reason, did_not_start=True, metrics={}, counts={"window_ok": 0}
    )


@pytest.mark.parametrize("looks", [AUTO, FIXED])
def test_it_is_not_in_the_second_block(looks: Looks) -> None:
    found = decide(ask([ABOVE_ONE], looks=looks), [dead(A), *figures(B, 1.0, 1)])
    assert found.staying == (B.key,)
    assert found.left == {A.key: 1}
    assert found.blocks == 1


def test_the_others_go_on_without_it_to_the_end() -> None:
    claims = [ABOVE_ONE, replace(make_claim(low=1.0), left=C, id="other")]
    samples = [dead(A), *figures(B, 1.0, 4), *figures(C, 9.0, 4)]
    for blocks in (1, 2, 3):
        part = [one for one in samples if one.block < blocks]
        found = decide(ask(claims, [A, B, C], FIXED), part)
        assert (found.blocks, found.staying) == (blocks, (B.key, C.key))
    found = decide(ask(claims, [A, B, C], FIXED), samples)
    assert found.over
    assert [one.outcome for one in found.verdicts] == ["INVALID", "CONFIRMED"]
    reason = found.verdicts[0].reason
    assert reason is not None
    assert reason.startswith("no trial of a is valid: the server ended with status 1")


def test_where_none_starts_the_run_is_over() -> None:
    found = decide(ask([ABOVE_ONE]), [dead(A), dead(B)])
    assert found.over
    (verdict,) = decide(ask([ABOVE_ONE]), [dead(A), dead(B)], ended=True).verdicts
    assert verdict.outcome == "INVALID"


@pytest.mark.parametrize(
    ("first", "staying"),
    [
        ([dead(A), dead(TWIN)], [B.key]),
        ([dead(A), *figures(TWIN, 1.0, 1)], [A.key, B.key, TWIN.key]),
        ([*figures(A, 1.0, 1), dead(TWIN)], [A.key, B.key, TWIN.key]),
    ],
)
def test_a_cell_and_its_twin_have_one_server(
    first: Sequence[Sample], staying: Sequence[str]
) -> None:
    found = decide(ask([ABOVE_ONE], [A, B, TWIN]), [*first, *figures(B, 1.0, 1)])
    assert list(found.staying) == staying


def test_what_fails_later_or_for_other_reasons_stays() -> None:
    wrong = replace(dead(A), did_not_start=False)
    taken = replace(dead(A), did_not_start=False, unstarted=True)
    for samples in (
        [wrong, *figures(B, 1.0, 1)],
        [taken, *figures(B, 1.0, 1)],
        [*figures(A, 1.0, 1), *figures(B, 1.0, 2), dead(A, 1)],
    ):
        assert decide(ask([ABOVE_ONE], looks=FIXED), samples).staying == (A.key, B.key)


def test_failures_that_are_tolerated_do_not_keep_others_for_it() -> None:
    """A claim may be mended by blocks that go well; of this cell there will be none."""
    claim = replace(ABOVE_ONE, tolerates=0.5)
    samples = [dead(A), *figures(B, 1.0, AUTO.least)]
    assert decide(ask([claim]), samples).over
    once = [replace(dead(A), did_not_start=False), *figures(A, 1.0, AUTO.least, first=1)]
    assert not decide(ask([claim]), [*once, *figures(B, 1.0, AUTO.least)]).over


def test_a_run_that_is_followed_leaves_it_out_before_its_first_look() -> None:
    following = Following(ask([ABOVE_ONE], [A, B]))
    assert following([]) == [A.key, B.key]
    assert following.decisions.left == {}


class Made:
    """What is asked of a record here."""

    def __init__(self, failure: str | None, window_opened: bool = False) -> None:
        self.valid, self.failure, self.window_opened = failure is None, failure, window_opened


@pytest.mark.parametrize(
    "kind", ["never-ready", "exited", "not-found", "no-permission", "lacking", "not-told"]
)
def test_what_keeps_a_server_from_starting_for_its_own_reasons(kind: str) -> None:
    assert did_not_start(Made(kind))  # type: ignore[arg-type]
    assert not did_not_start(Made(kind, window_opened=True))  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", [None, *sorted(FROM_OUTSIDE), "wrong-reply", "server-ended"])
def test_what_does_not(kind: str | None) -> None:
    assert not did_not_start(Made(kind))  # type: ignore[arg-type]


def test_cells_are_told_apart_by_all_of_their_trials() -> None:
    assert never_started([]) == frozenset()
    assert never_started([("a", True), ("a~aa", True), ("b", False)]) == {"a", "a~aa"}
    assert never_started([("a", True), ("a~aa", False), ("b", True)]) == {"b"}
