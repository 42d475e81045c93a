# SPDX-License-Identifier: BSD-3-Clause
"""What a journal record must be to be used: the digest of a line proves that it is whole, no more.

Anybody can compute a digest. Members that nothing here knows are let through: a later version, or
a person, may add some. What is known must be what a trial can leave behind, figures within limits
in which arithmetic works: no sum, logarithm or reciprocal of them overflows.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass

from fibench.experiment import Experiment
from fibench.json_values import Object, object_or_empty, text_or_none
from fibench.metrics import UNTIMED
from fibench.parameters import Parameters
from fibench.plan import Role
from fibench.plan.trials import SEARCH_BLOCK
from fibench.record import SCHEMA, Checks, Record, Times
from fibench.store import journal
from fibench.store._members import parts
from fibench.store._members.values import (
    Members,
    known_whole,
    moment,
    or_none,
    truth,
    two_counts,
    whole_between,
)
from fibench.store.attempts import attempts_of
from fibench.store.files import NEWEST_SCHEMA
from fibench.tried import last_attempts

LARGEST_INDEX = 10_000_000
MOST_ATTEMPTS = 10**6


class RecordError(Exception):
    """A line of a journal is no trial's; the text says what it lacks, in a clause."""

    def __init__(self, lacking: Sequence[str]) -> None:
        super().__init__(f"the trial has no proper {', '.join(lacking)}")


def read_record(document: Object) -> Record:
    """The record that a line holds. Raises RecordError, which names all that is wrong.

    What nobody computes with is taken where it is as it should be, and else is not known.
    """
    members = Members(document)
    unsaid: Role | None = None if "role" in document else "measure"
    found = Record(
        trial=members.needed("trial", parts.A_NAME, ""),
        index=members.needed("index", whole_between(0, LARGEST_INDEX), 0),
        block=members.needed("block", whole_between(SEARCH_BLOCK, LARGEST_INDEX), 0),
        cell=members.needed("cell", parts.A_NAME, ""),
        label=members.needed("label", parts.A_NAME, ""),
        attempt=members.needed("attempt", whole_between(1, MOST_ATTEMPTS), 1),
        valid=members.needed("valid", truth, False),
        reason=members.needed("reason", parts.PROSE_OR_NONE, None),
        started_at=members.needed("started_at", moment, ""),
        parameters=members.needed("parameters", parts.read_parameters, Parameters(backend="")),
        metrics=members.needed("metrics", parts.NAMED_FIGURES, {}),
        counts=members.needed("counts", parts.NAMED_COUNTS, {}),
        times=members.needed("times", parts.read_times, Times(0.0, 0.0)),
        # Records of schema 1 do not have these, or not always.
        schema=members.optional("schema", whole_between(1, NEWEST_SCHEMA), 1),
        role=members.optional("role", parts.read_role, unsaid),
        hint=members.optional("hint", parts.PROSE_OR_NONE, None),
        failure=members.optional("failure", parts.NAME_OR_NONE, None),
        groups=members.optional("groups", parts.read_groups, {}),
        bounds=members.optional("bounds", parts.read_bounds, {}),
        checks=members.optional("checks", parts.read_checks, Checks()),
        halves=members.optional("halves", or_none(two_counts), None),
        server=members.optional("server", parts.read_server, None),
        evidence=parts.read_evidence(document.get("evidence")),
        disturbed=members.optional("disturbed", or_none(parts.read_disturbed), None),
        window_opened=members.optional("window_opened", or_none(truth), None),
        load_began=members.optional("load_began", or_none(truth), None),
        port=known_whole(document.get("port")),
        generator=parts.read_generator(document.get("generator")),
        machine=parts.known_figures(document.get("machine")),
        syscalls=parts.read_system_calls(document.get("syscalls")),
        timeline=members.optional("timeline", parts.read_timeline, None),
    )
    wrong = members.wrong or _at_odds(found)
    if wrong:
        raise RecordError(wrong)
    return found


def _at_odds(record: Record) -> list[str]:
    """The members that others contradict."""
    wrong = [] if record.valid or record.reason is not None else ["reason"]
    answered = record.counts.get("clients_answered")
    clients = record.parameters.clients
    return wrong if answered is None or answered <= clients else [*wrong, "counts"]


@dataclass(frozen=True, slots=True)
class Head:
    """What a record says of itself before its figures: all that resuming needs."""

    trial: str
    role: Role
    index: int
    block: int
    cell: str
    attempt: int
    valid: bool
    failure: str | None = None
    window_opened: bool | None = None
    disturbed: bool = False
    schema: int = SCHEMA
    is_accepted: bool = False


def read_head(document: Object) -> Head | None:
    """The head of a record, read without the rest; None for what is none."""
    trial, cell = document.get("trial"), document.get("cell")
    index, block, attempt = (document.get(name) for name in ("index", "block", "attempt"))
    valid, role = document.get("valid"), document.get("role", "measure")
    if not isinstance(role, str) or role not in parts.ROLES or not isinstance(valid, bool):
        return None
    if not isinstance(trial, str) or not isinstance(cell, str):
        return None
    if type(index) is not int or type(block) is not int or type(attempt) is not int:
        return None
    if not 1 <= attempt <= MOST_ATTEMPTS:
        return None
    opened = document.get("window_opened")
    return Head(
        *(trial, parts.ROLES[role], index, block, cell, attempt, valid),
        failure=text_or_none(document.get("failure")),
        window_opened=opened if isinstance(opened, bool) else None,
        disturbed=document.get("disturbed") is not None,
        schema=schema if type(schema := document.get("schema")) is int else 1,
        is_accepted=object_or_empty(document.get("disturbed")).get("accepted") is True,
    )


def sound_records(reading: journal.Reading) -> list[Record]:
    """The records of a journal that are what trials leave behind, in the order of writing."""
    found = []
    for document in reading.records:
        with contextlib.suppress(RecordError):
            found.append(read_record(document))
    return found


@dataclass(frozen=True)
class Usable:
    """What of a journal is used."""

    records: list[Record]
    """The last attempt of each trial, in the order of the plan."""
    attempts: list[Record]
    """All that were asked for, in the order of writing."""
    refused: list[tuple[int, str]]
    """Of whole lines that are no trial's the number, from 1, and why they are left out."""


def usable(reading: journal.Reading, experiment: Experiment) -> Usable:
    """The records that are what trials of an experiment leave behind.

    Of a cell and a block there is one measurement, and one trial of each kind that is not timed:
    another that claims to be it is left out.
    An attempt has one line, the first that says it is the attempt: each is made once. What no rule
    asked for (store/attempts.py) is left out.
    """
    sound: list[Record] = []
    lines: dict[tuple[str, int], int] = {}
    places: dict[str, tuple[object, ...]] = {}
    refused: list[tuple[int, str]] = []
    for line, document in zip(reading.lines, reading.records, strict=True):
        try:
            record = read_record(document)
        except RecordError as error:
            refused.append((line, str(error)))
            continue
        attempt = (record.trial, record.attempt)
        place = (record.index, record.block, record.cell, record.role)
        if places.setdefault(record.trial, place) != place:
            refused.append((line, "a line above says otherwise what its trial is"))
            continue
        if attempt in lines:
            refused.append((line, "a line above has the same attempt of its trial"))
            continue
        sound.append(record)
        lines[attempt] = line
    followed = attempts_of(sound, experiment)
    refused += [
        (lines[one.trial, one.attempt], "nothing asked for this attempt: one before it stands")
        for one in followed.unasked
    ]
    owners: dict[tuple[str, int, Role | None], str] = {}
    for record in last_attempts(followed.made):
        untimed = record.role if record.role in UNTIMED else None
        owners.setdefault((record.cell, record.block, untimed), record.trial)
    measured = set(owners.values())
    refused += [
        (lines[one.trial, one.attempt], "another trial has measured its cell in its block")
        for one in followed.made
        if one.trial not in measured
    ]
    attempts = [one for one in followed.made if one.trial in measured]
    return Usable(last_attempts(attempts), attempts, refused)
