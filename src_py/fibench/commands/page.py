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
from fibench.wording import escaped

if TYPE_CHECKING:
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
