# SPDX-License-Identifier: BSD-3-Clause
"""One trial on one line, for a log and for the progress bar."""

import re
from collections.abc import Mapping

from fibench.metrics import METRICS, quantity
from fibench.plan.trials import SEARCH_BLOCK
from fibench.record import Record
from fibench.wording import shown

_HINT_INDENT = 8
_NUMBER = re.compile(r"[0-9]+")
_UNTIMED: Mapping[object, str] = {"syscalls": " (system calls)", "timeline": " (timeline)"}


def labelled_by_role(label: str, role: object) -> str:
    """A cell's label, and what a trial of it is for that is not timed."""
    return label + _UNTIMED.get(role, "")


def kind_of_hint(hint: str) -> str:
    """A hint without its numbers: ports and times vary, and what to do does not."""
    return _NUMBER.sub("#", hint)


def figures(record: Record) -> str:
    """The figures of one trial: `71.3/s, p50 24.9 ms`, or `98.0/s, saturated`, of which no latency
    is known; what there is not is left out."""
    throughput, p50_s = (record.metrics.get(name) for name in ("throughput_per_s", "p50_s"))
    known = []
    if throughput is not None:
        known.append(quantity(throughput, METRICS["throughput"].unit))
    if p50_s is not None:
        known.append(f"p50 {quantity(p50_s, METRICS['p50'].unit)}")
    if record.checks.saturated is not None:
        known.append("saturated")
    return ", ".join(known)


def block_name(block: int) -> str:
    """What a block is called: `block 1` is the first; before it, ceilings are measured."""
    if block == SEARCH_BLOCK:
        return "search"
    return f"block {block + 1}" if block >= 0 else "ceiling"


def place_of(index: int, total: int, block: int) -> str:
    """Where in a run a trial stands: `[ 12/120] block 2`; `index` and `block` count from 0."""
    return f"[{index + 1:>{len(str(total))}}/{total}] {block_name(block)}"


def failure(reason: str, stderr_path: str | None = None) -> str:
    """What is said of a trial that failed: why, and where the server's stderr is."""
    where = "" if stderr_path is None else f" (stderr: {shown(stderr_path)})"
    return f"FAILED: {shown(reason)}{where}"


def again(record: Record) -> str:
    """What is said of an attempt that is followed by another at once; not what it measured."""
    if record.disturbed is not None:
        return f"disturbed ({shown(record.disturbed.says)}): measured again"
    return f"could not start ({shown(record.reason or 'no reason given')}): tried again"


def still_disturbed(record: Record) -> str:
    """What stands behind the figures of an attempt that was disturbed and counts."""
    return "" if record.disturbed is None else f" (disturbed: {shown(record.disturbed.says)})"


def trial_line(place: str, label: str, said: str, hint: str = "", label_width: int = 0) -> str:
    """One plain line for a finished trial; a hint, what to do about a failure, is a second one."""
    line = f"{place}  {shown(label):<{label_width}}  {said}".rstrip()
    return f"{line}\n{' ' * _HINT_INDENT}{shown(hint)}" if hint else line
