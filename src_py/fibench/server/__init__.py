# SPDX-License-Identifier: BSD-3-Clause
"""A process tree under measurement: started, read, and certainly ended.

May know `machine`, and the ground; it knows no experiment. Whatever happens to this process,
`supervise` ends what was started.
"""

from fibench.server.leftovers import end_leftovers
from fibench.server.running import RunningServer
from fibench.server.starting import (
    Ending,
    PortNames,
    ServerCommand,
    StartError,
    check_port_free,
    clean_environment,
)
from fibench.server.supervision import Supervised, launch

__all__ = [
    "Ending",
    "PortNames",
    "RunningServer",
    "ServerCommand",
    "StartError",
    "Supervised",
    "check_port_free",
    "clean_environment",
    "end_leftovers",
    "launch",
]
