# SPDX-License-Identifier: BSD-3-Clause
"""results.json, which an autograder of Gradescope leaves behind for one submission.

Its layout: gradescope-autograders.readthedocs.io, "Autograder Specifications". A test without
`score` and `max_score` counts on neither side: so are those whose points are open.
"""

from __future__ import annotations

from fibench.export.graders.grades import ClaimGrade, RunGrade
from fibench.export.graders.lab import Lab
from fibench.json_values import Json
from fibench.wording import counted, json_text

RUN_AGAIN = "open, neither won nor lost: run the lab again"


def gradescope_json(lab: Lab, run: RunGrade) -> str:
    """The document as text."""
    document: Json = {
        "score": run.earned,
        "output": "\n".join(summary_lines(lab, run)),
        "output_format": "text",
        "visibility": "visible",
        "tests": [_test(number, one) for number, one in enumerate(run.claims, 1)],
        "extra_data": {
            "run": run.run,
            "points": run.earned,
            "open": run.open,
            "of": lab.most,
            "marks": list(run.marks),
        },
    }
    return json_text(document, 2)


def summary_lines(lab: Lab, run: RunGrade) -> list[str]:
    """What a run has got in a line, and what is open and what is wrong with it in others."""
    found = [f"{run.earned} of {counted(lab.most, 'point')}, run {run.run}"]
    if run.open:
        found.append(f"{counted(run.open, 'point')} {RUN_AGAIN}")
    return [*found, *(f"mark: {mark}" for mark in run.marks)]


def _test(number: int, one: ClaimGrade) -> Json:
    again = [] if one.earned is not None else [f"{counted(one.worth, 'point')} {RUN_AGAIN}"]
    said: dict[str, Json] = {
        "number": str(number),
        "name": one.claim.says,
        "name_format": "text",
        "output": "\n".join([one.claim.outcome, *one.claim.lines, *again]),
        "output_format": "text",
        "extra_data": {"claim": one.claim.id, "outcome": one.claim.outcome, "worth": one.worth},
    }
    if one.earned is not None:
        status = "passed" if one.earned else "failed"
        said |= {"score": one.earned, "max_score": one.worth, "status": status}
    return said
