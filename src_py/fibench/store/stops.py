# SPDX-License-Identifier: BSD-3-Clause
"""stopped.json: that a run was stopped, since what it measured changed under it."""

from datetime import UTC, datetime
from pathlib import Path

from fibench.store.files import DAMAGED, StoredError, read_json, shown_path
from fibench.store.folder import keep_json

STOPPED = "stopped.json"
_SCHEMA = 1
_LONGEST = 1000


def keep_stop(folder: Path, what: str) -> None:
    """Say in a run's folder, durably, why it was stopped. Raises RunError."""
    at = datetime.now(UTC).isoformat(timespec="milliseconds")
    keep_json(folder / STOPPED, {"schema": _SCHEMA, "stopped_at": at, "reason": what})


def read_stop(folder: Path) -> str | None:
    """Why a run was stopped; None if it was not, or was gone on with. Raises StoredError."""
    document = read_json(folder, STOPPED, missing={})
    if not document:
        return None
    reason = document.get("reason")
    if not isinstance(reason, str) or len(reason) > _LONGEST:
        raise StoredError(f"{shown_path(folder / STOPPED)} has no proper reason", DAMAGED)
    return reason
