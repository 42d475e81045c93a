# SPDX-License-Identifier: BSD-3-Clause
"""How often a rate above the capacity is called held, which short windows cannot tell: simulated.

Simulated: a server that serves one request at a time, idle when a warm-up begins, whose requests
wait before they are served; arrivals that do not know of each other. Each trial is judged by the
code that judges trials, and all of them by the code that judges claims. What is claimed is that the
rate is sustained. `python -m fibench.develop.bench.growing` prints the table of docs/statistics.md.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from fibench.develop.bench.overload import Services
from fibench.develop.bench.simulation import made_cell
from fibench.experiment import Claim, Row, Step
from fibench.record import LatencyBounds, Saturated
from fibench.trial.answer import OpenLoop
from fibench.trial.overload import Spans, fell_behind, line_of
from fibench.verdict import Index, Sample, judge
from fibench.verdict.looks import Looks

if TYPE_CHECKING:
    import numpy as np

METRIC = "p90"


@dataclass(frozen=True)
class Setting:
    """A server, how it is asked, and what limit it is to hold."""

    name: str
    capacity_per_s: float
    waits_s: float
    spans: Spans
    limit_s: float
    services: Services = "equal"

    @property
    def below(self) -> float:
        """A rate that is measured as well, so that there are two."""
        return 0.4 * self.capacity_per_s


SETTINGS = (
    Setting("slo.toml", 500.0, 0.01, Spans(0.15, 0.9), 0.1),
    Setting("limit 50 ms", 500.0, 0.02, Spans(0.15, 0.9), 0.05),
    Setting("limit 200 ms, window 1 s", 250.0, 0.02, Spans(0.5, 1.0), 0.2),
    Setting("limit 1 s, window 0.5 s", 250.0, 0.02, Spans(0.15, 0.5), 1.0),
    Setting("limit 200 ms, window 8 s", 250.0, 0.02, Spans(1.0, 8.0), 0.2),
)
SHARES = (0.6, 0.8, 0.9, 0.94, 1.0, 1.04, 1.1)
BLOCKS = 12
RUNS = 400


def made_trial(chance: np.random.Generator, setting: Setting, step: Step, block: int) -> Sample:
    """A trial of a simulated queue, as it is judged."""
    import numpy as np

    spans, end_s = setting.spans, setting.spans.warmup_s + setting.spans.window_s
    due_s = np.sort(chance.uniform(0.0, end_s, int(chance.poisson(step.at * end_s))))
    each_s = np.full(due_s.size, 1.0 / setting.capacity_per_s)
    if setting.services == "exponential":
        each_s = chance.exponential(1.0 / setting.capacity_per_s, due_s.size)
    ready_s = due_s + setting.waits_s
    done_s = np.cumsum(each_s)  # were nobody waited for; each wait for the next one adds to it
    done_s += np.maximum.accumulate(ready_s - (done_s - each_s))
    in_window = done_s >= spans.warmup_s
    latency_s = float(np.quantile((done_s - due_s)[in_window], 0.9, method="inverted_cdf"))
    begin, end = ((due_s < at) & (done_s >= at) for at in (spans.warmup_s, end_s))
    loop = OpenLoop(
        *(step.at, int((due_s >= spans.warmup_s).sum()), due_s.size, 0.0, 0),
        *(int(begin.sum()), int(end.sum()), 0, 1e9 * float((done_s - due_s).min())),
    )
    ok, full = int((in_window & (done_s < end_s)).sum()), fell_behind(loop, spans)
    return Sample(
        *(step.cell.key, block, True, None, {METRIC: None if full else latency_s}),
        {"window_ok": 10**4},  # enough for the metric: what fewer decide is no question here
        bounds={METRIC: LatencyBounds(latency_s, None)} if full else {},
        saturated={None: Saturated(ok / spans.window_s, step.at)} if full else {},
        lines={None: line_of(loop, spans, is_uniform=False)},
    )


def made_claim_of(setting: Setting, rate: float, others: Sequence[float] = ()) -> Claim:
    """The claim that a rate is sustained, which is measured."""
    rates = sorted({setting.below, rate, *others})
    row: Row = tuple(Step(at, made_cell(f"a-{at:g}")) for at in rates)
    claim = Claim("x", "x", None, "value", METRIC, row[0].cell, None, rate, None, 1)
    return replace(claim, kind="sustains", over="rate", rows=(row,), limit=setting.limit_s)


def made_runs(setting: Setting, claim: Claim, blocks: int, runs: int, seed: int) -> Iterator[Index]:
    """Made-up runs of the cells of a claim."""
    import numpy as np

    chance = np.random.default_rng([seed, blocks])
    (row,) = claim.rows
    for _ in range(runs):
        yield Index(
            made_trial(chance, setting, step, block) for block in range(blocks) for step in row
        )


def share_held(  # noqa: PLR0913 - all that a run may have
    setting: Setting,
    rate: float,
    blocks: int = BLOCKS,
    runs: int = RUNS,
    seed: int = 1,
    *,
    others: Sequence[float] = (),
    claims: int = 1,
    looks: Looks | None = None,
) -> float:
    """In which part of so many runs it is CONFIRMED that a rate is sustained."""
    claim = made_claim_of(setting, rate, others)
    found = made_runs(setting, claim, blocks, runs, seed)
    outcomes = [
        judge([claim], run, 1, total_claims=claims, looks=looks)[0].outcome for run in found
    ]
    return outcomes.count("CONFIRMED") / runs


def print_held(runs: int = RUNS) -> None:
    """The table: how many runs in 100 call a rate held, by its share of the capacity."""
    print("| server and windows | services |", *(f"{share:g} |" for share in SHARES))
    print("|---|---|" + "--:|" * len(SHARES))
    kinds: tuple[Services, ...] = ("equal", "exponential")
    for setting in SETTINGS:
        for services in kinds:
            one = replace(setting, services=services)
            shares = (share_held(one, share * one.capacity_per_s, runs=runs) for share in SHARES)
            print(f"| {one.name} | {services} |", *(f"{100 * x:.3g} |" for x in shares), flush=True)


if __name__ == "__main__":
    print_held()
