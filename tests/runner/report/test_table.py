# SPDX-License-Identifier: BSD-3-Clause
"""The entries of the table of cells, one by one."""

import pytest
from tests.runner.report.three_cells import MP

from fibench.metrics import METRICS
from fibench.report.numbers import NO_FIGURE
from fibench.report.table import TableLine, shown_metrics
from fibench.verdict.estimate import Sample, summarise


def line(*refused: int | None) -> TableLine:
    """Of a cell with these counts, block by block; None is of a block that does not know it."""
    samples = [
        Sample(MP.key, block, True, None, {}, {} if count is None else {"refused": count})
        for block, count in enumerate(refused)
    ]
    (summary,) = summarise(samples, [MP.key])
    return TableLine(MP, summary)


@pytest.mark.parametrize(
    ("counts", "shown"),
    [((0, 0, 0), "0"), ((2, 0, 7), "0 to 7"), ((None, 3), "3"), ((None, None), NO_FIGURE)],
)
def test_a_count_is_shown_as_its_range_over_blocks(
    counts: tuple[int | None, ...], shown: str
) -> None:
    assert line(*counts).entry("refused").figure == shown


def test_every_metric_can_be_a_column() -> None:
    for metric in METRICS:
        assert line(1).entry(metric).figure, metric
    assert set(shown_metrics([MP], [])) <= METRICS.keys()
