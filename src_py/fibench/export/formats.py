# SPDX-License-Identifier: BSD-3-Clause
"""The formats in which a run can be written, each by a module of its name, loaded when used."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fibench.verdict import Review

OF_LISTS = ("text", "md", "csv", "json")
"""Those of `compare` and `runs`."""
OF_RUNS = (*OF_LISTS, "html", "pyperf", "hlog")
"""Those of `report`: its text is shown by `report.terminal`, its page made by `page`, and each
other has a module here."""
PICTURES = ("svg", "png")
"""Those of the charts of a run, which `page` makes."""


class ExportError(Exception):
    """A run cannot be written in a format here; `hint` is one line of what to do."""

    def __init__(self, what: str, hint: str) -> None:
        super().__init__(what)
        self.hint = hint


def exported(review: Review, format_name: str) -> str:
    """The text of a run in one of OF_RUNS but "text" and "html", which others make.

    Raises ExportError, and StoredError for the run's files.
    """
    module = importlib.import_module(f"fibench.export.{format_name}")
    text: str = module.export(review)
    return text
