# SPDX-License-Identifier: BSD-3-Clause
"""Can the run be trusted: what it checked of itself, and all that went wrong."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from markupsafe import Markup

from fibench.metrics import METRICS, exact, number
from fibench.page.claims.interval import Dot, IntervalPicture, interval_picture
from fibench.page.draw import labels, svg
from fibench.page.draw.labels import AxisLabel
from fibench.page.draw.palette import DANGER, TONE, Tone
from fibench.page.draw.scale import Axis
from fibench.page.sections.timeline import Timeline, timeline
from fibench.page.view import CellView, View
from fibench.plan import TWIN
from fibench.reading import without_waiting
from fibench.report.numbers import percent
from fibench.report.words import notes_of, twin_line
from fibench.store import StoredError
from fibench.store.files import inside
from fibench.verdict.twin import drift
from fibench.wording import counted, escaped, prose, shown

LIMIT = 0.8
"""From this share of its core on, the load generator is taken to be the limit."""
_WORTH_SAYING_S = 0.01
_MOST_FAILED = 40
_END_BYTES = 5_000
"""Of what a server wrote, so much of its beginning and of its end is shown."""


@dataclass(frozen=True)
class SelfCheck:
    """Something that the run looked at."""

    tone: Tone
    what: str
    detail: str


@dataclass(frozen=True)
class Share:
    """How much of its core the load generator used for a cell."""

    cell: CellView
    figure: str
    picture: Markup


@dataclass(frozen=True)
class Failed:
    """A trial that failed."""

    trial: str
    reason: str
    hint: str
    words: str
    """What its server wrote."""


@dataclass(frozen=True)
class Trust:
    """The section."""

    checks: Sequence[SelfCheck]
    notes: Sequence[str]
    timeline: Timeline | None
    twin: Markup | None
    twin_said: str
    shares: Sequence[Share]
    shares_axis: Markup
    failed: Sequence[Failed]
    more_failed: int


def trust(view: View) -> Trust:
    """What a run says of itself."""
    made, twin = timeline(view), view.review.findings.twin
    failures = view.review.failures
    failed = [
        Failed(shown(one.trial), prose(one.reason), prose(one.hint), _words(view, one.stderr))
        for one in failures[:_MOST_FAILED]
    ]
    return Trust(
        checks=[*_checks(view), *_far(made)],
        notes=[prose(note) for note in notes_of(view.review)],
        timeline=made,
        twin=_twin_picture(view),
        twin_said="" if twin is None else prose(twin_line(twin)),
        shares=list(_shares(view)),
        shares_axis=_shares_axis(),
        failed=failed,
        more_failed=max(0, len(failures) - _MOST_FAILED),
    )


def _checks(view: View) -> Iterator[SelfCheck]:
    yield _replies(view)
    yield _generator(view)
    yield from _twin(view)
    yield from _disturbed(view)
    yield from _steal(view)
    yield _steady(view)


def _replies(view: View) -> SelfCheck:
    failed = len(view.review.failures)
    replies = sum(one.counts.get("window_ok", 0) for one in view.measured)
    errors = sum(one.counts.get("errors", 0) for one in view.measured)
    if not failed and not errors:
        return SelfCheck(
            "ok", f"{replies:,} replies, every one compared", "No error, no trial failed."
        )
    what = f"{counted(failed, 'trial')} failed, {counted(errors, 'error')}"
    return SelfCheck("no", what, f"{replies:,} replies were right. What failed stays a result.")


def _generator(view: View) -> SelfCheck:
    bound = [one for one in view.measured if one.checks.generator_bound]
    shares = [s for one in view.measured if (s := one.checks.generator_share) is not None]
    if bound:
        what = f"The load generator was the limit in {counted(len(bound), 'trial')}"
        return SelfCheck("no", what, prose(bound[0].checks.generator_bound or ""))
    if not shares:
        return SelfCheck("maybe", "Whether the load generator was the limit is not known", "")
    detail = f"It used at most {percent(max(shares))} of its core; {percent(LIMIT)} is the limit."
    return SelfCheck("ok", "The load generator was not the limit", detail)


def _twin(view: View) -> Iterator[SelfCheck]:
    twin = view.review.findings.twin
    if twin is None:
        return
    low, high = twin.estimate.low, twin.estimate.high
    ends = f"[{number(low)}, {number(high)}]" if low is not None and high is not None else ""
    mean = f"×{number(twin.estimate.mean)} " if twin.estimate.mean is not None else ""
    detail = f"{shown(twin.label)}, {twin.metric}: {mean}{ends} (99 %)"
    if twin.differs:
        yield SelfCheck("no", "Measured twice, the same cell differs from itself", detail)
    else:
        yield SelfCheck("ok", "Measured twice, the same cell is itself", f"{detail}; ×1 is inside.")


def _disturbed(view: View) -> Iterator[SelfCheck]:
    made = view.review.findings.made_again
    lines = [prose(line) for line in made.lines()]
    if made.again or made.still or made.tried_again or made.broken_off:
        tone: Tone = "maybe" if made.still or made.accepted else "ok"
        what = "Some trials were disturbed" if made.still else "What was disturbed was made again"
        yield SelfCheck(tone, what, "; ".join(lines))
    else:
        yield SelfCheck("ok", "No trial was disturbed", "Nothing had to be measured again.")


def _steal(view: View) -> Iterator[SelfCheck]:
    known = [s for one in view.measured if (s := one.machine.get("steal_s")) is not None]
    if not known:
        return
    stolen, measured = sum(known), sum(one.times.measured_s for one in view.measured)
    detail = f"of {measured:.0f} s measured."
    if stolen < _WORTH_SAYING_S:
        yield SelfCheck("ok", "No CPU time was stolen by a host", detail)
    else:
        tone: Tone = "ok" if stolen < 0.01 * measured else "maybe"
        yield SelfCheck(tone, f"{stolen:.2f} s were stolen by the host", detail)


def _steady(view: View) -> SelfCheck:
    """By the rule that the notes have: twin.drift."""
    number_of = view.index.cell_count
    unsteady = [
        one.label
        for one in view.cells
        if drift(view.index, one.cell.key, one.cell.parameters, number_of) is not None
    ]
    if not unsteady:
        what = "First and second halves of the windows agree"
        return SelfCheck("ok", what, "No cell got slower or faster while it was measured.")
    what = f"{counted(len(unsteady), 'cell')} got slower or faster while measured"
    return SelfCheck("maybe", what, ", ".join(unsteady))


def _far(made: Timeline | None) -> Iterator[SelfCheck]:
    if made is None:
        return
    if made.far:
        what = f"{counted(len(made.far), 'trial')} more than 15 % from the median of the cell"
        detail = "; ".join(made.far[:3]) + (" …" if made.far[3:] else "") + ". All of them stay in."
        yield SelfCheck("maybe", what, detail)
    else:
        yield SelfCheck("ok", "No trial is far from its cell's median", "All are within 15 %.")


def _twin_picture(view: View) -> Markup | None:
    twin = view.review.findings.twin
    if twin is None or twin.estimate.mean is None:
        return None
    first = view.index.logs(twin.cell_key, twin.metric)
    second = view.index.logs(twin.cell_key + TWIN, twin.metric)
    dots = [
        Dot(f"block {block + 1}: ×{number(ratio)}", ratio)
        for block, log in second.items()
        if block in first and (ratio := math.exp(log - first[block]))
    ]
    tone: Tone = "no" if twin.differs else "ok"
    return interval_picture(
        IntervalPicture(
            tone=tone,
            say=lambda ratio: f"×{exact(ratio)}",
            label=prose(twin_line(twin)),
            mean=twin.estimate.mean,
            low=twin.estimate.low,
            high=twin.estimate.high,
            is_ratio=True,
            dots=dots,
            needed=f"{METRICS[twin.metric].heading}, the second ÷ the first",
        )
    )


def _shares(view: View) -> Iterator[Share]:
    scale = Axis(0.0, 1.0, first=0.3, last=99.0)
    drawn = False
    for one in view.drawn:
        known = [
            share
            for record in view.records_of(one.cell.key)
            if (share := record.checks.generator_share) is not None
        ]
        if known:
            places = [scale.at(at) for at in (0.0, 0.2, 0.4, 0.6)]
            grid = svg.grid(places, 24.0, "g-generator", is_first=not drawn)
            drawn = True
            picture = svg.canvas(24.0, grid, *_share_marks(max(known), scale))
            yield Share(one, percent(max(known)), picture)


def _share_marks(share: float, scale: Axis) -> Iterator[Markup]:
    limit = scale.at(LIMIT)
    yield svg.rect(limit, scale.at(1.0), 0.0, 24.0, fill=DANGER, class_="danger")
    yield svg.line(limit, limit, 0.0, 24.0, stroke=TONE["no"], stroke_width=1.4, class_="s-no")
    yield svg.rect(scale.at(0.0), scale.clipped(share), 7.0, 10.0, fill=TONE["off"],
                   class_="t-off")  # fmt: skip


def _shares_axis() -> Markup:
    scale = Axis(0.0, 1.0, first=0.3, last=99.0)
    wanted = [AxisLabel(scale.at(at), f"{100 * at:.0f} %") for at in (0.0, LIMIT, 0.4, 0.2, 0.6)]
    return svg.canvas(20.0, *labels.drawn(labels.kept(wanted, labels.IN_TABLE_PX), 14.0))


def _words(view: View, path: str) -> str:
    """The beginning and the end of what a server wrote, harmless."""
    if not path:
        return ""
    folder = view.review.run.folder
    data = b""
    with contextlib.suppress(OSError, ValueError, StoredError):
        found = inside(folder, str(Path(path).relative_to(folder)), optional=True)
        if found is not None:
            with open(found, "rb", opener=without_waiting) as stream:
                data = stream.read(1 << 20)
    if len(data) > 2 * _END_BYTES:
        left_out = f"\n… {len(data) - 2 * _END_BYTES:,} bytes are left out …\n".encode()
        data = data[:_END_BYTES] + left_out + data[-_END_BYTES:]
    lines = data.decode("utf-8", "replace").splitlines()
    return "\n".join(escaped(line.replace("\t", "    ")) for line in lines)
