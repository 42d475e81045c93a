# SPDX-License-Identifier: BSD-3-Clause
"""Runs wherever they are: in a folder of their own, or in a page."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from fibench.folders import Places, from_here
from fibench.store import stored_run
from fibench.store.carrying.pages import is_page, unpacked
from fibench.store.stored_run import StoredRun, read_run


def open_run_or_page(name: str, places: Places) -> StoredRun:
    """Read a run, named as `resolve_run` has it, or by a page. Raises StoredError."""
    path = from_here(name)
    return read_page(path, places) if is_page(path) else stored_run.open_run(name, places)


def read_page(page: Path, places: Places) -> StoredRun:
    """Read the run that a page carries. Raises StoredError."""
    found = unpacked(page)
    run = read_run(found.folder, places)
    return replace(run, page=page, place=page.resolve(), altered=found.remarks)
