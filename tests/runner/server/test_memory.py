# SPDX-License-Identifier: BSD-3-Clause
"""Memory is that of the server's whole tree, whoever else maps its files, or said to be unknown."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from tests.processes import ending
from tests.runner.server.talk import Talk

from fibench.machine.processes import descendants, read_proc, read_whole_proc
from fibench.server.memory import (
    FilePart,
    Known,
    Mappings,
    memory,
    parse_smaps,
    shared_memory_devices,
)

MIB = 1 << 20
MAPPING = """\
{head}
Size:                {size} kB
KernelPageSize:        4 kB
MMUPageSize:           4 kB
Rss:                 {rss} kB
Pss:                   {pss} kB
Pss_Dirty:             0 kB
Shared_Clean:        {rss} kB
Shared_Dirty:          0 kB
Private_Clean:         0 kB
Private_Dirty:         0 kB
Referenced:          {rss} kB
Anonymous:           {anonymous} kB
KSM:                   0 kB
Swap:                  0 kB
THPeligible:           0
VmFlags: rd ex mr mw me {flags}
"""
"""As Linux 6.18 writes it."""
LIBC = "/usr/lib/x86_64-linux-gnu/libc.so.6"


def mapping(head: str, rss: int, *, pss: int = 0, anonymous: int = 0, flags: str = "sd") -> str:
    return MAPPING.format(
        head=head, size=rss + 8, rss=rss, pss=pss, anonymous=anonymous, flags=flags
    )


def smaps(*mappings: str) -> bytes:
    return "".join(mappings).encode()


TEXT = f"7f00a0028000-7f00a01bd000 r-xp 00028000 fe:00 263455                     {LIBC}"
COPIED = f"7f00a0215000-7f00a0219000 r--p 00214000 fe:00 263455                     {LIBC}"
HEAP = "55d83c1a2000-55d83c1c3000 rw-p 00000000 00:00 0                          [heap]"
BARE = "7f00a0219000-7f00a0226000 rw-p 00000000 00:00 0 "
RING = (
    "7f00a0300000-7f00a0301000 rw-s 10000000 00:10 2060                       anon_inode:[io_uring]"
)
SEMAPHORE = "7f00a0400000-7f00a0401000 rw-s 00000000 00:15 4711           /dev/shm/sem.x (deleted)"
SPACES = "7f00a0500000-7f00a0600000 r--p 00000000 fe:00 77                         /srv/a VmFlags b"


def test_of_a_file_mapping_the_pages_count_that_were_not_copied() -> None:
    found = parse_smaps(
        smaps(
            mapping(TEXT, 1200, pss=12),
            mapping(COPIED, 16, pss=16, anonymous=12),
            mapping(HEAP, 400, pss=400, anonymous=400),
            mapping(BARE, 20, pss=20, anonymous=20),
        )
    )
    assert found == Mappings(
        {
            FilePart(b"fe:00", b"263455", b"00028000"): 1200 * 1024,
            FilePart(b"fe:00", b"263455", b"00214000"): 4 * 1024,
        }
    )


def test_the_same_part_of_a_file_counts_once_at_its_largest() -> None:
    found = parse_smaps(smaps(mapping(TEXT, 8), mapping(TEXT, 40), mapping(TEXT, 24)))
    assert list(found.resident.values()) == [40 * 1024]


def test_rings_of_the_kernel_are_of_one_inode_and_each_counts() -> None:
    found = parse_smaps(smaps(mapping(RING, 4, pss=4), mapping(RING, 8, pss=4)))
    assert found == Mappings({}, of_kernel=8 * 1024)


def test_shared_memory_is_no_file() -> None:
    text = smaps(mapping(SEMAPHORE, 4, pss=1), mapping(TEXT, 8))
    assert len(parse_smaps(text).resident) == 2
    assert list(parse_smaps(text, [b"00:15"]).resident.values()) == [8 * 1024]


def test_a_file_may_be_called_as_it_pleases() -> None:
    found = parse_smaps(smaps(mapping(TEXT, 8), mapping(SPACES, 12), mapping(COPIED, 4)))
    assert sum(found.resident.values()) == 24 * 1024


def test_what_this_kernel_writes_of_this_process_is_read_to_its_end() -> None:
    text, maps = read_whole_proc("/proc/self/smaps"), read_whole_proc("/proc/self/maps")
    assert text is not None
    assert maps is not None
    parts = {tuple(line.split()[2:5]) for line in maps.splitlines() if line.split()[4] != b"0"}
    found = parse_smaps(text)
    assert {(part.offset, part.device, part.inode) for part in found.resident} <= parts
    assert f"{os.path.realpath(sys.executable)}".encode() in text
    assert sum(found.resident.values()) > MIB


def test_the_device_of_shared_memory_is_known(tmp_path: Path) -> None:
    devices = shared_memory_devices(os.getpid())
    assert b"" not in devices
    if os.path.ismount("/dev/shm"):
        number = os.stat("/dev/shm").st_dev
        assert b"%02x:%02x" % (os.major(number), os.minor(number)) in devices


def test_memory_shared_by_forked_processes_is_counted_once(talk: Callable[[str], Talk]) -> None:
    server = talk(
        "block = bytearray(os.urandom(32 << 20)); heard()\n"
        "ready, tell_ready = os.pipe()\n"
        "for _ in range(3):\n"
        "    if os.fork() == 0: os.write(tell_ready, b'.'); signal.pause()\n"
        "for _ in range(3): os.read(ready, 1)\n"
        "say('forked'); heard()"
    )
    server.ask()
    seen = memory(server.running)
    assert seen.processes == 4
    assert seen.rss_bytes > 4 * 32 * MIB
    assert seen.memory_bytes is not None
    assert 32 * MIB < seen.memory_bytes < 64 * MIB


def test_anonymous_memory_shared_by_processes_is_counted_once(talk: Callable[[str], Talk]) -> None:
    """Each has touched another half, of which no one has more than that half."""
    server = talk(
        "import mmap\n"
        "heard(); say('ready'); heard(); block = mmap.mmap(-1, 32 << 20)\n"
        "ready, tell_ready = os.pipe()\n"
        "for half in range(2):\n"
        "    if os.fork() == 0:\n"
        "        for page in range(4096): block[(half * 4096 + page) * 4096] = 1\n"
        "        os.write(tell_ready, b'.'); signal.pause()\n"
        "for _ in range(2): os.read(ready, 1)\n"
        "say('forked'); heard()"
    )
    server.ask()
    before = memory(server.running).memory_bytes
    server.ask()
    after = memory(server.running).memory_bytes
    assert before is not None
    assert after is not None
    assert 32 * MIB <= after - before < 40 * MIB


@pytest.fixture
def library(tmp_path: Path) -> Path:
    """A large file that is mapped."""
    path = tmp_path / "library"
    path.write_bytes(os.urandom(16 * MIB))
    return path


TOUCH = """
import mmap
file = open({path!r}, "rb")
mapped = mmap.mmap(file.fileno(), 0, flags=mmap.MAP_PRIVATE, prot=mmap.PROT_READ)
touched = sum(mapped[at] for at in range(0, len(mapped), 4096))
"""


@pytest.fixture
def strangers(library: Path) -> Iterator[Callable[[int], None]]:
    """Starts processes that have mapped the file as well, and touched all of it."""
    text = TOUCH.format(path=str(library)) + "import sys\nprint(flush=True); sys.stdin.read()"
    with ExitStack() as stack:

        def start(count: int) -> None:
            started = [
                stack.enter_context(
                    ending(
                        subprocess.Popen(
                            [sys.executable, "-S", "-c", text],
                            stdin=subprocess.PIPE,
                            stdout=subprocess.PIPE,
                        )
                    )
                )
                for _ in range(count)
            ]
            for process in started:
                assert process.stdout is not None
                process.stdout.readline()

        yield start


def proportional_bytes(pid: int) -> int:
    rollup = read_proc(f"/proc/{pid}/smaps_rollup")
    assert rollup is not None
    return int(rollup.split(b"\nPss:")[1].split()[0]) * 1024


def test_strangers_that_map_the_same_files_change_nothing(
    talk: Callable[[str], Talk], library: Path, strangers: Callable[[int], None]
) -> None:
    server = talk(TOUCH.format(path=str(library)) + "heard(); say('mapped'); heard()")
    server.ask()
    alone, share = memory(server.running).memory_bytes, proportional_bytes(server.running.pid)
    strangers(7)
    beside, less = memory(server.running).memory_bytes, proportional_bytes(server.running.pid)
    assert alone is not None
    assert beside is not None
    assert alone > 16 * MIB
    assert beside == pytest.approx(alone, rel=0.03)
    assert share - less > 13 * MIB


def test_a_process_that_maps_more_since_is_asked_again_and_others_are_not(
    talk: Callable[[str], Talk], library: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = talk(
        "heard(); say('here'); heard()\n" + TOUCH.format(path=str(library)) + "say('m'); heard()"
    )
    server.ask()
    known: Known = {}
    before = memory(server.running, known).memory_bytes
    read: list[str] = []
    honest = read_whole_proc

    def noted(path: str) -> bytes | None:
        read.append(path.rpartition("/")[2])
        return honest(path)

    monkeypatch.setattr("fibench.server.memory.read_whole_proc", noted)
    assert memory(server.running, known).memory_bytes == before
    assert read == ["smaps_rollup"]
    server.ask()
    after = memory(server.running, known).memory_bytes
    assert read[1:] == ["smaps_rollup", "smaps"]
    assert before is not None
    assert after is not None
    assert after - before >= 16 * MIB


def test_who_is_forked_while_others_are_read_is_read_and_who_ended_is_not(
    talk: Callable[[str], Talk], monkeypatch: pytest.MonkeyPatch
) -> None:
    server = talk(
        "heard(); ready, tell_ready = os.pipe()\n"
        "def born():\n"
        "    pid = os.fork()\n"
        "    if pid == 0:\n"
        "        os.close(ready); block = os.urandom(32 << 20)\n"
        "        os.write(tell_ready, b'.'); signal.pause()\n"
        "    os.read(ready, 1); return pid\n"
        "first = born(); say('one'); heard()\n"
        "born(); os.kill(first, signal.SIGKILL); os.waitpid(first, 0); say('another'); heard()"
    )
    server.ask()
    honest = descendants
    looks = 0

    def looked(root: int) -> list[int]:
        nonlocal looks
        looks += 1
        found = honest(root)
        if looks == 1:
            server.ask()
        return found

    monkeypatch.setattr("fibench.server.memory.descendants", looked)
    seen = memory(server.running)
    assert looks > 1
    assert seen.processes == 2
    assert seen.memory_bytes is not None
    assert 32 * MIB < seen.memory_bytes < 60 * MIB


PSS = b"0-1 ---p 0 00:00 0 [rollup]\nRss: 8 kB\nPss: 4 kB\n"


@pytest.mark.parametrize(
    ("name", "text", "why"),
    [
        ("smaps_rollup", None, "no /proc/PID/smaps_rollup, as Linux 4.14 has"),
        ("smaps_rollup", PSS, "does not tell Pss_Anon and Pss_Shmem, as Linux 5.4 does"),
        ("smaps", None, "no /proc/PID/smaps"),
        ("smaps_rollup", PermissionError, "/proc/PID/smaps_rollup of python"),
        ("smaps", PermissionError, "/proc/PID/smaps of python"),
    ],
)
def test_what_the_kernel_does_not_tell_is_unknown_and_said_never_low(
    talk: Callable[[str], Talk],
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    text: bytes | type[PermissionError] | None,
    why: str,
) -> None:
    server = talk("heard()")
    honest = read_whole_proc

    def told(path: str) -> bytes | None:
        if not path.endswith(f"/{name}"):
            return honest(path)
        if isinstance(text, type):
            raise text(path)
        return text

    monkeypatch.setattr("fibench.server.memory.read_whole_proc", told)
    seen = memory(server.running)
    assert seen.memory_bytes is None
    assert seen.absent is not None
    assert why in seen.absent
    assert seen.rss_bytes > 0
    assert seen.processes == 1
