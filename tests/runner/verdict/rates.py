# SPDX-License-Identifier: BSD-3-Clause
"""Claims that servers sustain a rate, and made-up latencies at each rate, block by block."""

from collections.abc import Sequence
from dataclasses import replace

from tests.runner.verdict.claims import make_cell, make_claim

from fibench.experiment import Claim, Row, Step
from fibench.parameters import Parameters
from fibench.record import LatencyBounds, Saturated
from fibench.verdict import Sample, Verdict, judge

RATES = (100.0, 200.0, 400.0)
LIMIT_S = 0.05

Figure = float | LatencyBounds | None
"""A latency in seconds, between what it lies, or None: the server was saturated."""


def row(name: str = "a", rates: Sequence[float] = RATES) -> Row:
    """The cells of one side."""
    found = []
    for rate in rates:
        cell = make_cell(name)
        parameters = replace(cell.parameters, rate=rate)
        assert isinstance(parameters, Parameters)
        label = f"{name} n=3 rate={rate:g}"
        found.append(Step(rate, replace(cell, parameters=parameters, key=label, label=label)))
    return tuple(found)


ALONE = row()


def sustains(
    low: float | None = None,
    high: float | None = None,
    rows: Sequence[Row] = (ALONE,),
    metric: str = "p99",
) -> Claim:
    """A claim about the rate of one row, or the ratio of two."""
    left, right = rows[0][0].cell, rows[1][0].cell if len(rows) == 2 else None
    claim = make_claim(metric, low=low, high=high)
    return replace(
        claim, kind="sustains", left=left, right=right, rows=tuple(rows), limit=LIMIT_S, over="rate"
    )


def trials(
    curves: Sequence[Sequence[Figure]], of: Row = ALONE, metric: str = "p99", replies: int = 10**4
) -> list[Sample]:
    """A trial for each latency of each block."""
    return [
        Sample(
            cell_key=step.cell.key,
            block=block,
            valid=True,
            reason=None,
            metrics={metric: figure if isinstance(figure, float) else None},
            counts={"window_ok": replies},
            bounds=_bounds(metric, figure),
            saturated={None: Saturated(90.0, step.at)} if figure is None else {},
            lag_p99_s=20e-6,
            foreign_cores=0.0,
        )
        for block, curve in enumerate(curves)
        for step, figure in zip(of, curve, strict=True)
    ]


def _bounds(metric: str, figure: Figure) -> dict[str, LatencyBounds]:
    if isinstance(figure, float):
        return {}
    return {metric: figure or LatencyBounds(0.001, None)}


SPREAD = (1.0, 1.02, 0.98, 1.01, 0.99)


def noisy(*curve: Figure, blocks: int = 5) -> list[list[Figure]]:
    """The same curve in every block, off by 2 % at most, otherwise in every cell."""
    return [
        [
            figure * SPREAD[(block + 2 * place) % 5] if isinstance(figure, float) else figure
            for place, figure in enumerate(curve)
        ]
        for block in range(blocks)
    ]


def verdict_on(claim: Claim, samples: Sequence[Sample]) -> Verdict:
    return judge([claim], samples, 2)[0]
