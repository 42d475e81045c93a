# SPDX-License-Identifier: BSD-3-Clause
"""The index as a whole: its head, its filters, the runs of each experiment, and what is wrong."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from urllib.parse import quote

from markupsafe import Markup

import fibench
from fibench.page.document import ICONS, policy, scripts, styles, templates
from fibench.page.index.parts import NO_VERDICT, ExperimentPart, part_of, wrong_lines
from fibench.report.runs import NOT_KNOWN, ListedRun
from fibench.wording import counted, listed_with, prose, shown

GENERATOR = f"fibench {fibench.__version__}, index of runs"
"""By which an index is known that may be written anew."""
_PAGE = "report.html"
UNTESTED = {NO_VERDICT, "NOT HERE"}
"""Outcomes that say nothing of a claim."""
_MOST_NAMED = 3


@dataclass(frozen=True)
class Unreadable:
    """A run that cannot be read."""

    run: str
    experiment: str
    """Empty where that is not known, as of a page."""
    machine: str
    when: str
    why: str
    link: str


@dataclass(frozen=True)
class IndexHead:
    """What stands above everything."""

    title: str
    lead: Sequence[str]
    facts: Sequence[tuple[str, str]]


def index_of(found: Sequence[ListedRun], place: Path) -> str:
    """The index over runs, as a file in the folder `place`, from which its links lead."""
    readable = [one for one in found if not one.is_damaged]
    numbers = {one.head.run: number for number, one in enumerate(found, 1)}
    parts = [
        part_of(f"e{at}", own, numbers, lambda run: _link(run, place))
        for at, own in enumerate(_by_experiment(readable), 1)
    ]
    unreadable = [_unreadable(one, place) for one in found if one.is_damaged]
    css, js = index_style(), scripts("index.js")
    machines = sorted({shown(one.head.machine_label) for one in found})
    return templates().get_template("index.html").render(
        head=_head(found, parts, unreadable),
        parts=parts,
        wrong=[line for part in parts for line in wrong_lines(part.lines)],
        unreadable=unreadable,
        experiments=sorted(
            {one.name for one in parts} | {one.experiment for one in unreadable} - {""}
        ),
        machines=machines,
        first_claims=next((at for at, one in enumerate(parts) if one.claims), 0),
        icons=ICONS,
        css=Markup(css),
        js=Markup(js),
        policy=Markup(policy(css, js)),
        generator=GENERATOR,
        version=fibench.__version__,
    )  # fmt: skip


@cache
def index_style() -> str:
    """The style sheet of pages, and what the index has beside."""
    return styles("page.css", "index.css")


def _by_experiment(runs: Sequence[ListedRun]) -> list[list[ListedRun]]:
    """The runs of each experiment, that with the most runs first."""
    found: dict[str, list[ListedRun]] = {}
    for one in runs:
        found.setdefault(one.head.experiment, []).append(one)
    return sorted(found.values(), key=lambda own: (-len(own), own[0].head.experiment))


def _link(run: ListedRun, place: Path) -> str:
    """Where a run's page is, from the index; empty where there is none.

    A page that is a link would lead who follows it elsewhere.
    """
    page = run.place if run.place.is_file() else run.place / _PAGE
    if page.is_symlink() or not page.is_file():
        return ""
    path = os.path.relpath(page.absolute(), place.absolute())
    return quote(os.fsencode(path))


def _unreadable(run: ListedRun, place: Path) -> Unreadable:
    head = run.head
    return Unreadable(
        shown(head.run),
        shown(head.experiment) if run.place.is_dir() else "",
        shown(head.machine_label),
        head.when,
        prose(head.outcome.removeprefix("damaged: ")),
        _link(run, place),
    )


def _head(
    found: Sequence[ListedRun],
    parts: Sequence[ExperimentPart],
    unreadable: Sequence[Unreadable],
) -> IndexHead:
    runs = counted(len(found), "run")
    of = f" of {parts[0].name}" if len(parts) == 1 else ""
    return IndexHead(f"{runs}{of}", list(_lead(parts, unreadable)), list(_facts(found)))


def _lead(parts: Sequence[ExperimentPart], unreadable: Sequence[Unreadable]) -> Iterator[str]:
    """What came out, in sentences."""
    if not parts and not unreadable:
        yield "There are no runs here yet."
    if len(parts) == 1 and parts[0].claims:
        claims = parts[0].claims
        outcomes = [{name for name, _, _ in one.usual.tally} - UNTESTED for one in claims]
        every = outcomes.count({"CONFIRMED"})
        hold = "holds" if every == 1 else "hold"
        yield f"{every} of {counted(len(claims), 'claim')} {hold} in every run that tested them."
    wrong = sum(bool(line.marks) for part in parts for line in part.lines)
    if wrong:
        yield f"{counted(wrong, 'run')} {'has' if wrong == 1 else 'have'} something wrong."
    if unreadable:
        yield f"{counted(len(unreadable), 'run')} cannot be read."


def _facts(found: Sequence[ListedRun]) -> Iterator[tuple[str, str]]:
    pages = sum(one.place.is_file() for one in found)
    said = [f"{len(found) - pages} in folders"] if pages < len(found) else []
    said += [counted(pages, "page")] if pages else []
    names = len({one.head.as_ for one in found if one.head.as_})
    said += [f"under {counted(names, 'name')}"] if names else []
    if said:
        yield "Runs", ", ".join(said)
    machines = Counter(
        one.head.machine_label for one in found if one.head.machine_label != NOT_KNOWN
    )
    if machines:
        named = [f"{shown(name)} ({number})" for name, number in machines.most_common(_MOST_NAMED)]
        more = len(machines) - len(named)
        yield "Machines", listed_with("and", [*named, *([f"{more} more"] if more else [])])
    times = sorted(one.head.when for one in found if one.head.when)
    if times:
        span = times[0] if times[0] == times[-1] else f"{times[0]} to {times[-1]}"
        yield "Made", f"{span} UTC"
