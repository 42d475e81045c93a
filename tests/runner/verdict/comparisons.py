# SPDX-License-Identifier: BSD-3-Clause
"""Comparisons of stored runs as a person reads them."""

import io

from rich.console import Console

from fibench.export import comparison as formats
from fibench.verdict.comparing.comparison import Comparison


def as_text(comparison: Comparison) -> str:
    out = io.StringIO()
    formats.print_text(Console(file=out, width=110, color_system=None), comparison)
    return out.getvalue()
