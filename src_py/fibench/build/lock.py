# SPDX-License-Identifier: BSD-3-Clause
"""A build folder that many measure from, or one changes: who comes in between waits, and is told
for whom.

The lock is flock(2) of the folder itself, which no other file stands for: Meson empties a folder
that it sets up anew, and `clean` removes it. The kernel drops it with its process. Who holds it is
asked of the kernel too (/proc/locks), and what they are doing of the names that lock.py gives.

Meson and ninja that a person starts know nothing of it. They are waited for before anything is
changed; what they change beneath a run, the run finds out by itself (run/_unchanged.py).
"""

import errno
import fcntl
import os
import select
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from types import TracebackType

from fibench.machine.lock import Label, default_address, name_told_by
from fibench.wording import escaped

LABELS = "fibench-builds"
"""The address below which those who hold such a lock say what they are."""
_BUILDERS = ("ninja", "ninja-build", "samu")
_UNSUPPORTED = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL, errno.EBADF)
"""What flock(2) answers on a file system without locks: then there is none to wait for."""


class BuildLock:
    """The lock of one build folder, as one command holds it. Nothing is held at first.

    `name` is what the command is called by those who wait for it, `say` tells a person in a line
    whom this one waits for. Every wait raises KeyboardInterrupt at a Ctrl-C.
    """

    def __init__(
        self, folder: Path, name: str, say: Callable[[str], None], *, makes_folder: bool = True
    ) -> None:
        self._folder = folder
        self._say = say
        self._makes_folder = makes_folder
        self._label = Label(LABELS)
        self._label.rename(name)
        self._held: int | None = None

    def share(self) -> None:
        """Keep what is built as it is, beside others who do. Raises OSError."""
        self._lock(fcntl.LOCK_SH)

    def exclude(self) -> None:
        """Have the folder alone, to change it. Raises OSError.

        What was shared is given up while this waits, so that two who want this do not wait for
        each other: the folder may come back changed.
        """
        self._lock(fcntl.LOCK_EX)
        _wait_for_meson(self._folder, self._say)
        _wait_for_ninja(self._folder, self._say)

    def release(self) -> None:
        """Let others go on."""
        if self._held is not None:
            os.close(self._held)
            self._held = None

    def _lock(self, how: int) -> None:
        """Lock the folder. Where there is none and it is not to be made, there is no need."""
        locked = False
        while not locked:
            if self._makes_folder:
                self._folder.mkdir(parents=True, exist_ok=True)
            locked = self._take(how) or not (self._makes_folder or self._folder.is_dir())

    def _take(self, how: int) -> bool:
        """Lock the folder that has the name now; False if it has gone or was made anew since."""
        if self._held is None or not _is_at(self._held, self._folder):
            self.release()
            try:
                self._held = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            except FileNotFoundError:
                return False
        _flock(self._held, how, lambda: self._say(self._waiting()))
        return _is_at(self._held, self._folder)

    def _waiting(self) -> str:
        assert self._held is not None
        return f"waiting for {_described(self._held, self._folder)}; Ctrl-C gives up"

    def __enter__(self) -> "BuildLock":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.release()
        self._label.close()


def _flock(descriptor: int, how: int, before_waiting: Callable[[], None]) -> None:
    try:
        fcntl.flock(descriptor, how | fcntl.LOCK_NB)
    except BlockingIOError:
        before_waiting()
        fcntl.flock(descriptor, how)
    except OSError as error:
        if error.errno not in _UNSUPPORTED:
            raise


def _is_at(descriptor: int, path: Path) -> bool:
    """Whether an open folder still has its name."""
    try:
        return os.path.samestat(os.fstat(descriptor), os.stat(path))
    except FileNotFoundError:
        return False


def _described(descriptor: int, folder: Path) -> str:
    """Who holds the lock of an open file, and what they do with the build folder."""
    found = list(holders(descriptor))
    if not found:  # just ended, or in a namespace that cannot be seen
        return f"another command, which uses {escaped(str(folder))}"
    pid, changes = found[0]
    name = name_told_by(default_address(), pid) or name_told_by(LABELS, pid) or "another command"
    more = f" and {len(found) - 1} more" if len(found) > 1 else ""
    does = "changes" if changes else "uses what is built in"
    return f"{name} (pid {pid}){more}, which {does} {escaped(str(folder))}"


def holders(descriptor: int, table: Path = Path("/proc/locks")) -> Iterator[tuple[int, bool]]:
    """The processes that hold a flock of an open file, and whether alone; as far as can be seen."""
    inode = str(os.fstat(descriptor).st_ino)
    try:
        lines = table.read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return
    for line in lines:
        # 12: FLOCK  ADVISORY  WRITE 4711 fe:01:262147 0 EOF; one that waits has "->" second.
        # The device is not compared: btrfs and overlayfs show another one than stat(2).
        words = line.split()
        if len(words) < 6 or words[1] != "FLOCK" or words[5].rpartition(":")[2] != inode:
            continue
        if words[4].isdecimal() and words[4] != "0":
            yield int(words[4]), words[3] == "WRITE"


def _wait_for_meson(folder: Path, say: Callable[[str], None]) -> None:
    """Wait for a `meson setup` that a person has started: it holds a lock of its own."""
    try:
        descriptor = os.open(folder / "meson-private" / "meson.lock", os.O_RDWR | os.O_CLOEXEC)
    except OSError:  # never set up, or somebody else's folder, in which Meson will say so
        return

    def tell() -> None:
        pids = [pid for pid, _ in holders(descriptor)]
        whom = f"Meson (pid {pids[0]})" if pids else "another Meson"
        say(f"waiting for {whom}, which sets up {escaped(str(folder))}; Ctrl-C gives up")

    try:
        _flock(descriptor, fcntl.LOCK_EX, tell)
    finally:
        os.close(descriptor)


def _wait_for_ninja(folder: Path, say: Callable[[str], None]) -> None:
    """Wait for every ninja at work in the folder, as of `meson compile`: it takes no lock."""
    for pid in builders(folder):
        with suppress(ProcessLookupError, PermissionError):
            descriptor = os.pidfd_open(pid)
            try:
                if pid in builders(folder):  # the number is still that process's
                    where = escaped(str(folder))
                    say(f"waiting for ninja (pid {pid}), which builds in {where}; Ctrl-C gives up")
                    select.select([descriptor], [], [])
            finally:
                os.close(descriptor)


def builders(folder: Path) -> list[int]:
    """The ninjas at work in a folder, as far as they can be seen: `ninja -C` goes there."""
    try:
        about, names = os.stat(folder), os.listdir("/proc")
    except OSError:
        return []
    pids = [name for name in names if name.isdecimal() and _builds(name)]
    return [int(pid) for pid in pids if _works_in(pid, about)]


def _builds(pid: str) -> bool:
    try:
        return Path("/proc", pid, "comm").read_text(errors="replace").strip() in _BUILDERS
    except OSError:
        return False


def _works_in(pid: str, folder: os.stat_result) -> bool:
    try:
        return os.path.samestat(os.stat(f"/proc/{pid}/cwd"), folder)
    except OSError:
        return False
