# SPDX-License-Identifier: BSD-3-Clause
"""A teacher's file: the claims by which runs that were handed in are graded, and of what cells.

What a run's own file says counts for nothing: not its claims, not how many of its trials may fail.
Of its cells those count that are what the teacher's file asks for, but for how long they were
measured and on which CPUs and address.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from fibench.document import ExperimentError, Source, check_document, parse_toml
from fibench.document.text import decode
from fibench.experiment import ASKED, Cell, cells_of, parse_experiment
from fibench.experiment.cells import is_stand_in
from fibench.experiment.claims import Claim, name_of_claim, resolve_claims
from fibench.parameters import in_file, shown_value
from fibench.parameters.stand_ins import AXIS
from fibench.wording import counted

if TYPE_CHECKING:
    from fibench.experiment import Experiment, KnownBackend

_MAY_DIFFER = frozenset(
    ("duration", "requests", "warmup", "timeout", "host", "port", "server_cpus", "load_cpus")
)
_MOST_TOLD = 3


@dataclass(frozen=True)
class Lab:
    """What runs are graded by."""

    name: str
    """What the file is called in messages."""
    data: bytes
    worths: Mapping[str, int]
    """The points of each claim that has some, by its id, in the order of the file."""
    says: Mapping[str, str]
    """What these say."""
    experiment: Experiment | None
    """None: the file has claims alone, about whatever cells a run has."""

    @property
    def most(self) -> int:
        """All its points."""
        return sum(self.worths.values())

    @property
    def tolerates(self) -> float:
        """Which share of the trials of a cell may have failed."""
        return 0.0 if self.experiment is None else self.experiment.plan.tolerate_failures

    def asked_for(self, cells: Iterable[Cell]) -> list[Cell]:
        """Those of a run's cells that the file asks for."""
        if self.experiment is None:
            return list(cells)
        wanted = self.experiment.cells
        return [cell for cell in cells if any(not _differing(cell, one) for one in wanted)]

    def why_not(self, claim_id: str, cells: Sequence[Cell]) -> str | None:
        """Which cell of a claim a run has measured otherwise, or not at all; None: it is not that,
        or not known."""
        own = self.experiment.claims if self.experiment is not None else ()
        claim = next((one for one in own if one.id == claim_id), None)
        return None if claim is None else _first_lacking(claim, cells)


def read_lab(data: bytes, name: str, backends: Mapping[str, KnownBackend], folder: Path) -> Lab:
    """What a file asks for: a whole experiment, or [[claim]] tables alone.

    Raises ExperimentError with every fault at once, also where no claim has points.
    """
    text = decode(data, name)
    document = parse_toml(text, name)
    experiment = None
    if "matrix" in document:
        experiment = parse_experiment(data, name, backends, folder=folder)
    else:
        document = {"title": "claims", "matrix": [{"backend": ["any"]}], **document}
    source = Source(name, text)
    sound = check_document(document, source)
    tables = list(zip(sound.claims, sound.file.claim, strict=True)) if sound is not None else []
    if experiment is None:
        resolve_claims(tables, None, source, doubtful=(), changed=False)
    worths = {
        name_of_claim(table, index): table.points for index, table in tables if table.has("points")
    }
    if not worths and not source.diagnostics:
        hint = "write points = 1 below each [[claim]] that counts"
        source.report((), "no claim has points: there is nothing to grade by", hint)
    if source.diagnostics:
        raise ExperimentError(source.sorted())
    says = {name_of_claim(table, index): table.says for index, table in tables}
    return Lab(name, data, worths, {one: says[one] for one in worths}, experiment)


def _differing(cell: Cell, wanted: Cell) -> list[str]:
    """The parameters of a cell that are not as wanted, of those that decide what is measured."""
    own, asked = cell.parameters.as_json(), wanted.parameters.as_json()
    was_searched = is_stand_in(wanted) and own.get(AXIS) is not None
    may_differ = _MAY_DIFFER | ({AXIS} if was_searched else frozenset())
    names = [name for name in dict.fromkeys((*asked, *own)) if name not in may_differ]
    return [name for name in names if own.get(name) != asked.get(name)]


def _first_lacking(claim: Claim, cells: Sequence[Cell]) -> str | None:
    """`py-mt was measured with n = 20 instead of 27`."""
    for wanted in cells_of(claim):
        same = [cell for cell in cells if cell.backend == wanted.backend]
        apart = sorted(((_differing(cell, wanted), cell) for cell in same), key=_how_many)
        if not apart:
            return f"{wanted.label} was not measured"
        names, cell = apart[0]
        if names:
            said = [_difference(name, cell, wanted) for name in names[:_MOST_TOLD]]
            more = len(names) - len(said)
            said += [f"{counted(more, 'other key')} likewise"] if more else []
            return f"{wanted.label} was measured with {', '.join(said)}"
    return None


def _how_many(one: tuple[list[str], Cell]) -> int:
    return len(one[0])


def _difference(name: str, cell: Cell, wanted: Cell) -> str:
    if name == ASKED:
        return "requests that are others"
    values = (one.parameters.as_json().get(name) for one in (cell, wanted))
    own, asked = (shown_value(name, value) for value in values)
    return f"{_written(name)} = {own} instead of {asked}"


def _written(name: str) -> str:
    """How the file calls a parameter; an axis of its own is called so."""
    try:
        return in_file(name)
    except KeyError:
        return name
