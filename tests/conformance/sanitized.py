# SPDX-License-Identifier: BSD-3-Clause
"""Programs built with a sanitizer: which are looked at, and what it has to say about them.

`invoke test --sanitize KINDS` sets FIBENCH_SANITIZED to what they were built with.
"""

import os
from pathlib import Path

from tests.here import leave_out

KINDS = frozenset(filter(None, os.environ.get("FIBENCH_SANITIZED", "").split(",")))
REPORT = "report"
# Each process writes its own report, also at its exit: LOG_PATH.PID.
_OPTIONS = {
    # What makes calls fail is preloaded, and so stands before its own library.
    "ASAN_OPTIONS": "detect_leaks=1:detect_stack_use_after_return=1:verify_asan_link_order=0",
    "LSAN_OPTIONS": "report_objects=1",
    "UBSAN_OPTIONS": "print_stacktrace=1",
    # It does not know pthread_clockjoin_np(3), and takes what that has joined for leaked.
    "TSAN_OPTIONS": "second_deadlock_stack=1:report_thread_leaks=0",
}


def environment(folder: Path | None) -> dict[str, str]:
    """What tells a sanitized program to leave its reports in a folder; else they go to stderr."""
    if not KINDS:
        return {}
    where = f":log_path={folder / REPORT}" if folder is not None else ""
    return {name: options + where for name, options in _OPTIONS.items()}


def reports(folder: Path) -> str:
    """All that sanitizers have reported; "" if there is nothing."""
    return "\n".join(path.read_text(errors="replace") for path in sorted(folder.glob("*")))


def skip_what_counts_memory() -> None:
    """Skip what holds a server to a size in memory."""
    if KINDS:
        leave_out(f"built with {', '.join(sorted(KINDS))}, which takes memory of its own")


def skip_signals_while_computing() -> None:
    """Skip what interrupts a computation."""
    if "thread" in KINDS:
        leave_out("ThreadSanitizer holds a signal back until the next system call")
