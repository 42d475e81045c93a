# SPDX-License-Identifier: BSD-3-Clause
"""The journal: what was appended is read back, whatever happens to the file's end."""

import errno
import json
import os
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fibench.store import journal
from fibench.store.record import Head
from fibench.tried import last_attempts

RECORDS = st.dictionaries(
    st.text(max_size=12).filter(lambda key: key != "sha256"),
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20) | st.lists(st.text(max_size=5), max_size=3),
    min_size=1,
    max_size=5,
)  # fmt: skip


def read_back(text: str) -> list[dict[str, object]]:
    """The records of a journal that holds a text."""
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", newline="") as stream:
        stream.write(text)
        stream.flush()
        return journal.read(Path(stream.name)).records


@given(RECORDS)
def test_a_record_comes_back_as_it_was(record: dict[str, object]) -> None:
    assert read_back(journal.encode(record)) == [record]


@given(RECORDS)
def test_a_line_is_plain_json_with_its_digest_last(record: dict[str, object]) -> None:
    line = journal.encode(record)
    assert line.count("\n") == 1
    read = json.loads(line)
    assert list(read)[-1] == "sha256"
    del read["sha256"]
    assert read == record


@given(RECORDS, st.data())
def test_no_altered_line_is_taken_for_a_record(
    record: dict[str, object], data: st.DataObject
) -> None:
    line = journal.encode(record)
    position = data.draw(st.integers(0, len(line) - 1))
    character = data.draw(st.characters(codec="ascii").filter(lambda c: c != line[position]))
    assert read_back(line[:position] + character + line[position + 1 :]) == []


def test_a_journal_cut_at_any_byte_loses_at_most_its_last_line(tmp_path: Path) -> None:
    path = tmp_path / "trials.jsonl"
    records = [{"trial": f"b00{index}-é", "valid": True} for index in range(3)]
    for record in records:
        journal.append(path, record)
    whole = path.read_bytes()
    ends = [index + 1 for index, byte in enumerate(whole) if byte == ord("\n")]
    for size in range(len(whole) + 1):
        path.write_bytes(whole[:size])
        reading = journal.read(path)
        complete = sum(end <= size for end in ends)
        assert reading.records == records[:complete]
        torn = size > 0 and size not in ends
        assert reading.damaged == ([complete + 1] if torn else [])


def test_after_a_cut_at_any_byte_the_next_record_is_a_line_of_its_own(tmp_path: Path) -> None:
    path = tmp_path / "trials.jsonl"
    for index in range(3):
        journal.append(path, {"trial": f"b00{index}-é", "valid": True})
    whole = path.read_bytes()
    for size in range(len(whole) + 1):
        path.write_bytes(whole[:size])
        before = journal.read(path).records
        journal.append(path, {"trial": "next"})
        reading = journal.read(path)
        assert reading.records == [*before, {"trial": "next"}]
        assert reading.damaged == []


def test_a_torn_tail_longer_than_what_is_read_at_once_is_cut_off_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "trials.jsonl"
    journal.append(path, {"trial": 0})
    with path.open("ab") as stream:
        stream.write(b"x" * 1000)
    monkeypatch.setattr(journal, "_CHUNK", 64)
    journal.append(path, {"trial": 1})
    assert journal.read(path).records == [{"trial": 0}, {"trial": 1}]


@given(st.lists(RECORDS, max_size=4), st.text(max_size=20))
def test_a_head_has_what_stands_before_the_parameters(
    records: list[dict[str, object]], label: str
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "trials.jsonl")
        for record in records:
            journal.append(path, {"label": label, "parameters": record, "metrics": {"x": 1}})
        written = set(path.read_text().splitlines() if records else ())
        assert journal.read_heads(path).records == [{"label": label}] * len(written)


@pytest.mark.parametrize(
    "record",
    [{"trial": "a"}, {"nested": {"trial": "a", "parameters": 1}, "trial": "b"}],
    ids=["without parameters", "parameters inside another member"],
)
def test_a_record_of_another_shape_is_read_whole_as_its_head(
    tmp_path: Path, record: dict[str, object]
) -> None:
    path = tmp_path / "trials.jsonl"
    journal.append(path, record)
    assert journal.read_heads(path).records == [record]


def test_a_head_is_held_to_the_digest_of_its_whole_line(tmp_path: Path) -> None:
    path = tmp_path / "trials.jsonl"
    path.write_text(journal.encode({"trial": 0, "parameters": {"n": 1}}).replace("1}", "2}", 1))
    reading = journal.read_heads(path)
    assert reading.records == []
    assert reading.damaged == [1]


def test_of_several_attempts_the_last_counts_in_the_order_of_the_plan() -> None:
    tries = [("b", 1, 1), ("a", 0, 1), ("b", 1, 2)]
    heads = [Head(key, "measure", index, 0, "c", attempt, True) for key, index, attempt in tries]
    assert last_attempts(heads) == [heads[1], heads[2]]
    assert last_attempts(list[Head]()) == []


def test_every_attempt_has_a_folder_of_its_own() -> None:
    assert journal.folder_name(82, 1) == "082"
    assert journal.folder_name(82, 2) == "082-2"
    assert journal.folder_name(1234, 10) == "1234-10"


def test_a_missing_journal_is_empty(tmp_path: Path) -> None:
    assert journal.read(tmp_path / "none").records == []


def test_a_damaged_line_in_the_middle_is_reported_and_the_others_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "trials.jsonl"
    lines = [journal.encode({"trial": index}) for index in range(3)]
    path.write_text(lines[0] + lines[1].replace("1", "9", 1) + lines[2])
    reading = journal.read(path)
    assert [record["trial"] for record in reading.records] == [0, 2]
    assert reading.damaged == [2]


def test_a_full_disk_leaves_no_half_record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "trials.jsonl"
    journal.append(path, {"trial": 0})
    real_write = os.write

    def write_some_then_fail(descriptor: int, data: bytes) -> int:
        if len(data) > 10:
            return real_write(descriptor, data[: len(data) - 10])
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", write_some_then_fail)
        with pytest.raises(journal.JournalError, match="No space left"):
            journal.append(path, {"trial": 1})
    journal.append(path, {"trial": 2})
    assert [record["trial"] for record in journal.read(path).records] == [0, 2]
    assert journal.read(path).damaged == []


def test_a_folder_is_settled_under_its_final_name_only(tmp_path: Path) -> None:
    scratch, final = tmp_path / ".new", tmp_path / "007"
    scratch.mkdir()
    (scratch / "load.json").write_text("{}")
    journal.settle_folder(scratch, final)
    assert not scratch.exists()
    assert (final / "load.json").read_text() == "{}"


def test_settling_over_a_used_name_is_an_error(tmp_path: Path) -> None:
    scratch, final = tmp_path / ".new", tmp_path / "007"
    scratch.mkdir()
    final.mkdir()
    (final / "kept").touch()
    with pytest.raises(journal.JournalError):
        journal.settle_folder(scratch, final)
    assert (final / "kept").exists()
