# SPDX-License-Identifier: BSD-3-Clause
"""What a small request costs a server over connections that stay.

The floor is `bare_echo`, an epoll loop that receives and sends and does nothing else. nginx and
redis-server stand beside ours where they are installed.
"""

from collections.abc import Mapping

from fibench.backends import Backend
from fibench.develop.bench import loads, rivals
from fibench.develop.bench.measuring import Desk, design, small_server
from fibench.develop.bench.ratios import Limit
from fibench.develop.bench.rounds import Effort, Subject, absent_backends, costs_ns, measure_rounds
from fibench.develop.bench.table import (
    Promise,
    print_absent,
    print_costs,
    print_head,
    print_promises,
)

CLIENTS = (1, 64, 512)
WINDOW_S = 0.6
REDIS_REQUESTS_PER_S = {1: 8_000, 64: 60_000, 512: 150_000}
"""By clients. redis-benchmark counts requests, not time, and what its connections cost is counted
with them: there have to be a hundred requests for each, so that this is a hundredth."""
OURS = ("c-epoll", "c-uring", "c-uring-oneshot")
FLOOR = "bare_echo"
NGINX, REDIS, REDIS_FIBLOAD = "nginx (wrk)", "redis (redis-benchmark)", "redis (fibload)"
NOT_ABOVE = Limit(most=1.00)
PROMISES = (
    Promise("c-epoll", FLOOR, Limit(most=1.10)),
    Promise("c-uring", FLOOR, NOT_ABOVE),
    Promise("c-epoll", NGINX, NOT_ABOVE),
    Promise("c-epoll", REDIS, NOT_ABOVE),
    Promise("c-epoll", REDIS_FIBLOAD, NOT_ABOVE),
    Promise("c-uring", NGINX, NOT_ABOVE),
    Promise("c-uring", REDIS, NOT_ABOVE),
    Promise("c-uring", REDIS_FIBLOAD, NOT_ABOVE),
)


def print_keepalive(desk: Desk, backends: Mapping[str, Backend], effort: Effort) -> bool:
    """Measure for about two minutes; returns whether every promise was kept."""
    window_s = effort.window_s(WINDOW_S)
    absent = absent_backends(OURS, backends, desk)
    here = [backends[name] for name in OURS if name not in absent]
    kept = True
    for clients in CLIENTS:
        noun = "connection" if clients == 1 else "connections"
        print_head(f"fibonacci(1) over {clients} kept {noun}", effort.rounds, window_s)
        subjects = {
            **our_subjects(desk, here, clients, window_s),
            **rival_subjects(desk, clients, window_s),
        }
        costs = costs_ns(measure_rounds(subjects, desk, effort.rounds))
        print_costs(costs, FLOOR)
        kept &= print_promises(costs, PROMISES)
    print_absent(absent | missing_rivals())
    return kept


def our_subjects(
    desk: Desk, backends: list[Backend], clients: int, window_s: float
) -> dict[str, Subject]:
    """The floor and designs, each asked by fibload."""
    several = ("--clients", str(clients))
    echo = loads.fibload(desk.programs, window_s, *several, "--request", "1", "--expect", "1")
    asks = loads.fibload(desk.programs, window_s, *several, "--n", "1")
    subjects = {FLOOR: Subject(small_server(FLOOR, desk), echo)}
    for backend in backends:
        subjects[backend.name] = Subject(design(backend, desk, "--framing", "line"), asks)
    return subjects


def rival_subjects(desk: Desk, clients: int, window_s: float) -> dict[str, Subject]:
    """Those that are installed, each with the load that its own people use, and with fibload."""
    nginx, wrk = rivals.find_program("nginx"), rivals.find_program("wrk")
    redis, benchmark = (rivals.find_program(name) for name in ("redis-server", "redis-benchmark"))
    subjects: dict[str, Subject] = {}
    if nginx and wrk:
        served = rivals.nginx_server(nginx, desk.folder, clients)
        subjects[NGINX] = Subject(served, loads.wrk(wrk, window_s, clients))
    if redis:
        served = rivals.redis_server(redis, desk.folder)
        ping = ("--request", "PING", "--expect", "+PONG", "--clients", str(clients))
        subjects[REDIS_FIBLOAD] = Subject(served, loads.fibload(desk.programs, window_s, *ping))
        if benchmark:
            requests = round(REDIS_REQUESTS_PER_S[clients] * window_s)
            subjects[REDIS] = Subject(served, loads.redis_benchmark(benchmark, requests, clients))
    return subjects


def missing_rivals() -> dict[str, str]:
    """The programs that are not installed."""
    wanted = ("nginx", "wrk", "redis-server", "redis-benchmark")
    return {name: "not installed" for name in wanted if rivals.find_program(name) is None}
