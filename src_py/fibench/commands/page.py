# SPDX-License-Identifier: BSD-3-Clause
"""A run's page: written into its folder when it ends, and made again for who asks for it."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from fibench import called, writing
from fibench.commands.refused import WRONG_INPUT, Refused
from fibench.folders import Places, from_here
from fibench.wording import escaped, suggestion

if TYPE_CHECKING:
    from fibench.page import Chart
    from fibench.verdict import Review

PAGE = "report.html"


def refuse_page_on_terminal(output: str, *, opened: bool) -> None:
    """Raise Refused where a page would be written on a terminal, which shows none."""
    if not output and not opened and sys.stdout.isatty():
        hint = "--open shows it in a browser, --output FILE keeps it"
        raise Refused("a page is not for a terminal", hint, WRONG_INPUT)


def page_text(judged: Review) -> str:
    """The page of a run. Raises StoredError."""
    from fibench.page import page_of

    return page_of(judged)


def own_place(judged: Review) -> str:
    """Where a run's own page is. Raises Refused for a run that was read from a page."""
    if judged.run.page is not None:
        hint = "say where the new page is to be: --output FILE"
        raise Refused("this run was read from a page", hint, WRONG_INPUT)
    return str(judged.run.folder / PAGE)


def picture_format(format_name: str, *, opened: bool) -> str:
    """The format of charts that is asked for: SVG, where none is. Raises Refused for another."""
    from fibench.export import PICTURES

    if opened:
        raise Refused("--open shows a page, and no chart", "give --output FILE", WRONG_INPUT)
    if format_name and format_name not in PICTURES:
        what = f"--chart asks for a picture, and --format {escaped(format_name[:40])} is none"
        raise Refused(what, f"give --format {' or '.join(PICTURES)}", WRONG_INPUT)
    return format_name or PICTURES[0]


def refuse_picture_on_terminal(output: str) -> None:
    """Raise Refused where a picture would be written on a terminal."""
    if not output and sys.stdout.isatty():
        raise Refused("a chart is not for a terminal", "--output FILE keeps it", WRONG_INPUT)


def charts_asked(judged: Review, name: str, output: str) -> list[Chart]:
    """The chart of a name; or without one all, which need a folder. Raises Refused, StoredError."""
    from fibench.page import charts_of

    every = {chart.name: chart for chart in charts_of(judged)}
    if not every:
        hint = f"see why: `{called.command('report')} {escaped(judged.run.name)}`"
        raise Refused("this run has no charts: nothing was measured", hint, WRONG_INPUT)
    if not name and not output:
        what = f"which chart? there are {', '.join(every)}"
        raise Refused(what, "--chart NAME, or --output FOLDER for all of them", WRONG_INPUT)
    if name and name not in every:
        what = f"--chart {escaped(name[:64])}: this run has no such chart"
        raise Refused(what, suggestion(name, list(every)), WRONG_INPUT)
    return [every[name]] if name else list(every.values())


def picture(chart: Chart, format_name: str) -> str | bytes:
    """A chart as a file. Raises ExportError."""
    from fibench.page import png

    return png(chart.svg()) if format_name == "png" else chart.svg()


def make_folder(path: Path) -> None:
    """The folder that charts are written to. Raises Refused."""
    try:
        path.mkdir(exist_ok=True)
    except OSError as error:
        what = f"--output {escaped(str(path))}: {writing.reason(error)}"
        raise Refused(
            what, "give a folder, or --chart NAME for one of them", WRONG_INPUT
        ) from error


def show(path: Path) -> None:
    """Open a page in the person's browser; says where it is, whether or not there is one."""
    import webbrowser

    print(f"page: {escaped(os.path.relpath(path, from_here('.')))}", flush=True)
    if not webbrowser.open(path.absolute().as_uri()):
        print("no browser could be started: open the page yourself", file=sys.stderr)


def keep_page(folder: Path, places: Places) -> Path | None:
    """Write the page of a run that has ended into its folder; None, and a line, where it cannot be.

    What a run has found is kept already, and its exit status is that: a page that cannot be written
    changes neither.
    """
    from fibench.store import StoredError, read_run
    from fibench.store.journal import sync_folder
    from fibench.verdict import review

    path = folder / PAGE
    try:
        text = page_text(review(read_run(folder, places)))
        writing.replace(path, text.encode("utf-8", "backslashreplace"), sync_folder)
    except (StoredError, OSError) as error:
        why = writing.reason(error) if isinstance(error, OSError) else str(error)
        again = called.command(f"report {folder.parent.name}/{folder.name} --format html --open")
        print(f"warning: no page was written: {escaped(why)}; try `{again}`", file=sys.stderr)
        return None
    return path
