# SPDX-License-Identifier: BSD-3-Clause
"""A file is written whole or not at all, and what a crash leaves of it is removed."""

import errno
import os
from pathlib import Path

import pytest

from fibench import writing


def test_a_file_is_replaced_whole_and_its_folder_synced(tmp_path: Path) -> None:
    path = tmp_path / "claims.json"
    path.write_bytes(b"old")
    synced: list[Path] = []
    writing.replace(path, b"new", synced.append)
    assert path.read_bytes() == b"new"
    assert synced == [tmp_path]
    assert os.listdir(tmp_path) == ["claims.json"]


def test_what_cannot_be_replaced_leaves_nothing_behind(tmp_path: Path) -> None:
    path = tmp_path / "claims.json"
    (path / "in the way").mkdir(parents=True)
    synced: list[Path] = []
    with pytest.raises(OSError, match=r"claims\.json"):
        writing.replace(path, b"new", synced.append)
    assert synced == []
    assert os.listdir(tmp_path) == ["claims.json"]


def test_what_a_crash_left_is_removed_and_nothing_else(tmp_path: Path) -> None:
    kept = ["claims.json", ".claims.json.new", "claims.json.0123abcd.new", ".a.0123ABCD.new"]
    for name in (*kept, ".claims.json.0123abcd.new"):
        (tmp_path / name).touch()
    (tmp_path / ".folder.0123abcd.new").mkdir()
    writing.remove_scratch(tmp_path)
    assert sorted(os.listdir(tmp_path)) == sorted([*kept, ".folder.0123abcd.new"])


def test_a_new_file_is_never_one_that_is_there(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"old")
    with pytest.raises(FileExistsError):
        writing.write_new(tmp_path / "a", b"new")
    assert (tmp_path / "a").read_bytes() == b"old"


def test_a_file_to_write_is_emptied_and_can_be_read_through_its_descriptor(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"something longer")
    with writing.open_emptied(tmp_path / "a") as stream:
        stream.write(b"new")
        stream.flush()
        assert os.pread(stream.fileno(), 100, 0) == b"new"


@pytest.mark.parametrize("number", sorted(errno.errorcode))
def test_every_error_has_words_and_something_to_do(number: int) -> None:
    for error in (OSError(number, os.strerror(number)), OSError(number, os.strerror(number), "a")):
        assert "None" not in writing.reason(error)
        assert writing.reason(error).startswith(os.strerror(number))
        assert "None" not in writing.hint(error)
        assert writing.hint(error)


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), "free some space"),
        (OSError(errno.EROFS, "Read-only file system", "a"), "writable"),
        (OSError(errno.EISDIR, "Is a directory", "a", None, "b"), "move b out of the way"),
        (OSError(errno.EIO, "Input/output error"), "mend the disk"),
        (OSError(), "mend the disk"),
    ],
)
def test_what_to_do_depends_on_what_went_wrong(error: OSError, said: str) -> None:
    assert said in writing.hint(error)
