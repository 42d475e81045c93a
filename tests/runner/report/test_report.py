# SPDX-License-Identifier: BSD-3-Clause
"""The report: what a person reads on a terminal, in a log, and on a narrow screen."""

import io
import re
from dataclasses import replace

import pytest
from tests.runner.report.three_cells import (
    MP,
    MT,
    C,
    make_cell,
    make_claim,
    make_experiment,
    make_samples,
    one_line,
    report,
)

from fibench.report import Circumstances, render_results
from fibench.verdict.estimate import Estimate, summarise
from fibench.verdict.findings import Findings
from fibench.verdict.judging import judge
from fibench.verdict.twin import TwinCheck

# What comes from outside


def test_markup_in_names_reasons_and_titles_is_text() -> None:
    cell = replace(MP, label="[red]py-mp[/red]")
    claim = make_claim(1.3, because="[link=x]because[/link] \x1b[2J")
    verdicts = judge([claim], make_samples(), 2)
    text = report(
        make_samples(),
        verdicts,
        terminal=True,
        experiment=make_experiment("[bold]title[/bold] :smile:", [cell, MT]),
        failures=[("b000-[blink]", "it said [/red] \x1b[31m\r", "results/[x]/server.err")],
    )
    assert "[red]py-mp[/red]" in text
    assert "[bold]title[/bold] :smile:" in text
    assert "[link=x]because[/link] \\x1b[2J" in text
    assert "b000-[blink]: it said [/red] \\x1b[31m\\r (stderr: results/[x]/server.err)" in text


# The head, and narrow screens


def test_the_head_says_what_the_load_was() -> None:
    cells = [make_cell("py-mp"), make_cell("py-mt", io_wait=0.02)]
    head = one_line(
        report(make_samples(), experiment=make_experiment(cells=cells)).partition("two cores")[0]
    )
    assert "8 clients, closed loop, a connection for each request, fibonacci(27)" in head
    assert "the server waits 20ms before each reply" in head


@pytest.mark.parametrize("width", [80, 40, 30, 24, 16])
def test_no_word_is_broken_that_has_room_on_a_line(width: int) -> None:
    verdicts = judge([make_claim(1.3), make_claim(3.0)], make_samples(), 2)
    text = report(make_samples(), verdicts, width=width, notes=["measurement of disturbances"])
    words = text.split()
    for word in ("CONFIRMED", "REFUTED", "Multiprocess", "disturbances", "throughput"):
        assert word in words, width


# The table


@pytest.mark.parametrize("width", [200, 120, 100, 80, 60, 40, 24])
def test_no_line_is_wider_than_the_screen_but_the_folder_which_is_copied(width: int) -> None:
    verdicts = judge([make_claim(1.3), make_claim(1.8)], make_samples(), 2)
    lines = report(make_samples(), verdicts, width=width).splitlines()
    too_wide = [line for line in lines if len(line) > width]
    assert [line for line in too_wide if not line.startswith("results: ")] == []


def test_with_room_every_figure_has_its_interval_beside_it() -> None:
    row = next(line for line in report(make_samples(), width=120).splitlines() if "py-mt" in line)
    assert re.fullmatch(
        r"py-mt n=27 +[\d.]+/s ±\d %  +\d+ ms ±\d %  +–  +0\.998 ±0\.1 %"
        r"  +[\d.]+ ms ±\d %  +9\.10 MiB ±0\.1 %",
        row,
    )


@pytest.mark.parametrize("width", [80, 60, 40, 24])
def test_every_figure_is_shown_at_every_width(width: int) -> None:
    text = report(make_samples(), width=width)
    for heading in ("throughput", "p50", "p99", "cores", "CPU/request", "memory"):
        assert heading in text
    figures_wide = re.findall(r"[\d.,]+(?:/s| ms| µs| MiB)", report(make_samples(), width=200))
    for figure in figures_wide:
        assert figure in text


def test_cells_stand_in_the_order_of_the_matrix() -> None:
    text = report(make_samples(), experiment=make_experiment(cells=[C, MP, MT]))
    assert text.index("c-sync n=27") < text.index("py-mp n=27") < text.index("py-mt n=27")


def test_a_percentile_without_replies_enough_is_a_dash_that_is_explained() -> None:
    assert "– p99 needs 1000 replies in every trial" in report(make_samples())


def test_p90_stands_in_where_no_cell_has_replies_enough_for_p99() -> None:
    fewer = [replace(sample, counts={"window_ok": 100}) for sample in make_samples()]
    text = report(fewer)
    assert "p90" in text
    assert "p99" not in text


def test_wall_is_shown_where_a_load_ends_by_itself() -> None:
    assert "wall" not in report(make_samples())
    process = make_cell("py-mp", kind="process")
    text = report(make_samples(), experiment=make_experiment(cells=[process, MT]))
    assert "wall" in text
    assert text.count("700 ms") == 1


def test_the_notes_tell_of_waiting_clients_refusals_and_failed_trials() -> None:
    samples = make_samples(waiting=7, refused=2, errors=0)
    first = samples[0]
    samples[0] = replace(first, valid=False, reason="the server ended")
    text = report(samples)
    text = one_line(text)
    every = "py-mp n=27, py-mt n=27, c-sync n=27"
    assert f"{every}: up to 7 clients never had a reply" in text
    assert "py-mt n=27, c-sync n=27: 20 refused" in text
    assert "errors" not in text
    assert "py-mp n=27: 1 of 10 trials failed, and does not count: the server ended" in text


def test_client_groups_have_lines_of_their_own_below_their_cell() -> None:
    samples = [
        replace(
            sample,
            metrics={**sample.metrics, "small/throughput": 900.0, "small/p50": 0.002},
            counts={**sample.counts, "small/window_ok": 630},
        )
        if sample.cell_key == MT.key
        else sample
        for sample in make_samples()
    ]
    lines = report(samples, width=140).splitlines()
    place = next(i for i, line in enumerate(lines) if line.startswith("py-mt n=27"))
    assert re.fullmatch(r"  small +900/s ±0.1 % +2\.00 ms ±0.1 % +–", lines[place + 1])
    assert lines[place + 2].startswith("c-sync n=27")
    assert sum("small" in line for line in lines) == 1


def test_p999_is_shown_of_open_loops_that_have_replies_enough() -> None:
    samples = [
        replace(
            sample,
            metrics={**sample.metrics, "p999": 0.123},
            counts={"window_ok": 10_000},
        )
        for sample in make_samples()
    ]
    assert "p999" not in report(samples)
    open_loop = [
        replace(cell, parameters=replace(cell.parameters, rate=500.0)) for cell in (MP, MT)
    ]
    text = report(samples, width=160, experiment=make_experiment(cells=open_loop))
    assert "p999" in text
    assert "123 ms" in text
    few = [replace(sample, counts={"window_ok": 9_999}) for sample in samples]
    assert "p999" not in report(few, experiment=make_experiment(cells=open_loop))


def test_how_the_requests_of_failed_trials_ended_stands_in_the_notes() -> None:
    samples = make_samples()
    failed = {"ok": 990, "wrong": 8, "unfinished": 2}
    samples[0] = replace(samples[0], valid=False, reason="8 wrong replies", outcomes=failed)
    text = report(samples)
    assert "py-mp n=27: 1 of 10 trials failed, and does not count: 8 wrong replies" in text
    expected = "py-mp n=27: how the requests of those ended: ok 990, wrong 8, unfinished 2"
    assert expected in text


def test_a_cell_whose_trials_all_failed_has_dashes_and_its_reason() -> None:
    samples = [
        replace(s, valid=False, reason="wrong reply") if s.cell_key == MP.key else s
        for s in make_samples(3)
    ]
    text = report(samples)
    assert re.search(r"py-mp n=27( +–){6}$", text, re.MULTILINE)
    assert "py-mp n=27: all of 3 trials failed, and do not count: wrong reply" in text


def test_a_cell_whose_only_trial_failed_is_told_of_in_the_singular() -> None:
    samples = [
        replace(s, valid=False, reason="wrong reply") if s.cell_key == MP.key else s
        for s in make_samples(1)
    ]
    assert "py-mp n=27: its only trial failed, and does not count: wrong reply" in report(samples)


def test_one_block_is_shown_without_intervals_and_a_note_says_so() -> None:
    text = report(make_samples(1))
    assert "±" not in text
    assert "one trial of each cell: no intervals" in text


def test_a_run_without_a_single_trial_can_be_shown() -> None:
    said = report([], interrupted=True)
    assert "py-mp n=27, py-mt n=27, c-sync n=27: not measured" in said


def test_a_summary_without_its_cell_is_not_shown() -> None:
    findings = Findings(summarise(make_samples(), [MP.key, MT.key]), (), (), None, ())
    stream = io.StringIO()
    render_results(stream, make_experiment(cells=[MP]), findings, Circumstances("x"))
    assert "py-mp" in stream.getvalue()
    assert "py-mt" not in stream.getvalue()


# The run's own checks


def twin_of(low: float, mean: float, high: float) -> TwinCheck:
    return TwinCheck("a", "py-mt n=27", "throughput", Estimate(8, mean, low, high, 0.02, 0.01))


def test_a_twin_that_is_alike_is_one_line() -> None:
    text = report(make_samples(), twin=twin_of(0.98, 1.01, 1.04))
    assert (
        "  A/A: py-mt n=27 measured twice in each block is itself: "
        "throughput ×1.01 [0.980, 1.04] (99 %)\n" in text
    )


def test_a_twin_that_differs_is_a_warning_in_plain_words() -> None:
    text = one_line(report(make_samples(), twin=twin_of(1.02, 1.05, 1.08)))
    assert "py-mt n=27 measured twice in each block differs from itself" in text
    assert "do not trust differences of that size" in text


def test_notes_are_shown_one_by_one_and_escaped() -> None:
    text = report(make_samples(), notes=["not steady: \x1b[2J", "near [red]the ceiling"])
    assert "  not steady: \\x1b[2J\n  near [red]the ceiling\n" in text


def test_the_pinning_stands_below_the_machine() -> None:
    text = report(make_samples(), pinning="servers on CPU 0, load on CPU 1")
    assert "two cores\nservers on CPU 0, load on CPU 1\n" in text


def test_claims_added_afterwards_are_marked() -> None:
    verdicts = judge([make_claim(1.3)], make_samples(), 2)
    assert "added afterwards" not in report(make_samples(), verdicts)
    marked = report(make_samples(), verdicts, added_afterwards=True)
    assert marked.index("claims added afterwards") < marked.index("CONFIRMED")


def test_a_stored_run_is_shown_without_overhead() -> None:
    text = report(make_samples(), overhead=None)
    assert "overhead" not in text
    assert text.endswith("\nresults: results/gil/2026-11-23T0715-7f3a\n")


# Where it is written


def test_a_terminal_gets_colours_and_anything_else_plain_text(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    verdicts = judge([make_claim(1.3)], make_samples(), 2)
    assert "\x1b[1;32m" in report(make_samples(), verdicts, terminal=True)
    assert "\x1b" not in report(make_samples(), verdicts)


def test_no_color_leaves_out_colours_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    text = report(make_samples(), judge([make_claim(1.3)], make_samples(), 2), terminal=True)
    assert not re.search("\x1b\\[[0-9;]*3[0-9]", text)


def test_a_log_has_no_spaces_at_the_ends_of_lines() -> None:
    text = report(make_samples(), judge([make_claim(1.3)], make_samples(), 2), width=80)
    assert not re.search(" $", text, re.MULTILINE)
