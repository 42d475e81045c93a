# SPDX-License-Identifier: BSD-3-Clause
"""Sets of CPUs as text, in the kernel's list format: "0,2-3". Source: cpuset(7), "List format"."""

from __future__ import annotations

import re
from collections.abc import Iterable

LARGEST_CPU = 4095
ALL = "all"
"""Every CPU that fibench itself may use."""

CPUS_PATTERN = r"^(all|[0-9]{1,4}(-[0-9]{1,4})?( ?, ?[0-9]{1,4}(-[0-9]{1,4})?)*)$"
"""How a set of CPUs is written, for the JSON Schema."""

_RANGE = re.compile(r"([0-9]{1,9})(?:-([0-9]{1,9}))?", re.ASCII)
_LONGEST = 2000


class CpuListError(ValueError):
    """A text that is no set of CPUs; the message follows the text."""


def parse_cpus(text: str) -> list[int]:
    """The CPUs that "0,2-3" names, in order, each once. Raises CpuListError."""
    if len(text) > _LONGEST:
        raise CpuListError("is too long")
    found: set[int] = set()
    for part in text.split(","):
        match = _RANGE.fullmatch(part.strip(" "))
        if match is None:
            raise CpuListError("is no set of CPUs")
        first = int(match[1])
        last = int(match[2]) if match[2] else first
        if last < first:
            raise CpuListError(f"has a range that ends before it begins: {part.strip()}")
        if last > LARGEST_CPU:
            raise CpuListError(f"has a CPU outside 0 to {LARGEST_CPU}")
        found |= set(range(first, last + 1))
    return sorted(found)


def written_cpus(cpus: Iterable[int]) -> str:
    """CPUs in the shortest form: "0,2-3"."""
    runs: list[list[int]] = []
    for cpu in sorted(set(cpus)):
        if runs and cpu == runs[-1][-1] + 1:
            runs[-1] = [runs[-1][0], cpu]
        else:
            runs.append([cpu])
    return ",".join("-".join(map(str, run)) for run in runs)


def normalised_cpus(text: str) -> str:
    """A set of CPUs, or "all", in the shortest form. Raises CpuListError."""
    text = text.strip(" ")
    return ALL if text == ALL else written_cpus(parse_cpus(text))
