# SPDX-License-Identifier: BSD-3-Clause
"""From journal records to all that a run is found to say."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from fibench.plan import ceiling_of, untimed_of_block
from fibench.record import Record
from fibench.store.attempts import failed_before, passes_of
from fibench.store.begun import Begun
from fibench.store.stops import Session
from fibench.store.stored_run import trial_folder
from fibench.tried import last_attempts
from fibench.verdict._notes.cells import ceilings_note, notes
from fibench.verdict._notes.folding import folded
from fibench.verdict._notes.searching import searched_lines
from fibench.verdict._notes.servers import endings, of_servers
from fibench.verdict.asymptotic.asymptotes import Possible
from fibench.verdict.asymptotic.demands import possible_of
from fibench.verdict.attempts.made_again import MadeAgain, made_again
from fibench.verdict.deciding.decide import decide
from fibench.verdict.deciding.decisions import Decisions, questions_of
from fibench.verdict.estimate import CONFIDENCE, CellSummary, summarise
from fibench.verdict.explaining.causes import Causes
from fibench.verdict.explaining.explained import with_reasons
from fibench.verdict.foreign.telling import surroundings
from fibench.verdict.judging import Verdict
from fibench.verdict.sample import Index, told
from fibench.verdict.sampling.sampled import samples
from fibench.verdict.twin import TwinCheck, check_twin

if TYPE_CHECKING:
    from fibench.experiment import Claim, Experiment

NO_DECISIONS = Decisions(0, (), {}, ())
NO_WORDS: Mapping[str, Path] = {}


class Failure(NamedTuple):
    """A trial that is not valid."""

    trial: str
    """Its name as in the progress lines: cell, block from 1, and its folder."""
    reason: str
    stderr: str = ""
    """Where what its server wrote is; empty if it wrote nothing."""
    hint: str = ""
    """What to do about it; empty where nothing is known."""


@dataclass(frozen=True)
class Findings:
    """All that a run says: what the report shows and what decides the exit status."""

    summaries: tuple[CellSummary, ...]
    """One for each cell, in the order of the file."""
    verdicts: tuple[Verdict, ...]
    """One for each claim, in order; if the run is not complete, for each that was decided."""
    failures: tuple[Failure, ...]
    twin: TwinCheck | None
    notes: tuple[str, ...]
    """What the checks of the run itself have to say, each in one line."""
    decisions: Decisions = NO_DECISIONS
    """After which block each claim was decided, and each cell left the run."""
    undecided: tuple[Claim, ...] = ()
    """The claims without a verdict, in order: the run ended before they had one."""
    made_again: MadeAgain = field(default_factory=MadeAgain)
    """What was made more than once."""
    possible: Mapping[str, Possible] = field(default_factory=dict)
    """What each cell could answer at most, by its key."""


def find(  # noqa: PLR0913 - all that is known of a run
    experiment: Experiment,
    records: Iterable[Record],
    cores: int | None,
    *,
    complete: bool,
    claims: Sequence[Claim] | None = None,
    server_words: Mapping[str, Path] = NO_WORDS,
    sessions: Sequence[Session] = (),
    begun: Sequence[Begun] = (),
    not_quiet: str | None = None,
) -> Findings:
    """Estimate and judge a run. `cores` is how many the machine had for it, if known.

    With `claims` those are judged instead of the file's; how long cells were measured hung on the
    file's all the same. Of a run that is not `complete` only what
    it had decided has a verdict; of one that was ended since the machine was `not_quiet`, what was
    open is not decided either. `records` are all attempts, in the order of writing; `sessions` are
    those of the run, and `begun` the attempts that it has begun. `server_words` are the files with
    what the servers of failed trials wrote, by the folders of these (`trial_folder`).
    """
    made = [record for record in records if record.role != "search"]
    records = last_attempts(made)
    index = Index(samples(made))
    questions = questions_of(experiment, cores, claims)
    ended = complete and not_quiet is None
    followed = made if ended else _whole_blocks(experiment, made)
    decisions = decide(questions, samples(followed), ended=ended)
    verdicts = decisions.verdicts
    if not_quiet is not None:
        verdicts = _not_quiet(questions.claims, verdicts, not_quiet)
    counted = made_again(made, sessions, begun)
    keys = [cell.key for cell in experiment.cells]
    summaries = summarise(index, keys, looks=questions_of(experiment, cores).repeated())
    given = {verdict.claim.id for verdict in verdicts}
    return Findings(
        summaries,
        Causes(questions, index, complete).judged(with_reasons(verdicts, index, records)),
        tuple(failures(made, server_words)),
        _twin(experiment, index),
        (*counted.lines(), *_notes(experiment, summaries, index, records)),
        decisions,
        tuple(claim for claim in questions.claims if claim.id not in given),
        counted,
        possible_of(experiment, summaries, records),
    )


def _not_quiet(
    claims: Iterable[Claim], decided: Iterable[Verdict], why: str
) -> tuple[Verdict, ...]:
    """What was decided before the run ended, and of the others that it did."""
    known = {verdict.claim.id: verdict for verdict in decided}
    return tuple(
        known.get(claim.id) or Verdict(claim, "INCONCLUSIVE", 1.0 - CONFIDENCE, reason=why)
        for claim in claims
    )


def _whole_blocks(experiment: Experiment, records: Sequence[Record]) -> list[Record]:
    """The records without those of a last block that was broken off before what is not timed, or
    before its last trial was measured again, or when it was measured again as a whole.

    Where anything else is missing of a block, `decide` sees it.
    """
    last = max((record.block for record in records), default=-1)
    passes = passes_of(record for record in records if record.block == last).get(last, [])
    own = list(passes[-1].all()) if passes else []
    missing = {key for one in passes for key in one.tries} - {record.trial for record in own}
    if missing or (passes and passes[-1].owes()):
        return [record for record in records if record.block < last]
    made = {(record.cell, record.role) for record in own}
    measured = {cell for cell, role in made if role == "measure"}
    lacking = [
        cell
        for cell, role in untimed_of_block(experiment, last)
        if cell.key in measured and (cell.key, role) not in made
    ]
    return [record for record in records if not lacking or record.block < last]


def failures(records: Iterable[Record], server_words: Mapping[str, Path]) -> list[Failure]:
    """Every trial that is not valid, and every attempt that had failed in a block that was broken
    off, which stays a result; `records` are all attempts, in the order of writing."""
    made: dict[str, list[Record]] = {}
    for record in records:
        made.setdefault(record.trial, []).append(record)
    failed = []
    for last in last_attempts(one for own in made.values() for one in own):
        for record in (*failed_before(made[last.trial]), *([] if last.valid else [last])):
            place = "before the blocks" if record.block < 0 else f"block {record.block + 1}"
            place += "" if record is last else ", which was broken off then"
            trial = f"{record.label}, {place} ({trial_folder(record)})"
            reason = record.reason or "no reason given"
            stderr = server_words.get(trial_folder(record))
            words = "" if stderr is None else str(stderr)
            failed.append(Failure(trial, reason, words, record.hint or ""))
    return failed


def null_rates(experiment: Experiment, records: Iterable[Record]) -> dict[str, float]:
    """The throughput of the null server under the load of each cell, by the cell's key."""
    rates = {
        record.trial.removeprefix("ceiling-"): record.metrics.get("throughput_per_s")
        for record in records
        if record.role == "ceiling" and record.valid
    }
    shapes = {cell.key: ceiling_of(cell, experiment) for cell in experiment.cells}
    found = {key: rates.get(shape) for key, shape in shapes.items() if shape is not None}
    return {key: rate for key, rate in found.items() if rate}


def _twin(experiment: Experiment, index: Index) -> TwinCheck | None:
    for cell in experiment.cells:
        found = check_twin(index, cell.key, cell.label, cell.parameters)
        if found is not None:
            return found
    return None


def _notes(
    experiment: Experiment,
    summaries: Sequence[CellSummary],
    index: Index,
    records: Sequence[Record],
) -> list[str]:
    known = null_rates(experiment, records)
    found = [*searched_lines(experiment), *experiment.absent.lines()]
    of_cells = [
        note
        for cell, summary in zip(experiment.cells, summaries, strict=True)
        for note in notes(cell, summary, index, known.get(cell.key))
    ]
    found.extend(folded(of_cells))
    found.extend(endings(records))
    found.extend(of_servers(records))
    found.extend(surroundings(records))
    missing = {
        record.trial: told(record.reason, record.hint)
        for record in records
        if record.role == "ceiling" and not record.valid
    }
    said = ceilings_note(missing)
    return found if said is None else [*found, said]
