# SPDX-License-Identifier: BSD-3-Clause
"""Opening what a person or a folder from elsewhere names: whatever it is, nothing makes us wait."""

from __future__ import annotations

import os


def without_waiting(path: str, flags: int) -> int:
    """An opener for `open`: of a FIFO too, and no terminal becomes ours. Raises OSError."""
    return os.open(path, flags | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
