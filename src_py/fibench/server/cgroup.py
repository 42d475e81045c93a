# SPDX-License-Identifier: BSD-3-Clause
"""A cgroup v2 for each server: the kernel's own sum of what all its processes have used.

Every process of a server is born into the cgroup and stays there, so that its CPU time is kept
whoever reaps it, or nobody does. Only `cpu.stat` is read, which needs no controller. The folder is
made below the cgroup of this process, where that may be written: as root, or where systemd has
delegated it.
"""

import os
import re
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from itertools import count
from pathlib import Path

from fibench.machine.processes import began
from fibench.server.supervision import launch

_NAME = re.compile(r"fibench-([0-9]{1,10})-([0-9]{1,20})-[0-9]+")
"""Whose it is, its number and when it began; and which of its cgroups."""

_numbers = count()


@dataclass(frozen=True)
class CpuTime:
    """CPU time of all processes of a cgroup, ended ones included, since it was made."""

    total_ns: int
    user_ns: int
    system_ns: int


@dataclass(frozen=True)
class Cgroup:
    """A folder of cgroup v2 that holds one server."""

    path: Path

    def cpu_time(self) -> CpuTime | None:
        """Read it now (0.1 ms); None when the folder is gone. Known to a microsecond, but for
        running threads: what they used since the last tick of their CPU's clock is missing."""
        try:
            words = (self.path / "cpu.stat").read_text().split()
        except OSError:
            return None
        used = dict(zip(words[::2], words[1::2], strict=True))
        total, user, system = (int(used[f"{key}_usec"]) for key in ("usage", "user", "system"))
        return CpuTime(total * 1000, user * 1000, system * 1000)

    def processes(self) -> list[int]:
        """Who is in it now."""
        try:
            return [int(pid) for pid in (self.path / "cgroup.procs").read_text().split()]
        except OSError:
            return []

    def remove(self) -> None:
        """Remove it. One that cannot be removed stays: an empty cgroup costs next to nothing."""
        with suppress(OSError):
            self.path.rmdir()


def create(supervise: Path) -> Cgroup | None:
    """Make an empty cgroup; None where there is no cgroup v2 that this process may use."""
    parent = usable_parent(supervise)
    return None if parent is None else _make(parent)


@lru_cache
def usable_parent(supervise: Path) -> Path | None:
    """Where cgroups can be made, found by making one and running `true` in it, once.

    Trying is the only way to know: permissions, delegation, domains and seccomp all have a say.
    """
    parent = own_folder()
    if parent is None:
        return None
    for cgroup in forgotten(parent):
        cgroup.remove()
    tried = _make(parent)
    if tried is None:
        return None
    try:
        with open(os.devnull, "wb") as nothing:
            running = launch(
                ["true"],
                supervise=supervise,
                output=nothing,
                environment={"PATH": os.defpath},
                cwd=None,
                cgroup=tried.path,
            )
        with running:
            running.wait(lambda report: report.ended, 10.0)
            used = tried.cpu_time()
            works = running.report.status == 0 and used is not None and used.total_ns > 0
    except OSError:
        works = False
    finally:
        tried.remove()
    return parent if works else None


def own_folder(
    membership: Path = Path("/proc/self/cgroup"), mounts: Path = Path("/proc/self/mountinfo")
) -> Path | None:
    """The folder of this process's cgroup v2, also beside cgroup v1 (a hybrid); None without one.

    Source: cgroups(7), proc_pid_mountinfo(5).
    """
    try:
        own = _own_path(membership.read_text())
        lines = mounts.read_text().splitlines()
    except OSError:
        return None
    for line in lines if own is not None else ():
        mount, _, kind = line.partition(" - ")
        if kind.split(" ", 1)[0] != "cgroup2":
            continue
        root, folder = (_unescaped(word) for word in mount.split(" ")[3:5])
        # A mount may show a part of the hierarchy only, as in a container.
        if own is not None and os.path.commonpath([root, own]) == root and "/.." not in own:
            return Path(folder) / os.path.relpath(own, root)
    return None


def _own_path(membership: str) -> str | None:
    """The path in the unified hierarchy, whose line has number 0 and no controllers."""
    paths = [line[3:] for line in membership.splitlines() if line.startswith("0::/")]
    return paths[0] if paths else None


def _unescaped(word: str) -> str:
    """White space and backslashes in mountinfo are octal: `\\040`."""
    return re.sub(r"\\([0-7]{3})", lambda found: chr(int(found[1], 8)), word)


def _make(parent: Path) -> Cgroup | None:
    path = parent / f"fibench-{os.getpid()}-{began(os.getpid())}-{next(_numbers)}"
    try:
        path.mkdir()
    except OSError:
        return None
    # Pressure is accounted for at every switch and level: do not make servers pay for one more.
    with suppress(OSError):
        (path / "cgroup.pressure").write_text("0")
    return Cgroup(path)


def forgotten(parent: Path) -> list[Cgroup]:
    """The cgroups of runs that were killed; most are empty."""
    try:
        names = [entry.name for entry in os.scandir(parent)]
    except OSError:
        return []
    found = ((name, _NAME.fullmatch(name)) for name in names)
    return [
        Cgroup(parent / name)
        for name, match in found
        if match is not None and began(int(match[1])) != int(match[2])
    ]
