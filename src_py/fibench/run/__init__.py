# SPDX-License-Identifier: BSD-3-Clause
"""Plan × trial × store: a run is begun or gone on with, kept, and told of as events.

May know `trial` and `store`, and what these know; it knows no verdict, and prints nothing.
"""

from fibench.run._attempts import Attempts, NotQuietError, tails
from fibench.run._resume import Attempt, tries_again_later
from fibench.run.begin import gone_on_with
from fibench.run.blocks import AfterBlock, Walk
from fibench.run.events import (
    BlockEnded,
    Event,
    Listener,
    LoadEnded,
    LoadStarted,
    Notice,
    RatesFound,
    RunBegun,
    RunStarted,
    SearchStarted,
    StopRequested,
    TrialFinished,
    TrialMadeAgain,
    TrialStarted,
)
from fibench.run.loop import run_experiment
from fibench.run.request import Request

__all__ = [
    "AfterBlock",
    "Attempt",
    "Attempts",
    "BlockEnded",
    "Event",
    "Listener",
    "LoadEnded",
    "LoadStarted",
    "NotQuietError",
    "Notice",
    "RatesFound",
    "Request",
    "RunBegun",
    "RunStarted",
    "SearchStarted",
    "StopRequested",
    "TrialFinished",
    "TrialMadeAgain",
    "TrialStarted",
    "Walk",
    "gone_on_with",
    "run_experiment",
    "tails",
    "tries_again_later",
]
