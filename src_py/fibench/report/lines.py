# SPDX-License-Identifier: BSD-3-Clause
"""What a report says in one line each of where and with what a run was made."""

from __future__ import annotations

import platform
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from fibench.backends.own_python import is_python_of
from fibench.build import not_own
from fibench.experiment.cells import is_stand_in
from fibench.json_values import Object, object_or_empty, object_or_none, text_or_none
from fibench.machine.cores import processor_model
from fibench.metrics import exact
from fibench.parameters import WORK_KINDS, Parameters, kept_seed
from fibench.plan.pinning import Pinning
from fibench.quantities import format_duration
from fibench.record import SCHEMA
from fibench.store import StoredError, StoredRun
from fibench.store.before import Before, runs_after, runs_before
from fibench.store.files import read_json
from fibench.store.kept import KeptEnvironment, read_plan
from fibench.store.names import PLAN
from fibench.wording import any_of, counted, listed_with, shown

if TYPE_CHECKING:
    from fibench.experiment import Cell

_MODEL_NOISE = re.compile(r"\((?:R|TM)\)|\bCPU\b|\bProcessor\b|@.*$|\b[0-9]+-Core\b", re.IGNORECASE)

_MOST_BEFORE = 5
"""So many earlier runs are told of."""


def machine_line(cores: int) -> str:
    """This machine, of which `cores` may be used."""
    return (
        f"{processor_model()}, {counted(cores, 'core')}, Linux {platform.release()}, "
        f"Python {platform.python_version()}"
    )


def machine_line_of(run: StoredRun) -> str:
    """The machine that a run was made on; it says what is not known."""
    environment, cores = run.environment, run.cores
    if not environment.document:
        had = f" of {counted(cores, 'core')}" if cores is not None else ""
        return f"an unknown machine{had} (environment.json is missing or empty)"
    words = [
        environment.processor or "unknown processor",
        "an unknown number of cores" if cores is None else counted(cores, "core"),
        f"Linux {environment.kernel or 'of unknown version'}",
        *([f"Python {environment.python}"] if environment.python else []),
    ]
    return ", ".join(words)


def before_line(folder: Path) -> str:
    """`run 3 of this experiment on this machine; before: CONFIRMED, INCONCLUSIVE`, and how many
    were made after it; empty for the only one."""
    before, after = runs_before(folder), runs_after(folder)
    if not before and not after.made:
        return ""
    said = f"run {len(before) + 1} of this experiment on this machine"
    if before:
        last = f", the last {_MOST_BEFORE}" if len(before) > _MOST_BEFORE else ""
        said += f"; before{last}: {', '.join(map(_came_of, before[-_MOST_BEFORE:]))}"
    if after.made:
        meanwhile = f", {after.meanwhile} of them before it had ended" if after.meanwhile else ""
        said += f"; {after.made} made after it{meanwhile}"
    return said


def age_line(run: StoredRun) -> str:
    """Says that a journal is of an earlier version; empty of one of today's."""
    oldest = min((record.schema for record in run.records), default=SCHEMA)
    if oldest >= SCHEMA:
        return ""
    known = "whether its trials were disturbed is not known, and it is never gone on with"
    return f"kept by an earlier version of fibench (schema {oldest}): {known}"


def _came_of(run: Before) -> str:
    """What came of an earlier run: of one claim its outcome, of several how often each."""
    if len(run.outcomes) == 1:
        return run.outcomes[0]
    outcomes = dict.fromkeys(run.outcomes)
    tally = " and ".join(f"{run.outcomes.count(one)} {one}" for one in outcomes)
    return tally or ("no claims" if run.complete else "not ended")


def load_words(cells: Sequence[Cell]) -> str:
    """`8 clients, closed loop, a connection for each request, fibonacci(27)`; what differs between
    the cells is said to."""
    parameters = [cell.parameters for cell in cells]
    known = {one.parameters.rate for one in cells if one.parameters.rate and not is_stand_in(one)}
    said = [*_who_asks(parameters), _loop(parameters, sorted(known))]
    framings = {one.framing for one in parameters}
    if framings == {"message"}:
        said.append("a connection for each request")
    elif framings == {"line"}:
        said.append("kept connections")
    numbers = sorted({one.n for one in parameters if one.n is not None})
    if numbers:
        said.append(_span([f"fibonacci({n})" for n in numbers]))
    works = dict.fromkeys((one.work or WORK_KINDS[0], one.units) for one in parameters if one.units)
    if works:
        counts = {units for _, units in works}
        kinds = any_of([*dict.fromkeys(work for work, _ in works)])
        said.append(f"{_numbers(counts)} {'unit' if counts == {1} else 'units'} of {kinds} besides")
    waits = sorted({one.io_wait for one in parameters if one.io_wait})
    if waits:
        span = _span([format_duration(wait) for wait in waits])
        said.append(f"the server waits {span} before each reply")
    return ", ".join(said)


def _span(every: Sequence[str]) -> str:
    return every[0] if len(every) == 1 else f"{every[0]} to {every[-1]}"


def _who_asks(parameters: Sequence[Parameters]) -> Iterator[str]:
    clients = {one.clients for one in parameters if one.clients}
    groups: dict[str, set[int]] = {}
    for group in (group for one in parameters for group in one.groups):
        groups.setdefault(group.name, set()).add(group.clients)
    if groups:
        each = (f"{shown(name)} {_numbers(many)}" for name, many in groups.items())
        yield f"clients in groups: {', '.join(each)}"
    elif clients:
        yield f"{_numbers(clients)} {'client' if clients == {1} else 'clients'}"


def _numbers(every: Iterable[int]) -> str:
    """`8`, or `100 to 8,000`."""
    return _span([f"{number:,}" for number in sorted(every)])


def _loop(parameters: Sequence[Parameters], rates: Sequence[float]) -> str:
    """How requests come; `rates` are those that are known, beside any that are still searched."""
    if rates:
        return f"open loop, {_span(list(map(exact, rates)))} requests per second"
    loops = group_loops(parameters)
    if loops.open and loops.closed:
        said = f"open loop of {listed_with('and', loops.open)}: their requests come on a schedule"
        return f"{said}, closed loop of {listed_with('and', loops.closed)}"
    if any(one.is_open for one in parameters):
        return "open loop: requests come on a schedule"
    return "closed loop"


class GroupLoops(NamedTuple):
    """The client groups that ask, by how their requests come; as they are shown."""

    open: Sequence[str]
    """On a schedule of their own…"""
    closed: Sequence[str]
    """…or each when the one before is answered."""


def group_loops(parameters: Sequence[Parameters]) -> GroupLoops:
    """The groups of some cells; none where they have no groups."""
    asking = [group for one in parameters for group in one.groups if not group.idle]
    named = [
        list(dict.fromkeys(shown(one.name) for one in asking if (one.rate is not None) == is_open))
        for is_open in (True, False)
    ]
    return GroupLoops(*named)


def short_processor(environment: KeptEnvironment) -> str:
    """The processor's name without what all have in theirs; empty where it is not known."""
    return " ".join(_MODEL_NOISE.sub(" ", environment.processor).split())


def made_as_line(folder: Path) -> str:
    """`made as ada, seed 1234`; empty of a run that was made under no name."""
    try:
        plan = read_json(folder, PLAN)
    except StoredError:
        return ""
    name, seed = read_plan(plan).made_as, kept_seed(plan)
    return f"made as {shown(name)}, seed {'not known' if seed is None else seed}" if name else ""


def build_line(version: str | None, compiler: object) -> str:
    """What was measured with; empty if nothing is known. `compiler` may be anything."""
    about = object_or_empty(compiler)
    words = [f"fibench {version}"] if version is not None else []
    if isinstance(about.get("id"), str):
        words.append(f"{about['id']} {about.get('version', '')}".rstrip())
    flags = not_own(compiler)
    return ", ".join(words) + (f"; built with flags that are not its own: {flags}" if flags else "")


def pinning_words(pinning: Pinning) -> str:
    """Which CPUs servers and load have."""
    if pinning.server is None and pinning.load is None:
        return f"not pinned: {pinning.why}"
    server, load = (text or "all CPUs" for text in (pinning.server, pinning.load))
    return f"servers on {server}, load on {load} ({pinning.why})"


def pinning_line(plan: Object) -> str:
    """The same of what plan.json says of it; empty where it says nothing."""
    chosen = object_or_none(plan.get("pinning"))
    if chosen is None:
        return ""
    server, load = (text_or_none(chosen.get(name)) for name in ("server", "load"))
    return pinning_words(Pinning(server, load, str(chosen.get("why"))))


def interpreter_words(kept: object, asked: Iterable[object]) -> Iterator[tuple[str, str]]:
    """What a run keeps of each interpreter that is asked for; `kept` may be anything.

    "3.13" is "CPython 3.13.0, with the GIL (/usr/bin/python3.13)". Names of the same stand
    together: five servers may run on one python3.
    """
    names: dict[str, list[str]] = {}
    for name, words in _each_in_words(kept, asked):
        names.setdefault(words, []).append(name)
    for words, same in names.items():
        yield ", ".join(same), words


def _each_in_words(kept: object, asked: Iterable[object]) -> Iterator[tuple[str, str]]:
    for name in dict.fromkeys(asked):
        one = kept.get(name) if isinstance(kept, Mapping) else None
        if isinstance(name, str) and isinstance(one, Mapping):
            build = "a free-threaded build, " if one.get("free_threaded") else ""
            gil = "with the GIL" if one.get("gil") else "without a GIL"
            what = f"{one.get('implementation')} {one.get('version')}, {build}{gil}"
            yield name, f"{what} ({one.get('path')})"


def interpreters_asked(kept: object, cells: Iterable[tuple[object, str]]) -> list[object]:
    """What cells, each an interpreter and a backend, are kept under; `kept` may be anything."""
    pairs = list(cells)
    names = [name for name in object_or_empty(kept) if isinstance(name, str)]
    own = dict.fromkeys(backend for _, backend in pairs)
    return [asked for asked, _ in pairs] + [
        name for backend in own for name in names if is_python_of(name, backend)
    ]


def interpreter_lines(kept: object, cells: Iterable[Cell]) -> Iterator[str]:
    """The same of those that cells name, or servers of the user's own run on, a line for each."""
    asked = ((cell.parameters.interpreter, cell.backend) for cell in cells)
    for name, words in interpreter_words(kept, interpreters_asked(kept, asked)):
        yield f"interpreter {name}: {words}"
