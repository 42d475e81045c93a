# SPDX-License-Identifier: BSD-3-Clause
"""Which servers exist, on which Python, and whether they run here.

May know `experiment`, `server`, `machine` and `build`, and what these know.
"""

from fibench.backends import own_start
from fibench.backends.available import why_unavailable
from fibench.backends.catalogue import (
    Backend,
    CatalogueError,
    find_backend,
    known_backends,
    own_backend,
    read_catalogue,
    server_argv,
)
from fibench.backends.interpreters import (
    Interpreter,
    NotHere,
    find_interpreter,
    interpreter_records,
)
from fibench.backends.own_servers import own_environment, own_files, own_values

__all__ = [
    "Backend",
    "CatalogueError",
    "Interpreter",
    "NotHere",
    "find_backend",
    "find_interpreter",
    "interpreter_records",
    "known_backends",
    "own_backend",
    "own_environment",
    "own_files",
    "own_start",
    "own_values",
    "read_catalogue",
    "server_argv",
    "why_unavailable",
]
