# SPDX-License-Identifier: BSD-3-Clause
"""Text that a terminal would obey, in every text of a run's files and in every name: no command
prints it as it is, in any format."""

import copy
import json
import unicodedata
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from tests.runner.mutations import journal_line, places
from tests.runner.stored_runs import WITH_GROUPS, make_run

from fibench.commands import review as reviewing
from fibench.commands.listing import listed
from fibench.commands.refused import Refused
from fibench.export import OF_LISTS, OF_RUNS
from fibench.store import journal

HOSTILE = "\x1b[2J\x1b]0;x\x07\u202e\u2066\x9b31m\x7f\r\n\u2028\u200b"
FILES = ("trials.jsonl", "plan.json", "environment.json", "claims.json")
ENVIRONMENT: dict[str, Any] = {
    "schema": 2,
    "processor": "Model 7",
    "architecture": "x86_64",
    "cpus": 4,
    "usable_cores": 2,
    "governor": "performance",
    "kernel": "6.1.0",
    "python": {"version": "3.12.1", "implementation": "CPython", "executable": "/usr/bin/python3"},
    "interpreters": {"python3.13": {"path": "/x/python3.13", "version": "3.13.1",
                                    "implementation": "CPython", "gil": True}},
    "limits": {"port_range": "1 2"},
    "mitigations": {"spectre": "none"},
    "compiler": {"id": "gcc", "flags": ["-O2"]},
}  # fmt: skip


def obeyed(text: str) -> set[str]:
    """The characters of an output that are neither print nor line ends."""
    kinds = ("Cc", "Cf", "Cs", "Zl", "Zp")
    return {c for c in text.replace("\r\n", "\n") if c != "\n" and unicodedata.category(c) in kinds}


@pytest.fixture
def results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "results"
    make_run(folder / "gil" / "2026-11-24T2255-63e1", text=WITH_GROUPS, environment=ENVIRONMENT)
    own = make_run(
        folder / "gil" / "2026-11-25T0700-0001", text=WITH_GROUPS, environment=ENVIRONMENT,
        schema=2, second_by_second=True, seed=2,
    )  # fmt: skip
    records = journal.read(own / "trials.jsonl").records
    for record in records[:2]:  # failures have words of their own
        record |= {"valid": False, "reason": "it ended", "hint": "look", "failure": "exited"}
    (own / "trials.jsonl").write_bytes(b"".join(map(journal_line, records)))
    plan = json.loads((own / "plan.json").read_bytes())
    plan["warnings"] = ["beware"]
    plan["pinning"] = {"server": "0", "load": "1", "why": "because"}
    gone = {**plan["cells"][0]["parameters"], "host": "localhost"}
    plan["left_out"] = [{"key": "gone", "label": "gone", "parameters": gone, "reason": "no fork"}]
    plan["not_here"] = {"backends": {"c-uring": "off"}, "interpreters": {"pypy3": "gone"}}
    (own / "plan.json").write_text(json.dumps(plan))
    monkeypatch.setenv("FIBENCH_RESULTS", str(folder))
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.delenv("FIBENCH_FROM", raising=False)
    return folder


def outputs(capfd: pytest.CaptureFixture[str], root: str = "") -> Iterator[tuple[str, str]]:
    """What every command prints in every format, to either stream."""
    actions: dict[str, Callable[[], int]] = {}
    for name in OF_RUNS:
        actions[f"report {name}"] = partial(reviewing.report, "gil", name, "", "", replace=False)
    for name in OF_LISTS:
        actions[f"compare {name}"] = partial(
            reviewing.compare, "gil~1", "gil", name, "", replace=False
        )
    for name in OF_LISTS:
        actions[f"runs {name}"] = partial(listed.runs, root, name, "", "", replace=False)
    for name, action in actions.items():
        yield name, printed(action, capfd)[1]


def printed(action: Callable[[], int], capfd: pytest.CaptureFixture[str]) -> tuple[int, str]:
    """The exit status of a command, and what it prints to either stream."""
    try:
        status, said = action(), ""
    except Refused as refused:
        status, said = refused.status, str(refused)
    return status, said + "".join(capfd.readouterr())


def groups(document: Any) -> list[list[tuple[Any, ...]]]:
    """The paths of a document, those together that mean the same: of all cells the label, say."""
    found: dict[tuple[Any, ...], list[tuple[Any, ...]]] = {}
    for path in places(document):
        kind = tuple(step for step in path if isinstance(step, str))
        found.setdefault((*kind[:1], *kind[-1:], path[-1] if kind else None), []).append(path)
    return list(found.values())


def hostile(document: Any, paths: list[tuple[Any, ...]]) -> Any:
    """The document with hostile text in the texts at some paths, or in the names of members."""
    changed = copy.deepcopy(document)
    for path in paths:
        holder = changed
        for step in path[:-1]:
            holder = holder[step]
        if isinstance(holder[path[-1]], str):
            holder[path[-1]] += HOSTILE
        elif isinstance(holder, dict):
            holder[f"{path[-1]}{HOSTILE}"] = holder.pop(path[-1])
    return changed


@pytest.mark.parametrize("name", FILES)
def test_no_text_of_a_runs_files_is_obeyed(
    results: Path, capfd: pytest.CaptureFixture[str], name: str
) -> None:
    """First one text after the other, then all together that leave the run one to be shown."""
    path = results / "gil" / "2026-11-25T0700-0001" / name
    document = read(path)
    report = partial(reviewing.report, "gil", "text", "", "", replace=False)
    warnings = printed(report, capfd)[1].count("warning")
    for paths in groups(document[0]):
        changed = [hostile(one, paths) for one in document]
        write(path, changed)
        status, text = printed(report, capfd)
        assert text
        assert obeyed(text) == set(), paths
        is_shown = status == 0 and text.count("warning") == warnings
        if is_shown and all(_is_text(document[0], at) for at in paths):
            document = changed
    assert json.dumps(document).count("\\u202e") > 1
    write(path, document)
    _look(capfd)


def _is_text(document: Any, path: tuple[Any, ...]) -> bool:
    for step in path:
        document = document[step]
    return isinstance(document, str)


def read(path: Path) -> list[Any]:
    """The documents of a file: of a journal its records."""
    if path.name == "trials.jsonl":
        return list(journal.read(path).records)
    return [json.loads(path.read_bytes())]


def write(path: Path, documents: list[Any]) -> None:
    if path.name == "trials.jsonl":
        path.write_bytes(b"".join(map(journal_line, documents)))
    else:
        path.write_text(json.dumps(documents[0]))


def _look(capfd: pytest.CaptureFixture[str], root: str = "") -> None:
    for command, text in outputs(capfd, root):
        assert text, command
        assert obeyed(text) == set(), command


def test_no_name_of_a_folder_is_obeyed(results: Path, capfd: pytest.CaptureFixture[str]) -> None:
    odd = HOSTILE.replace("\r\n", "") + "\n"
    (results / "gil").rename(results / f"gil{odd}")
    (results / f"gil{odd}" / "2026-11-25T0700-0001").rename(results / f"gil{odd}" / f"run{odd}")
    _look(capfd, str(results))
