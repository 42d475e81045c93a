# SPDX-License-Identifier: BSD-3-Clause
"""What both applications answer, so that servers are compared and not handlers."""

import json
import os

WAIT_S = float(os.environ.get("WAIT_MS", "50")) / 1000
"""How long the other service takes that /wait and /block call."""


def page() -> bytes:
    """1 KiB of JSON, made anew for each request."""
    text = json.dumps({"user": "ada", "items": list(range(200))})
    return text.ljust(1024).encode()


def report() -> bytes:
    """Some milliseconds of Python, during which the thread holds the GIL."""
    total = sum(number * number % 7 for number in range(60_000))
    return json.dumps({"total": total}).encode()
