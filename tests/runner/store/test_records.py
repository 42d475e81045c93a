# SPDX-License-Identifier: BSD-3-Clause
"""A record is written as it was made, and read back as it was written."""

import json
from pathlib import Path
from typing import Any

import pytest
from tests.runner.documents import answer
from tests.runner.records import document_of
from tests.runner.trials import run, trial

from fibench.parameters import Parameters, groups
from fibench.store import journal
from fibench.store.record import RecordError, read_record
from fibench.trial.answer import read_answer
from fibench.trial.load import LoadError

GROUPS = "name=small,clients=2,n=1;name=due,clients=2,n=1,rate=50;name=still,clients=2,idle"
SOUND = {
    "trial": "b000-a", "index": 0, "block": 0, "cell": "a", "label": "a", "attempt": 1,
    "valid": True, "reason": None, "started_at": "2026-11-23T09:15:00.000+00:00",
    "metrics": {}, "counts": {}, "times": {"wall_s": 1.0, "measured_s": 1.0},
}  # fmt: skip
"""A record without its parameters."""
ENDS = "def answer(connection, k):\n    import os\n    os._exit(3)\nserve_threads()"


@pytest.mark.parametrize(
    ("backend", "role", "cell"),
    [
        ("c-epoll", "measure", {}),
        ("c-epoll", "measure", {"groups": GROUPS}),
        ("c-mt", "measure", {"kind": "process", "framing": "message", "n": 5}),
        ("c-mt", "syscalls", {}),
        ("c-mt", "timeline", {}),
        ("own", "measure", {}),
        ("c-mt", "measure", {"host": "192.0.2.1"}),
    ],
    ids=[
        "closed loop",
        "groups",
        "client_bench.sh",
        "system calls",
        "timeline",
        "it ends",
        "no such address",
    ],
)
def test_a_record_that_is_read_is_the_one_that_was_written(
    programs: Path, tmp_path: Path, backend: str, role: Any, cell: dict[str, Any]
) -> None:
    own = ENDS if backend == "own" else None
    document = run(trial(backend, role, **cell), programs, tmp_path, own)
    line = journal.encode(document)
    assert journal.encode(read_record(document_of(line)).as_document()) == line


def test_what_a_line_lacks_is_named_all_at_once() -> None:
    with pytest.raises(RecordError) as caught:
        read_record({"trial": 7, "role": "nothing", "checks": []})
    assert str(caught.value) == (
        "the trial has no proper trial, index, block, cell, label, attempt, valid, reason, "
        "started_at, parameters, metrics, counts, times, role, checks"
    )


@pytest.mark.parametrize("path", [("window", "ok"), ("generator", "threads"), ("groups", "lost")])
def test_an_answer_of_another_version_is_refused_by_the_name_of_what_it_lacks(
    path: tuple[str, str],
) -> None:
    document = json.loads(json.dumps(answer()))
    inner = document[path[0]][0] if path[0] == "groups" else document[path[0]]
    del inner[path[1]]
    with pytest.raises(LoadError, match=f"no proper {path[0]}.{path[1]}$"):
        read_answer(document)


def test_parameters_are_read_as_those_of_a_plan_of_any_version() -> None:
    whole = Parameters(backend="c-mt", clients=8, n=3, groups=groups.parse("name=a,clients=8,n=3"))
    document = {**SOUND, "parameters": whole.as_json()}
    assert read_record(document).parameters == whole
    assert read_record(document).as_document()["parameters"] == whole.as_json()
    before = {name: value for name, value in whole.as_json().items() if name != "interpreter"}
    assert read_record({**SOUND, "parameters": before}).parameters == whole
    later = {**whole.as_json(), "zipf": 1.5}
    assert read_record({**SOUND, "parameters": later}).as_document()["parameters"] == later


@pytest.mark.parametrize(
    "wrong",
    [{"backend": 7}, {"clients": -1}, {"clients": None}, {"n": "3"}, {"groups": "name=a"},
     {"zipf": True}, {"rate": float("inf")}],
    ids=str,
)  # fmt: skip
def test_what_is_no_parameters_is_no_record(wrong: dict[str, object]) -> None:
    whole = Parameters(backend="c-mt").as_json()
    with pytest.raises(RecordError, match="parameters"):
        read_record({**SOUND, "parameters": {**whole, **wrong}})


SEEN = {
    "source": "samples", "rate_hz": 999.0, "wall_s": 0.4, "threads": 1,
    "shares": {"running": 0.75, "network": 0.25}, "slices": [{"running": 1.0}] * 10,
    "residual": 0.0, "rows": [], "rows_left_out": 0, "unknown": [],
}  # fmt: skip


def test_what_was_seen_of_a_server_is_read_or_makes_its_record_none() -> None:
    """Verdicts rest on it."""
    parameters = Parameters(backend="c-mt").as_json()
    whole = {**SOUND, "role": "timeline", "parameters": parameters, "timeline": SEEN}
    found = read_record(whole).timeline
    assert found is not None
    assert found.as_document() == SEEN
    assert read_record({**whole, "timeline": None}).timeline is None
    assert read_record({**whole, "timeline": {"absent": "x"}}).timeline is not None
    others: list[object] = [[], {}, {**SEEN, "shares": {"running": 1.5}}, {**SEEN, "slices": []}]
    for wrong in others:
        with pytest.raises(RecordError, match="no proper timeline"):
            read_record({**whole, "timeline": wrong})
