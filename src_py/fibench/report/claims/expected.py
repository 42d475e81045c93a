# SPDX-License-Identifier: BSD-3-Clause
"""What a person expected of claims before the run, beside what came of them, and beside what
bounds alone would have said of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from fibench.experiment import Belief, Beliefs
from fibench.json_values import Json, finite
from fibench.metrics import METRICS, number, quantity
from fibench.verdict.asymptotic.asymptotes import NONE_KNOWN, Possible
from fibench.verdict.asymptotic.foretold import Foretold, foretold
from fibench.verdict.verdict import Outcome, Verdict
from fibench.wording import counted, prose

if TYPE_CHECKING:
    from fibench.experiment import Claim
    from fibench.verdict import Review

EXPECTED: Mapping[Belief, str] = {
    "holds": "it holds",
    "does not hold": "it does not hold",
    "too close": "it is too close to say",
}
_CAME: Mapping[Outcome | None, str] = {
    "CONFIRMED": "it holds",
    "REFUTED": "it does not hold",
    "INCONCLUSIVE": "it is not clear",
    "NOT HERE": "it cannot be tested here",
    "INVALID": "its trials are not valid",
    None: "it was not decided",
}
_CLEAR: Mapping[Outcome, Belief] = {"CONFIRMED": "holds", "REFUTED": "does not hold"}
"""The other outcomes count neither for a belief nor against it."""
_MOST_NAMED = 3


@dataclass(frozen=True)
class Prediction:
    """A claim, what was expected of it, and what came."""

    claim: Claim
    belief: Belief
    outcome: Outcome | None
    """None: it was not decided."""
    by_bounds: Foretold | None = None
    """What the bounds of its cells alone say; None: nothing."""
    measured: float | None = None
    """The figure that came; None: there is none."""

    @property
    def is_met(self) -> bool | None:
        """Whether it came as it was expected; None: that cannot be told."""
        if self.outcome is None or self.outcome not in _CLEAR:
            return None
        return _CLEAR[self.outcome] == self.belief

    @property
    def words(self) -> str:
        """`that it holds; it does not hold`: who expected it, or predicted, is before."""
        return f"that {EXPECTED[self.belief]}; {_CAME[self.outcome]}"

    @property
    def beside(self) -> str:
        """`the bounds alone: ×1.98, it holds; measured: ×1.07`; empty where they say nothing."""
        if self.by_bounds is None:
            return ""
        said = f"the bounds alone: {by_bounds_words(self.by_bounds)}"
        came = "" if self.measured is None else _figure(self.measured, self.by_bounds)
        return f"{said}; measured: {came}" if came else said


def by_bounds_words(found: Foretold) -> str:
    """`×1.98, it holds`."""
    return f"{_figure(found.figure, found)}, {EXPECTED[found.belief]}"


def _figure(figure: float, found: Foretold) -> str:
    if found.is_ratio:
        return f"\N{MULTIPLICATION SIGN}{number(figure)}"
    return quantity(figure, METRICS["throughput"].unit)


@dataclass(frozen=True)
class Expectations:
    """All that was expected of the claims of a run."""

    every: Mapping[str, Prediction] = field(default_factory=dict)
    """By the ids of claims."""
    of_others: int = 0
    """Of claims that say something else by now: nothing is compared with these."""

    def said_of(self, claim: Claim) -> str:
        """What was expected of a claim and what came, in words; empty where nothing was."""
        found = self.every.get(claim.id)
        return "" if found is None else found.words

    def beside(self, claim: Claim) -> str:
        """What the bounds alone say of a claim and what was measured, in words; empty where they
        say nothing, or nobody was asked."""
        found = self.every.get(claim.id)
        return "" if found is None else found.beside

    @property
    def told(self) -> Sequence[Prediction]:
        """Those of which it can be told whether they came as they were expected."""
        return [one for one in self.every.values() if one.is_met is not None]

    @property
    def surprises(self) -> Sequence[Prediction]:
        """Those of these that did not."""
        return [one for one in self.told if not one.is_met]

    def summary(self) -> Iterator[str]:
        """`5 of 8 came as expected; surprises: …`, and what was not compared: each in a line."""
        if self.every:
            yield self._score()
        if self.of_others:
            verb = "is" if self.of_others == 1 else "are"
            which = "of a claim that has" if self.of_others == 1 else "of claims that have"
            made = counted(self.of_others, "prediction")
            yield f"{made} {verb} {which} been altered since, and not compared"

    def _score(self) -> str:
        told, surprises = self.told, self.surprises
        if not told:
            return "of no claim it can be told whether it came as expected"
        said = f"{len(told) - len(surprises)} of {len(told)} came as expected"
        rest = len(self.every) - len(told)
        said += f"; of {rest} more that cannot be told" if rest else ""
        if not surprises:
            return said
        named = "; ".join(prose(one.claim.says) for one in surprises[:_MOST_NAMED])
        more = len(surprises) - _MOST_NAMED
        return f"{said}; surprises: {named}" + (f"; and {more} more" if more > 0 else "")

    def as_json(self) -> Json:
        """As `report --format json` has it; None where nobody was asked."""
        if not self.every and not self.of_others:
            return None
        return {
            "as_expected": len(self.told) - len(self.surprises),
            "compared": len(self.told),
            "of_altered_claims": self.of_others,
            "claims": [
                {
                    "id": name,
                    "expected": one.belief,
                    "as_expected": one.is_met,
                    "by_bounds": _by_bounds(one.by_bounds),
                }
                for name, one in self.every.items()
            ],
        }


def _by_bounds(found: Foretold | None) -> Json:
    return None if found is None else {"figure": found.figure, "expected": found.belief}


def expectations(
    beliefs: Beliefs,
    verdicts: Iterable[Verdict],
    undecided: Iterable[Claim] = (),
    possible: Mapping[str, Possible] = NONE_KNOWN,
) -> Expectations:
    """What was expected of the claims that have verdicts, and of those that have none yet.
    `possible` is what each cell could answer at most, by its key."""
    if not beliefs.told:
        return Expectations()
    came: list[tuple[Claim, Verdict | None]] = [(one.claim, one) for one in verdicts]
    came += [(claim, None) for claim in undecided]
    found = {
        claim.id: Prediction(
            claim,
            belief,
            None if verdict is None else verdict.outcome,
            foretold(claim, possible),
            _measured(verdict),
        )
        for claim, verdict in came
        if (belief := beliefs.about(claim)) is not None
    }
    return Expectations(found, beliefs.of_others(claim for claim, _ in came))


def _measured(verdict: Verdict | None) -> float | None:
    estimate = None if verdict is None else verdict.shown_estimate
    return None if estimate is None else finite(estimate.mean)


def expectations_of(review: Review) -> Expectations:
    """Those of a judged run."""
    found = review.findings
    return expectations(review.run.plan.beliefs, review.verdicts, found.undecided, found.possible)
