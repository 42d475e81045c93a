# SPDX-License-Identifier: BSD-3-Clause
"""What a unit of each kind of work takes, beside fibonacci(20): about as long, it is to be.

The sources of the servers say how much of each is one unit (core/work.c, fibwork.py), found by
these ratios on one machine. On another, with another compiler or another Python, they are what a
unit is worth there, which is no promise: a processor that has instructions for SHA-256 hashes ten
times as fast as one that has none.
"""

from collections.abc import Mapping

from fibench.backends import Backend
from fibench.develop.bench.computing import ALONE_S, Work, measure_alone
from fibench.develop.bench.measuring import Desk, shared_desk
from fibench.develop.bench.ratios import Spread, ratios, spread
from fibench.develop.bench.rounds import Effort
from fibench.develop.bench.table import NAME_WIDTH, print_head
from fibench.parameters import UNIT_N, WORK_KINDS

LANGUAGES = ("c", "python")


def print_units(desk: Desk, _backends: Mapping[str, Backend], effort: Effort) -> bool:
    """Measure for half a minute; nothing is promised."""
    desk = shared_desk(desk.programs, desk.folder)
    for language in LANGUAGES:
        title = f"A unit of work in {language.title()}, beside fibonacci({UNIT_N}); one process"
        print_head(title, effort.rounds, ALONE_S)
        for kind, found in measure_units(language, desk, effort.rounds).items():
            print(f"  {kind:<{NAME_WIDTH}}{found}")
    return True


def measure_units(language: str, desk: Desk, rounds: int) -> dict[str, Spread]:
    """By kind of work, how many times as long as fibonacci(20) a unit takes."""
    taken_s: dict[str, list[float]] = {kind: [] for kind in WORK_KINDS}
    bare_s: list[float] = []
    for _ in range(rounds):
        bare_s.append(1.0 / measure_alone(Work(language, UNIT_N, {}), desk, 1))
        for kind in WORK_KINDS:
            once = Work(language, 0, {}, besides=(kind, 1))
            taken_s[kind].append(1.0 / measure_alone(once, desk, 1))
    return {kind: spread(ratios(every, bare_s)) for kind, every in taken_s.items()}
