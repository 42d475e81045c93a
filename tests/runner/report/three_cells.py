# SPDX-License-Identifier: BSD-3-Clause
"""A run of three cells whose figures are known, and its report."""

import io
import math
import random
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from rich.console import Console

from fibench.experiment import Claim, Experiment, parse_experiment
from fibench.experiment.cells import Cell
from fibench.parameters import Parameters
from fibench.report import Circumstances, Overhead, render_results
from fibench.verdict.asymptotic.asymptotes import NONE_KNOWN, Possible
from fibench.verdict.estimate import Sample, summarise
from fibench.verdict.findings import Failure, Findings
from fibench.verdict.judging import Verdict
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


def make_claim(  # noqa: PLR0913 - each is something that a test may vary
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
                Sample(
                    *(cell.key, block, True, None, metrics, {"window_ok": window_ok, **counts}),
                    foreign_cores=0.0,
                )
            )
    return found


def make_experiment(title: str = "Threads and processes", cells: Sequence[Cell] = ()) -> Experiment:
    text = (
        'title = "made"\n[[matrix]]\nbackend = "own"\n'
        '[backends.own]\ncommand = ["./own", "{port}"]\n'
    )
    parsed = parse_experiment(text, "made.toml", {})
    return replace(parsed, title=title, cells=tuple(cells or (MP, MT, C)))


def report(  # noqa: PLR0913 - each is something that a test may vary
    samples: Sequence[Sample],
    verdicts: Sequence[Verdict] = (),
    *,
    width: int = 120,
    terminal: bool = False,
    experiment: Experiment | None = None,
    failures: Sequence[Failure | tuple[str, str, str]] = (),
    twin: TwinCheck | None = None,
    notes: Sequence[str] = (),
    undecided: Sequence[Claim] = (),
    possible: Mapping[str, Possible] = NONE_KNOWN,
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
            undecided=tuple(undecided),
            possible=possible,
        ),
        Circumstances(
            **{
                "overhead": Overhead(95.1, 86.9, {"build": 2.1}),
                "results_dir": "results/gil/2026-11-23T0715-7f3a",
                "machine_line": "two cores",
                **options,
            }
        ),
    )
    return stream.getvalue()


def one_line(text: str) -> str:
    return " ".join(text.split())
