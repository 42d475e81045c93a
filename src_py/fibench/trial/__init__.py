# SPDX-License-Identifier: BSD-3-Clause
"""One trial becomes one record: a fresh server, a check of its replies, a load, and its end.

May know `record`, `plan`, `backends`, `server` and `machine`, and what these know. A run is gone on
with only where all that this wing imports is as it was (run/_imports.py): what has no bearing on
numbers must not be imported here.
"""

from fibench.trial.serving import TrialContext, TrialFailed, pick_port, start_server
from fibench.trial.trial import run_trial, scratch_name

__all__ = [
    "TrialContext",
    "TrialFailed",
    "pick_port",
    "run_trial",
    "scratch_name",
    "start_server",
]
