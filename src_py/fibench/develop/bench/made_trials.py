# SPDX-License-Identifier: BSD-3-Clause
"""Records of trials that nobody measured: figures and evidence as a made-up machine gives them.

Only what a trial gives is made up here. Whether it is measured again, which cells go on and what
the verdicts are, the code of real runs decides (whole_runs.py).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from fibench.develop.bench.simulation import Noise, draw
from fibench.plan import TWIN
from fibench.record import Evidence, Record, Times
from fibench.store.attempts import REPETITIONS

if TYPE_CHECKING:
    from fibench.plan import Trial

    Chance = np.random.Generator

CPUS = 2
RATES = {
    "py-sync": 50.2, "py-mp": 87.5, "py-mt": 49.5, "py-async": 49.1, "c-sync": 2120.0,
    "c-sync n=34": 77.2, "c-mp n=34": 152.0, "c-mt n=34": 151.0,
}  # fmt: skip
"""The true throughput of each cell of gil.toml: those in README.md, of a quiet machine."""
TWO_CORES = frozenset(("py-mp", "c-mp n=34", "c-mt n=34"))
"""The cells that keep both cores busy; the others one."""
CORES = {name: 1.97 if name in TWO_CORES else 0.999 for name in RATES}
ONE_BY_DESIGN = frozenset(("py-sync", "py-async", "c-sync", "c-sync n=34"))
"""Those of which the catalogue says that they can keep no more than one busy."""
QUIET: Mapping[str, float] = dict(
    zip(RATES, (0.02, 0.03, 0.04, 0.02, 0.03, 0.02, 0.03, 0.03), strict=True)
)
"""By how much trials vary: standard deviations of logarithms."""
CALM = {name: spread / 2.0 for name, spread in QUIET.items()}
"""The same as in README.md, whose ± are 2 and 3 %."""
JUMPING = frozenset(("py-mp", "py-async", "c-mt n=34"))
"""The cells that have two humps where there are any: one side of each claim on its bound."""
UNEQUAL = {name: 0.20 if name in JUMPING else 0.02 for name in RATES}
HUMPS = math.log(1.2)
"""How far two humps are apart."""
DRIFT = math.log(0.8)
"""How far all figures have moved after the last block."""
SLOWED = (2.0, 3.0)
"""So many times a disturbed trial is slower."""
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
    """Such a share of trials is slowed 2 to 3 times."""
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
    loops: bool = False
    """Two programs compute without end: whoever uses two cores has one of them left."""
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
        logs = shocks * np.array([machine.spreads[name] for name in self._names.values()])
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
        log += self._carried_over() * self._machine.spreads[name]
        cores = CORES[name], 1.0 if name in ONE_BY_DESIGN else None
        return _record(trial, number, RATES[name] * math.exp(log), cores, luck)

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
        share = machine.disturbed
        if key in self._hit and machine.again is not None:
            share = machine.again
        hit, seen, by_probe = chance.random(3).tolist()
        if hit < share:
            self._hit.add(key)
            times = chance.uniform(*SLOWED)
            if seen >= machine.found:
                return _Luck(-math.log(times))
            if by_probe < 0.5:
                return _Luck(-math.log(times), probe=times)
            # Whatever it lost, others had: more than half a core.
            return _Luck(-math.log(times), 1.0 / times, CPUS - CORES[name] / times)
        if seen < machine.alarms:
            return _Luck(probe=1.4) if by_probe < 0.5 else _Luck(foreign=0.6)
        # Nobody takes anything: intervals widened for more would hide what they promise.
        return _Luck(foreign=TICKS * chance.standard_normal())

    def _beside_others(self, name: str) -> _Luck:
        machine = self._machine
        left = 1.0 if machine.loops else CPUS - machine.foreign
        part = min(1.0, left / CORES[name])
        foreign = 1.0 if machine.loops else machine.foreign
        measured = foreign + TICKS * self._chance.standard_normal()
        return _Luck(math.log(part), part, measured)


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


def name_of(key: str, label: str) -> str:
    """The name in RATES of a cell that is called so."""
    backend, _, rest = label.removesuffix(" (again)").partition(" ")
    name = f"{backend} {rest}" if f"{backend} {rest}" in RATES else backend
    assert name in RATES, f"{key.removesuffix(TWIN)} is called {label}"
    return name
