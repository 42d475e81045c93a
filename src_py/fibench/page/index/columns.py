# SPDX-License-Identifier: BSD-3-Clause
"""The claims of runs of one experiment: which are the same, though their files may differ.

A claim is found again by its id. Where a run's file gives it another bound, or it was measured
otherwise, its figure does not lie on the same picture: most runs say what the claim is, and the
others are told apart.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from fibench.experiment import Cell, Claim, cells_of
from fibench.report.runs import ListedRun
from fibench.verdict import Verdict

_NOT_MEASURED = ("host", "port")
"""Parameters of a cell that its figures do not hang on."""


@dataclass(frozen=True)
class ClaimOfRun:
    """A claim of a run."""

    run: ListedRun
    claim: Claim
    verdict: Verdict | None
    """None: it was not decided."""

    @cached_property
    def bounds(self) -> Hashable:
        """What is claimed of which figure."""
        one = self.claim
        return (one.kind, one.metric, one.group, one.low, one.high, one.limit, one.over)

    @cached_property
    def measured(self) -> Hashable:
        """Which cells it is claimed of. Rates that a claim goes along may have been searched, and
        are others in each run."""
        along = self.claim.over if self.claim.kind == "sustains" else None
        return frozenset(_as_measured(cell, along) for cell in cells_of(self.claim))


def _as_measured(cell: Cell, along: str | None) -> str:
    values = cell.parameters.as_json()
    left_out = (*_NOT_MEASURED, along)
    return json.dumps({key: values[key] for key in sorted(values) if key not in left_out})


@dataclass(frozen=True)
class ClaimColumn:
    """A claim in all runs of an experiment that have it."""

    number: int
    """From 1, in the order of the first file that has it."""
    entries: Mapping[str, ClaimOfRun]
    """By the run's name."""

    @cached_property
    def usual(self) -> ClaimOfRun:
        """One that is claimed, and was measured, as in most of the runs; of equals the first."""
        ways = Counter((one.bounds, one.measured) for one in self.entries.values())
        ((most, _),) = ways.most_common(1)
        return next(one for one in self.entries.values() if (one.bounds, one.measured) == most)

    def otherwise(self, entry: ClaimOfRun) -> str:
        """How an entry is none like the others; empty of one that is."""
        if entry.bounds != self.usual.bounds:
            return "other bound"
        return "" if entry.measured == self.usual.measured else "measured otherwise"

    def alike(self) -> list[ClaimOfRun]:
        """The entries that are as usual."""
        return [one for one in self.entries.values() if not self.otherwise(one)]


def columns_of(runs: Sequence[ListedRun]) -> list[ClaimColumn]:
    """The claims of runs of one experiment."""
    found: dict[str, dict[str, ClaimOfRun]] = {}
    for run in runs:
        for entry in _entries(run):
            found.setdefault(entry.claim.id, {})[run.head.run] = entry
    return [ClaimColumn(number, entries) for number, entries in enumerate(found.values(), 1)]


def _entries(run: ListedRun) -> Iterator[ClaimOfRun]:
    given = {verdict.claim.id: verdict for verdict in run.verdicts}
    for claim in run.claims:
        yield ClaimOfRun(run, claim, given.get(claim.id))
