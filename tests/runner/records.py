# SPDX-License-Identifier: BSD-3-Clause
"""Records of trials, made from documents as lines of trials.jsonl hold them."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from fibench.record import Record
from fibench.store.record import read_head, read_record
from fibench.tried import last_attempts

_ALSO = {
    "started_at": "2026-11-24T22:00:00.500+00:00",
    "times": {"wall_s": 1.4, "measured_s": 1.2},
}


def recorded(*documents: Mapping[str, Any]) -> list[Record]:
    """The records of documents, which need not say when a trial began and how long it took."""
    return [read_record({**_ALSO, **document}) for document in documents]


def last_documents(documents: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Of each trial the last attempt, in the order of the plan."""
    by_attempt = {(one["trial"], one["attempt"]): one for one in documents}
    heads = [head for one in by_attempt.values() if (head := read_head(one)) is not None]
    return [by_attempt[head.trial, head.attempt] for head in last_attempts(heads)]


def document_of(line: str) -> dict[str, Any]:
    """What a line of trials.jsonl holds, without its digest."""
    return {name: value for name, value in json.loads(line).items() if name != "sha256"}


def read_too_late(record: Mapping[str, Any]) -> set[str]:
    """Which of "CPU times" and "memory" a trial knows nothing of, since the runner got no CPU when
    it was to read them, as on a busy machine."""
    unknown = [line.partition(":") for line in record["server"]["unknown"]]
    return {what for what, _, why in unknown if " late, since " in why}
