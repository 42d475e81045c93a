# SPDX-License-Identifier: BSD-3-Clause
"""What a file may ask servers, and no trial does yet: `run` says so at once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from fibench.commands.refused import Refused
from fibench.wording import listed_with

if TYPE_CHECKING:
    from fibench.experiment import Experiment


def refuse_unmeasured(experiment: Experiment) -> None:
    """Raise Refused where an experiment needs what trials cannot do yet."""
    found = dict.fromkeys(_of_load(experiment))
    if found:
        what = f"this version cannot measure {listed_with('and', list(found))} yet"
        raise Refused(what, "`plan` shows what would be measured")


def _of_load(experiment: Experiment) -> Iterator[str]:
    if any(cell.asks for cell in experiment.cells):
        yield "[requests]"
    if any(cell.prepares for cell in experiment.cells):
        yield "[[prepare]]"
