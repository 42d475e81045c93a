# SPDX-License-Identifier: BSD-3-Clause
"""One trial becomes one record: a fresh server, a check of its replies, a load, and its end.

May know `record`, `plan`, `backends`, `server` and `machine`, and what these know. What a resumed
run depends on is the digest of all that this wing imports.
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
