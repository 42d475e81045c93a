# SPDX-License-Identifier: BSD-3-Clause
"""What a small request costs a synchronous server when each has a connection of its own.

The floor is `bare_accept`, which accepts, receives, sends and closes.
"""

from collections.abc import Mapping

from fibench.backends import Backend
from fibench.develop.bench import loads
from fibench.develop.bench.measuring import Desk, design, small_server
from fibench.develop.bench.ratios import Limit
from fibench.develop.bench.rounds import Effort, Subject, costs_ns, measure_rounds
from fibench.develop.bench.table import Promise, print_costs, print_head, print_promises

CLIENTS = (1, 8)
WINDOW_S = 1.5
FLOOR, OURS = "bare_accept", "c-sync"
PROMISES = (Promise(OURS, FLOOR, Limit(most=1.10)),)


def print_connections(desk: Desk, backends: Mapping[str, Backend], effort: Effort) -> bool:
    """Measure for less than a minute; returns whether the promise was kept."""
    window_s = effort.window_s(WINDOW_S)
    kept = True
    for clients in CLIENTS:
        noun = "client" if clients == 1 else "clients"
        title = f"a connection for each fibonacci(1), {clients} {noun}"
        print_head(title, effort.rounds, window_s)
        options = ("--framing", "message", "--clients", str(clients))
        echo = (*options, "--request", "1", "--expect", "1")
        subjects = {
            FLOOR: Subject(
                small_server(FLOOR, desk), loads.fibload(desk.programs, window_s, *echo)
            ),
            OURS: Subject(
                design(backends[OURS], desk),
                loads.fibload(desk.programs, window_s, *options, "--n", "1"),
            ),
        }
        costs = costs_ns(measure_rounds(subjects, desk, effort.rounds))
        print_costs(costs, FLOOR)
        kept &= print_promises(costs, PROMISES)
    return kept
