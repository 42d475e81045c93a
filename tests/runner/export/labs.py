# SPDX-License-Identifier: BSD-3-Clause
"""A teacher's file, and runs that students have handed in."""

from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

from tests.runner.experiments import KNOWN
from tests.runner.stored_runs import EXPERIMENT, make_run, places_with

from fibench.export.graders.grades import RunGrade, graded
from fibench.export.graders.lab import Lab, read_lab
from fibench.store import StoredRun, read_run

LAB = (
    EXPERIMENT.replace("above = 1.3\n", "above = 1.3\npoints = 3\n")
    .replace("below = 1\n", "below = 1\npoints = 2\n")
    .replace(
        "[[claim]]",
        """[[claim]]
says = "Threads are slow, whoever looks"
value = { backend = "py-mt" }
metric = "throughput"
below = "1000/s"
[[claim]]""",
        1,
    )
)
"""Three claims, two of which are graded: a ratio that holds by far, and a count of nothing."""
RATIO, COUNT = "multiprocess-beats-threads", "refusals"

GRADED_AT = datetime(2026, 6, 1, 16, 33, 11, tzinfo=timezone(timedelta(hours=2)))
SUBMISSION = {
    "CLASSROOM": "os",
    "ASSIGNMENT": "lab-3",
    "SUBMISSION_TAG": "submit/2026-06-01T14-32-05Z-a1b2c3d",
    "COMMIT_URL": "https://example.org/ada/lab-3/commit/a1b2c3d",
    "RELEASE_URL": "https://example.org/ada/lab-3/releases/tag/submit",
}
"""What Classroom 50 sets for an autograder, but for what it writes into a result itself."""


def lab_of(text: str = LAB) -> Lab:
    return read_lab(text.encode(), "lab.toml", KNOWN, Path("/"))


def handed_in(folder: Path, **how: Any) -> StoredRun:
    """A run of a student's, as make_run makes it."""
    return read_run(make_run(folder, **{"text": LAB, **how}), places_with(folder))


def grade_of(run: StoredRun, text: str = LAB) -> RunGrade:
    return graded(lab_of(text), run, "ada.html")


def told(grade: RunGrade) -> dict[str, tuple[str, int | None]]:
    """Each claim's outcome and points."""
    return {one.claim.id: (one.claim.outcome, one.earned) for one in grade.claims}
