# SPDX-License-Identifier: BSD-3-Clause
"""What GitHub's runner takes of a run: annotations at lines of a file, and a summary in Markdown.

Workflow commands: docs.github.com, "Workflow commands for GitHub Actions". What they are escaped
with is what actions/toolkit does (packages/core/src/command.ts).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from typing import TYPE_CHECKING

from fibench.export.graders.plain import ToldClaim, told_claims
from fibench.export.md import escape, table
from fibench.export.md import export as whole_report
from fibench.report.lines import machine_line_of
from fibench.report.words import tally
from fibench.verdict.sample import told
from fibench.wording import counted, prose, shown

if TYPE_CHECKING:
    from fibench.verdict import Review

_LEVELS = {"REFUTED": "error", "INVALID": "warning", "INCONCLUSIVE": "warning"}
"""Of the outcomes that are annotated: the others say nothing against the run."""
_ALLOWED = "notice"
_MESSAGE = {"%": "%25", "\r": "%0D", "\n": "%0A"}
_PROPERTY = {**_MESSAGE, ":": "%3A", ",": "%2C"}

WhereWritten = Callable[[ToldClaim], tuple[str, int] | None]
"""The file of a claim, as GitHub knows it, and its line; None where it has none there."""


def annotated(review: Review, place: WhereWritten, allowed: Collection[str] = ()) -> Iterator[str]:
    """A workflow command for each claim that is refuted, or of which nothing can be said; a notice
    where that is `allowed`. One for all trials that failed."""
    for claim in told_claims(review):
        level = _LEVELS.get(claim.outcome)
        if level is None:
            continue
        level = _ALLOWED if claim.outcome in allowed else level
        found = place(claim)
        properties = {} if found is None else {"file": found[0], "line": str(found[1])}
        properties["title"] = claim.outcome
        yield workflow_command(level, properties, "\n".join([claim.says, *claim.lines]))
    if review.failures:
        first = review.failures[0]
        said = f"{first.trial}: {told(first.reason, first.hint)}"
        title = f"{counted(len(review.failures), 'trial')} failed"
        yield workflow_command("error", {"title": title}, said)


def workflow_command(name: str, properties: dict[str, str], message: str) -> str:
    """A line that the runner obeys, without its end. Of texts only line ends are left of what a
    terminal would obey."""
    written = ",".join(f"{key}={_escaped(text, _PROPERTY)}" for key, text in properties.items())
    return f"::{name}{' ' if written else ''}{written}::{_escaped(message, _MESSAGE)}"


def _escaped(text: str, signs: dict[str, str]) -> str:
    lines = "\n".join(map(shown, text.split("\n")))
    return "".join(signs.get(sign, sign) for sign in lines)


def summary(review: Review, most_bytes: int) -> str:
    """A summary in Markdown: with the whole report folded up below it, without that, or without
    its claims, whichever is not too long."""
    head = "\n".join(_head(review)) + "\n"
    claims = list(told_claims(review))
    rows = [[claim.outcome, claim.says, claim.first] for claim in claims]
    short = head + "\n".join(["", *table(["", "claim", "figures"], rows, left=3), ""])
    folded = f"<details><summary>The whole report</summary>\n\n{whole_report(review)}\n</details>"
    every = (f"{short}\n{folded}\n", short) if claims else (f"{head}\n{folded}\n",)
    return next((text for text in every if _size(text) <= most_bytes), head)


def _size(text: str) -> int:
    return len(text.encode("utf-8", "backslashreplace"))


def _head(review: Review) -> Iterator[str]:
    run = review.run
    yield f"### {escape(prose(run.experiment.title))}"
    yield ""
    has_claims = bool(review.verdicts or review.findings.undecided)
    said = tally(review.verdicts, review.findings.undecided) if has_claims else "no claims"
    mark = f" ({review.claims_mark})" if review.added_afterwards else ""
    ended = "interrupted; " if review.interrupted else ""
    yield f"{ended}{escape(said)}{mark}. Run {escape(run.name)}: {escape(machine_line_of(run))}"
    for wrong in review.marks:
        yield f"\n**Warning:** {escape(prose(wrong))}"
    if review.failures:
        yield f"\n**{counted(len(review.failures), 'trial')} failed.**"
