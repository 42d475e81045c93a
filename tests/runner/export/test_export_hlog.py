# SPDX-License-Identifier: BSD-3-Clause
"""The HdrHistogram log of a run, as the hdrhistogram package reads it."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.here import require
from tests.runner.judged_runs import judged_run
from tests.runner.stored_runs import CLAIMS, make_run, places_with, rewrite_journal

from fibench.export import ExportError, exported, histogram
from fibench.store.files import StoredError
from fibench.store.planned import claims_for
from fibench.store.stored_run import read_run
from fibench.verdict.reviewing import review

BEGAN_S = 1795557600.5  # 2026-11-24 22:00:00.5 UTC


@pytest.fixture
def hdrh() -> Any:
    require("hdrhistogram")
    import hdrh.histogram
    import hdrh.log

    return hdrh


def intervals(hdrh: Any, text: str, path: Path) -> Iterator[Any]:
    path.write_text(text)
    reference = hdrh.histogram.HdrHistogram(histogram.LOWEST_NS, histogram.HIGHEST_NS, 3)
    reader = hdrh.log.HistogramLogReader(str(path), reference)
    while (interval := reader.get_next_interval_histogram()) is not None:
        yield interval
    reader.close()


def counts_of(interval: Any) -> list[list[int]]:
    return [[k, c] for k in range(histogram.COUNTS) if (c := interval.get_count_at_index(k))]


def test_an_older_run_has_an_interval_for_each_trial(hdrh: Any, tmp_path: Path) -> None:
    review = judged_run(tmp_path / "run")
    found = list(intervals(hdrh, exported(review, "hlog"), tmp_path / "log"))
    assert len(found) == 10
    for record, interval in zip(review.run.records, found, strict=True):
        load = review.run.folder / "trials" / f"{record.index:03d}" / "load.json"
        assert counts_of(interval) == json.loads(load.read_text())["latency"]["histogram"]["counts"]
        assert interval.get_tag() == f"{record.label}/all"


def test_each_second_of_each_group_that_asks_is_an_interval(hdrh: Any, tmp_path: Path) -> None:
    review = judged_run(tmp_path / "run", second_by_second=True)
    found = list(intervals(hdrh, exported(review, "hlog"), tmp_path / "log"))
    assert len(found) == 20, "ten trials of two seconds; the idle group asks nothing"
    for place, record in enumerate(review.run.records):
        load = review.run.folder / "trials" / f"{record.index:03d}" / "load.json"
        group = json.loads(load.read_text())["groups"][0]
        own = found[2 * place : 2 * place + 2]
        assert [counts_of(each) for each in own] == [s["counts"] for s in group["seconds"]]
        assert own[0].get_tag() == f"{record.label}/small"
        together = histogram.merge(histogram.from_sparse(counts_of(each)) for each in own)
        assert histogram.to_sparse(together) == group["latency"]["histogram"]["counts"]


def test_times_are_a_base_and_offsets_from_it(tmp_path: Path, hdrh: Any) -> None:
    lines = exported(judged_run(tmp_path / "run", second_by_second=True), "hlog").splitlines()
    assert lines[0] == "#[Histogram log format version 1.3]"
    assert f"#[BaseTime: {BEGAN_S:.3f} (seconds since epoch)]" in lines
    assert f"#[StartTime: {BEGAN_S:.3f} (seconds since epoch)]" in lines
    fields = [line.split(",") for line in lines if line.startswith("Tag=")]
    assert [f[1:3] for f in fields[:3]] == [
        ["0.200", "1.000"], ["1.200", "1.000"], ["1.200", "1.000"],
    ], "a warm-up of 0.2 s; the second trial began a second later"  # fmt: skip
    assert all(len(f) == 5 and f[4].startswith("HISTF") for f in fields)


def test_claims_stand_in_comments_and_added_ones_are_marked(tmp_path: Path, hdrh: Any) -> None:
    own = judged_run(tmp_path / "run")
    assert "#[claim refusals: CONFIRMED]" in exported(own, "hlog")
    claims, _ = claims_for(CLAIMS.encode(), "claims.toml", own.run.experiment.cells)
    text = exported(review(own.run, claims), "hlog")
    assert "#[claims added afterwards]" in text
    assert "#[claim reversed: REFUTED]" in text


def test_only_trials_that_measure_their_cell_are_in_it(tmp_path: Path, hdrh: Any) -> None:
    folder = make_run(tmp_path / "run")
    roles = ["ceiling", "syscalls", "twin"]

    def change(record: dict[str, Any]) -> None:
        if record["index"] < 3:
            record["role"] = roles[record["index"]]
        elif record["index"] == 3:
            record.update(valid=False, reason="it died")

    rewrite_journal(folder, change)
    text = exported(review(read_run(folder, places_with(folder))), "hlog")
    assert text.count("\nTag=") == 6


def test_a_damaged_load_is_named(tmp_path: Path, hdrh: Any) -> None:
    review = judged_run(tmp_path / "run")
    path = review.run.folder / "trials" / "003" / "load.json"
    for content in ('{"schema": 1}', '{"schema": 1, "window": {"duration_ns": 1}, "latency": 7}'):
        path.write_text(content)
        with pytest.raises(StoredError, match=r"003/load\.json"):
            exported(review, "hlog")


def test_without_the_package_it_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    review = judged_run(tmp_path / "run")
    monkeypatch.setitem(sys.modules, "hdrh.histogram", None)
    with pytest.raises(ExportError, match="hdrhistogram") as caught:
        exported(review, "hlog")
    assert "pip install" in caught.value.hint
