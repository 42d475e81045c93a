# SPDX-License-Identifier: BSD-3-Clause
"""What supervise keeps a command within: its output, its rights, and the life of its supervisor."""

import ctypes
import os
import re
import select
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from tests.faults.conftest import PATIENCE_S, StartSupervise
from tests.here import leave_out
from tests.processes import ending, stop, wait_until

KEEP = 4096
HOLE = 1 << 20
KEEP_SIZE_PUNCH_HOLE = 0x3  # fallocate(2)
LEFT_OUT = re.compile(rb"\n\xe2\x80\xa6 ([0-9]+) bytes left out \xe2\x80\xa6\n")
COUNT = (
    "import os, sys\n"
    "text = b''.join(b'%07d\\n' % k for k in range(int(sys.argv[1]) // 8 + 1))\n"
    "text = memoryview(text)[: int(sys.argv[1])]\n"
    "while text: text = text[os.write(2, text[: 1 << 20]):]\n"
    "os.write(1, b'written\\n')\n"
)
"""Writes so many bytes to standard error, in which every place is another one."""


def numbered(size: int) -> bytes:
    return b"".join(b"%07d\n" % k for k in range(size // 8 + 1))[:size]


@pytest.mark.parametrize(
    "size", [0, 1, KEEP, 2 * KEEP, 2 * KEEP + 64, 2 * KEEP + 65, 100_000, 5_000_003]
)
def test_of_a_long_output_the_beginning_and_the_end_are_kept(
    python: StartSupervise, tmp_path: Path, size: int
) -> None:
    path = tmp_path / "server.err"
    with path.open("w+b") as errors:
        command = python(COUNT, str(size), options=["--keep-ends", str(KEEP)], errors=errors)
    assert command.said() == "written"
    assert command.said() == ""
    command.end()
    whole, kept = numbered(size), path.read_bytes()
    if size <= 2 * KEEP + 64:  # what stands in its place is not worth it
        assert kept == whole
        return
    match = LEFT_OUT.search(kept)
    assert match is not None
    assert kept[: match.start()] == whole[:KEEP]
    assert kept[match.end() :] == whole[-KEEP:]
    assert int(match[1]) == size - 2 * KEEP


def require_holes(folder: Path) -> None:
    """Skip what needs files with holes on a file system that has none (FAT, exFAT, some FUSE)."""
    with tempfile.TemporaryFile(dir=folder) as file:
        if (error := punched(file.fileno())) is not None:
            leave_out(f"no holes in files on the file system of {folder}: {error}")


def punched(fd: int) -> str | None:
    """Make a hole in a new file, as supervise does; why it cannot be, None if it was made."""
    os.write(fd, bytes(HOLE))
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.fallocate(fd, KEEP_SIZE_PUNCH_HOLE, ctypes.c_long(0), ctypes.c_long(HOLE)) == 0:
        return None
    return os.strerror(ctypes.get_errno())


def test_the_middle_takes_no_room_while_the_command_runs(
    python: StartSupervise, tmp_path: Path
) -> None:
    require_holes(tmp_path)
    path = tmp_path / "server.err"
    wait = "import signal; signal.pause()"
    with path.open("w+b") as errors:
        options = ["--keep-ends", str(KEEP)]
        command = python(COUNT + wait, "16000000", options=options, errors=errors)
    assert command.said() == "written"
    wait_until(lambda: path.stat().st_blocks * 512 <= 3_000_000, "its room is given back")
    assert path.stat().st_size == 16_000_000
    # Whatever becomes of supervise, both ends are on the disk.
    command.process.kill()
    assert command.said() == ""
    kept = path.read_bytes()
    assert (kept[:KEEP], kept[-KEEP:]) == (numbered(KEEP), numbered(16_000_000)[-KEEP:])


@pytest.mark.parametrize("kind", ["pipe", "device", "cannot be read"])
def test_what_is_no_file_to_be_cut_is_left_as_it_is(
    python: StartSupervise, tmp_path: Path, kind: str
) -> None:
    path = Path("/dev/null") if kind == "device" else tmp_path / "x"
    if kind == "pipe":
        os.mkfifo(path)
        reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    with path.open("wb") as errors:
        command = python(COUNT, "50000", options=["--keep-ends", str(KEEP)], errors=errors)
    assert command.said() == "written"
    assert command.said() == ""
    assert command.end() == 0
    if kind == "pipe":
        assert os.read(reader, 100_000) == numbered(50_000)
        os.close(reader)
    elif kind == "cannot be read":
        assert path.read_bytes() == numbered(50_000)


def test_the_command_gains_no_rights(supervise: StartSupervise) -> None:
    show = "grep NoNewPrivs /proc/$$/status; (grep NoNewPrivs /proc/self/status)"
    command = supervise("sh", "-c", show)
    assert [command.said(), command.said()] == ["NoNewPrivs:\t1"] * 2


HOLDER = (
    "import os, subprocess, sys; lifeline, report = os.pipe(), os.pipe();"
    "process = subprocess.Popen([sys.argv[1], '--lifeline', str(lifeline[0]), '--report',"
    " str(report[1]), '--', sys.executable, '-S', '-c', sys.argv[2]],"
    " pass_fds=(lifeline[0], report[1]));"
    "os.close(lifeline[0]); os.close(report[1]);"
    "told = os.read(report[0], 100).decode().split();"
    "print(process.pid, told[1], flush=True); import signal; signal.pause()"
)
STUBBORN = (
    "import signal\n"
    "for number in range(1, 32):\n"
    "    if number not in (signal.SIGKILL, signal.SIGSTOP):\n"
    "        signal.signal(number, signal.SIG_IGN)\n"
    "while True: signal.pause()"
)


def kill_together(programs: Path) -> None:
    """Kill a holder and its supervise in one moment, and see the end of the command."""
    argv = [sys.executable, "-S", "-c", HOLDER, str(programs / "supervise"), STUBBORN]
    with ending(subprocess.Popen(argv, stdout=subprocess.PIPE, text=True)) as holder:
        assert holder.stdout is not None
        supervisor, command = map(int, holder.stdout.readline().split())
        end = os.pidfd_open(command)
        # Stopped first, so that neither does anything about the death of the other.
        for pid in stop(lambda: (supervisor, holder.pid)):
            os.kill(pid, signal.SIGKILL)
        ended, _, _ = select.select([end], [], [], PATIENCE_S)
        if not ended:
            signal.pidfd_send_signal(end, signal.SIGKILL)
        os.close(end)
        assert ended


def test_a_command_dies_where_holder_and_supervise_are_killed_together(programs: Path) -> None:
    kill_together(programs)


@pytest.mark.long
def test_it_does_so_each_time(programs: Path) -> None:
    for _ in range(15):
        kill_together(programs)
