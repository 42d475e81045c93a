# SPDX-License-Identifier: BSD-3-Clause
"""Whether the machine is quiet: said before a run spends any time on it."""

from __future__ import annotations

import sys
from collections.abc import Iterator

from fibench.commands.doctor import GLANCE_S
from fibench.machine.busy import FOREIGN_CORES, FOREIGN_SHARE, cores_words, foreign_words
from fibench.machine.foreign import Glance, Glancing
from fibench.machine.quota import Limited, limited
from fibench.wording import escaped

STALE_S = 2.0
"""What was seen in a longer time, as of a build, says little of now."""


def say_who_is_busy(glancing: Glancing) -> None:
    """End a glance that was begun when the command was, and say on stderr what it has shown.

    Waits only if less than GLANCE_S have passed. A quiet machine is not worth a line.
    """
    if glancing.passed_s > STALE_S:
        glancing = Glancing(starts=True)
    for line in lines(glancing.end(GLANCE_S), limited()):
        print(f"warning: {escaped(line)}", file=sys.stderr)


def lines(glance: Glance, quotas: list[Limited]) -> Iterator[str]:
    """What a person should know before they wait for a run."""
    if glance.cores is not None and glance.cores > FOREIGN_CORES:
        said = foreign_words(glance.cores, glance.usable, glance.busy)
        if glance.cores > FOREIGN_SHARE * glance.usable:
            yield f"{said}; trials will be disturbed and verdicts INCONCLUSIVE: end them or wait"
        else:
            yield f"{said}; intervals will be widened for it"
    if quotas:
        yield (
            f"the cgroup has a CPU quota of {cores_words(quotas[0].cores)}: what has used it up "
            "stands still for tens of milliseconds, and tails are those of the quota"
        )
