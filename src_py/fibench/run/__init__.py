# SPDX-License-Identifier: BSD-3-Clause
"""Plan × trial × store: a run is begun or gone on with, kept, and told of as events.

May know `trial` and `store`, and what these know; it knows no verdict, and prints nothing.
"""

from fibench.run.blocks import AfterBlock
from fibench.run.events import (
    BlockEnded,
    Event,
    Listener,
    Notice,
    RunStarted,
    StopRequested,
    TrialFinished,
    TrialMadeAgain,
    TrialStarted,
)
from fibench.run.loop import run_experiment
from fibench.run.request import Request

__all__ = [
    "AfterBlock",
    "BlockEnded",
    "Event",
    "Listener",
    "Notice",
    "Request",
    "RunStarted",
    "StopRequested",
    "TrialFinished",
    "TrialMadeAgain",
    "TrialStarted",
    "run_experiment",
]
