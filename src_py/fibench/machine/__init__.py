# SPDX-License-Identifier: BSD-3-Clause
"""Facts of this machine, whatever runs on it: cores, processes, sockets, what disturbs, the lock.

May know the ground alone. It knows nothing of servers, experiments or runs; `doctor` judges facts
that it is given.
"""

from fibench.machine.busy import Busy
from fibench.machine.cores import cores_in_mask, physical_cores, read_line, usable_cores
from fibench.machine.doctor import Facts, Item
from fibench.machine.lock import LockError, measuring
from fibench.machine.ports import bind_once, free_port
from fibench.machine.processes import all_pids, descendants, read_proc

__all__ = [
    "Busy",
    "Facts",
    "Item",
    "LockError",
    "all_pids",
    "bind_once",
    "cores_in_mask",
    "descendants",
    "free_port",
    "measuring",
    "physical_cores",
    "read_line",
    "read_proc",
    "usable_cores",
]
