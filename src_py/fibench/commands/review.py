# SPDX-License-Identifier: BSD-3-Clause
"""What `report`, `compare` and `grade` do.

Each returns the exit status, or raises Refused.
"""

from __future__ import annotations

import io
import os
import re
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from fibench.commands.listing.added import claims_of_file
from fibench.commands.listing.output import check_choice, emit, target_of
from fibench.commands.refused import REFUTED, UNDECIDED, WRONG_INPUT, Refused
from fibench.folders import find_places, from_here
from fibench.wording import escaped

if TYPE_CHECKING:
    from rich.console import Console

    from fibench.experiment import Claim
    from fibench.store import StoredRun
    from fibench.verdict import Comparison, Review

_FILE_WIDTH = 100
"""Columns of a text that goes to a file."""


def report(  # noqa: PLR0913 - each is an option that a person may give
    run: str,
    format_name: str,
    output: str,
    claims: str,
    *,
    replace: bool,
    opened: bool = False,
    allow: str = "",
) -> int:
    """Show a run again, or write it in another format; a page can be `opened` in a browser.

    Ends with 0 whatever the verdicts are; who says what to `allow` wants the status of `run`.
    """
    from fibench.commands import page
    from fibench.commands.graders import allowed, github
    from fibench.export import OF_RUNS, PICTURES, ExportError, exported
    from fibench.store import StoredError

    outcomes = allowed.allowed_outcomes(allow)
    format_name = format_name or ("html" if opened else "text")
    check_choice("format", format_name, (*OF_RUNS, *PICTURES))
    if opened and format_name != "html":
        raise Refused("--open shows a page", "leave --format out, or give html", WRONG_INPUT)
    if format_name == "html":
        page.refuse_page_on_terminal(output, opened=opened)
    target = target_of(output, replace=replace)
    judged = _judged(run, claims)
    if opened and target is None:
        target = Path(page.own_place(judged))
    try:
        _warn_of_marks(judged.run.name, judged.marks, told=_is_seen(format_name, target))
        if format_name == "text":
            text = _as_text(lambda console: _render(console, judged), to_file=target is not None)
        elif format_name == "html":
            text = page.page_text(judged)
        else:
            text = exported(judged, format_name)
    except StoredError as error:
        raise Refused(str(error), error.hint, WRONG_INPUT) from error
    except ExportError as error:
        raise Refused(str(error), error.hint) from error
    emit(text, target)
    if opened and target is not None:
        page.show(target)
    github.tell(judged, from_here(claims) if claims else None, outcomes)
    return allowed.status_of(judged, outcomes) if allow else 0


@dataclass(frozen=True)
class Pictures:
    """What is asked for of the charts of a run."""

    format_name: str
    chart: str
    """Empty: all of them."""
    opened: bool = False


def is_picture(format_name: str) -> bool:
    """Whether a format is one of charts."""
    from fibench.export import PICTURES

    return format_name in PICTURES


def charts(run: str, asked: Pictures, output: str, claims: str, *, replace: bool) -> int:
    """Write a chart of a run; or all of them, each as a file of its name in the folder `output`."""
    from fibench.commands import page
    from fibench.export import ExportError
    from fibench.store import StoredError

    format_name = page.picture_format(asked.format_name, opened=asked.opened)
    if asked.chart:
        page.refuse_picture_on_terminal(output)
    target = target_of(output, replace=replace) if asked.chart else None
    judged = _judged(run, claims)
    try:
        _warn_of_marks(judged.run.name, judged.marks, told=False)
        found = page.charts_asked(judged, asked.chart, output)
        if asked.chart:
            emit(page.picture(found[0], format_name), target)
            return 0
        names = [os.path.join(output, f"{each.name}.{format_name}") for each in found]
        targets = [target_of(name, replace=replace) for name in names]
        made = [page.picture(each, format_name) for each in found]
        page.make_folder(from_here(output))
        for each, path in zip(made, targets, strict=True):
            emit(each, path)
    except StoredError as error:
        raise Refused(str(error), error.hint, WRONG_INPUT) from error
    except ExportError as error:
        raise Refused(str(error), error.hint) from error
    return 0


def compare(
    first: str, second: str, format_name: str, output: str, *, replace: bool, allowed: str = ""
) -> int:
    """Show what differs between two sides, each a run or several with commas between them.

    With a share that is `allowed`, "5%", the exit status says whether anything is worse by more.
    """
    from fibench.export import OF_LISTS
    from fibench.export import comparison as formats
    from fibench.verdict import compare as compared
    from fibench.verdict import review

    check_choice("format", format_name, OF_LISTS)
    share = _share(allowed) if allowed else None
    target = target_of(output, replace=replace)
    sides = [[review(run) for run in _open_several(names)] for names in (first, second)]
    found = compared(*sides)
    for run in dict.fromkeys(run for side in found.runs for run in side):
        _warn_of_marks(run.name, run.marks, told=_is_seen(format_name, target))
    makers: dict[str, Callable[[], str]] = {
        "text": lambda: _as_text(
            lambda console: formats.print_text(console, found), to_file=target is not None
        ),
        "md": lambda: formats.markdown(found),
        "csv": lambda: formats.comma_separated(found),
        "json": lambda: formats.json_document(found),
    }
    emit(makers[format_name](), target)
    return 0 if share is None else _held_against(found, share)


def _share(text: str) -> float:
    """What --fail-above says, "5%", as a share. Raises Refused."""
    found = re.fullmatch(r"([0-9]{1,4}(?:\.[0-9]{1,4})?) ?%", text.strip(), re.ASCII)
    if found is None or float(found[1]) <= 0.0:
        what = f"--fail-above {escaped(text[:40])}: not a percentage above 0"
        raise Refused(what, "--fail-above 5%", WRONG_INPUT)
    return float(found[1]) / 100.0


def _held_against(comparison: Comparison, share: float) -> int:
    """Say what has become worse by more than a share; returns the exit status."""
    from fibench.export.comparison import ratio_text
    from fibench.report.numbers import percent
    from fibench.verdict.comparing.worse import worse_by
    from fibench.wording import counted

    found = worse_by(comparison.rows, share)
    for row in found.surely:
        said = f"worse by more than {percent(share)}: {row.cell} {row.metric} {ratio_text(row)}"
        print(escaped(said), file=sys.stderr)
    if found.perhaps:
        several = counted(len(found.perhaps), "ratio")
        said = (
            f"{several} may be worse by more than {percent(share)}, or not: more blocks would say"
        )
        print(said, file=sys.stderr)
    if found.surely:
        return REFUTED
    return 0 if found.known else UNDECIDED


def grade(lab: str, runs: Sequence[str], format_name: str, output: str, *, replace: bool) -> int:
    """Grade runs that were handed in by the claims of a file."""
    from fibench.commands.graders.grade import GRADE_FORMATS, grades_text

    check_choice("format", format_name, GRADE_FORMATS)
    target = target_of(output, replace=replace)
    emit(grades_text(lab, runs, format_name), target)
    return 0


def _open_several(names: str) -> list[StoredRun]:
    """The runs of a side: `gil~1,gil`. What is there under the whole text, commas and all, is one.

    Raises Refused.
    """
    asked = [names]
    if "," in names and not from_here(names).exists():
        asked = [name.strip() for name in names.split(",")]
    if "" in asked:
        what = f"{escaped(names[:64])}: a name is missing beside a comma"
        raise Refused(what, "give runs as A1,A2", WRONG_INPUT)
    found = [_open(name) for name in asked]
    places: dict[Path, str] = {}
    for name, run in zip(asked, found, strict=True):
        if run.place in places:
            what = f"{escaped(places[run.place])} and {escaped(name)} are one run"
            raise Refused(what, "give each run of a side once", WRONG_INPUT)
        places[run.place] = name
    return found


def _judged(run: str, claims: str) -> Review:
    """A run, judged by its own claims or by those of a file. Raises Refused."""
    from fibench.verdict import review

    stored = _open(run)
    return review(stored, _read_claims(claims, stored) if claims else None)


def _open(run: str) -> StoredRun:
    from fibench.store import StoredError, open_run_or_page

    try:
        stored = open_run_or_page(run, find_places())
    except StoredError as error:
        raise Refused(str(error), error.hint, WRONG_INPUT) from error
    _warn_of_other_files(run, stored)
    return stored


def _warn_of_other_files(asked: str, stored: StoredRun) -> None:
    """Say that a name alone could have meant another file's run."""
    from fibench.store.folder import other_sources
    from fibench.store.names import head_of

    if os.sep in asked.rstrip(os.sep):
        return  # a path, of a file or of a run
    others = other_sources(stored.folder)
    if others:
        own = head_of(stored.folder).source_path
        names = [_as_here(stored.folder.parents[2] / other) for other in others]
        said = f"this run is of {own}; others of that name are called {', '.join(names)}"
        print(f"warning: {escaped(f'{stored.name}: {said}')}", file=sys.stderr)


def _as_here(path: Path) -> str:
    """A file as the person can call it, which a bare name would not."""
    relative = os.path.relpath(path, from_here("."))
    return relative if os.sep in relative else os.path.join(os.curdir, relative)


def _read_claims(name: str, stored: StoredRun) -> Sequence[Claim]:
    """The claims of a file, for the cells of a run. Raises Refused with every fault at once."""
    from fibench.document import ExperimentError

    try:
        return claims_of_file(name, stored)
    except ExperimentError as error:
        raise Refused(str(error), status=WRONG_INPUT) from error


def _is_seen(format_name: str, target: Path | None) -> bool:
    """Whether who reads the warnings reads the text too, which has them: both on a terminal."""
    streams = (sys.stdout, sys.stderr)
    return format_name == "text" and target is None and all(each.isatty() for each in streams)


def _warn_of_marks(name: str, marks: Iterable[str], *, told: bool) -> None:
    """Say what is wrong with a stored run, whatever the format, and wherever the output goes:
    unless the text itself has `told` it to the same reader."""
    if told:
        return
    for mark in marks:
        print(f"warning: {escaped(f'{name}: {mark}')}", file=sys.stderr)


def _render(console: Console, review: Review) -> None:
    """The report, as after the run."""
    from fibench.report import Circumstances, render_results
    from fibench.report.lines import (
        age_line,
        before_line,
        build_line,
        machine_line_of,
        made_as_line,
        pinning_line,
    )

    run = review.run
    render_results(
        console,
        run.experiment,
        review.findings,
        Circumstances(
            os.path.relpath(run.shown_at, from_here(".")),
            interrupted=review.interrupted,
            machine_line=machine_line_of(run),
            pinning=pinning_line(run.plan.document),
            build_line=build_line(run.environment.fibench, run.environment.compiler),
            interpreters=run.environment.interpreters,
            added_afterwards=review.added_afterwards,
            marks=review.marks,
            made_as=made_as_line(run.folder),
            before=before_line(run.folder),
            age=age_line(run),
            beliefs=run.plan.beliefs,
        ),
    )


def _as_text(draw: Callable[[Console], None], *, to_file: bool) -> str:
    """What is drawn, as wide and as colourful as standard output, or plain for a file."""
    from rich.console import Console

    out = io.StringIO()
    if to_file:
        draw(Console(file=out, highlight=False, width=_FILE_WIDTH, color_system=None))
    else:
        real = Console(highlight=False)
        terminal = real.is_terminal
        draw(Console(file=out, highlight=False, width=real.width, force_terminal=terminal))
    return out.getvalue()
