# SPDX-License-Identifier: BSD-3-Clause
"""The commands for those who work on fibench: test, lint, bench, clean. They need a checkout."""

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from fibench.build import meson as building
from fibench.build.meson import BuildError
from fibench.commands import WRONG_INPUT, Refused
from fibench.commands.build import built_or_refused, refused_build
from fibench.commands.serve import read_backends
from fibench.folders import Places, find_places

if TYPE_CHECKING:
    from fibench.develop.bench.rounds import Effort

ALL_PARTS = "all"


def _checkout() -> tuple[Places, Path]:
    places = find_places()
    if places.checkout is None:
        raise Refused("this command works on fibench's sources", "run it in a checkout")
    return places, places.checkout


def test(long_forms: bool, select: str, sanitize: str) -> int:
    """Build, then run C's unit tests and pytest; the last lines say what came of it."""
    from fibench.develop import testing

    places, checkout = _checkout()
    return testing.test(places, checkout, long_forms=long_forms, select=select, sanitize=sanitize)


def lint(*, fix: bool = False) -> int:
    """Run every check, of Python and of C; first `fix` what can be mended by itself."""
    from fibench.develop import linting

    _, checkout = _checkout()
    return linting.lint(checkout, fix=fix)


def check(server: str, spoken: Mapping[str, str], serves: str, select: str) -> int:
    """Hold a server of the user's own, by its command, to what every server must do."""
    from fibench.develop import checking

    places, checkout = _checkout()
    asked = checking.asked(server, spoken.get("framing", ""), serves)
    return checking.check(asked, places, checkout, select)


def bench(  # noqa: PLR0913 - each is a part of it, or how much
    duration: str,
    rounds: str,
    designs: str,
    *,
    load: bool,
    runner: bool,
    statistics: bool,
    probe: bool = False,
    live: bool = False,
) -> int:
    """Measure what is asked for; without a choice the servers and fibload beside the floor.

    `designs` names parts of what is promised of the designs, separated by commas; "all": each.
    """
    from fibench.machine import LockError, measuring

    places, checkout = _checkout()
    effort = _effort(duration, rounds)
    parts = _parts(designs)
    try:
        with measuring("bench"), built_or_refused(places, "bench"):
            kept = True
            if parts:
                kept &= _bench_servers(lambda: _bench_designs(places, parts, effort))
            if load:
                kept &= _bench_servers(lambda: _bench_load(places, effort))
            if runner:
                kept &= _bench_servers(lambda: _bench_runner(places))
            if probe:
                kept &= _bench_servers(lambda: _bench_probe(places, effort))
            if live:
                kept &= _bench_servers(lambda: _bench_live(places, effort))
            if statistics:
                _bench_statistics(checkout)
            if not (parts or load or runner or probe or live or statistics):
                kept = _bench_servers(lambda: _bench_floor(places, effort))
    except LockError as error:
        raise Refused(str(error), error.hint) from error
    if not kept:
        print("not everything that is promised was kept; on a busy machine that means little")
    return 0 if kept else 1


def _effort(duration: str, rounds: str) -> "Effort":
    """How much is to be measured. Raises Refused."""
    from fibench.develop.bench.rounds import Effort

    if duration and (not re.fullmatch(r"[0-9]+(\.[0-9]+)?", duration) or float(duration) <= 0):
        raise Refused(
            f"--duration {duration}: not a number of seconds", "--duration 2", WRONG_INPUT
        )
    if rounds and not re.fullmatch(r"[1-9][0-9]{0,2}", rounds):
        raise Refused(f"--rounds {rounds}: not a number from 1 to 999", "--rounds 6", WRONG_INPUT)
    effort = Effort(duration_s=float(duration) if duration else None)
    return replace(effort, rounds=int(rounds)) if rounds else effort


def _parts(designs: str) -> list[str]:
    """The parts of the benchmark of designs that are asked for. Raises Refused."""
    if not designs:
        return []
    from fibench.develop.bench.designs import PARTS
    from fibench.wording import suggestion

    asked = list(PARTS) if designs == ALL_PARTS else designs.split(",")
    for part in asked:
        if part not in PARTS:
            what = f'--designs: there is no part "{part}"'
            raise Refused(what, suggestion(part, PARTS), WRONG_INPUT)
    return asked


def _bench_servers(measure: Callable[[], bool]) -> bool:
    """Run a benchmark that starts servers and loads; returns whether what it holds to was kept."""
    from fibench.develop.bench.measuring import BenchError
    from fibench.server import StartError
    from fibench.trial.load import LoadError

    try:
        return measure()
    except StartError as error:
        raise Refused(f"the benchmark stopped: {error}", error.hint) from error
    except (BenchError, LoadError) as error:
        raise Refused(
            f"the benchmark stopped: {error}", "end what else runs here, and try again"
        ) from error


def _bench_floor(places: Places, effort: "Effort") -> bool:
    """The servers beside a bare echo, fibload beside a bare client."""
    from fibench.develop.bench.floor import print_floor

    return print_floor(places.programs, effort)


def _bench_designs(places: Places, parts: list[str], effort: "Effort") -> bool:
    """What is promised of the designs."""
    from fibench.develop.bench.designs import print_designs

    return print_designs(parts, places.programs, read_backends(places), effort)


def _bench_load(places: Places, effort: "Effort") -> bool:
    """fibload's open loop: rates met, its own lag, percentiles beside the truth, overload seen;
    fibload beside wrk and redis-benchmark."""
    from fibench.develop.bench.beside import print_beside
    from fibench.develop.bench.open_loop import print_open_loop
    from fibench.develop.bench.overload import print_overload

    kept = [part(places.programs) for part in (print_open_loop, print_overload)]
    return all([*kept, print_beside(places.programs, effort)])


def _bench_probe(places: Places, effort: "Effort") -> bool:
    """The probe beside servers, and beside neighbours."""
    from fibench.develop.bench.probing import print_probing

    return print_probing(places.programs, effort)


def _bench_live(places: Places, effort: "Effort") -> bool:
    """Figures of runs that somebody looks at, beside those of runs that nobody does."""
    from fibench.develop.bench.drawing import print_drawing

    return print_drawing(places, read_backends(places), effort)


def _bench_statistics(checkout: Path) -> None:
    """How often intervals and verdicts are right; docs/statistics.md gets the tables."""
    from fibench.develop.bench import choosing, proof, sequential, values
    from fibench.develop.bench.simulation import print_statistics
    from fibench.develop.bench.sustaining import print_sustained
    from fibench.develop.bench.written import write_tables

    print_statistics()
    print_sustained()
    write_tables(checkout, {"sequential": sequential.tables()})
    write_tables(checkout, values.tables())
    write_tables(checkout, choosing.tables())
    write_tables(checkout, {"whole runs": proof.tables()})


def _bench_runner(places: Places) -> bool:
    """The runner's own work."""
    from fibench.develop.bench.estimation import print_estimation
    from fibench.develop.bench.journals import print_journal
    from fibench.develop.bench.listing import print_runs
    from fibench.develop.bench.paging import print_paging
    from fibench.develop.bench.trials import print_trials

    kept = [print_estimation(), print_journal(), print_runs(), print_paging()]
    return all([*kept, print_trials(places, read_backends(places))])


def clean() -> int:
    """Remove what can be made again."""
    places, checkout = _checkout()
    try:
        removed = building.clean(places)
    except BuildError as error:
        raise refused_build(error) from error
    for path in removed:
        print(f"removed {path.relative_to(checkout) if path.is_relative_to(checkout) else path}")
    if not removed:
        print("nothing to remove")
    return 0
