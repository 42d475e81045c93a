# SPDX-License-Identifier: BSD-3-Clause
"""Made-up runs of which trials were measured again: by somebody who chose them, or by chance."""

import math
import random
from collections.abc import Sequence
from dataclasses import replace
from statistics import NormalDist
from typing import Any

from tests.runner.verdict.claims import A, B

from fibench.experiment import Cell
from fibench.parameters import Parameters
from fibench.record import Disturbed
from fibench.verdict.estimate import Sample

SPREAD = 0.03
MOST = 20
DISTURBED = Disturbed("foreign", "others used 1 of 2 cores")


def trial(cell: Cell, block: int, logs: Sequence[float], foreign: float = 0.0) -> Sample:
    """A trial of which each attempt but the last was disturbed; `logs` are those of throughputs, a
    server having used one core, and others `foreign` ones beside all but the last."""
    made = [
        Sample(
            *(cell.key, block, True, None, {"throughput": math.exp(log), "cores": 1.0}),
            {"window_ok": 10**9},
            disturbed=DISTURBED if number < len(logs) - 1 else None,
            foreign_cores=foreign if number < len(logs) - 1 else 0.0,
        )
        for number, log in enumerate(logs)
    ]
    return replace(made[-1], superseded=tuple(made[:-1]))


def attacked(chance: random.Random, share: float) -> list[Sample]:
    """A run whose truth is a ÷ b = 1, and of which somebody has each trial measured again that is
    among the worst of all for a, by that share, and once more if it came out below the middle."""
    edge = NormalDist(0.0, SPREAD).inv_cdf(share)
    found = []
    for block in range(MOST):
        for cell, sign in ((A, 1.0), (B, -1.0)):
            logs = [chance.gauss(0.0, SPREAD)]
            if logs[-1] < edge:
                logs.append(chance.gauss(0.0, SPREAD))
                if logs[-1] < max(edge, 0.0):
                    logs.append(chance.gauss(0.0, SPREAD))
            found.append(trial(cell, block, [sign * log for log in logs]))
    return found


def disturbed(chance: random.Random, share: float, effect: float) -> list[Sample]:
    """A run in which a is faster than b by an effect; a share of all attempts was slowed down to a
    half to a third by others, and was measured again for that, at most twice."""
    found = []
    for block in range(MOST):
        for cell, level in ((A, math.log1p(effect)), (B, 0.0)):
            logs: list[float] = []
            foreign = 0.0
            while True:
                log = level + chance.gauss(0.0, SPREAD)
                if len(logs) == 2 or chance.random() >= share:
                    logs.append(log)
                    break
                times = chance.uniform(2.0, 3.0)
                foreign = max(foreign, times - 1.0)
                logs.append(log - math.log(times))
            found.append(trial(cell, block, logs, foreign))
    return found


OF_A = Parameters(backend="a", clients=8).as_json()


def record(block: int, attempt: int = 1, cell: str = "a", **changes: Any) -> dict[str, Any]:
    """The document of an attempt at a trial."""
    made = {
        "schema": 3, "trial": f"b{block:03d}-{cell}", "role": "measure", "index": block,
        "block": block, "cell": cell, "label": cell, "attempt": attempt, "valid": True,
        "reason": None, "window_opened": True, "parameters": OF_A,
        "metrics": {"throughput_per_s": 1.0},
        "counts": {"window_ok": 1000, "errors": 0, "refused_by_cap": 0},
    }  # fmt: skip
    return made | changes


def tail(
    cell: Cell, block: int, logs: Sequence[float], metric: str = "p99", *, lost: bool = False
) -> Sample:
    """A trial of which all attempts were disturbed, if it is `lost`; they are those of a figure
    that no interval is widened for."""
    kind = "foreign" if metric == "p99" else "probe"
    noise = Disturbed(kind, DISTURBED.says) if lost else None
    made = [
        Sample(
            *(cell.key, block, True, None, {metric: math.exp(log)}),
            {"window_ok": 10**9},
            disturbed=noise,
        )
        for log in logs
    ]
    return replace(made[-1], superseded=tuple(made[:-1]))


def emptied(chance: random.Random, share: float, metric: str) -> list[Sample]:
    """A run whose truth is a ÷ b = 1, and of which somebody has each block left out that is among
    the worst of all for a, by that share, as long as these are no more than a quarter: he disturbs
    every attempt at a's trial, and moves no figure."""
    edge = NormalDist(0.0, SPREAD * math.sqrt(2.0)).inv_cdf(share)
    found: list[Sample] = []
    lost = 0
    for block in range(MOST):
        a, b = chance.gauss(0.0, SPREAD), chance.gauss(0.0, SPREAD)
        may = lost + 1 <= 0.25 * max(6, block + 1)
        is_lost = may and a - b < edge
        lost += is_lost
        logs = [a, *(chance.gauss(0.0, SPREAD) for _ in range(2))] if is_lost else [a]
        found += [tail(A, block, logs, metric, lost=is_lost), tail(B, block, [b], metric)]
    return found


def disturbed_throughout(chance: random.Random, share: float, effect: float) -> list[Sample]:
    """A run in which the tail of a is longer than that of b by an effect; in a share of its blocks
    others were there throughout every attempt at a trial of one of them."""
    found = []
    for block in range(MOST):
        hit = chance.choice((A, B)) if chance.random() < share else None
        for cell, level in ((A, math.log1p(effect)), (B, 0.0)):
            logs = [level + chance.gauss(0.0, SPREAD) for _ in range(3 if cell is hit else 1)]
            if cell is hit:
                logs = [log + math.log(chance.uniform(1.2, 3.0)) for log in logs]
            found.append(tail(cell, block, logs, lost=cell is hit))
    return found
