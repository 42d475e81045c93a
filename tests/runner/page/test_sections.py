# SPDX-License-Identifier: BSD-3-Clause
"""Marks of every chart but those of claims: as many as there are figures, each at its place."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
from tests.runner.page.conftest import Reviewed
from tests.runner.page.kinds import GROUPS, KINDS, groups
from tests.runner.page.svg_reading import Element, extent, marks, per_cent, read_drawing
from tests.runner.stored_runs import places_with

from fibench.page.sections.cores import cores
from fibench.page.sections.designs import MetricRow, panes
from fibench.page.sections.knee import knee
from fibench.page.sections.latency import latency
from fibench.page.sections.sweeps import sweep_of
from fibench.page.sections.timeline import timeline
from fibench.page.view import View
from fibench.report.lines import load_words
from fibench.store import read_run
from fibench.verdict import review

WITH_AXES = ("crossover", "sweep")


def on_one_line(places: Sequence[tuple[float, float]], slack: float) -> bool:
    """Whether the second of each pair is the first, moved and stretched."""
    (least, low), (most, high) = min(places), max(places)
    if most - least < 1e-9:
        return True
    return all(
        abs(low + (figure - least) / (most - least) * (high - low) - at) <= slack
        for figure, at in places
    )


def blocks_of(view: View, row: MetricRow, metric: str) -> Mapping[int, float]:
    key = f"{row.group}/{metric}" if row.group else metric
    return view.index.logs(row.cell.cell.key, key)


@pytest.mark.parametrize("kind", KINDS)
def test_a_row_has_a_dot_for_each_block_at_its_figure(kind: str, reviewed: Reviewed) -> None:
    view = View(reviewed(kind))
    drawn = 0
    for pane in panes(view):
        for facet in pane.facets:
            places: list[tuple[float, float]] = []
            for row in facet.rows:
                if row.picture is None:
                    continue
                logs = blocks_of(view, row, pane.metric)
                drawing = read_drawing(row.picture)
                dots = [per_cent(dot, "cx") for dot in marks(drawing, "circle", "dots")]
                means = list(marks(drawing, "use", "mean"))
                assert len(dots) == (len(logs) if means else 0)
                scaled = logs.values() if facet.log else map(math.exp, logs.values())
                places += zip(scaled, dots, strict=False)
                drawn += len(dots)
            assert not places or on_one_line(places, 0.03), (pane.metric, facet.name)
    assert drawn


@pytest.mark.parametrize("kind", KINDS)
def test_cores_are_as_long_as_they_are_many(kind: str, reviewed: Reviewed) -> None:
    view = View(reviewed(kind))
    found = cores(view)
    assert found is not None
    places = []
    for row in found.rows:
        own, kernel = read_drawing(row.picture).iter("rect")
        assert extent(own)[1] == pytest.approx(extent(kernel)[0], abs=0.02)
        mean = view.summaries[row.cell.cell.key].estimates["cores"].mean
        assert mean is not None
        share = (extent(kernel)[1] - extent(kernel)[0]) / (extent(kernel)[1] - extent(own)[0])
        assert share == pytest.approx(0.05, abs=0.01), "what the model's kernel works"
        places.append((mean, extent(kernel)[1]))
    assert on_one_line([(0.0, 0.3), *places], 0.03)


@pytest.mark.parametrize("kind", KINDS)
def test_every_attempt_is_in_the_order_of_trials(kind: str, reviewed: Reviewed) -> None:
    view = View(reviewed(kind))
    found = timeline(view)
    assert found is not None
    drawing = read_drawing(found.picture)
    attempts = [one for one in view.review.run.attempts if one.role in ("measure", "twin")]
    trials = [*marks(drawing, "use", "trial"), *marks(drawing, "circle", "trial")]
    crosses = [one for one in drawing.iter("use") if one.get("href") == "#m-x"]
    assert len(crosses) == sum(not one.valid for one in attempts)
    assert len(trials) + len(crosses) == len(attempts)
    everywhere = sorted(_across(one) for one in (*trials, *crosses))
    assert on_one_line([(float(n), at) for n, at in enumerate(everywhere)], 0.02)


def _across(mark: Element) -> float:
    return per_cent(mark, "cx" if mark.tag == "circle" else "x")


@pytest.mark.parametrize("kind", KINDS)
def test_percentiles_have_a_line_for_each_block(kind: str, reviewed: Reviewed) -> None:
    view = View(reviewed(kind))
    found = latency(view)
    assert found is not None
    cells = set()
    for panel in (panel for group in found.groups for panel in group.panels):
        key = panel.cell.cell.key
        cells.add(key)
        records = list(view.records_of(key))
        solid = next(iter(marks(read_drawing(panel.picture), "g", "curve")))
        assert len(list(solid.iter("polyline"))) == len(records)
        for line in solid.iter("polyline"):
            places = [tuple(map(int, pair.split(","))) for pair in line.get("points", "").split()]
            assert places == sorted(places, key=lambda place: (place[0], -place[1]))
    assert cells == {one.cell.key for one in view.cells if list(view.records_of(one.cell.key))}


def test_what_latencies_count_from_is_said_of_each_client_group(
    reviewed: Reviewed, tmp_path: Path
) -> None:
    every = latency(View(reviewed("groups")))
    assert every is not None
    assert every.note.startswith("This was an open loop")
    folder = groups(
        tmp_path / "groups" / "2026-11-24T2255-63e1", GROUPS.replace('rate = "1/s"', "")
    )
    view = View(review(read_run(folder, places_with(folder))))
    both = latency(view)
    assert both is not None
    assert both.note.startswith("Clients of small asked in an open loop")
    assert "Clients of slow asked in a closed loop" in both.note
    said = load_words([one.cell for one in view.cells])
    assert "open loop of small: their requests come on a schedule, closed loop of slow" in said


@pytest.mark.parametrize("kind", WITH_AXES)
def test_a_line_has_a_point_for_each_cell_along_its_axis(kind: str, reviewed: Reviewed) -> None:
    view = View(reviewed(kind))
    found = sweep_of(view, "throughput")
    assert found is not None
    points = list(marks(read_drawing(found.picture), "use", "point"))
    figures = [one for line in found.lines for one in line.points]
    assert len(points) == len(figures) == len(view.cells)
    places = []
    for one, point in zip(figures, points, strict=True):
        assert one.found.mean is not None
        figure = math.log(one.found.mean) if found.log else one.found.mean
        places.append((figure, -float(point.get("y", 0))))
    assert on_one_line(places, 0.2)
    assert [sweep_of(View(reviewed(kind)), "throughput") for kind in ("outcomes", "gil")] == [
        None, None
    ]  # fmt: skip


def test_of_rates_the_knee_is_the_last_that_was_answered_in_full(reviewed: Reviewed) -> None:
    found = knee(View(reviewed("sweep")))
    assert found is not None
    assert found.metric == "p99"
    told = {row.line.name: (row.held, row.broke) for row in found.rows}
    most = {"py-mp": 260, "py-mt": 420, "py-async": 450, "py-async-mp": 800}
    for row in found.rows:
        rates = [step.point.at for step in row.steps]
        assert rates == sorted(rates)
        capacity = most.get(row.line.name, 90)
        held = [rate for rate in rates if rate < capacity]
        broken = [rate for rate in rates if rate >= capacity]
        assert told[row.line.name][0] == (f"{held[-1]:,.0f}/s" if held else "none")
        assert told[row.line.name][1].endswith(f"of {broken[0]:,.0f}/s" if broken else "")
    drawing = read_drawing(found.picture)
    steps = [step for row in found.rows for step in row.steps]
    points = list(marks(drawing, "use", "point"))
    assert len(points) == len(steps)
    up = [point.get("href") == "#m-up" for point in points]
    assert up == [step.point.found.mean is None for step in steps]
    places = [(math.log(step.answered), per_cent(point, "x"))
              for step, point in zip(steps, points, strict=True)]  # fmt: skip
    assert on_one_line(places, 0.05)
    rings = list(marks(drawing, "circle", "ring"))
    assert len(rings) == sum(row.held != "none" for row in found.rows)
    asked = list(marks(drawing, "circle", "asked"))
    assert len(asked) == sum(bool(row.broke) for row in found.rows)


def test_what_is_no_sweep_of_rates_has_no_knee(reviewed: Reviewed) -> None:
    assert [knee(View(reviewed(kind))) for kind in ("outcomes", "crossover", "groups")] == [
        None, None, None
    ]  # fmt: skip
