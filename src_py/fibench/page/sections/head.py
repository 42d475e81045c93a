# SPDX-License-Identifier: BSD-3-Clause
"""The head of the page: what came out in a sentence, and of which run, machine and load it is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from fibench.json_values import object_or_empty, text_or_none
from fibench.page.claims.cards import Card
from fibench.page.view import View
from fibench.report.lines import before_line, interpreters_asked, load_words, short_processor
from fibench.report.numbers import time_taken
from fibench.wording import counted, listed_with, prose, shown

_MOST_NAMED = 4


@dataclass(frozen=True)
class PageHead:
    """What stands above everything."""

    title: str
    run: str
    when: str
    lead: str
    why: Sequence[str]
    warnings: Sequence[str]
    facts: Sequence[tuple[str, str]]
    short: str
    """For the window's title: `7 of 8 hold`."""


def head(view: View, claims: Sequence[Card]) -> PageHead:
    """The head of a run's page."""
    review = view.review
    outcomes = Counter(card.outcome for card in claims)
    confirmed, total = outcomes["CONFIRMED"], len(claims)
    return PageHead(
        # No line ends within a word: CPU-bound.
        title=prose(review.run.experiment.title).replace("-", "\N{NON-BREAKING HYPHEN}"),
        run=shown(review.run.name),
        when=_when(view),
        lead=_lead(view, confirmed, total),
        why=list(_why(view, outcomes)),
        warnings=[prose(mark) for mark in review.marks],
        facts=list(_facts(view)),
        short=f"{confirmed} of {counted(total, 'claim')} confirmed" if total else "no claims",
    )


def _when(view: View) -> str:
    times = [datetime.fromisoformat(one.started_at) for one in view.review.run.records]
    began = min(times, default=None)
    return "" if began is None else f"{began.astimezone(UTC):%-d %B %Y, %H:%M} UTC"


def _lead(view: View, confirmed: int, total: int) -> str:
    if not view.cells:
        return "None of the cells can be run on this machine."
    if total == 0:
        return "This experiment makes no claims: its figures are below."
    if view.review.interrupted and not view.review.verdicts:
        return "The run was interrupted before any of its claims was decided: these are estimates."
    if confirmed == total:
        every = {1: "The claim holds", 2: "Both claims hold"}.get(total, f"All {total} claims hold")
        return f"{every} on this machine."
    if confirmed == 0:
        return (
            f"{'The claim is not' if total == 1 else f'None of the {total} claims is'} confirmed."
        )
    hold = "holds" if confirmed == 1 else "hold"
    return f"{confirmed} of {total} claims {hold} on this machine."


def _why(view: View, outcomes: Counter[str]) -> Iterator[str]:
    """What became of the others, each in a sentence."""
    number = outcomes["REFUTED"]
    if number:
        yield f"{number} {'is' if number == 1 else 'are'} refuted: the figures say otherwise."
    number = outcomes["INCONCLUSIVE"]
    if number:
        yield f"For {number} this run cannot say; the card tells why, and what would settle it."
    number = outcomes["NOT HERE"]
    if number:
        yield f"{number} cannot be tested on this machine."
    number = outcomes["INVALID"]
    if number:
        yield f"{number} {'rests' if number == 1 else 'rest'} on trials that are not valid."
    if view.review.interrupted and view.review.verdicts:
        yield "The run was interrupted: what was not decided before has estimates, and no verdict."
    if view.review.added_afterwards:
        yield (
            "The claims were added afterwards: who wrote them could know the figures, so that "
            "they are findings to test in a new run, not predictions that held."
        )


def _facts(view: View) -> Iterator[tuple[str, str]]:
    run = view.review.run
    environment = run.environment
    cores = "" if run.cores is None else f", {counted(run.cores, 'core')}"
    if run.plan.made_as:
        yield "Made as", shown(run.plan.made_as)
    yield "Machine", f"{shown(short_processor(environment)) or 'not known'}{cores}"
    system = [f"Linux {shown(environment.kernel)}" if environment.kernel else ""]
    compiler = environment.compiler or {}
    system.append(" ".join(
        shown(str(compiler[name])) for name in ("id", "version") if name in compiler
    ))  # fmt: skip
    yield "System", ", ".join(filter(None, system)) or "not known"
    pythons = list(_pythons(view))
    if pythons:
        yield "Python", listed_with("and", pythons[:_MOST_NAMED])
    if view.cells:
        yield "Load", load_words([one.cell for one in view.cells])
    yield "Plan", _plan(view)
    yield "Time", _time(view)
    before = before_line(run.folder)
    if before:
        yield "Before", before


def _pythons(view: View) -> Iterator[str]:
    kept = view.review.run.environment.interpreters
    asked = ((one.cell.parameters.interpreter, one.cell.backend) for one in view.cells)
    if not any(one.look.shape == "python" for one in view.cells):
        return
    if any(one.cell.parameters.interpreter is None for one in view.cells):
        version = view.review.run.environment.python  # which runs them, where none is named
        if version:
            yield shown(version)
    for name in dict.fromkeys(interpreters_asked(kept, asked)):
        one = object_or_empty(kept.get(name)) if isinstance(name, str) else {}
        said = text_or_none(one.get("version"))
        if said is not None:
            yield f"{shown(said)}{'' if one.get('gil') else ' without a GIL'}"


def _plan(view: View) -> str:
    plan = view.review.run.experiment.plan
    blocks = plan.blocks
    number = f"{blocks.most} blocks" if blocks.fixed else f"{blocks.least} to {blocks.most} blocks"
    made = f", {view.blocks} made" if view.blocks != blocks.most else ""
    seed = f", shuffled (seed {plan.seed})" if plan.seed is not None else ", shuffled"
    return f"{counted(len(view.cells), 'cell')} × {number}{made}{seed}"


def _time(view: View) -> str:
    attempts = view.review.run.attempts
    whole = sum(one.times.wall_s for one in attempts)
    measured = sum(one.times.measured_s for one in attempts)
    if whole <= 0.0:
        return "not known"
    return f"{time_taken(whole)}, {100.0 * measured / whole:.0f} % of it measuring"
