# SPDX-License-Identifier: BSD-3-Clause
"""JUnit's XML: a case for each claim, as Jenkins, GitLab and others read it.

Within what the two schemas in use have in common: the one of Ant's reports (windyroad/JUnit-Schema)
wants `properties`, `system-out` and `system-err` once each and in this order, and a time stamp
without a zone; the one of Jenkins' xunit plugin (junit-10) allows that.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import fibench
from fibench.export.graders.plain import ToldClaim, told_claims
from fibench.report.lines import machine_line_of
from fibench.report.words import notes_of, tally
from fibench.verdict.sample import told
from fibench.wording import shown

if TYPE_CHECKING:
    from fibench.verdict import Review

_ELEMENTS = {"REFUTED": "failure", "INVALID": "error", "CONFIRMED": ""}
"""What a case has that did not pass; of every other outcome it was skipped."""
_HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n'


def export(review: Review) -> str:
    """The document, in ASCII. What XML cannot hold, as control characters, is escaped."""
    cases = list(told_claims(review))
    kinds = Counter(_ELEMENTS.get(case.outcome, "skipped") for case in cases)
    root = ET.Element("testsuites")
    suite = ET.SubElement(
        root,
        "testsuite",
        {
            "name": _suite(review),
            "id": "0",
            "package": "fibench",
            "tests": str(len(cases)),
            "failures": str(kinds["failure"]),
            "errors": str(kinds["error"]),
            "skipped": str(kinds["skipped"]),
            "time": _seconds(review),
            "timestamp": _timestamp(review),
            # As Ant writes it of an unknown one: who runs what may be private.
            "hostname": "localhost",
        },
    )
    properties = ET.SubElement(suite, "properties")
    for name, value in _properties(review):
        ET.SubElement(properties, "property", {"name": name, "value": shown(value)})
    for case, name in zip(cases, _names(cases), strict=True):
        _add_case(suite, review, case, name)
    ET.SubElement(suite, "system-out").text = "\n".join(_out(review, cases))
    ET.SubElement(suite, "system-err").text = "\n".join(_err(review))
    ET.indent(root)
    written: bytes = ET.tostring(root, encoding="us-ascii", xml_declaration=False)
    return f"{_HEAD}{written.decode()}\n"


def _names(cases: Iterable[ToldClaim]) -> Iterator[str]:
    """What each case is called: what its claim says, with its id where another says the same."""
    every = list(cases)
    said = Counter(case.says for case in every)
    for case in every:
        yield case.says if said[case.says] == 1 else f"{case.says} [{case.id}]"


def _suite(review: Review) -> str:
    """What the suite is called: as the experiment."""
    return shown(review.run.experiment_name).strip() or "fibench"


def _add_case(suite: ET.Element, review: Review, case: ToldClaim, name: str) -> None:
    attributes = {
        "name": name,
        "classname": _suite(review),
        "time": _seconds(review, case.cells),
    }
    element = ET.SubElement(suite, "testcase", attributes)
    tag = _ELEMENTS.get(case.outcome, "skipped")
    if tag == "skipped":
        ET.SubElement(element, tag, {"message": f"{case.outcome}: {'; '.join(case.lines)}"})
    elif tag:
        found = ET.SubElement(element, tag, {"type": case.outcome, "message": case.first})
        found.text = "\n".join(case.lines)


def _seconds(review: Review, cells: Iterable[str] | None = None) -> str:
    """How long the trials took, or those of some cells."""
    keys = None if cells is None else set(cells)
    took = (one.times.wall_s for one in review.run.records if keys is None or one.cell in keys)
    return f"{math.fsum(took):.3f}"


def _timestamp(review: Review) -> str:
    """When the first trial began, in UTC."""
    began = min((one.started_at for one in review.run.records), default=None)
    moment = datetime.fromtimestamp(0, UTC) if began is None else datetime.fromisoformat(began)
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="seconds")


def _properties(review: Review) -> Iterator[tuple[str, str]]:
    run = review.run
    yield "run", run.name
    yield "title", run.experiment.title
    yield "machine", machine_line_of(run)
    yield "fibench", fibench.__version__
    yield "complete", "yes" if run.complete else "no"
    yield "trials", str(len(run.records))
    yield "failed trials", str(len(review.failures))
    if review.added_afterwards:
        yield "claims", review.claims_mark
    for mark in review.marks:
        yield "mark", mark


def _out(review: Review, cases: Iterable[ToldClaim]) -> Iterator[str]:
    """The report in short."""
    for case in cases:
        yield f"{case.outcome}  {case.says}"
        yield from (f"    {line}" for line in case.lines)
    mark = f" ({review.claims_mark})" if review.added_afterwards else ""
    yield shown(tally(review.verdicts, review.findings.undecided)) + mark


def _err(review: Review) -> Iterator[str]:
    """What is wrong with the run, and what its reader must know."""
    yield from (f"warning: {shown(mark)}" for mark in review.marks)
    for failed in review.failures:
        yield shown(f"failed: {failed.trial}: {told(failed.reason, failed.hint)}")
    yield from (shown(note) for note in notes_of(review))
