# SPDX-License-Identifier: BSD-3-Clause
"""From the documents of a load to the figures of a trial, and whether it is valid."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fibench.backends import Backend
from fibench.backends.catalogue import connection_cap
from fibench.metrics import LATENCIES
from fibench.parameters import Parameters
from fibench.trial import load
from fibench.trial._gates import UNKNOWN

_NS = 1e-9


@dataclass
class Measured:
    """What is known of a trial so far; each field is a member of its record."""

    port: int | None = None
    reason: str | None = None
    hint: str = ""
    """What to do about it, if that is known."""
    metrics: dict[str, float | None] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    groups: dict[str, Any] = field(default_factory=dict)
    checks: dict[str, Any] = field(default_factory=lambda: dict(UNKNOWN))
    halves: list[int] | None = None
    server: dict[str, Any] = field(default_factory=dict)
    generator: dict[str, Any] = field(default_factory=dict)
    machine: dict[str, Any] = field(default_factory=dict)
    syscalls: dict[str, Any] | None = None
    """Only in a trial that counts system calls."""
    document: Mapping[str, Any] | None = None
    """fibload's whole answer; not in the record, but in load.json."""
    checked: int = 0
    """Right replies to the check before the load."""
    measured_s: float = 0.0
    """Warm-up and window: what is not overhead."""


def take_course(
    ending: load.LoadEnding, parameters: Parameters, folder: Path, measured: Measured
) -> None:
    """What can be known of client_bench.sh: its wall time, and how many clients were answered."""
    asked = parameters.clients
    right = load.count_course_replies(folder, parameters.n)
    measured.counts = {"ok": right, "window_ok": right, "started": asked}
    measured.metrics = {"wall_s": ending.wall_s, "throughput_per_s": right / ending.wall_s}
    measured.measured_s = ending.wall_s
    if ending.status != 0 or right != asked:
        measured.reason = f"{right} of {asked} clients of client_bench.sh got the right number"


def take_fibload(
    document: Mapping[str, Any],
    ending: load.LoadEnding,
    backend: Backend,
    parameters: Parameters,
    measured: Measured,
) -> None:
    """Counts, rates and latencies of fibload's answer, and what is wrong with the trial, if any."""
    window, generator = document["window"], document["generator"]
    measured.document = document
    measured.counts = {
        **document["counts"],
        "window_ok": window["ok"],
        "cut_short": document["cut_short"],
        "surplus_bytes": document["surplus_bytes"],
        "clients_answered": document["clients"]["answered"],
        "refused_by_cap": refused_by_cap(document),
        "errors": _errors(document),
    }
    measured.halves = list(window["half_ok"])
    measured.measured_s = (parameters.warmup or 0.0) + window["duration_ns"] * _NS
    measured.generator = {
        "cpu_s": (generator["cpu_user_ns"] + generator["cpu_system_ns"]) * _NS,
        "cpu_user_s": generator["cpu_user_ns"] * _NS,
        "cpu_system_s": generator["cpu_system_ns"] * _NS,
        "rss_peak_bytes": generator["rss_peak_bytes"],
        "switches_voluntary": generator["switches_voluntary"],
        "switches_involuntary": generator["switches_involuntary"],
        "wall_s": generator["wall_ns"] * _NS,
        "threads": generator["threads"],
        "clock": document["latency"]["clock"],
        "retransmits": document["retransmits"],
    }
    measured.metrics = {"wall_s": window["duration_ns"] * _NS, **_rate_and_latencies(document)}
    if parameters.groups:
        measured.groups = {group["name"]: _group(group) for group in document["groups"]}
        measured.counts["lost"] = sum(g["counts"]["lost"] for g in measured.groups.values())
    measured.reason = judge(document, ending, backend, parameters)


def _rate_and_latencies(part: Mapping[str, Any]) -> dict[str, float | None]:
    """Metrics of the whole answer, or of a group in it. What no reply tells is None."""
    latency, answered = part["latency"], part["window"]["ok"] > 0
    figures: dict[str, float | None] = {"throughput_per_s": part["window"]["throughput_per_s"]}
    for name in LATENCIES:
        # In an open loop, a percentile that unfinished requests hide is null.
        value_ns = latency[f"{name}_ns"] if answered else None
        figures[f"{name}_s"] = None if value_ns is None else value_ns * _NS
    return figures


def _group(group: Mapping[str, Any]) -> dict[str, Any]:
    if group["idle"]:
        return {"metrics": {}, "counts": {"lost": group["lost"]}}
    return {
        "metrics": _rate_and_latencies(group),
        "lag_p99_s": _lag_p99_s(group),
        "counts": {
            "window_ok": group["window"]["ok"],
            "refused_by_cap": refused_by_cap(group),
            "errors": _errors(group),
            "unfinished": group["counts"]["unfinished"],
            "lost": group["lost"],
        },
    }


def _lag_p99_s(group: Mapping[str, Any]) -> float | None:
    """The generator's own lag behind the schedule of a group; None where it has none."""
    lag_ns = group["open_loop"]["lag"]["p99_ns"] if group["open_loop"] else None
    return None if lag_ns is None else float(lag_ns * _NS)


def refused_by_cap(part: Mapping[str, Any]) -> int:
    """Requests refused, closed or reset before any byte of a reply."""
    counts = part["counts"]
    return int(counts["refused"] + counts["closed"] + counts["reset"] - part["cut_short"])


def queue_hint(document: Mapping[str, Any], backlog: int | None) -> str:
    """What to do about requests that a full listen queue kept waiting; empty if none was.

    `backlog` is the length of the server's, None where it is not known.
    """
    waited = document["counts"]["timeout"] and document["retransmits"]
    if not (waited and document.get("listen_overflows")):
        return ""
    length = "" if backlog is None else f" (backlog {backlog})"
    return (
        f"the server's listen queue{length} is too short for so many clients, or it accepts too "
        "seldom: who finds it full tries again after 1, 3, 7 and more seconds"
    )


def _errors(part: Mapping[str, Any]) -> int:
    counts = part["counts"]
    return int(counts["wrong"] + counts["timeout"] + counts["local"] + part["cut_short"])


def judge(
    document: Mapping[str, Any],
    ending: load.LoadEnding,
    backend: Backend,
    parameters: Parameters,
) -> str | None:
    """Why a trial is not valid, or None. Refusals that the design declares are outcomes."""
    if not document["valid"]:
        return "; ".join(document["invalid"]) or "fibload calls the trial invalid"
    if ending.status != 0:
        return f"fibload ended with status {ending.status}"
    idle = sum(group.clients for group in parameters.groups if group.idle)
    clients, cap = parameters.clients + idle, connection_cap(backend, parameters)
    if clients > cap:
        return None
    within = f"though {clients} clients are within the server's cap of {cap}"
    refused = refused_by_cap(document)
    if refused > 0:
        return f"{refused} connections were refused, closed or reset before a reply, {within}"
    lost = sum(group["lost"] for group in document["groups"])
    if lost > 0:
        return f"{lost} of {idle} idle connections were lost before the window ended, {within}"
    return None
