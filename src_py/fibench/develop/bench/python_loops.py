# SPDX-License-Identifier: BSD-3-Clause
"""What a small request costs the event loops of Python over connections that stay."""

from collections.abc import Mapping

from fibench.backends import Backend
from fibench.develop.bench import loads
from fibench.develop.bench.measuring import Desk, design
from fibench.develop.bench.ratios import Limit
from fibench.develop.bench.rounds import Effort, Subject, absent_backends, costs_ns, measure_rounds
from fibench.develop.bench.table import (
    Promise,
    print_absent,
    print_costs,
    print_head,
    print_promises,
)

CLIENTS = 64
WINDOW_S = 2.0
LOOPS = ("py-async", "py-protocol", "py-select", "py-uvloop")
PROMISES = (
    Promise("py-async", "py-protocol", Limit(least=1.5)),
    Promise("py-protocol", "py-uvloop", Limit(least=1.5)),
    Promise("py-protocol", "py-select", Limit(least=1.0)),
)


def print_python_loops(desk: Desk, backends: Mapping[str, Backend], effort: Effort) -> bool:
    """Measure for about a minute; returns whether every promise was kept."""
    window_s = effort.window_s(WINDOW_S)
    print_head(f"Python: fibonacci(1) over {CLIENTS} kept connections", effort.rounds, window_s)
    absent = absent_backends(LOOPS, backends, desk)
    asks = loads.fibload(desk.programs, window_s, "--clients", str(CLIENTS), "--n", "1")
    subjects = {
        name: Subject(design(backends[name], desk, "--framing", "line"), asks)
        for name in LOOPS
        if name not in absent
    }
    costs = costs_ns(measure_rounds(subjects, desk, effort.rounds))
    print_costs(costs, LOOPS[0])
    kept = print_promises(costs, PROMISES)
    print_absent(absent)
    return kept
