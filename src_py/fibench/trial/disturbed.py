# SPDX-License-Identifier: BSD-3-Clause
"""Was the machine somebody else's during a trial? Rules that are fixed before any trial. Pure.

Judged by evidence from inside of the window alone, and never by what the trial is to find out: to
measure again what came out slow would be to choose the outcome.
"""

from collections.abc import Sequence

from fibench.record import Disturbed, Record

STEAL_SHARE = 0.01
"""Above this share of the time the hypervisor gave a core to others…"""
STEAL_LEAST_S = 0.03
"""…and at least for three ticks of 10 ms, in which the kernel counts it."""


def disturbed(record: Record, history: Sequence[Record], tail: bool) -> Disturbed | None:
    """What shows that a trial was disturbed; None: nothing does.

    `history` are the undisturbed valid trials of the same cell before it, in the order of time.
    `tail`: a claim is about a percentile above the median, or a maximum, of its cell.
    """
    steal_s, wall_s = record.machine.get("steal_s"), record.times.wall_s
    if steal_s is not None and steal_s >= STEAL_LEAST_S and steal_s > STEAL_SHARE * wall_s:
        return Disturbed("steal", f"the hypervisor gave {steal_s:.2f} s of it to others")
    return None
