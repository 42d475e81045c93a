# SPDX-License-Identifier: BSD-3-Clause
"""The open loop's accuracy: what fibload tells, beside what is true.

Servers with known latencies stand on the first CPU, fibload on the last. `stall_server` freezes on
an absolute schedule, `delay_server` delays each reply by the next of a list, so that the true
percentiles follow from their settings.
"""

import json
import math
import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fibench.develop.bench.measuring import HOST, BenchError, pinned
from fibench.machine import usable_cores
from fibench.report.lines import machine_line
from fibench.server import starting as server
from fibench.trial import load

RATES_PER_S = (100, 1000, 10_000, 50_000)
RATE_CLIENTS = 64
MOST_OFF = 0.01
MOST_LAG_NS = 100_000
MOST_STALL_OFF = 0.1
"""Offered rates are met within the first, the lag is below the second, and the p90 of a server that
stalls is within the third of the truth."""
LAG_RATE_PER_S = 1000
STALL_EVERY_S, STALL_S, STALL_RATE_PER_S = 2.0, 0.5, 500
DELAY_MEAN_MS, DELAY_RATE_PER_S = 15.0, 1000
DELAY_STEPS = 751
"""So many that p50, p99 and p99.9 each fall into the middle of a step, not between two."""
DELAY_STRIDE = 277
"""Neighbours in the list are no neighbours in the distribution; it has no divisor in common."""
PERCENTILES = {"p50_ns": 50.0, "p90_ns": 90.0, "p99_ns": 99.0, "p999_ns": 99.9}


@dataclass(frozen=True)
class Bench:
    """Where the programs are and where what they write goes."""

    programs: Path
    folder: Path

    @contextmanager
    def serving(self, program: str, *options: str) -> Iterator[int]:
        """Run a server on the first CPU for the length of a with block: its port."""
        port = server.free_port(HOST)
        command = server.ServerCommand(
            argv=[str(self.programs / program), *options, str(port)],
            port=port,
            host=HOST,
            ready_fd=True,
            cwd=None,
            env=None,
        )
        with pinned({min(os.sched_getaffinity(0))}):
            running = server.start(
                command,
                supervise=self.programs / "supervise",
                stderr_path=self.folder / "server.err",
            )
        with running:
            yield port
            running.stop()

    def load(self, port: int, *options: str, expect: int = 1) -> Mapping[str, Any]:
        """Run fibload on the last CPU to its end. Raises BenchError when it measured nothing."""
        argv = [str(self.programs / "fibload"), "--framing", "line", "--host", HOST]
        argv += ["--request", "1", "--expect", str(expect), *options, str(port)]
        with pinned({max(os.sched_getaffinity(0))}):
            ending = load.drive(
                load.LoadCommand(argv, 0.0, None),
                self.programs / "supervise",
                self.folder,
                lambda _edge, _at_ns: None,
            )
        text = (self.folder / "load.out").read_text()
        if ending.status != 0:
            words = (self.folder / "load.err").read_text().strip() or text[:600]
            raise BenchError(f"fibload ended with status {ending.status}: {words}")
        document: Mapping[str, Any] = json.loads(text)
        return document


def print_open_loop(programs: Path) -> bool:
    """Measure for about a minute and print four small tables.

    Returns whether all that is promised was kept.
    """
    print(machine_line(usable_cores()))
    with tempfile.TemporaryDirectory(prefix="fibench-") as folder:
        bench = Bench(programs, Path(folder))
        parts = (_print_rates, _print_lag, _print_stalls, _print_delays)
        kept = [part(bench) for part in parts]
    return all(kept)


def _print_rates(bench: Bench) -> bool:
    print(f"\nrates: null_server, {RATE_CLIENTS} clients, 2 s each; wake lag in µs")
    print(f"{'arrivals':<10}{'offered/s':>10}{'due/s':>10}{'sent/due':>10}{'answered/s':>12}"
          f"{'lag p50':>9}{'lag p99':>9}")  # fmt: skip
    kept = True
    with bench.serving("null_server", "--framing", "line") as port:
        for arrivals in ("uniform", "poisson"):
            for rate in RATES_PER_S:
                report = bench.load(
                    port, "--clients", str(RATE_CLIENTS), "--rate", str(rate),
                    "--arrivals", arrivals, "--warmup", "0.2", "--duration", "2",
                )  # fmt: skip
                opened, window = report["open_loop"], report["window"]
                seconds = window["duration_ns"] / 1e9
                share = opened["sent"] / opened["due"]
                kept = kept and abs(share - 1) <= MOST_OFF
                print(f"{arrivals:<10}{rate:>10}{opened['due'] / seconds:>10.0f}{share:>10.4f}"
                      f"{window['throughput_per_s']:>12.0f}{_lag(opened)}")  # fmt: skip
    return kept


def _lag(opened: Mapping[str, Any]) -> str:
    lag = opened["lag"]
    return f"{lag['p50_ns'] / 1000:>9.1f}{lag['p99_ns'] / 1000:>9.1f}"


def _print_lag(bench: Bench) -> bool:
    print(f"\nwake lag at {LAG_RATE_PER_S}/s, 5 s, in µs (wanted: p99 under 100 on an idle core)")
    print(f"{'waiting':<10}{'lag p50':>9}{'lag p99':>9}{'max':>9}")
    kept = True
    with bench.serving("null_server", "--framing", "line") as port:
        for name, options in (("asleep", ()), ("spinning", ("--spin",))):
            report = bench.load(
                port, "--clients", "16", "--rate", str(LAG_RATE_PER_S), "--warmup", "0.2",
                "--duration", "5", *options,
            )  # fmt: skip
            opened = report["open_loop"]
            print(f"{name:<10}{_lag(opened)}{opened['lag']['max_ns'] / 1000:>9.1f}")
            kept = kept and opened["lag"]["p99_ns"] < MOST_LAG_NS
    return kept


def stalled_percentile_ns(percent: float) -> float:
    """The true percentile over whole periods of a stall, of evenly spaced requests."""
    times_s = (i / STALL_RATE_PER_S for i in range(int(STALL_EVERY_S * STALL_RATE_PER_S)))
    waits_s = sorted(STALL_EVERY_S - t if t >= STALL_EVERY_S - STALL_S else 0.0 for t in times_s)
    return waits_s[math.ceil(percent / 100 * len(waits_s)) - 1] * 1e9


def _print_stalls(bench: Bench) -> bool:
    print(f"\nstalls: {STALL_S * 1000:g} ms every {STALL_EVERY_S:g} s, over two periods, in ms")
    options = ("--every", f"{STALL_EVERY_S * 1000:g}", "--stall", f"{STALL_S * 1000:g}")
    loops = {
        f"open, {STALL_RATE_PER_S}/s": ("--rate", str(STALL_RATE_PER_S), "--arrivals", "uniform"),
        "closed": (),
    }
    print(f"{'loop':<14}{'p50':>10}{'p90':>10}{'p99':>10}")
    with bench.serving("stall_server", *options) as port:
        truth = [stalled_percentile_ns(percent) for percent in (50, 90, 99)]
        _print_ms("the truth", truth)
        told: list[list[float | None]] = []
        for name, loop in loops.items():
            report = bench.load(
                port, "--clients", "8", "--duration", f"{2 * STALL_EVERY_S:g}", *loop
            )
            latency = report["latency"]
            told.append([latency["p50_ns"], latency["p90_ns"], latency["p99_ns"]])
            _print_ms(name, told[-1])
    open_p90 = told[0][1]
    return open_p90 is not None and abs(open_p90 / truth[1] - 1) <= MOST_STALL_OFF


def _print_ms(name: str, values_ns: Sequence[float | None]) -> None:
    cells = ("-" if value is None else f"{value / 1e6:.3f}" for value in values_ns)
    print(f"{name:<14}" + "".join(f"{cell:>10}" for cell in cells))


def exponential_delays_ms() -> list[float]:
    """The exponential distribution in equally likely steps, the smallest first."""
    shares = ((i + 0.5) / DELAY_STEPS for i in range(DELAY_STEPS))
    return [-math.log1p(-share) * DELAY_MEAN_MS for share in shares]


def _print_delays(bench: Bench) -> bool:
    print(f"\ndelays: exponential, mean {DELAY_MEAN_MS:g} ms, {DELAY_RATE_PER_S}/s for 8 s, in ms")
    delays_ms = exponential_delays_ms()
    in_turn = [delays_ms[i * DELAY_STRIDE % DELAY_STEPS] for i in range(DELAY_STEPS)]
    words = ",".join(f"{delay:.6f}" for delay in in_turn)
    with bench.serving("delay_server", "--delays", words) as port:
        report = bench.load(
            port, "--clients", "400", "--rate", str(DELAY_RATE_PER_S), "--warmup", "0.5",
            "--duration", "8",
        )  # fmt: skip
    print(f"{'':<8}{'truth':>10}{'told':>10}{'off by':>10}  allowed (2 % + 0.05)")
    kept = True
    for name, percent in PERCENTILES.items():
        truth = delays_ms[math.ceil(percent / 100 * DELAY_STEPS) - 1]
        told = report["latency"][name] / 1e6
        kept = kept and abs(told - truth) <= 0.02 * truth + 0.05
        print(f"{name[:-3]:<8}{truth:>10.3f}{told:>10.3f}{told - truth:>10.3f}"
              f"  {0.02 * truth + 0.05:.3f}")  # fmt: skip
    return kept
