# SPDX-License-Identifier: BSD-3-Clause
"""Stored runs that are judged again, as reports, exports and comparisons take them."""

from pathlib import Path
from typing import Any

from tests.runner.stored_runs import make_run, places_with

from fibench.store.stored_run import read_run
from fibench.verdict.reviewing import Review, review


def judged_run(folder: Path, **how: Any) -> Review:
    """A run made in a folder, as make_run makes it."""
    return review(read_run(make_run(folder, **how), places_with(folder)))


def judged(folder: Path) -> Review:
    """A run whose folder there is."""
    return review(read_run(folder, places_with(folder)))
