# SPDX-License-Identifier: BSD-3-Clause
"""Which runs a person asks for, and the runs that there are of these."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from fibench.commands.refused import NOT_STARTED, WRONG_INPUT, Refused
from fibench.folders import find_places, from_here
from fibench.report.runs import ClaimsOf, ListedRun, Wanted, listed_runs
from fibench.wording import counted, escaped, one_of, suggestion

_A_DAY = len("2026-11-23")


@dataclass(frozen=True)
class Narrowing:
    """The options that say which runs are meant, as they were typed; empty: not given."""

    experiment: str = ""
    machine: str = ""
    since: str = ""
    until: str = ""

    def read(self) -> Wanted:
        """What they say. Raises Refused."""
        since = _moment("since", self.since, is_last=False)
        until = _moment("until", self.until, is_last=True)
        if since and until and since > until:
            what = f"--since {escaped(self.since)} is after --until {escaped(self.until)}"
            raise Refused(what, "no run can be of that time: swap them", WRONG_INPUT)
        return Wanted(self.experiment, self.machine.strip(), since, until)


def _moment(option: str, text: str, *, is_last: bool) -> str:
    """A moment in UTC, to the minute, as rows have it; of a day its first minute, or its last."""
    if not text:
        return ""
    try:
        found = datetime.fromisoformat(text.strip())
        found = found if found.tzinfo is None else found.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        hint = "write it as 2026-11-23, or 2026-11-23T07:15, in UTC"
        what = f"--{option} {escaped(text[:40])}: no such day"
        raise Refused(what, hint, WRONG_INPUT) from error
    if is_last and len(text.strip()) <= _A_DAY:
        found = found.replace(hour=23, minute=59)
    return found.replace(tzinfo=None).isoformat(" ", "minutes")


def folder_of_runs(root: str) -> Path:
    """The folder that runs are looked for in. Raises Refused."""
    folder = from_here(root) if root else find_places().results
    if not folder.is_dir():
        hint = "give a folder of runs: --root DIR" if root else "run an experiment first"
        status = WRONG_INPUT if root else NOT_STARTED
        raise Refused(f"{escaped(str(folder))} is no folder", hint, status)
    return folder


def asked_runs(folder: Path, wanted: Wanted, added: ClaimsOf | None = None) -> list[ListedRun]:
    """The runs that are wanted, judged by their own claims or by those that are `added`. Raises
    Refused where none is, and there would be others."""
    of_experiment = listed_runs(folder, Wanted(wanted.experiment), added)
    if wanted.experiment and not of_experiment:
        there = sorted({one.head.experiment for one in listed_runs(folder, Wanted())})
        what = f"no run of {escaped(wanted.experiment[:64])} is in {escaped(str(folder))}"
        raise Refused(what, suggestion(wanted.experiment, there), WRONG_INPUT)
    found = [one for one in of_experiment if wanted.has(one.head)]
    if of_experiment and not found:
        _refuse_none(of_experiment, wanted)
    return found


def _refuse_none(there: Sequence[ListedRun], wanted: Wanted) -> None:
    """Say what there is instead. Raises Refused."""
    runs = counted(len(there), "run")
    if not any(replace(wanted, since="", until="").has(one.head) for one in there):
        machines = dict.fromkeys(one.head.machine_label for one in there)
        what = f"--machine {escaped(wanted.machine[:64])}: none of the {runs} is of such a machine"
        raise Refused(what, f"there are: {one_of(sorted(machines))}", WRONG_INPUT)
    times = sorted(one.head.when for one in there if one.head.when)
    what = f"none of the {runs} was made in that time"
    raise Refused(what, f"they were made from {times[0]} to {times[-1]}, UTC", WRONG_INPUT)
