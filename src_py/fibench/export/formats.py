# SPDX-License-Identifier: BSD-3-Clause
"""The formats in which a run can be written, each by a module of its name, loaded when used."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fibench.verdict import Review

FORMATS = ("md", "csv", "json", "pyperf", "hlog")


class ExportError(Exception):
    """A run cannot be written in a format here; `hint` is one line of what to do."""

    def __init__(self, what: str, hint: str) -> None:
        super().__init__(what)
        self.hint = hint


def exported(review: Review, format_name: str) -> str:
    """The text of a run in one of FORMATS. Raises ExportError, and StoredError for its files."""
    module = importlib.import_module(f"fibench.export.{format_name}")
    text: str = module.export(review)
    return text
