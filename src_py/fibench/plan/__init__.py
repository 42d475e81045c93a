# SPDX-License-Identifier: BSD-3-Clause
"""An experiment becomes trials in order, with ceilings, CPUs and advice. Pure.

May know `experiment`, and what that knows.
"""

from fibench.plan.advice import warnings
from fibench.plan.pinning import Pinning, check_cpus, choose
from fibench.plan.trials import (
    Role,
    Trial,
    ceiling_of,
    expected_seconds,
    plan,
    plan_json,
    schedule_seed,
)

__all__ = [
    "Pinning",
    "Role",
    "Trial",
    "ceiling_of",
    "check_cpus",
    "choose",
    "expected_seconds",
    "plan",
    "plan_json",
    "schedule_seed",
    "warnings",
]
