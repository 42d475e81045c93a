# SPDX-License-Identifier: BSD-3-Clause
"""result.json, which an autograder of Classroom 50 leaves behind for one submission.

Its layout: github.com/foundation50/classroom50, "Advanced Autograding", the contract of
result.json. Which submission it is of is known to the one who runs the autograder, in whose
environment it stands. Points that are open count on neither side; a test says more in fields of
its own, which are kept as they are.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from fibench.export.graders.grades import ClaimGrade, RunGrade
from fibench.export.graders.gradescope import RUN_AGAIN
from fibench.export.graders.lab import Lab
from fibench.json_values import Json
from fibench.wording import counted, json_text

RESULT_SCHEMA = "classroom50/result/v1"
_OF_SUBMISSION = {
    "classroom": "CLASSROOM",
    "assignment": "ASSIGNMENT",
    "submission": "SUBMISSION_TAG",
    "commit": "COMMIT_URL",
    "release": "RELEASE_URL",
}
_MAY_BE_MISSING = {"owner": "OWNER", "assignment_type": "ASSIGNMENT_TYPE"}
"""What whoever runs the autograder writes into the result again."""


def lacking_variables(environment: Mapping[str, str]) -> list[str]:
    """The variables that say which submission it is, and are not set."""
    return [name for name in _OF_SUBMISSION.values() if not environment.get(name)]


def classroom_json(
    lab: Lab, run: RunGrade, environment: Mapping[str, str], graded_at: datetime
) -> str:
    """The document as text, of the submission that an environment without `lacking_variables`
    names."""
    told = {key: environment[name] for key, name in _OF_SUBMISSION.items()}
    told |= {key: environment[name] for key, name in _MAY_BE_MISSING.items() if name in environment}
    document: Json = {
        "schema": RESULT_SCHEMA,
        **told,
        "review": environment.get("REVIEW_URL") or told["commit"],
        "datetime": graded_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "score": run.earned,
        "max-score": run.decided,
        "tests": [_case(one) for one in run.claims],
        "fibench": {"run": run.run, "open": run.open, "of": lab.most, "marks": list(run.marks)},
    }
    return json_text(document, 2)


def _case(one: ClaimGrade) -> Json:
    is_open = one.earned is None
    again = [f"{counted(one.worth, 'point')} {RUN_AGAIN}"] if is_open else []
    return {
        "test-name": one.claim.says,
        "passed": bool(one.earned),
        "score": one.earned or 0,
        "max-score": 0 if is_open else one.worth,
        "claim": one.claim.id,
        "outcome": one.claim.outcome,
        "message": "\n".join([*one.claim.lines, *again]),
    }
