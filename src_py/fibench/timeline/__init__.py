# SPDX-License-Identifier: BSD-3-Clause
"""Where a server's thread-time goes: what each thread does or waits for, as the sampler saw it.

Pure: it opens nothing and starts nothing. May know the ground.
"""

from fibench.timeline.reckoning import thread_time
from fibench.timeline.recording import Recording, read_recording
from fibench.timeline.shares import COLUMNS, ROWS, ThreadTime
from fibench.timeline.shares import ThreadRow as Row
from fibench.timeline.states import LETTERS, NOT_THERE, STATES, State
from fibench.timeline.stored import read_thread_time

__all__ = [
    "COLUMNS",
    "LETTERS",
    "NOT_THERE",
    "ROWS",
    "STATES",
    "Recording",
    "Row",
    "State",
    "ThreadTime",
    "read_recording",
    "read_thread_time",
    "thread_time",
]
