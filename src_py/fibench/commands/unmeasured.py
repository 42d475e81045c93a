# SPDX-License-Identifier: BSD-3-Clause
"""What a file may say of servers of its own, and no trial does yet: `run` says so at once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from fibench.commands.refused import Refused
from fibench.document.own_servers import GRACE_S
from fibench.wording import listed_with

if TYPE_CHECKING:
    from fibench.experiment import Experiment, OwnBackend


def refuse_unmeasured(experiment: Experiment) -> None:
    """Raise Refused where an experiment needs what trials cannot do yet."""
    used = {cell.backend for cell in experiment.cells}
    found: dict[str, None] = {}
    for name, own in experiment.backends.items():
        if name in used:
            found |= dict.fromkeys(_of_server(own))
    if found:
        what = f"this version cannot measure {listed_with('and', list(found))} yet"
        raise Refused(what, "`plan` shows what would be measured")


def _of_server(own: OwnBackend) -> Iterator[str]:
    if own.env:
        yield "env"
    if own.files or "dir" in own.named:
        yield "files in {dir}"
    if own.ready_get is not None:
        yield "ready"
    if own.stop_signal != "SIGTERM" or own.grace_s != GRACE_S:
        yield "stop"
    if own.build:
        yield "build"
