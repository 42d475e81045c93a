# SPDX-License-Identifier: BSD-3-Clause
"""Which CPUs servers and load run on."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Pinning:
    """The CPUs of servers and of the load, as "0,2-3"; None: all that this process may use."""

    server: str | None
    load: str | None
    why: str
    """The reason, in words."""
