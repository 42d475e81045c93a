# SPDX-License-Identifier: BSD-3-Clause
"""Figures for people: what the terminal shows of plans, runs and verdicts.

May know `verdict`, the events of `run`, `store` and `plan`, and what these know. rich is loaded
only when something is rendered.
"""

from fibench.report._listings import render_backends, render_interpreters, render_plan
from fibench.report._trial_line import (
    again,
    block_name,
    failure,
    figures,
    kind_of_hint,
    labelled_by_role,
    place_of,
    still_disturbed,
    trial_line,
)
from fibench.report.terminal import Circumstances, Overhead, render_results

__all__ = [
    "Circumstances",
    "Overhead",
    "again",
    "block_name",
    "failure",
    "figures",
    "kind_of_hint",
    "labelled_by_role",
    "place_of",
    "render_backends",
    "render_interpreters",
    "render_plan",
    "render_results",
    "still_disturbed",
    "trial_line",
]
