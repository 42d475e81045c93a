# SPDX-License-Identifier: BSD-3-Clause
"""The loads of benchmarks: fibload, and those that others measure their own servers with.

What each prints is made sense of here.
"""

import csv
import json
import re
from pathlib import Path

from fibench.develop.bench.measuring import HOST, PORT, WARMUP_S, BenchError, Load, Told

_WRK_TOTAL = re.compile(r"^\s*([0-9]+) requests in ([0-9.]+)(ms|s|m),", re.MULTILINE)
_WRK_ERRORS = re.compile(r"Non-2xx or 3xx responses: .*|Socket errors: .*")
_SECONDS = {"ms": 1e-3, "s": 1.0, "m": 60.0}


def fibload(programs: Path, duration_s: float, *options: str) -> Load:
    """Fibload over kept connections, unless the options say otherwise."""
    framing = () if "--framing" in options else ("--framing", "line")
    return Load(
        (
            str(programs / "fibload"), "--host", HOST, *framing, *options,
            "--warmup", str(WARMUP_S), "--duration", f"{duration_s:.3f}", PORT,
        ),
        duration_s,
        read_fibload,
    )  # fmt: skip


def bare_client(programs: Path, duration_s: float, clients: int) -> Load:
    """The least that a load generator can cost."""
    return Load(
        (
            str(programs / "bare_client"), "--clients", str(clients),
            "--warmup", str(WARMUP_S), "--duration", f"{duration_s:.3f}", PORT,
        ),
        duration_s,
        read_fibload,
    )  # fmt: skip


def wrk(program: str, duration_s: float, clients: int) -> Load:
    """wrk(1) with one thread; it knows whole seconds only."""
    whole_s = max(1, round(duration_s))
    address = f"http://{HOST}:{PORT}/"
    command = (program, "--threads", "1", "--connections", str(clients), "--duration")
    return Load((*command, f"{whole_s}s", address), whole_s, read_wrk, announces=False)


def redis_benchmark(program: str, requests: int, clients: int) -> Load:
    """redis-benchmark(1), which sends so many PINGs as arrays, as clients of Redis do."""
    command = (
        program, "-h", HOST, "-p", PORT, "-c", str(clients), "-n", str(requests),
        "-t", "ping_mbulk", "--csv",
    )  # fmt: skip
    return Load(command, 0.0, lambda text: read_redis_benchmark(text, requests), announces=False)


def read_fibload(text: str) -> Told:
    """The answer of fibload, or of bare_client: the members that both have bear the same names."""
    document = json.loads(text)
    window, generator = document["window"], document["generator"]
    return Told(
        requests=int(window["ok"]),
        wall_s=(window["end_ns"] - window["begin_ns"]) / 1e9,
        generator_ns=float(generator["cpu_user_ns"] + generator["cpu_system_ns"]),
        document=document,
    )


def read_wrk(text: str) -> Told:
    """What wrk says in total; replies that are no success, and lost connections, are an error."""
    errors = _WRK_ERRORS.search(text)
    if errors is not None:
        raise BenchError(f"wrk: {errors[0]}")
    found = _WRK_TOTAL.search(text)
    if found is None or int(found[1]) == 0:
        raise BenchError("wrk counted no requests")
    return Told(int(found[1]), float(found[2]) * _SECONDS[found[3]])


def read_redis_benchmark(text: str, requests: int) -> Told:
    """The rate in its CSV; it ends when it has made `requests` of them."""
    for row in csv.DictReader(text.splitlines()):
        if row.get("test") == "PING_MBULK" and float(row.get("rps") or 0) > 0:
            return Told(requests, requests / float(row["rps"]))
    raise BenchError("redis-benchmark did not say how fast it was")
