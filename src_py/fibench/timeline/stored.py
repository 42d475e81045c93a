# SPDX-License-Identifier: BSD-3-Clause
"""Thread-time as a record has it, read back as hostile: whatever is not as it must be is said."""

from __future__ import annotations

from collections.abc import Mapping
from typing import get_args

from fibench.json_values import Object
from fibench.timeline.runs import letters_of
from fibench.timeline.shares import COLUMNS, ROWS, SLICES, SeenBy, ThreadRow, ThreadTime
from fibench.timeline.states import LETTERS, NOT_THERE, STATES, State

_MOST = 2**53
"""Up to here every whole number is one in JSON (RFC 8259, section 6)."""
_MOST_UNKNOWN = 16
_LONGEST_TEXT = 400
_LONGEST_NAME = 64
"""Characters of a thread's name: the kernel has 15 bytes, each of which may be written out."""
_TOLERANCE = 0.01
"""What rounding may do to a sum."""
_MOST_SHARES = 1.5
"""More than 1, since time that shows up late may be more than a short slice has."""
_ALPHABET = frozenset((*LETTERS.values(), NOT_THERE))


class _Fault(Exception):
    """What of a document is not as it must be."""


def read_thread_time(document: object) -> ThreadTime | str:
    """Thread-time from what `ThreadTime.as_document` has made, or why it is none, in a clause."""
    try:
        if not isinstance(document, Mapping):
            raise _Fault("is no object")
        if document.get("absent") is not None:
            return ThreadTime(absent=_text(document, "absent", _LONGEST_TEXT))
        return _present(document)
    except _Fault as fault:
        return f"its thread-time {fault}"


def _present(document: Object) -> ThreadTime:
    shares, residual = _shares(document.get("shares")), _number(document, "residual", -1.0, 1.0)
    if abs(sum(shares.values()) + residual - 1) > _TOLERANCE:
        raise _Fault("does not add up to 1")
    rows = tuple(_row(each) for each in _list(document, "rows", ROWS))
    if len({len(row.columns) for row in rows}) > 1:
        raise _Fault("has rows of several lengths")
    slices = tuple(_shares(each) for each in _list(document, "slices", SLICES))
    if len(slices) != SLICES:
        raise _Fault(f"has not {SLICES} slices")
    return ThreadTime(
        absent=None,
        source=_source(document.get("source")),
        rate_hz=_number(document, "rate_hz", 0.0, 1e9),
        wall_s=_number(document, "wall_s", 0.0, 1e9),
        threads=_whole(document, "threads"),
        shares=shares,
        slices=slices,
        residual=residual,
        rows=rows,
        rows_left_out=_whole(document, "rows_left_out"),
        unknown=tuple(
            _text_of(each, "unknown") for each in _list(document, "unknown", _MOST_UNKNOWN)
        ),
    )


def _source(value: object) -> SeenBy:
    for known in get_args(SeenBy):
        if value == known:
            found: SeenBy = known
            return found
    raise _Fault("is from no source that is known")


def _shares(value: object) -> dict[State, float]:
    """Shares by states that there are, in the order of STATES."""
    if not isinstance(value, Mapping) or not value.keys() <= set(STATES):
        raise _Fault("has shares of unknown states")
    found = {state: _number(value, state, 0.0, 1.0) for state in STATES if state in value}
    if sum(found.values()) > _MOST_SHARES:
        raise _Fault("has more of it than there is")
    return found


def _row(value: object) -> ThreadRow:
    if not isinstance(value, Mapping):
        raise _Fault("has a row that is no object")
    columns = letters_of(_text(value, "columns", 4 * COLUMNS), COLUMNS)
    if columns is None or not _ALPHABET.issuperset(columns):
        raise _Fault("has a row of other columns than there are")
    name = _text(value, "name", _LONGEST_NAME)
    return ThreadRow(_whole(value, "pid"), _whole(value, "tid"), name, columns)


def _list(document: Object, name: str, most: int) -> list[object]:
    value = document.get(name)
    if not isinstance(value, list) or len(value) > most:
        raise _Fault(f"has no list of at most {most} as {name!r}")
    return value


def _whole(document: Object, name: str) -> int:
    value = document.get(name)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < _MOST:
        raise _Fault(f"has no count as {name!r}")
    return value


def _number(document: Object, name: str, least: float, most: float) -> float:
    """A number within bounds, which NaN is not, nor an int that no float can hold."""
    value = document.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most:
        raise _Fault(f"has no number from {least:g} to {most:g} as {name!r}")
    return float(value)


def _text(document: Object, name: str, longest: int) -> str:
    return _text_of(document.get(name), name, longest)


def _text_of(value: object, name: str, longest: int = _LONGEST_TEXT) -> str:
    if not isinstance(value, str) or len(value) > longest:
        raise _Fault(f"has no text of at most {longest} characters as {name!r}")
    return value
