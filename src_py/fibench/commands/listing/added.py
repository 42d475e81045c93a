# SPDX-License-Identifier: BSD-3-Clause
"""The claims of a file, by which runs are judged that were made for others."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from fibench.folders import from_here

if TYPE_CHECKING:
    from fibench.experiment import Claim
    from fibench.store import StoredRun


def claims_of_file(name: str, stored: StoredRun) -> Sequence[Claim]:
    """The claims of a file, for the cells of a run. Raises ExperimentError with every fault."""
    from fibench.document import brief_name
    from fibench.document.text import read
    from fibench.store.planned import claims_for

    path = from_here(name)
    shown = brief_name(path)
    share = stored.experiment.plan.tolerate_failures
    claims, _ = claims_for(read(path, shown), shown, stored.planned_cells, tolerates=share)
    return claims
