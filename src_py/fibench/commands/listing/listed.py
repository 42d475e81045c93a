# SPDX-License-Identifier: BSD-3-Clause
"""What `runs` does: each returns the exit status, or raises Refused."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from fibench.commands.listing.added import claims_of_file
from fibench.commands.listing.asked import Narrowing, asked_runs, folder_of_runs
from fibench.commands.listing.output import check_choice, emit, target_of
from fibench.commands.refused import WRONG_INPUT, Refused
from fibench.document import ExperimentError
from fibench.report.runs import OTHER_CELLS, ListedRun, Wanted, table_rows
from fibench.wording import escaped

if TYPE_CHECKING:
    from fibench.experiment import Claim
    from fibench.store import StoredRun


def runs(  # noqa: PLR0913 - each is an option that a person may give
    root: str,
    format_name: str,
    experiment: str,
    output: str,
    *,
    replace: bool,
    which: Narrowing | None = None,
    claims: str = "",
    matrix: bool = False,
) -> int:
    """List the runs below a folder, a row for each run and claim; or a row for each run alone, with
    a column for each claim: of an experiment, and of those that `which` leaves. All can be judged
    by the claims of a file."""
    from fibench.export import OF_LISTS
    from fibench.export import listing as formats
    from fibench.export.matrix import matrix as matrix_of

    format_name = format_name or "text"
    check_choice("format", format_name, OF_LISTS)
    if matrix and format_name != "text":
        _refuse_matrix()
    wanted = (which or Narrowing(experiment)).read()
    target = target_of(output, replace=replace)
    found = table_rows(_judged_runs(root, wanted, claims))
    emit(matrix_of(found) if matrix else formats.FORMATS[format_name](found), target)
    return 0


def runs_page(  # noqa: PLR0913 - each is an option that a person may give
    root: str,
    format_name: str,
    output: str,
    which: Narrowing,
    *,
    replace: bool,
    opened: bool,
    claims: str = "",
    matrix: bool = False,
) -> int:
    """Write an index over the runs below a folder, a page: there, or to `output`. All can be judged
    by the claims of a file."""
    from fibench.commands.listing import index

    if format_name not in ("", "html"):
        hint = "leave one of them out"
        raise Refused(f"--format {escaped(format_name[:40])} is no page", hint, WRONG_INPUT)
    if matrix:
        _refuse_matrix()
    wanted, folder = which.read(), folder_of_runs(root)
    target = target_of(output, replace=replace)
    place = target or index.own_index(folder, replace=replace)
    text = index.index_text(_judged_runs(root, wanted, claims), place.parent)
    if target is None:
        index.keep_index(place, text)
    else:
        emit(text, target)
    index.show_index(place, opened=opened)
    return 0


def _refuse_matrix() -> None:
    hint = "leave --format, --html and --open out, or --matrix: the page has such a table"
    raise Refused("--matrix is a table of text", hint, WRONG_INPUT)


def _judged_runs(root: str, wanted: Wanted, claims: str) -> list[ListedRun]:
    """The runs that are wanted, judged by their own claims, or by those of a file if it is named.
    Raises Refused where none of them has the cells that these are about."""
    faults: list[ExperimentError] = []

    def added(stored: StoredRun) -> Sequence[Claim]:
        try:
            return claims_of_file(claims, stored)
        except ExperimentError as error:
            faults.append(error)
            raise

    found = asked_runs(folder_of_runs(root), wanted, added if claims else None)
    if faults and all(one.is_damaged or one.head.outcome == OTHER_CELLS for one in found):
        raise Refused(str(faults[0]), status=WRONG_INPUT)
    return found
