# SPDX-License-Identifier: BSD-3-Clause
"""Answers of fibload, schema 2, as small as they can be."""

from typing import Any

NO_COUNTS = dict.fromkeys(
    ("started", "ok", "wrong", "refused", "closed", "reset", "timeout", "local", "unfinished"), 0
)


PERCENTILES = ("p50_ns", "p90_ns", "p99_ns", "p999_ns")


def latency(ms: float = 1.0, **more: Any) -> dict[str, Any]:
    """Every reply took about `ms`."""
    ns = round(ms * 1e6)
    names = ("min", "mean", "p50", "p90", "p99", "p999", "max")
    return {"clock": "service", "count": 0} | {f"{name}_ns": ns for name in names} | more


def cut_off(
    at_least_ms: float, at_most_ms: float | None, last_seen_ms: float | None = None
) -> dict[str, Any]:
    """What an open loop's percentiles, all of them, are if what was cut off ends now, or never."""
    ends = (at_least_ms, at_most_ms, at_least_ms if last_seen_ms is None else last_seen_ms)
    return {
        name: dict.fromkeys(PERCENTILES, None if ms is None else round(ms * 1e6))
        for name, ms in zip(("at_least", "at_most", "last_seen"), ends, strict=True)
    }


def open_loop(**more: Any) -> dict[str, Any]:
    """All of 1000 requests were sent as they were due, and as many waited as at the begin."""
    return {
        "offered_per_s": 1000.0,
        "due": 1000,
        "sent": 1000,
        "overdue_at_end": 0,
        "most_overdue": 1,
        "unnoticed": 0,
        "waiting_at_begin": 8,
        "waiting_at_end": 8,
        "answered_late": 0,
        "fastest_ns": 7_000_000,
        "aborted": False,
        "lag": {"count": 1000, "p50_ns": 20_000, "p99_ns": 90_000, "max_ns": 200_000},
    } | more


def closed_loop(clients: int, littles_law: float | None = 1.0) -> dict[str, Any]:
    """So many clients were kept waiting, or a share of them."""
    in_flight = clients * (1.0 if littles_law is None else littles_law)
    lag = {"count": 1000, "p50_ns": 1000, "p99_ns": 30_000, "max_ns": 80_000}
    known = {"in_flight": in_flight, "littles_law": littles_law, "first_round": 0}
    return {**known, "lag": lag}


def cooldown(ms: float, **counts: int) -> dict[str, Any]:
    """The load went on for so long, and so many requests ended so."""
    return {"ns": round(ms * 1e6), "counts": NO_COUNTS | counts}


def group(name: str, ok: int = 500, **more: Any) -> dict[str, Any]:
    """A group that asks, and is answered."""
    return {
        "name": name,
        "idle": False,
        "clients": {"asked": 4, "connected": 4, "answered": 4},
        "n": 1,
        "rate_per_s": None,
        "window": {"ok": ok, "served_per_s": float(ok), "half_ok": [ok // 2, ok - ok // 2]},
        "counts": NO_COUNTS | {"started": ok, "ok": ok},
        "cut_short": 0,
        "latency": latency(8.0),
        "open_loop": None,
        "closed_loop": None if more.get("open_loop") else closed_loop(4),
        "lost": 0,
    } | more


def idle_group(clients: int, lost: int = 0) -> dict[str, Any]:
    """Connections that are silent."""
    nothing = {"ok": 0, "served_per_s": 0.0, "half_ok": [0, 0]}
    return group(
        "idle",
        idle=True,
        clients={"asked": clients, "connected": clients, "answered": 0},
        n=None,
        window=nothing,
        counts=NO_COUNTS,
        closed_loop=None,
        latency={f"{name}_ns": None for name in ("p50", "p90", "p99", "p999", "max", "mean")},
        lost=lost,
    )


def answer(**more: Any) -> dict[str, Any]:
    """A window of one second in which 8 clients got 1000 replies, each after 8 ms."""
    loop = more.get("open_loop")
    return {
        "schema": 2,
        "settings": {"pipeline": 1, "rate_per_s": None, "arrivals": None, "spin": False},
        "valid": True,
        "invalid": [],
        "warmup": {"ns": 2 * 10**8, "steady": None, "ramp": False},
        "window": {
            "duration_ns": 10**9,
            "ok": 1000,
            "half_ok": [490, 510],
            "served_per_s": 1000.0,
        },
        "counts": NO_COUNTS | {"started": 1208, "ok": 1200, "unfinished": 8},
        "cut_short": 0,
        "surplus_bytes": 0,
        "clients": {"asked": 8, "connected": 8, "answered": 8},
        "retransmits": 0,
        "resent": {"connections": 0, "timeout": 0, "unfinished": 0},
        "latency": latency(8.0),
        "open_loop": None,
        "closed_loop": None if loop else closed_loop(8),
        "generator": {
            "cpu_user_ns": 10**8,
            "cpu_system_ns": 10**8,
            "run_delay_ns": 10**6,
            "wall_ns": 10**9,
            "threads": 1,
            "rss_peak_bytes": 2_000_000,
            "switches_voluntary": 1000,
            "switches_involuntary": 3,
        },
        "groups": [group("all", 1000, open_loop=loop)],
    } | more
