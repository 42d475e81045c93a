# SPDX-License-Identifier: BSD-3-Clause
"""What the sampler has written is read whole or not at all."""

import pytest

from fibench.timeline import Recording, read_recording
from fibench.timeline.recording import NotRead, RecordedThread, ThreadSample

HEAD = b"sampler 1\nfrom 10\nto 90\ncpu 5\nrounds 8\nbegan 3 2\nlost 0\n"
THREAD = b"thread 0 7 8 11 89 6 1 0 612062\n"
WRITTEN = HEAD + b"lacking call 1 2\nfull 80\n" + THREAD + b"0 20 10 r 3 4\n0 30 9 n 0 0\nend\n"


def test_all_that_was_written_is_read() -> None:
    samples = (ThreadSample(20, 10, "r", 3, 4), ThreadSample(30, 9, "n", 0, 0))
    thread = RecordedThread(7, 8, "a b", 11, 89, 6, True, False, samples)
    assert read_recording(WRITTEN) == Recording(
        10, 90, 5, 8, 3, 2, {"call": NotRead(1, 2)}, 80, (thread,)
    )


def test_a_name_may_be_any_bytes() -> None:
    found = read_recording(HEAD + b"thread 0 7 8 1 2 1 1 0 ff0a1b\n" + b"end\n")
    assert isinstance(found, Recording)
    assert found.threads[0].name == "�\n\x1b"
    empty = read_recording(HEAD + b"thread 0 7 8 1 2 1 1 0 \nend\n")
    assert isinstance(empty, Recording)
    assert empty.threads[0].name == ""


@pytest.mark.parametrize("length", range(len(WRITTEN)))
def test_what_was_cut_off_is_no_recording(length: int) -> None:
    found = read_recording(WRITTEN[:length])
    assert found in ("the sampler wrote nothing", "what the sampler wrote was cut off")


@pytest.mark.parametrize(
    "line",
    [b"thread", b"thread x", b"0 1", b"9 20 10 r 3 4", b"x 1 y", b"lacking call", b"\xff", b""],
)
def test_another_line_is_no_recording(line: bytes) -> None:
    found = read_recording(HEAD + THREAD + line + b"\nend\n")
    assert isinstance(found, str)
    assert "cannot be read" in found


@pytest.mark.parametrize("name", [b"from", b"to", b"cpu", b"rounds", b"began", b"lost"])
def test_a_head_that_lacks_something_is_none(name: bytes) -> None:
    lines = [line for line in HEAD.splitlines(True) if not line.startswith(name + b" ")]
    assert isinstance(read_recording(b"".join(lines) + b"end\n"), str)
