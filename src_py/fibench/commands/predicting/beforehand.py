# SPDX-License-Identifier: BSD-3-Clause
"""What is asked before a run: of one that would begin now, and of claims that can be tested here.

While a person thinks nothing is held: neither the machine's lock nor that of the build folder. So
what can run here is looked for before the questions, and again when the run begins.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from fibench.commands.build import built_or_refused
from fibench.commands.predicting.asking import ask
from fibench.commands.refused import Refused
from fibench.experiment import Claim, Experiment, beliefs_json
from fibench.folders import Places
from fibench.json_values import Json
from fibench.machine import cores as machine
from fibench.wording import counted

if TYPE_CHECKING:
    from fibench.run import Request


def predicted(name: str, places: Places, request_of: Callable[[], Request]) -> Sequence[Json]:
    """What a person expects of a run called `name`, as its plan keeps it; nothing is asked of a run
    that is gone on with. Raises Refused."""
    from fibench.machine import LockError, measuring
    from fibench.run import gone_on_with
    from fibench.store import RunError

    try:
        with measuring(name), built_or_refused(places, name):
            request = request_of()
            begun = gone_on_with(request)
    except (RunError, LockError) as error:
        raise Refused(str(error), error.hint) from error
    if begun is not None:
        _say(_gone_on(begun))
        return ()
    claims = claims_here(request.experiment)
    left = len(request.experiment.claims) - len(claims)
    if left:
        which = "is not asked about, which" if left == 1 else "are not asked about, which"
        _say(f"{counted(left, 'claim')} {which} cannot be tested here")
    if not claims:
        _say("there is no claim to be asked about")
        return ()
    return beliefs_json(ask(claims))


def claims_here(experiment: Experiment) -> list[Claim]:
    """The claims that this machine can test, by the rule of their verdicts."""
    from fibench.verdict import Index, judge

    cores = machine.usable_cores()
    given = judge(experiment.claims, Index([]), cores, absent=experiment.absent)
    return [verdict.claim for verdict in given if verdict.outcome != "NOT HERE"]


def _gone_on(folder: Path) -> str:
    from fibench.store.kept import beliefs_in

    said = f"{folder.parent.name}/{folder.name} is gone on with, and nothing is asked: "
    if beliefs_in(folder).told:
        return f"{said}what you expected was kept when it began"
    return f"{said}it was begun without predictions; --fresh begins anew"


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
