# SPDX-License-Identifier: BSD-3-Clause
"""Where it is not known what others used, and a verdict stands all the same: it says so. Pure.

Some machines do not tell, as a container without /proc/stat, and to measure again would not help. A
verdict on what others can have moved rests on the machine having been quiet there, and nobody has
seen whether it was.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fibench.experiment import cells_of, unbounded_cells
from fibench.metrics import in_group
from fibench.verdict.foreign.widening import is_widened

if TYPE_CHECKING:
    from fibench.experiment import Claim
    from fibench.verdict.sample import Index


def unknown_beside(claim: Claim, samples: Index) -> str | None:
    """`foreign CPU was not known in 4 of 16 trials`, a clause; None: nothing has to be said.

    It counts the trials whose figures others can have moved and that nothing bears with. Where
    intervals are widened, a trial is borne with if what others used is known of any trial of its
    cell: it is taken to be as disturbed as the worst of them.
    """
    unbounded, metric = unbounded_cells(claim), in_group(claim.group, claim.metric)
    unknown = every = 0
    for key in dict.fromkeys(cell.key for cell in cells_of(claim)):
        trials = samples.valid(key).values()
        missing = sum(trial.foreign_cores is None for trial in trials)
        every += len(trials)
        if key in unbounded or (missing == len(trials) and is_widened(samples, key, metric)):
            unknown += missing
    if unknown == 0:
        return None
    where = "" if unknown == every else f" in {unknown} of {every} trials"
    return f"foreign CPU was not known{where}"
