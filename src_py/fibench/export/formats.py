# SPDX-License-Identifier: BSD-3-Clause
"""The formats in which a run can be written, each by a module of its name, loaded when used."""

from __future__ import annotations

import importlib
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fibench.verdict import Review

OF_LISTS = ("text", "md", "csv", "json")
"""Those of `compare` and `runs`."""
OF_RUNS = (*OF_LISTS, "html", "pyperf", "hlog", "junit", "bmf", "trace")
"""Those of `report`: its text is shown by `report.terminal`, its page made by `page`, and each
other has a module here."""
PICTURES = ("svg", "png")
"""Those of the charts of a run, which `page` makes."""
_FOLDERS = {"junit": "graders.junit", "bmf": "graders.bmf"}
"""The modules of those that have one in a folder."""


class ExportError(Exception):
    """A run cannot be written in a format here; `hint` is one line of what to do."""

    def __init__(self, what: str, hint: str) -> None:
        super().__init__(what)
        self.hint = hint


def exported(review: Review, format_name: str) -> str:
    """The text of a run in one of OF_RUNS but "text" and "html", which others make.

    Raises ExportError, and StoredError for the run's files.
    """
    text: str = maker_of(format_name).export(review)
    return text


def maker_of(format_name: str) -> ModuleType:
    """The module that makes a format."""
    return importlib.import_module(f"fibench.export.{_FOLDERS.get(format_name, format_name)}")
