# SPDX-License-Identifier: BSD-3-Clause
"""Figures for programs: a run in their formats. Each module makes a whole text; none writes it.

May know `report`, `verdict` and `store`, and what these know. Everything that comes from outside is
escaped as its format needs. Modules are loaded when used.
"""

from fibench.export.formats import OF_LISTS, OF_RUNS, PICTURES, ExportError, exported

__all__ = ["OF_LISTS", "OF_RUNS", "PICTURES", "ExportError", "exported"]
