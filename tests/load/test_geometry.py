# SPDX-License-Identifier: BSD-3-Clause
"""fibload's histograms, the runner's and those of the hdrhistogram package are one and the same."""

import pytest
from tests.here import require

from fibench.export import histogram

from .conftest import Program
from .estimator import survival_percentile
from .servers import ASK_30, serving

PERCENTILES = {"p50_ns": 50.0, "p90_ns": 90.0, "p99_ns": 99.0, "p999_ns": 99.9}


@pytest.mark.parametrize("clients", ["1", "4"])
def test_the_histogram_of_a_real_load_is_one_of_hdrhistogram(
    fibload: Program, clients: str
) -> None:
    require("hdrhistogram")
    from hdrh.histogram import HdrHistogram

    with serving(line=False) as server:
        answer = fibload.load(
            server.port, *ASK_30, "--requests", "150", "--warmup", "0.05", "--clients", clients,
        )  # fmt: skip
    latency = answer.report["latency"]
    pairs = latency["histogram"]["counts"]
    counts = histogram.from_sparse(pairs)
    theirs = HdrHistogram(histogram.LOWEST_NS, histogram.HIGHEST_NS, 3)
    for index, count in pairs:
        theirs.record_value(histogram.lowest_at(index), count)
    assert histogram.total(counts) == theirs.get_total_count() == latency["count"] > 100
    for name, percent in PERCENTILES.items():
        # What the end cut off had lasted some time: that moves a percentile by its own few.
        assert latency[name] == survival_percentile(latency, percent)
    assert latency["min_ns"] == histogram.minimum(counts) == theirs.get_min_value()
    assert latency["max_ns"] >= histogram.maximum(counts) == theirs.get_max_value()
    # fibload averages the values themselves; three digits of each are kept.
    assert latency["mean_ns"] == pytest.approx(histogram.mean(counts), rel=1e-3)
