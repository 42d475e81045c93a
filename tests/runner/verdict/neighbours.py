# SPDX-License-Identifier: BSD-3-Clause
"""Trials beside which others used CPU time."""

import math
import random

from fibench.verdict.sample import Sample

NAMES = ("python3", "cc1")


def trial(
    cell: str,
    block: int,
    throughput: float,
    foreign: float | None = 0.0,
    cores: float | None = 1.0,
    **more: float,
) -> Sample:
    return Sample(
        cell,
        block,
        True,
        None,
        {"throughput": throughput, "cores": cores, **more},
        {"window_ok": 10**9},
        foreign_cores=foreign,
        foreign_names=NAMES,
    )


def noisy(cell: str, rate: float, foreign: float, cores: float, seed: int = 1) -> list[Sample]:
    """Eight trials that vary by 3 %."""
    chance = random.Random(f"{cell} {seed}")
    return [
        trial(cell, block, rate * math.exp(chance.gauss(0.0, 0.03)), foreign, cores)
        for block in range(8)
    ]
