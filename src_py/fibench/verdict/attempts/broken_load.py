# SPDX-License-Identifier: BSD-3-Clause
"""Trials whose load ended before their window, though their server was ready. Pure.

Nothing was measured, and it need not be the server's fault: so they are tried again. But how a
trial goes can be seen as soon as its server can be asked, and who kills the load of each that goes
badly would choose among trials, also where he asks the server himself before the load does. So such
an attempt counts as one that was measured again, with a figure that nobody knows (chosen.py); and a
trial of which no other attempt came to its window has failed.
"""

from __future__ import annotations

from collections.abc import Sequence

from fibench.record import Disturbed, Record, broke_off
from fibench.verdict.sample import told

KIND = "load"


def broken_load(record: Record) -> Disturbed:
    """What is said of such an attempt where others say what disturbed them."""
    return Disturbed(KIND, record.reason or "the load ended before the window")


def why_broken_off(tries: Sequence[Record]) -> str | None:
    """Why the first of these attempts at a trial broke off that did; None: none did."""
    reasons = (told(one.reason, one.hint) for one in tries if broke_off(one))
    return next(reasons, None)
