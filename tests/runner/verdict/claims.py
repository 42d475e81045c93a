# SPDX-License-Identifier: BSD-3-Clause
"""Claims about two made-up cells, the samples of these, and the verdict on them."""

from collections.abc import Sequence
from typing import Any

from fibench.experiment.cells import Cell
from fibench.experiment.claims import Claim
from fibench.parameters import Parameters, Value
from fibench.verdict.estimate import Sample
from fibench.verdict.judging import Verdict, judge


def make_cell(backend: str) -> Cell:
    parameters = Parameters(backend=backend, n=27, clients=8)
    axes: tuple[tuple[str, Value], ...] = (("backend", backend),)
    return Cell(backend=backend, parameters=parameters, axes=axes, label=backend, key=backend)


A, B = make_cell("a"), make_cell("b")


def make_claim(
    metric: str = "throughput",
    *,
    low: float | None = None,
    high: float | None = None,
    right: Cell | None = B,
    needs_cpus: int = 1,
) -> Claim:
    return Claim(
        id="a-beats-b",
        says="a beats b",
        because=None,
        kind="value" if right is None else "ratio",
        metric=metric,
        left=A,
        right=right,
        low=low,
        high=high,
        needs_cpus=needs_cpus,
    )


def sample(cell: Cell, block: int, figure: float | None, reason: str | None = None) -> Sample:
    metrics = {"throughput": figure, "p99": figure}
    return Sample(
        *(cell.key, block, reason is None, reason, metrics, {"window_ok": 10**12}),
        foreign_cores=0.0,
    )


def ratios(figures: Sequence[float]) -> list[Sample]:
    """Samples in which a has these figures, block by block, and b has 1."""
    found = [sample(A, block, figure) for block, figure in enumerate(figures)]
    return found + [sample(B, block, 1.0) for block in range(len(figures))]


def refusals(counts: Sequence[int], cell: Cell = A) -> list[Sample]:
    return [
        Sample(cell.key, block, True, None, {}, {"refused": count})
        for block, count in enumerate(counts)
    ]


def verdict_on(claim: Claim, samples: Sequence[Sample], **options: Any) -> Verdict:
    (verdict,) = judge([claim], samples, **{"cpus": 2, **options})
    return verdict


# Around 1.5, between about 1.44 and 1.56.
NEAR_ONE_AND_A_HALF = [1.5, 1.47, 1.53, 1.5, 1.48, 1.52]
