# SPDX-License-Identifier: BSD-3-Clause
"""Is a saturated server called that, and one that keeps up never? Simulated, and measured.

Simulated: a server that serves one request at a time in the order in which they were due, and
arrivals that do not know of each other; what is judged is judged by the code that judges trials.
Measured: `delay_server --serial`, whose capacity is 1 / delay, beside fibload. `python -m
fibench.develop.bench.overload` prints the simulated table, which docs/statistics.md has.
"""

from __future__ import annotations

import math
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from fibench.develop.bench.open_loop import Bench
from fibench.machine import usable_cores
from fibench.report.lines import machine_line
from fibench.trial.answer import read_answer
from fibench.trial.overload import Spans, fell_behind, most_left, spans_of, unnoticed

if TYPE_CHECKING:
    import numpy as np

Services = Literal["equal", "exponential"]

DUE = (10, 30, 100, 300, 1000, 4000, 16_000)
LOADS = (0.5, 0.9, 1.05, 1.2, 2.0)
WARMUPS = (0.1, 1.0)
"""As shares of the window."""
TRIALS = {due: 10_000 if due <= 1000 else 1000 for due in DUE}

RUNS = 10
DELAY_MS = 0.5
CLIENTS = 64
MOST_BUSY = 0.8
"""Of a core: with more, or without one for as long, the generator may itself be what is late."""
CASES = {0.9: 10.0, 1.05: 10.0, 1.2: 4.0, 2.0: 2.0}
"""Of each rate over the capacity, how long the window is, in seconds: with Poisson arrivals, 1.05
times the capacity is seen in half of the windows with 4000 requests, and in all with 20,000."""


def is_seen(
    rng: np.random.Generator, load: float, due: int, services: Services, warmup: float
) -> bool:
    """Whether one simulated trial is called saturated; a service takes one second on average."""
    import numpy as np

    window_s = due / load
    begin_s, end_s = warmup * window_s, (1.0 + warmup) * window_s
    count = int(rng.poisson(load * end_s))
    if count == 0:
        return False
    due_s = np.sort(rng.uniform(0.0, end_s, count))
    takes_s = np.ones(count) if services == "equal" else rng.exponential(1.0, count)
    done_s = np.cumsum(takes_s)  # were nobody waited for; each wait for the next one adds to it
    done_s += np.maximum.accumulate(due_s - (done_s - takes_s))
    begin, end = (int((due_s < at).sum() - (done_s < at).sum()) for at in (begin_s, end_s))
    ended = takes_s[done_s < end_s]
    fastest_s = float(ended.min()) if ended.size else 0.0
    spans = Spans(begin_s, window_s)
    return end - begin > most_left(int((due_s >= begin_s).sum()), fastest_s, spans)


def share_seen(
    rng: np.random.Generator,
    load: float,
    due: int,
    services: Services,
    warmup: float,
    trials: int,
) -> float:
    """Which part of so many simulated trials is called saturated."""
    return sum(is_seen(rng, load, due, services, warmup) for _ in range(trials)) / trials


def print_simulated(seed: int = 1) -> None:
    """The table of docs/statistics.md: how many trials in 100 are called saturated."""
    import numpy as np

    rng = np.random.default_rng(seed)
    print("| services | warm-up | rate ÷ capacity |", *(f"{due:,} due |" for due in DUE))
    print("|---|" + "--:|" * (len(DUE) + 2))
    kinds: tuple[Services, ...] = ("equal", "exponential")
    for services in kinds:
        for warmup in WARMUPS:
            for load in LOADS:
                shares = (share_seen(rng, load, due, services, warmup, TRIALS[due]) for due in DUE)
                cells = (f"{100.0 * share:.3g} |" for share in shares)
                print(f"| {services} | {warmup:g} | {load:g} |", *cells, flush=True)


def print_overload(programs: Path) -> bool:
    """Measure for about six minutes. Whether each run at each rate was called what it was."""
    print(machine_line(usable_cores()))
    capacity = 1000.0 / DELAY_MS
    print(f"\noverload: delay_server --serial, {capacity:g}/s at most, {RUNS} runs of each rate")
    print(
        f"{'rate/s':>8}{'÷ capacity':>12}{'due':>8}{'saturated':>11}{'late':>6}{'answered/s':>12}"
    )
    kept = True
    with tempfile.TemporaryDirectory(prefix="fibench-") as folder:
        bench = Bench(programs, Path(folder))
        for load, window_s in CASES.items():
            seen, late, due, answered = _runs(bench, load * capacity, window_s)
            kept = kept and late == 0 and seen == (RUNS if load > 1.0 else 0)
            print(f"{load * capacity:>8g}{load:>12g}{due:>8}{seen:>11}{late:>6}{answered:>12.1f}")
    return kept


def _runs(bench: Bench, rate: float, window_s: float) -> tuple[int, int, int, float]:
    """How many runs were saturated and how many late; of the last, what was due and answered."""
    seen = late = due = 0
    answered = math.nan
    server = ("delay_server", "--delays", f"{DELAY_MS:g}", "--serial", "--spin")
    for seed in range(RUNS):
        with bench.serving(*server) as port:  # a fresh one: it serves what the last load has left
            told = bench.load(
                port, "--clients", str(CLIENTS), "--rate", f"{rate:g}", "--seed", str(seed),
                "--warmup", "0.5", "--duration", f"{window_s:g}",
            )  # fmt: skip
        answer = read_answer(dict(told))
        loop, own = answer.total.open_loop, answer.own
        assert loop is not None, "a rate was asked for"
        used_ns = own.cpu_user_ns + own.cpu_system_ns + (own.run_delay_ns or 0)
        seen += fell_behind(loop, spans_of(answer))
        late += unnoticed(loop) is not None or used_ns > MOST_BUSY * own.wall_ns
        due, answered = loop.due, answer.total.throughput_per_s
    return seen, late, due, answered


if __name__ == "__main__":
    print_simulated()
