# SPDX-License-Identifier: BSD-3-Clause
"""An experiment becomes trials in order, with ceilings, CPUs and advice. Pure.

May know `experiment`, and what that knows.
"""

from fibench.plan.advice import warnings
from fibench.plan.pinning import Pinning, check_cpus, choose
from fibench.plan.trials import (
    TWIN,
    Role,
    Trial,
    ceiling_of,
    cells_to_trace,
    cells_to_watch,
    expected_seconds,
    plan,
    plan_json,
    schedule_seed,
    stack_padding,
    trial_key,
    trials_of_block,
    twin_of,
    untimed_of_block,
)

__all__ = [
    "TWIN",
    "Pinning",
    "Role",
    "Trial",
    "ceiling_of",
    "cells_to_trace",
    "cells_to_watch",
    "check_cpus",
    "choose",
    "expected_seconds",
    "plan",
    "plan_json",
    "schedule_seed",
    "stack_padding",
    "trial_key",
    "trials_of_block",
    "twin_of",
    "untimed_of_block",
    "warnings",
]
