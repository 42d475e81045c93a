# SPDX-License-Identifier: BSD-3-Clause
"""Records of trials that nobody measured: figures and evidence as a made-up machine gives them.

Only what a trial gives is made up here. Whether it is measured again, which cells go on and what
the verdicts are, the code of real runs decides (whole_runs.py).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from fibench.develop.bench.simulation import Noise, draw
from fibench.plan import TWIN
from fibench.record import Checks, Evidence, Record, ServerSide, Times
from fibench.store.attempts import REPETITIONS

if TYPE_CHECKING:
    from fibench.plan import Trial

    Chance = np.random.Generator

CPUS = 2
RATES = {
    "py-sync": 41.7, "py-mp": 72.5, "py-mt": 41.1, "py-async": 41.3, "c-sync": 2180.0,
    "c-sync n=34": 79.0, "c-mp n=34": 152.0, "c-mt n=34": 155.0,
}  # fmt: skip
"""The true throughput of each cell of gil.toml: those of a made-up machine, near to what three
quiet runs in a row gave on a virtual one with two CPUs (AMD EPYC)."""
P99_S = {
    "py-sync n=15": 0.00134, "py-sync n=18": 0.00362, "py-sync n=21": 0.01466,
    "py-mp n=15": 0.002, "py-mp n=18": 0.004, "py-mp n=21": 0.012,
}  # fmt: skip
"""The true 99th percentile of each cell of an open loop, whose server answers all that is due."""
OPEN_PER_S, OPEN_WINDOW_S, OPEN_CORES = 200.0, 6.0, 0.5
TAILS_VARY = 0.08
"""By how much its trials vary."""
TWO_CORES = frozenset(
    name for name in (*RATES, *P99_S) if name.startswith(("py-mp", "c-mp", "c-mt"))
)
"""The cells whose designs keep both cores busy where there is work for them; the others one."""
CORES = {name: 1.97 if name in TWO_CORES else 0.999 for name in RATES}
ONE_BY_DESIGN = frozenset(("py-sync", "py-async", "c-sync", "c-sync n=34"))
"""Those of which the catalogue says that they can keep no more than one busy."""
WITH_A_GIL = frozenset(("py-mt",))
"""Those whose threads take turns at a GIL, of whose CPU time…"""
IN_SYSTEM_CALLS = 0.02
"""…such a share is the kernel's, and as much may be beside the GIL (trial/evidence/design.py)."""
QUIET: Mapping[str, float] = dict(
    zip(RATES, (0.02, 0.03, 0.04, 0.02, 0.03, 0.02, 0.03, 0.03), strict=True)
)
"""By how much trials vary: standard deviations of logarithms."""
CALM: Mapping[str, float] = dict(
    zip(RATES, (0.020, 0.031, 0.012, 0.012, 0.007, 0.029, 0.017, 0.011), strict=True)
)
"""By how much they did within those three runs."""
JUMPING = frozenset(("py-mp", "py-async", "c-mt n=34"))
"""The cells that have two humps where there are any: one side of each claim on its bound."""
UNEQUAL = {name: 0.20 if name in JUMPING else 0.02 for name in RATES}
HUMPS = math.log(1.2)
"""How far two humps are apart."""
DRIFT = math.log(0.8)
"""How far all figures have moved after the last block."""
SLOWED = (2.0, 3.0)
"""So many times a disturbed trial is slower, if nothing else is said."""
LEFT_BY_LOOPS = {False: (0.6, 1.0), True: (0.9, 1.6)}
"""So many cores two endless loops leave to a trial, by whether it would use both."""
BURST_FROM_S = 60.0
"""Up to then a burst has begun, in a run whose attempts take…"""
ATTEMPT_S = 1.9
"""…so long each, window and all."""
LOST_TO_ONE = {False: (0.0, 0.2), True: (0.9, 1.0)}
"""So many cores a program that keeps one busy takes from a trial, by whether it would use both."""
WINDOW_S = 1.2
PROBE_S = 25.7e-6
TICKS = 0.02
"""By so many cores the kernel's ticks are off, of what others used in a window."""
STARTED = "2026-11-24T22:00:00.000+00:00"


@dataclass(frozen=True)
class Machine:
    """What a made-up machine does to the trials of a run."""

    spreads: Mapping[str, float] = field(default_factory=lambda: QUIET)
    noise: Noise = "normal"
    """Where that of the logarithms comes from."""
    disturbed: float = 0.0
    """Such a share of trials is slowed…"""
    slowed: tuple[float, float] = SLOWED
    """…so many times…"""
    hits: frozenset[str] | None = None
    """…of these cells; None: of all."""
    found: float = 0.8
    """Of these so many leave evidence: half of them CPU time of others, half a slow probe, which
    tells nothing before the third block."""
    again: float | None = None
    """A repetition of a disturbed trial is disturbed with this chance; None: as any trial is."""
    alarms: float = 0.03
    """Of the other trials so many have the same evidence, and nothing slowed them."""
    slow: float = 0.0
    """The share of trials in the slower of two humps, of the cells that have them."""
    rho: float = 0.0
    """How much a trial resembles that of its cell in the block before."""
    carried: float = 0.0
    """How much a trial resembles the one that was measured before it, of whatever cell."""
    drift: float = 0.0
    """How far figures move in the run: a logarithm."""
    foreign: float = 0.0
    """Others keep so many cores busy throughout, and take them from who would use two."""
    burst_s: tuple[float, float] | None = None
    """For so long, once in the first minute, somebody keeps one core busy, and nobody at all else
    does anything."""
    loops: bool = False
    """Two programs compute without end: each trial has by chance what they leave to it."""
    late: float = 0.0
    """The share of trials at whose edges the runner stood still: what server and others used is
    not known."""
    blind: bool = False
    """There is no /proc/stat: it is never known what others used."""
    accepts: bool = False
    """It is measured on as with FIBENCH_NOISE=accept."""


@dataclass(frozen=True)
class _Luck:
    """What befell one attempt."""

    log: float = 0.0
    cores: float = 1.0
    """Times as many as it would have used."""
    foreign: float = 0.0
    probe: float = 1.0
    """Times as long as usual."""


class MadeTrials:
    """The trials of one run: `measured` gives the record of each attempt, the same every time."""

    def __init__(self, machine: Machine, keys: Mapping[str, str], blocks: int, seed: int) -> None:
        """`keys` has the name, as in RATES, of the cell of each key; twins are cells, too."""
        self._machine, self._names = machine, keys
        self._chance = np.random.default_rng(seed)
        self._blocks = blocks
        self._place = {key: place for place, key in enumerate(keys)}
        self._logs = self._drawn(blocks, len(keys))
        self._weather = 0.0
        """How much the machine has slowed what was measured last, in standard deviations."""
        self._hit: set[str] = set()
        self._now_s = 0.0
        self._burst_s = (0.0, 0.0)
        if machine.burst_s is not None:
            begins_s = self._chance.uniform(0.0, BURST_FROM_S)
            self._burst_s = begins_s, begins_s + self._chance.uniform(*machine.burst_s)

    def _drawn(self, blocks: int, cells: int) -> Sequence[Sequence[Sequence[float]]]:
        """The logarithms of rates, by block, attempt and cell; 0 is the truth."""
        machine, chance, tries = self._machine, self._chance, 1 + REPETITIONS
        shocks = draw(machine.noise, chance, blocks, tries, cells)
        if machine.carried:
            shocks *= 0.0  # all of it is the machine's, and comes in the order of measuring
        if machine.rho:
            innovation = math.sqrt(1.0 - machine.rho**2)
            for block in range(1, blocks):
                shocks[block] = machine.rho * shocks[block - 1, 0] + innovation * shocks[block]
        logs = shocks * np.array([self._spread(name) for name in self._names.values()])
        if machine.slow:
            jumps = np.array([name in JUMPING for name in self._names.values()])
            slow = chance.random(shocks.shape) < machine.slow
            logs -= HUMPS * jumps * (slow - machine.slow)
        drawn: list[list[list[float]]] = logs.tolist()
        return drawn

    def measured(self, trial: Trial, number: int, tries: int) -> Record:
        """The record of an attempt: its `number`, and the how manieth of its trial it is."""
        name = self._names.get(trial.cell.key)
        if name is None:  # a ceiling: the null server, of which nothing is made up
            return _record(trial, number, 1e5, (1.0, None), _Luck())
        log = self._logs[trial.block][tries][self._place[trial.cell.key]]
        luck = self._luck(trial.key, name)
        place = (trial.block + 0.5) / self._blocks + trial.index % 9 / (9.0 * self._blocks)
        log += luck.log + self._machine.drift * (place - 0.5)
        log += self._carried_over() * self._spread(name)
        if name in P99_S:
            record = _of_open_loop(trial, number, P99_S[name] * math.exp(-log), luck)
        else:
            cores = CORES[name], _most_cores(name)
            record = _record(trial, number, RATES[name] * math.exp(log), cores, luck)
        if self._machine.blind:
            return _blinded(record)
        is_late = self._machine.late > 0.0 and self._chance.random() < self._machine.late
        return _read_late(record) if is_late else record

    def _spread(self, name: str) -> float:
        return self._machine.spreads.get(name, TAILS_VARY)

    def _carried_over(self) -> float:
        """What the machine does to the next trial that is measured, in standard deviations."""
        carried = self._machine.carried
        if carried:
            innovation = math.sqrt(1.0 - carried**2)
            self._weather *= carried
            self._weather += innovation * float(self._chance.standard_normal())
        return self._weather

    def _luck(self, key: str, name: str) -> _Luck:
        machine, chance = self._machine, self._chance
        if machine.loops or machine.foreign:
            return self._beside_others(name)
        if machine.burst_s is not None:
            return self._in_a_burst(name)
        share = machine.disturbed if machine.hits is None or name in machine.hits else 0.0
        if key in self._hit and machine.again is not None:
            share = machine.again
        hit, seen, by_probe = chance.random(3).tolist()
        if hit < share:
            self._hit.add(key)
            times = chance.uniform(*machine.slowed)
            if seen >= machine.found:
                return _Luck(-math.log(times))
            if by_probe < 0.5:
                return _Luck(-math.log(times), probe=times)
            # Whatever it lost, others had.
            return _Luck(-math.log(times), 1.0 / times, CPUS - _cores(name) / times)
        if seen < machine.alarms:
            return _Luck(probe=1.4) if by_probe < 0.5 else _Luck(foreign=0.6)
        # Nobody takes anything: intervals widened for more would hide what they promise.
        return _Luck(foreign=TICKS * chance.standard_normal())

    def _beside_others(self, name: str) -> _Luck:
        machine, cores = self._machine, _cores(name)
        left, foreign = CPUS - machine.foreign, machine.foreign
        if machine.loops:
            left = self._chance.uniform(*LEFT_BY_LOOPS[name in TWO_CORES])
            foreign = CPUS - min(left, cores)
        part = min(1.0, left / cores)
        return _Luck(math.log(part), part, foreign + TICKS * self._chance.standard_normal())

    def _in_a_burst(self, name: str) -> _Luck:
        window_begins_s = self._now_s
        self._now_s += ATTEMPT_S
        first_s, last_s = self._burst_s
        beside_s = min(last_s, window_begins_s + WINDOW_S) - max(first_s, window_begins_s)
        share = max(0.0, beside_s) / WINDOW_S
        lost = share * self._chance.uniform(*LOST_TO_ONE[name in TWO_CORES])
        part = 1.0 - lost / _cores(name)
        return _Luck(math.log(part), part, share + TICKS * self._chance.standard_normal())


def _most_cores(name: str) -> float | None:
    if name in WITH_A_GIL:
        return 1.0 / (1.0 - 2.0 * IN_SYSTEM_CALLS)
    return 1.0 if name in ONE_BY_DESIGN else None


def _cores(name: str) -> float:
    return CORES.get(name, OPEN_CORES)


def _record(
    trial: Trial, number: int, rate: float, cores: tuple[float, float | None], luck: _Luck
) -> Record:
    """`cores` are those that its server uses, and those that its design could; None: all."""
    own = cores[0] * luck.cores
    machine = {
        "window_s": WINDOW_S,
        "usable_cores": float(CPUS),
        "usable_cpus": float(CPUS),
        "used_cores": own + luck.foreign,
        "accounted_cores": own,
        "foreign_cores": max(0.0, luck.foreign),
        "window_steal_s": 0.0,
        "probe_s": PROBE_S * luck.probe,
        "design_cores": cores[1],
    }
    return Record(
        trial=trial.key, role=trial.role, index=trial.index, block=trial.block,
        cell=trial.cell.key, label=trial.cell.label, attempt=number, started_at=STARTED,
        valid=True, reason=None, hint=None, failure=None, window_opened=True,
        parameters=trial.cell.parameters,
        metrics={"throughput_per_s": rate, "cores": own},
        counts={"window_ok": round(rate * WINDOW_S), "errors": 0},
        times=Times(WINDOW_S + 0.4, WINDOW_S + 0.2), machine=machine,
        evidence=Evidence(("python3",) if luck.foreign > 0.05 else ()),
    )  # fmt: skip


def _of_open_loop(trial: Trial, number: int, p99_s: float, luck: _Luck) -> Record:
    """All that was due was answered; only how long that took is a matter of chance."""
    made = _record(trial, number, OPEN_PER_S, (OPEN_CORES, None), luck)
    return replace(
        made,
        metrics={**made.metrics, "p99_s": p99_s},
        counts={**made.counts, "window_ok": round(OPEN_PER_S * OPEN_WINDOW_S)},
        times=Times(OPEN_WINDOW_S + 0.4, OPEN_WINDOW_S + 0.2),
        machine={**made.machine, "window_s": OPEN_WINDOW_S},
        checks=Checks(lag_p99_s=20e-6),
    )


_OF_OTHERS = ("used_cores", "accounted_cores", "foreign_cores")


def _read_late(record: Record) -> Record:
    """The same where CPU times were read too late for the window (trial/_readings.py)."""
    return replace(
        record,
        metrics={**record.metrics, "cores": None},
        machine={**record.machine, **dict.fromkeys(_OF_OTHERS), "late_s": 0.3},
        server=ServerSide(unknown=("CPU times: read 0.3 s late, since the runner stood still",)),
        evidence=Evidence(missing={"foreign": "what the server used is not known"}),
    )


def _blinded(record: Record) -> Record:
    """The same where nothing tells what the CPUs have done (trial/evidence/watch.py)."""
    unknown = ("window_s", "usable_cores", "usable_cpus", "window_steal_s", *_OF_OTHERS)
    why = "/proc/stat does not tell what the CPUs here have done"
    return replace(
        record,
        machine={**record.machine, **dict.fromkeys(unknown)},
        evidence=Evidence(missing={"foreign": why, "steal": why}),
    )


def name_of(key: str, label: str) -> str:
    """The name in RATES or P99_S of a cell that is called so."""
    label = label.removesuffix(" (again)")
    backend = label.partition(" ")[0]
    name = label if label in RATES or label in P99_S else backend
    assert name in RATES or name in P99_S, f"{key.removesuffix(TWIN)} is called {label}"
    return name
