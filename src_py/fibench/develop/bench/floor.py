# SPDX-License-Identifier: BSD-3-Clause
"""The floor benchmark: what one small request costs, beside the least that it could cost.

The floor of a server is `bare_echo`, an epoll loop that receives and sends and does nothing else;
the floor of the load generator is `bare_client`, a closed loop that sends and receives. What counts
are the ratios within a round. CPU time per request is far steadier than requests per second.
"""

import tempfile
from pathlib import Path

from fibench.develop.bench import loads
from fibench.develop.bench.measuring import PORT, Desk, Measured, Server, small_server, split_desk
from fibench.develop.bench.ratios import Limit, ratios, spread
from fibench.develop.bench.rounds import Effort, Subject, measure_rounds
from fibench.develop.bench.table import print_head
from fibench.machine import usable_cores
from fibench.report.lines import machine_line

LIMIT = Limit(most=1.15)
"""So many times the CPU time of a bare client fibload may use for a request."""
WINDOW_S = 2.0
FLOOR = "bare_echo"
SERVERS = {64: ("null_server", "mt_server", "mp_server"), 1: ("server",)}
"""By the number of clients."""
BARE_CLIENT_CLIENTS = 64
_BARE_CLIENT = "bare_client"


def subjects_beside_floors(desk: Desk, duration_s: float) -> dict[str, Subject]:
    """Every server with its floor, and the bare client, by label."""
    subjects: dict[str, Subject] = {}
    for clients, names in SERVERS.items():
        several = ("--clients", str(clients))
        echo = loads.fibload(desk.programs, duration_s, *several, "--request", "1", "--expect", "1")
        asks = loads.fibload(desk.programs, duration_s, *several, "--n", "1")
        subjects[_label(FLOOR, clients)] = Subject(small_server(FLOOR, desk), echo)
        for name in names:
            command = (str(desk.programs / name), "--framing", "line", PORT)
            subjects[_label(name, clients)] = Subject(Server(name, command), asks)
    bare = loads.bare_client(desk.programs, duration_s, BARE_CLIENT_CLIENTS)
    subjects[_BARE_CLIENT] = Subject(small_server(FLOOR, desk), bare)
    return subjects


def print_floor(programs: Path, effort: Effort) -> bool:
    """Measure, and print medians with ratios to the floor and their intervals.

    Returns whether fibload, by the median, costs no more than LIMIT bare clients.
    """
    print(machine_line(usable_cores()))
    duration_s = effort.window_s(WINDOW_S)
    print_head("one request is n = 1 over a kept connection", effort.rounds, duration_s)
    with tempfile.TemporaryDirectory(prefix="fibench-") as folder:
        desk = split_desk(programs, Path(folder))
        found = measure_rounds(subjects_beside_floors(desk, duration_s), desk, effort.rounds)
    print(f"\n{'server':<14}{'clients':>8}  {'CPU/request':>12}  ratio to {FLOOR}")
    for clients, names in SERVERS.items():
        floor = [once.cost_ns for once in found[_label(FLOOR, clients)]]
        for name in (FLOOR, *names):
            own = [once.cost_ns for once in found[_label(name, clients)]]
            print(_row(name, clients, own, floor))
    print(f"\n{'generator':<14}{'clients':>8}  {'CPU/request':>12}  ratio to {_BARE_CLIENT}")
    floor = [_generator_ns(once) for once in found[_BARE_CLIENT]]
    own = [_generator_ns(once) for once in found[_label(FLOOR, BARE_CLIENT_CLIENTS)]]
    print(_row(_BARE_CLIENT, BARE_CLIENT_CLIENTS, floor, floor))
    print(_row("fibload", BARE_CLIENT_CLIENTS, own, floor))
    beside = spread(ratios(own, floor))
    print(f"({LIMIT}: {LIMIT.verdict(beside)})")
    return LIMIT.keeps(beside)


def _label(name: str, clients: int) -> str:
    return f"{name}, {clients}"


def _generator_ns(once: Measured) -> float:
    """The load's CPU time for a request."""
    return once.told.generator_ns / once.told.requests


def _row(name: str, clients: int, own_ns: list[float], floor_ns: list[float]) -> str:
    own_us = spread(own_ns).middle / 1000
    return f"{name:<14}{clients:>8}  {own_us:>9.2f} µs  {spread(ratios(own_ns, floor_ns))}"
