# SPDX-License-Identifier: BSD-3-Clause
"""A card for each claim, in the order of the file: what came out, in words and as a picture."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from markupsafe import Markup

from fibench.experiment import Belief, Claim
from fibench.metrics import cores_text
from fibench.page.claims.pictures import picture_of
from fibench.page.claims.sentences import sentence_from, sentence_of
from fibench.page.claims.telling import teller
from fibench.page.draw.palette import TONES, Tone
from fibench.page.view import View
from fibench.report.claims.expected import EXPECTED, by_bounds_words, expectations_of
from fibench.report.numbers import bounds_with_interval, percent, with_interval
from fibench.report.words import NOT_DECIDED, verdict_words
from fibench.verdict import CONFIDENCE, Verdict
from fibench.verdict.asymptotic.foretold import foretold
from fibench.verdict.explaining.by_block import BlockFigure, figures_by_block
from fibench.wording import prose, shown

_SAYS: Mapping[Belief, str] = {
    "holds": "CONFIRMED",
    "does not hold": "REFUTED",
    "too close": "INCONCLUSIVE",
}
"""The outcome that each button of "predict first" stands for."""
_MOST_ROWS = 200
"""Of a claim's table: more blocks are seen in its picture alone."""


@dataclass(frozen=True)
class BlockRow:
    """A block of a claim, as a row of a table."""

    block: str
    left: str
    right: str
    figure: str
    note: str


@dataclass(frozen=True)
class Card:
    """A claim and what came of it."""

    anchor: str
    id: str
    outcome: str
    tone: Tone
    says: str
    sentence: str
    figures: str
    """As the terminal has them."""
    big: str = ""
    interval: str = ""
    picture: Markup | None = None
    told: Sequence[str] = ()
    because: str = ""
    cause: str = ""
    """Whether the cause was seen that the file states, if it does."""
    line: int | None = None
    """Where it is written in the file."""
    rows: Sequence[BlockRow] = ()
    left: str = ""
    right: str = ""
    """What the columns of the rows are called."""
    method: str = ""
    widened: bool = False
    """Whether its interval is, for what others used."""
    has_left_out: bool = False
    has_bounds: bool = False
    """Of which blocks no more than bounds are known."""
    needs: Sequence[str] = ()
    """Of one that could not be tested here, what it asks for."""
    expected: str = ""
    """What was expected of it before the run, and what came; empty where nothing was."""
    by_bounds: str = ""
    """What the bounds of its cells alone would say, beside what was measured; empty: nothing."""
    believed: str = ""
    """What was expected, by itself…"""
    button: str = ""
    """…and the outcome that it stands for."""


def cards(view: View) -> list[Card]:
    """Those of the claims that were judged, decided or not, and of those that could not be."""
    review = view.review
    given = {verdict.claim.id: verdict for verdict in review.verdicts}
    found = []
    expected = expectations_of(review).every
    for place, claim in enumerate(review.run.experiment.claims):
        verdict, line = given.get(claim.id), view.source.line_of(claim)
        anchor = f"claim-{place + 1}"
        if verdict is None:
            found.append(_undecided(anchor, claim, line, interrupted=review.interrupted))
        else:
            found.append(_card(view, anchor, verdict, line))
        if (one := expected.get(claim.id)) is not None:
            found[-1] = replace(
                found[-1],
                expected=sentence_from(f"Predicted {one.words}"),
                believed=EXPECTED[one.belief],
                button=_SAYS[one.belief],
            )
    for place, dropped in enumerate(review.run.experiment.dropped_claims):
        found.append(
            Card(
                f"dropped-{place + 1}",
                shown(dropped.id),
                "NOT JUDGED",
                "off",
                prose(dropped.says),
                f"Not judged: {shown(dropped.reason)}.",
                "",
            )
        )
    return found


def _undecided(anchor: str, claim: Claim, line: int | None, *, interrupted: bool) -> Card:
    why = "the run was interrupted before it had a verdict" if interrupted else "it has no verdict"
    because = sentence_from(f"Expected because: {prose(claim.because)}" if claim.because else "")
    return Card(
        anchor, shown(claim.id), NOT_DECIDED.upper(), "off", prose(claim.says),
        f"Not decided: {why}.", "", because=because, line=line,
    )  # fmt: skip


def _card(view: View, anchor: str, verdict: Verdict, line: int | None) -> Card:
    claim, words = verdict.claim, verdict_words(verdict)
    blocks = figures_by_block(verdict, view.samples)
    big, interval = headline(verdict)
    sentence = sentence_of(verdict)
    said = "" if sentence else shown(verdict.reason or "")
    return Card(
        anchor=anchor,
        id=shown(claim.id),
        outcome=verdict.outcome,
        tone=TONES[verdict.outcome],
        says=prose(claim.says),
        sentence=sentence or sentence_from(said),
        figures=words.figures.replace("\N{NO-BREAK SPACE}", " "),
        big=big,
        interval=interval,
        picture=picture_of(view, verdict, blocks),
        told=[sentence_from(line) for line in words.told if line != said],
        because=sentence_from(words.because),
        cause=sentence_from(words.cause.replace("\N{NO-BREAK SPACE}", " ")),
        line=line,
        rows=list(_rows(verdict, blocks)),
        left=shown(claim.left.label),
        right=shown(claim.right.label) if claim.right is not None else "",
        method=_method(verdict),
        widened=verdict.estimate is not None and verdict.estimate.widened is not None,
        has_left_out=any(one.left_out for one in blocks),
        has_bounds=any(one.figure is None for one in blocks),
        needs=_needs(verdict),
        by_bounds=_by_bounds(view, verdict),
    )


def _by_bounds(view: View, verdict: Verdict) -> str:
    found = foretold(verdict.claim, view.review.findings.possible)
    if found is None or verdict.shown_estimate is None:
        return ""
    return sentence_from(f"By what is possible at most alone: {by_bounds_words(found)}")


def headline(verdict: Verdict) -> tuple[str, str]:
    """The figure in large type, and its interval: `×1.86`, `[1.74, 2.00]`."""
    say, found, count = teller(verdict), verdict.shown_estimate, verdict.count
    if count is not None and count.blocks:
        span = f"{count.least} to {count.most}"
        return span if count.least != count.most else f"{count.most}", "in each block"
    if found is None:
        return "", ""
    bounds = [one for one in (verdict.claim.low, verdict.claim.high) if one is not None]
    if found.mean is not None:
        said = with_interval(found, say.scale, say.sign, bounds)
    elif found.is_bound:
        said = bounds_with_interval(found, say.sign, say.unit)
    else:
        return "", ""
    big, bracket, ends = said.partition(" [")
    axis = f"{shown(verdict.claim.over or '')} = " if verdict.claim.kind == "crossover" else ""
    cores = " cores" if verdict.quantity == "cores" else ""
    return f"{axis}{big}{cores}", f"[{ends}" if bracket else ""


def _rows(verdict: Verdict, blocks: Sequence[BlockFigure]) -> Iterator[BlockRow]:
    claim, say = verdict.claim, teller(verdict)
    far = {one.block for one in verdict.far.blocks} if verdict.far else set()
    for one in blocks[:_MOST_ROWS]:
        notes = ["far from the others"] if one.block in far else []
        notes += [f"left out: {shown(one.left_out)}"] if one.left_out else []
        notes += [] if one.is_met else ["misses the bound"]
        right = say.side(one.right) if claim.right is not None else ""
        yield BlockRow(str(one.block), say.side(one.left), right, say.block(one), "; ".join(notes))
    if verdict.crossover is not None:
        for at in verdict.crossover.blocks:
            figure = say.figure(at.at) if at.at is not None else f"wins {at.wins}"
            yield BlockRow(str(at.block + 1), "", "", figure, "")


def _method(verdict: Verdict) -> str:
    """How the interval was made, in a sentence or two."""
    found = verdict.shown_estimate
    if found is None or found.low is None:
        return ""
    level = f"{100.0 * (1.0 - found.alpha):.4g} %"
    whole = f"so that those of all claims hold at once at {percent(CONFIDENCE)}"
    looked = ""
    if verdict.looks is not None:
        looked = (
            " The run was looked at after every block: this is a repeated interval, which holds "
            "at all looks together, and is wider than that of one look."
        )
    if verdict.claim.kind in ("crossover", "sustains"):
        return (
            f"The interval has every place at which it is not clear which side of its threshold "
            f"the figure is on, by Student's t over {found.blocks} blocks at {level}, "
            f"{whole}.{looked}"
        )
    if found.slices:
        return (
            f"The server was watched once, in a trial that is not timed: Student's t over "
            f"{found.slices} slices of that at {level}, {whole}. It is an interval for that server "
            "alone, not for further starts of it."
        )
    what = "of the ratio" if verdict.claim.right is not None else "of the figure"
    return (
        f"The logarithm {what}, block by block: its mean, and Student's t over {found.blocks} "
        f"blocks at {level}, {whole}.{looked}"
    )


def _needs(verdict: Verdict) -> list[str]:
    """What a claim asks for that not every machine has, where it could not be tested."""
    claim = verdict.claim
    if verdict.outcome != "NOT HERE":
        return []
    found = [cores_text(claim.needs_cpus)] if claim.needs_cpus > 1 else []
    found += [f"backend {shown(one)}" for one in claim.needs_backend]
    return [*found, *(f"interpreter {shown(one)}" for one in claim.needs_interpreter)]
