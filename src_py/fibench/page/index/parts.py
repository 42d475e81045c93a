# SPDX-License-Identifier: BSD-3-Clause
"""What the index shows of the runs of one experiment: a picture for each claim, and a line for each
run.

It decides nothing: outcomes, figures and marks are those of `runs`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from markupsafe import Markup

from fibench.metrics import exact
from fibench.page.claims.cards import headline
from fibench.page.claims.pictures import needed_words
from fibench.page.claims.telling import Teller, teller
from fibench.page.draw.palette import TONES, Tone
from fibench.page.index.columns import ClaimColumn, ClaimOfRun, columns_of
from fibench.page.index.dots import ManyRuns, RunDot, runs_picture
from fibench.page.index.names import short_names
from fibench.report.runs import ListedRun
from fibench.report.words import NOT_DECIDED
from fibench.verdict import Verdict
from fibench.verdict.crossover import scale_of
from fibench.verdict.reviewing import ADDED_AFTERWARDS
from fibench.wording import counted, prose, shown

NO_VERDICT = NOT_DECIDED.upper()
BELIEVED: Mapping[str, str] = {
    "holds": "it holds",
    "does not hold": "it does not",
    "too close": "too close to say",
}
"""What may be expected of a claim before its run, and in words."""


@dataclass(frozen=True)
class ClaimCell:
    """What came of a claim in a run."""

    column: int
    outcome: str
    """Empty: the run's file has no such claim."""
    tone: Tone
    figure: str = ""
    otherwise: str = ""
    """How it is none like those of the other runs."""
    belief: str = ""
    """What was expected of it, in words."""


@dataclass(frozen=True)
class RunLine:
    """A run in the table."""

    number: int
    """On the page, from 1."""
    run: str
    """Its place below the folder."""
    name: str
    """As much of that as tells it from the others."""
    link: str
    """Its page, from the index; empty: there is none."""
    made_as: str
    machine: str
    when: str
    state: str
    """Why it has no verdicts, or how many of its trials failed; empty of most."""
    marks: str
    cells: Sequence[ClaimCell]


@dataclass(frozen=True)
class Pictured:
    """A claim in the runs that agree on it."""

    needed: str
    picture: Markup | None
    tally: Sequence[tuple[str, Tone, int]]
    """By outcome how many."""
    middle: str
    """`median ×1.84`; empty of less than three figures."""


@dataclass(frozen=True)
class ClaimPart:
    """A claim, its pictures, and what was expected of it."""

    number: int
    anchor: str
    says: str
    usual: Pictured
    others: Sequence[tuple[str, Pictured]]
    """The runs that have another bound, or measured it otherwise: how, and what came of it."""
    believed: str
    """`expected: 12 it holds, 3 it does not`; empty where nobody said."""


@dataclass(frozen=True)
class ExperimentPart:
    """The runs of one experiment."""

    anchor: str
    name: str
    title: str
    is_history: bool
    """They are of one machine and folder: a history, and no class."""
    claims: Sequence[ClaimPart]
    lines: Sequence[RunLine]
    has_names: bool
    has_others: bool
    """Whether a run has another bound, or measured otherwise."""


def part_of(
    anchor: str,
    runs: Sequence[ListedRun],
    numbers: Mapping[str, int],
    link: Callable[[ListedRun], str],
) -> ExperimentPart:
    """The runs of one experiment, which can be read; `numbers` are those that they have on the
    page."""
    columns = columns_of(runs)
    history = is_history(runs)
    names = short_names([one.head.run for one in runs])
    lines = [
        RunLine(
            number=numbers[one.head.run],
            run=shown(one.head.run),
            name=shown(names[one.head.run]),
            link=link(one),
            made_as=shown(one.head.as_),
            machine=shown(one.head.machine_label),
            when=one.head.when,
            state=_state(one),
            marks=prose(one.head.marks),
            cells=[_cell(one, column) for column in columns],
        )
        for one in runs
    ]
    return ExperimentPart(
        anchor=anchor,
        name=shown(runs[0].head.experiment),
        title=prose(Counter(one.title for one in runs).most_common(1)[0][0]),
        is_history=history,
        claims=[_claim(anchor, one, numbers, history=history) for one in columns],
        lines=lines,
        has_names=any(one.made_as for one in lines),
        has_others=any(cell.otherwise for one in lines for cell in one.cells),
    )


def is_history(runs: Sequence[ListedRun]) -> bool:
    """Whether runs are those of one folder of results and one machine."""
    places = {one.place.parent for one in runs}
    machines = {one.head.machine_label for one in runs}
    in_folders = all(one.place == one.folder for one in runs)
    return in_folders and len(runs) > 1 == len(places) == len(machines)


def _state(run: ListedRun) -> str:
    said = [run.head.outcome] if not run.verdicts else []
    if run.verdicts and not run.head.complete:
        said.append("not ended")
    if run.head.claims_added_afterwards:
        said.append(ADDED_AFTERWARDS)
    if run.head.failed:
        said.append(f"{run.head.failed} of {counted(run.head.trials or 0, 'trial')} failed")
    return ", ".join(said)


def _cell(run: ListedRun, column: ClaimColumn) -> ClaimCell:
    entry = column.entries.get(run.head.run)
    if entry is None:
        return ClaimCell(column.number, "", "off")
    return claim_cell(column, entry, run.beliefs.get(entry.claim.id))


def claim_cell(column: ClaimColumn, entry: ClaimOfRun, belief: str | None = None) -> ClaimCell:
    """A claim of a run, with what was expected of it before: one of BELIEVED, or nothing."""
    verdict, believed = entry.verdict, BELIEVED.get(belief or "", "")
    otherwise = column.otherwise(entry)
    if verdict is None:
        return ClaimCell(column.number, NO_VERDICT, "off", "", otherwise, believed)
    big, _ = headline(verdict)
    tone = TONES[verdict.outcome]
    return ClaimCell(column.number, verdict.outcome, tone, big, otherwise, believed)


def _claim(
    anchor: str, column: ClaimColumn, numbers: Mapping[str, int], *, history: bool
) -> ClaimPart:
    groups: dict[tuple[object, object], list[ClaimOfRun]] = {}
    for entry in column.entries.values():
        if column.otherwise(entry):
            groups.setdefault((entry.bounds, entry.measured), []).append(entry)
    others = [
        (f"{column.otherwise(own[0])}: {counted(len(own), 'run')}",
         _pictured(own, numbers, history=history))
        for own in groups.values()
    ]  # fmt: skip
    return ClaimPart(
        number=column.number,
        anchor=f"{anchor}-c{column.number}",
        says=prose(column.usual.claim.says),
        usual=_pictured(column.alike(), numbers, history=history),
        others=others,
        believed=_believed(column),
    )


def _believed(column: ClaimColumn) -> str:
    found = Counter(
        BELIEVED[belief]
        for entry in column.entries.values()
        if (belief := entry.run.beliefs.get(entry.claim.id, "")) in BELIEVED
    )
    said = [f"{found[words]} {words}" for words in BELIEVED.values() if found[words]]
    return f"expected before: {', '.join(said)}" if said else ""


def _pictured(
    entries: Sequence[ClaimOfRun], numbers: Mapping[str, int], *, history: bool
) -> Pictured:
    given = [one.verdict for one in entries if one.verdict is not None]
    outcomes = Counter(one.verdict.outcome if one.verdict else NO_VERDICT for one in entries)
    tally = [(name, TONES[name], number) for name in TONES if (number := outcomes[name])]
    tally += [(NO_VERDICT, "off", outcomes[NO_VERDICT])] if outcomes[NO_VERDICT] else []
    dots = [
        _dot(entry, one, numbers)
        for entry in entries
        if (one := entry.verdict) is not None and _is_drawn(one)
    ]
    if not dots:
        return Pictured("", None, tally, "")
    if not history:
        dots.sort(key=lambda dot: dot.place or 0.0)
    say = teller(next(one for one in given if _is_drawn(one)))
    claim = given[0].claim
    is_count = given[0].count is not None
    needed = needed_words(claim, Teller(say.scale, "", "count") if is_count else say)
    needed += " in every block" if is_count else ""
    has_bounds = not (is_count and claim.right is not None)  # of two counts the other is the bound
    places = [dot.place for dot in dots if dot.place is not None]
    figures = [dot.figure for dot in dots if dot.figure is not None]
    middle = f"median {say.figure(median(figures))}" if len(figures) > 2 else ""
    told = ", ".join(f"{number} {name.lower()}" for name, _, number in tally)
    span = f"from {say.figure(min(places))} to {say.figure(max(places))}"
    picture = runs_picture(
        ManyRuns(
            label=f"{counted(len(dots), 'run')} {span}; {needed}; {told}",
            dots=dots,
            say=say.exactly if not is_count else exact,
            needed=needed,
            above=claim.low if has_bounds else None,
            below=claim.high if has_bounds else None,
            log=_is_log(given),
            from_zero=is_count,
            is_ratio=claim.right is not None and claim.kind != "crossover" and not is_count,
        )
    )
    return Pictured(needed, picture, tally, middle)


def _is_drawn(verdict: Verdict) -> bool:
    counts = verdict.count
    return verdict.shown_estimate is not None or (counts is not None and counts.blocks > 0)


def _is_log(given: Sequence[Verdict]) -> bool:
    """Whether the figures of a claim stand on a logarithmic axis, as on the pages of runs."""
    claim = given[0].claim
    if claim.kind == "crossover" and claim.over is not None:
        return scale_of(claim.over, [one.at for one in claim.points]) == "log"
    return all(one.count is None for one in given)


def _dot(entry: ClaimOfRun, verdict: Verdict, numbers: Mapping[str, int]) -> RunDot:
    head, counts = entry.run.head, verdict.count
    big, interval = headline(verdict)
    title = f"{shown(head.run)}: {' '.join(filter(None, (big, interval)))}".strip()
    title += f"; {verdict.outcome.lower()}"
    title += f"; {shown(head.as_)}" if head.as_ else ""
    title += "; something is wrong with the run" if head.marks else ""
    tone, number = TONES[verdict.outcome], numbers[head.run]
    if counts is not None and counts.blocks:
        figure = (counts.total or 0) / counts.blocks
        least, most = (None if one is None else float(one) for one in (counts.least, counts.most))
        return RunDot(number, title, tone, figure, least, most, bool(head.marks))
    found, (low, high) = verdict.shown_estimate, verdict.known_ends
    figure_or_none = None if found is None else found.mean
    return RunDot(number, title, tone, figure_or_none, low, high, bool(head.marks))


def wrong_lines(lines: Sequence[RunLine]) -> Iterator[RunLine]:
    """The runs with which something is wrong."""
    return (one for one in lines if one.marks)
