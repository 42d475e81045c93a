# SPDX-License-Identifier: BSD-3-Clause
"""What `grade` does: a teacher's file, and runs that were handed in, to grades."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from fibench.commands.refused import WRONG_INPUT, Refused
from fibench.folders import Places, find_places, from_here
from fibench.wording import escaped, listed_with

if TYPE_CHECKING:
    from fibench.export.graders.grades import RunGrade
    from fibench.export.graders.lab import Lab
    from fibench.store import StoredRun

GRADE_FORMATS = ("csv", "gradescope", "classroom50")
_OF_ONE = {
    "gradescope": "results.json is of one submission",
    "classroom50": "such a result is of one submission",
}
"""The formats that hold one run, and why."""

Found = tuple[str, "StoredRun | str"]
"""Where a run was found, and the run, or why it cannot be read."""


def grades_text(lab_name: str, names: Sequence[str], format_name: str) -> str:
    """The grades of runs in a format. Raises Refused."""
    from fibench.export.graders.classroom50 import classroom_json
    from fibench.export.graders.gradescope import gradescope_json
    from fibench.export.graders.sheet import grade_sheet

    if format_name == "classroom50":
        _refuse_without_submission()

    places = find_places()
    if not names:
        what = "grade needs RUN, which is not given"
        raise Refused(what, "give runs' folders, pages, or a folder of them", WRONG_INPUT)
    lab = _lab(lab_name, places)
    found = list(_handed_in(names, places))
    _refuse_twice(found)
    if format_name in _OF_ONE:
        if len(found) != 1:
            what = f"{len(found)} runs are given: {_OF_ONE[format_name]}"
            raise Refused(what, "give one run, or --format csv", WRONG_INPUT)
        place, one = found[0]
        if isinstance(one, str):
            hint = "hand it in again: a page, or the whole folder of a run"
            raise Refused(f"{escaped(place)} cannot be graded: {one}", hint, WRONG_INPUT)
    grades = _grades(lab, found)
    if format_name == "gradescope":
        return gradescope_json(lab, grades[0])
    if format_name == "classroom50":
        return classroom_json(lab, grades[0], os.environ, datetime.now(UTC))
    return grade_sheet(lab, grades)


def _refuse_without_submission() -> None:
    """Raise Refused where nobody says of which submission a result of Classroom 50 is to be."""
    from fibench.export.graders.classroom50 import lacking_variables

    lacking = lacking_variables(os.environ)
    if lacking:
        what = f"--format classroom50 needs {listed_with('and', lacking)}, which"
        what += " is not set" if len(lacking) == 1 else " are not set"
        hint = "Classroom 50 sets them where it runs an autograder.py; elsewhere use --format csv"
        raise Refused(what, hint, WRONG_INPUT)


def _lab(name: str, places: Places) -> Lab:
    """The teacher's file. Raises Refused with every fault at once."""
    from fibench.backends import known_backends
    from fibench.commands.serve import read_backends
    from fibench.document import ExperimentError, brief_name, find_experiment
    from fibench.document.text import read
    from fibench.export.graders.lab import read_lab

    backends = known_backends(read_backends(places))
    try:
        path = find_experiment(name, places.experiments)
        shown = brief_name(path)
        return read_lab(read(path, shown), shown, backends, path.resolve().parent)
    except ExperimentError as error:
        raise Refused(str(error), status=WRONG_INPUT) from error


def _handed_in(names: Sequence[str], places: Places) -> Iterator[Found]:
    """The runs that words name: a folder of runs and pages stands for all in it. Raises Refused."""
    from fibench.report.runs import find_runs
    from fibench.store import StoredError, open_run_or_page, read_run
    from fibench.store.carrying.opening import read_page

    for name in names:
        path = from_here(name)
        if not path.is_dir():
            try:
                yield name, open_run_or_page(name, places)
            except StoredError as error:
                if not path.exists():
                    raise Refused(str(error), error.hint, WRONG_INPUT) from error
                yield name, str(error)
            continue
        runs = list(find_runs(path))
        if not runs:
            what = f"no run is in the folder {escaped(name)}"
            raise Refused(what, "give runs' folders, or pages that carry a run", WRONG_INPUT)
        for run in runs:
            place = os.path.normpath(os.path.join(name, os.path.relpath(run, path)))
            try:
                yield place, read_page(run, places) if run.is_file() else read_run(run, places)
            except StoredError as error:
                yield place, str(error)


def _refuse_twice(found: Sequence[Found]) -> None:
    """Raise Refused for a run that is named twice: each would be a copy of the other."""
    seen: dict[Path, str] = {}
    for place, run in found:
        if isinstance(run, str):
            continue
        if run.place in seen:
            what = f"{escaped(seen[run.place])} and {escaped(place)} are one run"
            raise Refused(what, "give each run once", WRONG_INPUT)
        seen[run.place] = place


def _grades(lab: Lab, found: Sequence[Found]) -> list[RunGrade]:
    """What each run is worth. Raises Refused for a fault of the lab that its cells show."""
    from fibench.document import ExperimentError
    from fibench.export.graders.grades import RunGrade, graded
    from fibench.verdict.audit import copies

    copied = copies({place: run.digests for place, run in found if not isinstance(run, str)})
    grades = []
    for place, run in found:
        if isinstance(run, str):
            grades.append(RunGrade(place, "", (), damaged=run))
            continue
        more = [copied[place]] if place in copied else []
        try:
            grades.append(graded(lab, run, place, more))
        except ExperimentError as error:
            raise Refused(str(error), status=WRONG_INPUT) from error
    return grades
