# SPDX-License-Identifier: BSD-3-Clause
"""What a person asks for: each command returns an exit status, or raises Refused.

May know every wing but `develop`; the place of exit statuses (refused.py; that of who is
interrupted is made in interruption.py), and of what is printed on the way. A command is taken from
its own module: `invoke --list` pays for none.
"""

from fibench.commands.refused import (
    NOT_STARTED,
    REFUTED,
    TRIAL_FAILED,
    UNDECIDED,
    WRONG_INPUT,
    Refused,
    exit_code,
)

__all__ = [
    "NOT_STARTED",
    "REFUTED",
    "TRIAL_FAILED",
    "UNDECIDED",
    "WRONG_INPUT",
    "Refused",
    "exit_code",
]
