# SPDX-License-Identifier: BSD-3-Clause
"""What is on the disk: written durably, read as hostile.

May know `record` and `backends`, and what these know. Nothing that lies in a folder of results
is trusted, whoever wrote it.
"""

from fibench.store.carrying.opening import open_run_or_page
from fibench.store.files import StoredError
from fibench.store.folder import JOURNAL, RunError
from fibench.store.names import run_name
from fibench.store.stored_run import StoredRun, open_run, read_run

__all__ = [
    "JOURNAL",
    "RunError",
    "StoredError",
    "StoredRun",
    "open_run",
    "open_run_or_page",
    "read_run",
    "run_name",
]
