# SPDX-License-Identifier: BSD-3-Clause
"""The result of GitHub Classroom's autograding runners, of one submission.

Its layout: github.com/classroom-resources, as autograding-python-grader writes it and
autograding-grading-reporter sums it up. Points that are open count on neither side; the status of
such a test is `error`, which is what those runners say of what could not be run.
"""

from __future__ import annotations

from fibench.export.graders.grades import ClaimGrade, RunGrade
from fibench.export.graders.gradescope import RUN_AGAIN, summary_lines
from fibench.export.graders.lab import Lab
from fibench.json_values import Json
from fibench.wording import counted, json_text

VERSION = 1


def classroom_json(lab: Lab, run: RunGrade) -> str:
    """The document as text."""
    lost = any(one.earned == 0 for one in run.claims)
    document: Json = {
        "version": VERSION,
        "status": "fail" if lost else "error" if run.open else "pass",
        "score": run.earned,
        "max_score": run.decided,
        "message": "\n".join(summary_lines(lab, run)),
        "tests": [_case(one) for one in run.claims],
    }
    return json_text(document, 2)


def _case(one: ClaimGrade) -> Json:
    is_open = one.earned is None
    again = [f"{counted(one.worth, 'point')} {RUN_AGAIN}"] if is_open else []
    return {
        "name": one.claim.says,
        "status": "error" if is_open else "pass" if one.earned else "fail",
        "score": one.earned or 0,
        "max_score": 0 if is_open else one.worth,
        "message": "\n".join([one.claim.outcome, *one.claim.lines, *again]),
        "test_code": one.claim.id,
        "filename": "",
        "line_no": 0,
        "duration": 0,
    }
