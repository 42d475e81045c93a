# SPDX-License-Identifier: BSD-3-Clause
"""Opening what may be anything."""

import os
from pathlib import Path

import pytest

from fibench.reading import without_waiting


def test_a_file_is_read_as_ever(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("text")
    with open(tmp_path / "a", encoding="utf-8", opener=without_waiting) as file:
        assert file.read() == "text"
        assert not os.get_inheritable(file.fileno())


def test_nobody_is_waited_for_at_a_fifo(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    with open(tmp_path / "fifo", "rb", opener=without_waiting) as file:
        assert file.read() == b""


def test_what_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        without_waiting(str(tmp_path / "none"), os.O_RDONLY)
