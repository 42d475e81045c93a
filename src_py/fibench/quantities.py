# SPDX-License-Identifier: BSD-3-Clause
"""Numbers with units as text: "0.7s", "200ms", "30MiB", "500/s"."""

from __future__ import annotations

import re
from collections.abc import Mapping

TIME_UNITS: Mapping[str, float] = {
    "ns": 1e-9,
    "us": 1e-6,
    "µs": 1e-6,
    "μs": 1e-6,
    "ms": 1e-3,
    "s": 1.0,
    "min": 60.0,
    "h": 3600.0,
}
SIZE_UNITS: Mapping[str, float] = {
    "B": 1.0,
    "kB": 1e3,
    "MB": 1e6,
    "GB": 1e9,
    "KiB": 1024.0,
    "MiB": 1024.0**2,
    "GiB": 1024.0**3,
}
RATE_UNITS: Mapping[str, float] = {"/s": 1.0}

DURATION_PATTERN = r"^[0-9]+(\.[0-9]+)? ?(ns|us|µs|ms|s|min|h)$"
"""How a duration is written, for the JSON Schema."""

RATE_PATTERN = r"^[0-9]+(\.[0-9]+)? ?/s$"
"""How a rate is written, for the JSON Schema."""

_QUANTITY = re.compile(r"([0-9]{1,15}(?:\.[0-9]{1,15})?) ?([A-Za-zµμ/]+)", re.ASCII)


def parse_quantity(text: str, units: Mapping[str, float]) -> float | None:
    """The value in the base unit, or None when `text` is no number with one of the units."""
    match = _QUANTITY.fullmatch(text.strip(" "))
    if match is None or match[2] not in units:
        return None
    # Rounded, so that "200ms" and "0.2s" are equal.
    return round(float(match[1]) * units[match[2]], 15)


def format_duration(seconds: float) -> str:
    """A duration as an experiment file would write it."""
    if seconds == 0:
        return "0s"
    if seconds >= 120 and seconds % 60 == 0:
        return f"{seconds / 60:g}min"
    for unit, scale in (("s", 1), ("ms", 1000), ("us", 10**6)):
        if seconds * scale >= (0.1 if unit == "s" else 1):
            return f"{seconds * scale:.9g}{unit}"
    return f"{seconds * 10**9:.9g}ns"


def decimal(rate: float) -> str:
    """A rate as the shortest decimal number that means it: "500", "0.5"."""
    return repr(float(rate)).removesuffix(".0")
