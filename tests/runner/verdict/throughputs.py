# SPDX-License-Identifier: BSD-3-Clause
"""Samples of cells whose throughput is known."""

from collections.abc import Sequence

from fibench.verdict.estimate import Estimate, Sample


def sample(
    cell: str,
    block: int,
    throughput: float | None,
    *,
    valid: bool = True,
    reason: str | None = None,
    window_ok: int = 10**12,
    **metrics: float | None,
) -> Sample:
    return Sample(
        cell, block, valid, reason, {"throughput": throughput, **metrics}, {"window_ok": window_ok}
    )


def cell_samples(cell: str, throughputs: Sequence[float | None]) -> list[Sample]:
    return [sample(cell, block, figure) for block, figure in enumerate(throughputs)]


def pair_samples(pairs: Sequence[tuple[float, float]]) -> list[Sample]:
    lefts, rights = zip(*pairs, strict=True)
    return cell_samples("a", lefts) + cell_samples("b", rights)


def ends(estimate: Estimate) -> tuple[float, float, float]:
    assert estimate.mean is not None
    assert estimate.low is not None
    assert estimate.high is not None
    return estimate.low, estimate.mean, estimate.high
