# SPDX-License-Identifier: BSD-3-Clause
"""What `interpreters` does: every Python that a file can name is listed, with what it is."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from typing import TYPE_CHECKING

from fibench.backends.found_interpreters import interpreters_here

if TYPE_CHECKING:
    from fibench.backends.found_interpreters import FoundInterpreter

_ADVICE = (
    "One without a GIL is brought by `uv python install 3.14t` or `pyenv install 3.14t`; then "
    "`--interpreter 3.14t` runs servers on it."
)


def interpreters(as_json: bool) -> int:
    """List what `interpreter = ...` would find here; each is started once."""
    rows = _rows(interpreters_here(os.environ))
    if as_json:
        print(json.dumps(rows, indent=2))
        return 0
    from fibench.report import render_interpreters

    render_interpreters(rows, _ADVICE)
    return 0


def _rows(found: Iterable[FoundInterpreter]) -> list[dict[str, object]]:
    """What `interpreters --json` prints: one object for each; null is what is not known."""
    rows: list[dict[str, object]] = []
    for one in found:
        known = one.interpreter
        rows.append(
            {
                "write": list(one.written),
                "path": one.path,
                "default": one.is_default,
                "available": known is not None,
                "reason": one.reason,
                "version": known and known.version,
                "implementation": known and known.implementation,
                "build": known and known.build,
                "gil": known and known.gil,
                "free_threaded": known and known.free_threaded,
                "subinterpreters": known and one.has_subinterpreters,
            }
        )
    return rows
