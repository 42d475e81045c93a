# SPDX-License-Identifier: BSD-3-Clause
"""fibload beside the loads that others use: wrk on nginx, redis-benchmark on redis.

Each pair is measured in the same rounds, on servers started alike, over 1 and 64 connections that
stay. What is compared is how many requests were answered in a second, and what CPU time the load
itself took for one: that of its whole life over all of its requests, since wrk and redis-benchmark
do not tell what they took within a window.
"""

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from fibench.develop.bench import loads, rivals
from fibench.develop.bench.keepalive import REDIS_REQUESTS_PER_S, missing_rivals
from fibench.develop.bench.measuring import BenchError, Desk, Load, Measured, split_desk
from fibench.develop.bench.ratios import Limit, spread
from fibench.develop.bench.rounds import Effort, Subject, measure_rounds
from fibench.develop.bench.table import Promise, print_absent, print_head, print_promises
from fibench.machine import usable_cores
from fibench.report.lines import machine_line

WINDOW_S = 2.0
BODY = "x" * 256
"""What nginx answers."""
HTTP, RESP = "fibload (nginx)", "fibload (redis)"
WRK, REDIS = "wrk (nginx)", "redis-benchmark"
RATES = (Promise(HTTP, WRK, Limit(least=0.95)),)
"""Of requests in a second."""
COSTS = {
    1: (Promise(HTTP, WRK, Limit(most=0.90)), Promise(RESP, REDIS, Limit(most=1.0))),
    64: (Promise(HTTP, WRK, Limit(most=0.90)), Promise(RESP, REDIS, Limit(most=0.55))),
}
"""Of the load's own CPU time for a request, by connections.

More than nine tenths of it are the kernel's, for one send, one receive and at most one wait: those
alone are 0.82 of what wrk takes in all. Over one connection redis-benchmark makes the same calls.
"""


@dataclass(frozen=True)
class Request:
    """A request that fibload asks, and its only right reply."""

    framing: str
    send: bytes
    expect: bytes

    def file(self) -> bytes:
        """The file that fibload reads it from."""
        return b"fibload-asks 1\nrequest one\nsend %d\n%b\nexpect text %d\n%b\nend\n" % (
            len(self.send), self.send, len(self.expect), self.expect,
        )  # fmt: skip


GET = Request("http", b"GET / HTTP/1.1\r\nHost: 127.0.0.1:80\r\n\r\n", BODY.encode())
PING = Request("bytes", b"*1\r\n$4\r\nPING\r\n", b"+PONG\r\n")
"""As redis-benchmark sends it."""


def print_beside(programs: Path, effort: Effort) -> bool:
    """Measure for about two minutes; returns whether every promise was kept."""
    print(machine_line(usable_cores()))
    window_s = effort.window_s(WINDOW_S)
    kept = True
    for clients in COSTS:
        with tempfile.TemporaryDirectory(prefix="fibench-") as folder:
            desk = split_desk(programs, Path(folder))
            subjects = pairs(desk, clients, window_s)
            if not subjects:
                break
            noun = "connection" if clients == 1 else "connections"
            print_head(f"loads over {clients} kept {noun}", effort.rounds, window_s)
            kept &= _print_pairs(measure_rounds(subjects, desk, effort.rounds), COSTS[clients])
    print_absent(missing_rivals())
    return kept


def pairs(desk: Desk, clients: int, window_s: float) -> dict[str, Subject]:
    """Each load and fibload on the same server; both or neither."""
    nginx, wrk = rivals.find_program("nginx"), rivals.find_program("wrk")
    redis, benchmark = (rivals.find_program(name) for name in ("redis-server", "redis-benchmark"))
    subjects: dict[str, Subject] = {}
    if nginx and wrk:
        answer = f'return 200 "{BODY}";'
        served = rivals.nginx_server(nginx, desk.folder, clients, answer)
        subjects[WRK] = Subject(served, loads.wrk(wrk, window_s, clients))
        subjects[HTTP] = Subject(served, _fibload(desk, GET, clients, window_s))
    if redis and benchmark:
        served = rivals.redis_server(redis, desk.folder)
        requests = round(REDIS_REQUESTS_PER_S[clients] * window_s)
        driven = loads.redis_benchmark(benchmark, requests, clients)
        subjects[REDIS] = Subject(served, driven)
        subjects[RESP] = Subject(served, _fibload(desk, PING, clients, window_s))
    return subjects


def _fibload(desk: Desk, request: Request, clients: int, window_s: float) -> Load:
    asks = desk.folder / f"asks.{request.framing}"
    asks.write_bytes(request.file())
    options = ("--framing", request.framing, "--asks", str(asks), "--clients", str(clients))
    return loads.fibload(desk.programs, window_s, *options)


def load_cost_ns(once: Measured) -> float:
    """The load's CPU time for a request, over its whole life. Raises BenchError if unknown."""
    if once.load_used_s is None:
        raise BenchError("the CPU time of a load could not be accounted for")
    document = once.told.document
    requests = once.told.requests if document is None else document["counts"]["ok"]
    return once.load_used_s * 1e9 / int(requests)


def _print_pairs(found: Mapping[str, list[Measured]], promised: Sequence[Promise]) -> bool:
    rates = {name: [once.rate_per_s for once in measured] for name, measured in found.items()}
    costs = {name: [load_cost_ns(once) for once in measured] for name, measured in found.items()}
    print(f"  {'':<26}{'requests/s':>12}{'CPU/request':>15}")
    for name in found:
        print(f"  {name:<26}{_middle(rates[name]):>12.0f}{_middle(costs[name]) / 1000:>12.2f} µs")
    kept = print_promises(rates, RATES, "requests/s, ")
    return print_promises(costs, promised, "CPU, ") and kept


def _middle(values: Sequence[float]) -> float:
    return spread(values).middle
