# SPDX-License-Identifier: BSD-3-Clause
"""The report: what a person reads on a terminal, in a log, and on a narrow screen."""

import io
import math
import random
import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from rich.console import Console

from fibench.experiment import Cell, Claim, Experiment, parse_experiment
from fibench.parameters import Parameters
from fibench.report import Overhead, render_results
from fibench.report.words import tally, verdict_lines
from fibench.verdict.estimate import Estimate, Sample, summarise
from fibench.verdict.findings import Failure, Findings
from fibench.verdict.judging import Verdict, judge
from fibench.verdict.twin import TwinCheck


def make_cell(backend: str, n: int = 27, **parameters: Any) -> Cell:
    return Cell(
        backend=backend,
        parameters=Parameters(backend=backend, n=n, clients=8, **parameters),
        axes=(("backend", backend), ("n", n)),
        label=f"{backend} n={n}",
        key=f"{backend}-{n}",
    )


MP, MT, C = make_cell("py-mp"), make_cell("py-mt"), make_cell("c-sync")
RATES = {MP.key: 71.3, MT.key: 38.9, C.key: 4312.0}


def make_claim(
    low: float | None = None,
    high: float | None = None,
    *,
    metric: str = "throughput",
    left: Cell = MP,
    right: Cell | None = MT,
    because: str | None = "The GIL lets one thread at a time run Python code",
    needs_cpus: int = 1,
) -> Claim:
    return Claim(
        id="mp",
        says="Multiprocess beats threads",
        because=because,
        kind="value" if right is None else "ratio",
        metric=metric,
        left=left,
        right=right,
        low=low,
        high=high,
        needs_cpus=needs_cpus,
    )


def make_samples(blocks: int = 10, **counts: int) -> list[Sample]:
    chance = random.Random(5)
    found = []
    for block in range(blocks):
        for cell in (MP, MT, C):
            rate = RATES[cell.key] * math.exp(chance.gauss(0.0, 0.03))
            metrics = {
                "throughput": rate,
                "wall": 0.7,
                "p50": 8 / rate,
                "p90": 9 / rate,
                "p99": 12 / rate,
                "cores": 0.998,
                "cpu_per_request": 1 / rate,
                "memory": 9.1 * 2**20,
            }
            window_ok = int(rate * 0.7)
            found.append(
                Sample(cell.key, block, True, None, metrics, {"window_ok": window_ok, **counts})
            )
    return found


def make_experiment(title: str = "Threads and processes", cells: Sequence[Cell] = ()) -> Experiment:
    text = (
        'title = "made"\n[[matrix]]\nbackend = "own"\n'
        '[backends.own]\ncommand = ["./own", "{port}"]\n'
    )
    parsed = parse_experiment(text, "made.toml", {})
    return replace(parsed, title=title, cells=tuple(cells or (MP, MT, C)))


def report(
    samples: Sequence[Sample],
    verdicts: Sequence[Verdict] = (),
    *,
    width: int = 120,
    terminal: bool = False,
    experiment: Experiment | None = None,
    failures: Sequence[Failure | tuple[str, str, str]] = (),
    twin: TwinCheck | None = None,
    notes: Sequence[str] = (),
    **options: Any,
) -> str:
    experiment = experiment or make_experiment()
    stream = io.StringIO()
    render_results(
        Console(
            file=stream,
            width=width,
            force_terminal=terminal,
            color_system="standard" if terminal else "auto",
        ),
        experiment,
        Findings(
            summarise(samples, [cell.key for cell in experiment.cells]),
            tuple(verdicts),
            tuple(Failure(*failed) for failed in failures),
            twin,
            tuple(notes),
        ),
        **{
            "overhead": Overhead(95.1, 86.9, {"build": 2.1}),
            "results_dir": "results/gil/2026-11-23T0715-7f3a",
            "interrupted": False,
            "machine_line": "two cores",
            **options,
        },
    )
    return stream.getvalue()


def one_line(text: str) -> str:
    return " ".join(text.split())


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
    assert "py-mt n=27: up to 7 clients never had a reply" in text
    assert "py-mt n=27: 20 refused" in text
    assert "errors" not in text
    assert "py-mp n=27: 1 of 10 trials failed, and do not count: the server ended" in text


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
    parameters = [replace(cell.parameters, rate=500.0) for cell in (MP, MT)]
    open_loop = [
        replace(cell, parameters=own) for cell, own in zip((MP, MT), parameters, strict=True)
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
    assert "py-mp n=27: 1 of 10 trials failed, and do not count: 8 wrong replies" in text
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


def test_one_block_is_shown_without_intervals_and_a_note_says_so() -> None:
    text = report(make_samples(1))
    assert "±" not in text
    assert "one trial of each cell: no intervals" in text


def test_a_run_without_a_single_trial_can_be_shown() -> None:
    assert "py-mp n=27: not measured" in report([], interrupted=True)


def test_a_summary_without_its_cell_is_not_shown() -> None:
    findings = Findings(summarise(make_samples(), [MP.key, MT.key]), (), (), None, ())
    stream = io.StringIO()
    render_results(stream, make_experiment(cells=[MP]), findings, None, "x", False)
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


# Verdicts


def test_a_claim_about_a_group_names_it() -> None:
    samples = [
        replace(
            sample,
            metrics={"small/throughput": sample.metrics["throughput"]},
            counts={"small/window_ok": 100},
        )
        for sample in make_samples()
    ]
    (verdict,) = judge([replace(make_claim(1.3), group="small")], samples, 2)
    line = one_line(verdict_lines(verdict)[0])
    assert re.match(r"throughput py-mp 7[\d.]+/s, py-mt 3[\d.]+/s of small at n=27: ×1", line)


def test_an_invalid_claim_says_which_trial_and_still_has_its_figures() -> None:
    samples = [replace(sample, bound="94 % of its core") for sample in make_samples()]
    (verdict,) = judge([make_claim(1.3)], samples, 2)
    lines = verdict_lines(verdict)
    assert lines[0].startswith("throughput py-mp")
    assert lines[1].startswith("the load generator was the limit in 20 of 20 trials")
    assert lines[2].startswith("this run could have seen ")


def test_a_confirmed_claim_reads_as_in_the_guide() -> None:
    (verdict,) = judge([make_claim(1.3)], make_samples(), 2)
    first, second = verdict_lines(verdict)
    assert re.fullmatch(
        r"throughput py-mp 7[\d.]+/s, py-mt 3[\d.]+/s at n=27: "
        r"×1\.\d\d \[1\.\d\d, 1\.\d\d\], needed > 1\.3",
        one_line(first),
    )
    assert second == "The GIL lets one thread at a time run Python code"


def test_a_value_is_set_against_its_bound_in_the_same_unit() -> None:
    claim = make_claim(high=0.005, metric="p50", left=C, right=None)
    (verdict,) = judge([claim], make_samples(), 2)
    line = one_line(verdict_lines(verdict)[0])
    assert re.fullmatch(r"p50 c-sync at n=27: 1\.\d\d ms \[[\d.]+, [\d.]+\], needed < 5 ms", line)


def test_a_range_and_a_count_have_words_of_their_own() -> None:
    claims = [
        make_claim(0.95, 1.05),
        make_claim(high=1.0, metric="refused", left=MT, right=None),
    ]
    within, refused = judge(claims, make_samples(refused=3), 2)
    assert "needed 0.95 to 1.05" in one_line(verdict_lines(within)[0])
    expected = "refused py-mt at n=27: 3 in each block, 30 in all, needed < 1 in every block"
    assert one_line(verdict_lines(refused)[0]) == expected


def test_an_inconclusive_claim_says_what_the_run_could_have_seen_and_what_would_settle_it() -> None:
    (verdict,) = judge([make_claim(1.8)], make_samples(), 2)
    assert verdict.outcome == "INCONCLUSIVE"
    hint = r"this run could have seen [\d.]+ %; --blocks \d+ would see [\d.]+ %"
    assert re.fullmatch(hint, verdict_lines(verdict)[1])
    assert verdict_lines(verdict)[-1].startswith("Expected because: ")


def test_a_refuted_claim_says_what_the_run_could_have_seen() -> None:
    (verdict,) = judge([make_claim(3.0)], make_samples(), 2)
    assert verdict.outcome == "REFUTED"
    assert verdict_lines(verdict)[1].startswith("this run could have seen ")


def test_a_claim_that_cannot_be_told_from_its_bound_is_advised_no_number_of_blocks() -> None:
    (verdict,) = judge([make_claim(1.8)], make_samples(), 2)
    hint = verdict_lines(replace(verdict, blocks_needed=None))[1]
    assert "--blocks" not in hint
    assert "too near the bound" in hint


def test_a_claim_that_is_not_testable_says_why() -> None:
    (verdict,) = judge([make_claim(1.3, needs_cpus=2)], make_samples(), 1)
    assert verdict_lines(verdict)[0] == "needs 2 CPUs; 1 can be used here"


def test_sides_that_differ_in_an_axis_are_named_by_it() -> None:
    many = replace(make_cell("py-mt", 20), key=MP.key)
    (verdict,) = judge([make_claim(1.3, left=many)], make_samples(), 2)
    line = one_line(verdict_lines(verdict)[0])
    assert re.match(r"throughput py-mt n=20 7[\d.]+/s, py-mt n=27 3[\d.]+/s: ×", line)


def test_the_tally_counts_what_is_testable_here() -> None:
    claims = [make_claim(1.3), make_claim(3.0), make_claim(1.3, needs_cpus=8)]
    assert tally(judge(claims, make_samples(), 2)) == "1 of 3 claims confirmed, 2 testable here"


def test_the_report_ends_with_the_tally_the_overhead_and_the_folder() -> None:
    text = report(make_samples(), judge([make_claim(1.3)], make_samples(), 2))
    assert "CONFIRMED     Multiprocess beats threads\n" in text
    assert "1 of 1 claim confirmed, 1 testable here\n" in text
    assert "overhead 8.2 s of 95.1 s (8.6 %): build 2.1 s\n" in text
    assert text.endswith("results: results/gil/2026-11-23T0715-7f3a\n")


def test_an_interrupted_run_shows_estimates_and_no_verdict() -> None:
    verdicts = judge([make_claim(1.3)], make_samples(), 2)
    text = report(make_samples(), verdicts, interrupted=True)
    assert "71" in text
    assert "CONFIRMED" not in text
    assert "Interrupted: these are estimates. Verdicts are given on a whole run only." in text


def test_failed_trials_are_listed_with_their_stderr_up_to_a_limit() -> None:
    failures = [(f"b{n:03d}-py-mp", "the server ended", "") for n in range(25)]
    text = report(make_samples(), failures=[("b099-py-mt", "hung", "x/server.err"), *failures])
    assert "FAILED  b099-py-mt: hung (stderr: x/server.err)\n" in text
    assert text.count("FAILED") == 10
    assert "and 16 more: see trials.jsonl" in text


def test_what_to_do_about_failures_stands_below_the_first_of_a_kind() -> None:
    hints = ["give it \x1b 5 s", "give it \x1b 60 s", "mend the link"]
    failures = [Failure(f"t{n}", "why", "", hint) for n, hint in enumerate(hints)]
    lines = report(make_samples(), failures=failures).splitlines()
    at = lines.index("FAILED  t0: why")
    assert lines[at : at + 5] == [
        "FAILED  t0: why",
        "        give it \\x1b 5 s",
        "FAILED  t1: why",
        "FAILED  t2: why",
        "        mend the link",
    ]


def test_the_notes_say_what_to_do_about_trials_that_failed() -> None:
    samples = [replace(one, valid=False, reason="why", hint="do this") for one in make_samples()]
    assert "trials failed, and do not count: why; do this" in " ".join(report(samples).split())


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
