# SPDX-License-Identifier: BSD-3-Clause
"""What `report`, `compare`, `runs` and `grade` do.

Each returns the exit status, or raises Refused.
"""

from __future__ import annotations

import contextlib
import io
import os
import stat
import sys
import tempfile
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from fibench.commands.refused import NOT_STARTED, WRONG_INPUT, Refused
from fibench.folders import find_places, from_here
from fibench.report.output import carried
from fibench.wording import escaped, suggestion

if TYPE_CHECKING:
    from rich.console import Console

    from fibench.experiment import Claim
    from fibench.store import StoredRun
    from fibench.verdict import Review

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
    from fibench.export import OF_RUNS, ExportError, exported
    from fibench.store import StoredError
    from fibench.verdict import review

    outcomes = allowed.allowed_outcomes(allow)
    format_name = format_name or ("html" if opened else "text")
    _check_choice("format", format_name, OF_RUNS)
    if opened and format_name != "html":
        raise Refused("--open shows a page", "leave --format out, or give html", WRONG_INPUT)
    if format_name == "html":
        page.refuse_page_on_terminal(output, opened=opened)
    target = _target(output, replace=replace)
    stored = _open(run)
    added = _read_claims(claims, stored) if claims else None
    judged = review(stored, added)
    if opened and target is None:
        target = Path(page.own_place(judged))
    try:
        _warn_of_marks(stored.name, judged.marks, told=_is_seen(format_name, target))
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
    _emit(text, target)
    if opened and target is not None:
        page.show(target)
    github.tell(judged, from_here(claims) if claims else None, outcomes)
    return allowed.status_of(judged, outcomes) if allow else 0


def compare(first: str, second: str, format_name: str, output: str, *, replace: bool) -> int:
    """Show what differs between two sides, each a run or several with commas between them."""
    from fibench.export import OF_LISTS
    from fibench.export import comparison as formats
    from fibench.verdict import compare as compared
    from fibench.verdict import review

    _check_choice("format", format_name, OF_LISTS)
    target = _target(output, replace=replace)
    sides = [[review(run) for run in _open_several(names)] for names in (first, second)]
    found = compared(*sides)
    for run in (run for side in found.runs for run in side):
        _warn_of_marks(run.name, run.marks, told=_is_seen(format_name, target))
    makers: dict[str, Callable[[], str]] = {
        "text": lambda: _as_text(
            lambda console: formats.print_text(console, found), to_file=target is not None
        ),
        "md": lambda: formats.markdown(found),
        "csv": lambda: formats.comma_separated(found),
        "json": lambda: formats.json_document(found),
    }
    _emit(makers[format_name](), target)
    return 0


def grade(lab: str, runs: Sequence[str], format_name: str, output: str, *, replace: bool) -> int:
    """Grade runs that were handed in by the claims of a file."""
    from fibench.commands.graders.grade import GRADE_FORMATS, grades_text

    _check_choice("format", format_name, GRADE_FORMATS)
    target = _target(output, replace=replace)
    _emit(grades_text(lab, runs, format_name), target)
    return 0


def runs(root: str, format_name: str, experiment: str, output: str, *, replace: bool) -> int:
    """List the runs below a folder, a row for each run and claim."""
    from fibench.export import OF_LISTS
    from fibench.export import listing as formats
    from fibench.report import runs as listing

    _check_choice("format", format_name, OF_LISTS)
    target = _target(output, replace=replace)
    folder = from_here(root) if root else find_places().results
    if not folder.is_dir():
        hint = "give a folder of runs: --root DIR" if root else "run an experiment first"
        status = WRONG_INPUT if root else NOT_STARTED
        raise Refused(f"{escaped(str(folder))} is no folder", hint, status)
    found = listing.rows(folder, experiment)
    if experiment and not found:
        there = sorted({row.experiment for row in listing.rows(folder)})
        what = f"no run of {escaped(experiment[:64])} is in {escaped(str(folder))}"
        raise Refused(what, suggestion(experiment, there), WRONG_INPUT)
    _emit(formats.FORMATS[format_name](found), target)
    return 0


def _check_choice(option: str, text: str, choices: Sequence[str]) -> None:
    if text not in choices:
        what = f"--{option} {escaped(text[:40])}: no such {option}"
        raise Refused(what, suggestion(text, choices), WRONG_INPUT)


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
    from fibench.document import ExperimentError, brief_name
    from fibench.document.text import read
    from fibench.store.planned import claims_for

    path = from_here(name)
    try:
        shown = brief_name(path)
        claims, _ = claims_for(
            read(path, shown),
            shown,
            stored.planned_cells,
            tolerates=stored.experiment.plan.tolerate_failures,
        )
    except ExperimentError as error:
        raise Refused(str(error), status=WRONG_INPUT) from error
    return claims


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
            before=before_line(run.folder),
            age=age_line(run),
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


def _target(output: str, *, replace: bool) -> Path | None:
    """Where the text goes; None: standard output. A file that is there is kept, unless `replace`.

    Raises Refused.
    """
    if not output:
        return None
    path = from_here(output)
    if path.is_dir():
        raise Refused(f"--output {escaped(output)}: is a folder", "name a file", WRONG_INPUT)
    if path.is_file() and not replace:
        hint = "give another name, or --replace"
        raise Refused(f"--output {escaped(output)}: the file exists", hint, WRONG_INPUT)
    return path


def _emit(text: str, target: Path | None) -> None:
    """Write a whole text, or say in one line why not. Raises Refused."""
    if target is not None:
        _write_file(target, text.encode("utf-8", "backslashreplace"))
        return
    sys.stdout.flush()
    data = carried(text, sys.stdout.encoding or "utf-8").encode(sys.stdout.encoding or "utf-8")
    try:
        # Past Python's buffer, which would complain a second time when the program ends.
        view = memoryview(data)
        while view:
            view = view[os.write(sys.stdout.fileno(), view) :]
    except BrokenPipeError as error:
        raise Refused("the output's reader has gone before the end") from error
    except OSError as error:
        raise Refused(f"cannot write the output: {error.strerror}", "free some space") from error


def _write_file(path: Path, data: bytes) -> None:
    """Write a file whole or not at all; a device or a pipe is written as it is. Raises Refused."""
    name = escaped(str(path))
    try:
        if path.exists() and not stat.S_ISREG(path.stat().st_mode):
            with open(path, "wb", buffering=0) as stream:
                stream.write(data)
            return
        descriptor, scratch = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name[:64]}.")
        try:
            with open(descriptor, "wb") as stream:
                stream.write(data)
            os.chmod(scratch, 0o666 & ~_umask())
            os.replace(scratch, path.resolve())
        except OSError:
            with contextlib.suppress(OSError):
                os.unlink(scratch)
            raise
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise Refused(f"cannot write {name}: {reason}", "give another --output") from error


def _umask() -> int:
    """The process's umask, which can only be read by setting it (umask(2))."""
    mask = os.umask(0o077)
    os.umask(mask)
    return mask
