# SPDX-License-Identifier: BSD-3-Clause
"""CPU quotas of this process's cgroups, and how often the kernel has stopped what is in them.

What has used up its quota stands still until the next period, as a rule of 100 ms: it shows as a
tail of tens of milliseconds that no server has made. Source: cgroups(7), proc_pid_mountinfo(5),
Documentation/scheduler/sched-bwc.rst and admin-guide/cgroup-v2.rst of Linux.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

_UNLIMITED_US = -1
_MEMBERSHIP, _MOUNTS = Path("/proc/self/cgroup"), Path("/proc/self/mountinfo")


@dataclass(frozen=True)
class Limited:
    """A cgroup that this process is in, itself or above, and that has a CPU quota."""

    folder: Path
    cores: float
    """The quota: CPU time for each second."""
    unified: bool
    """Of cgroup v2."""


class Throttling(NamedTuple):
    """How often a cgroup has used up its quota; since it was made, or between two moments."""

    periods: int
    """In which anything of it wanted to run."""
    throttled: int
    """Those of them in which it was stopped."""
    throttled_s: float
    """For how long, its CPUs together."""


def cgroup_cpu_quota(membership: Path = _MEMBERSHIP, mounts: Path = _MOUNTS) -> float | None:
    """The smallest CPU quota, in cores, of this process's cgroup and those above it.

    Reads cgroup v2 (cpu.max) and v1 (cpu.cfs_quota_us); None where nothing is limited.
    """
    return min((group.cores for group in limited(membership, mounts)), default=None)


def limited(membership: Path = _MEMBERSHIP, mounts: Path = _MOUNTS) -> list[Limited]:
    """The cgroups with a quota that hold this process, the tightest first."""
    try:
        own = dict(_cgroup_paths(membership.read_text().splitlines()))
        mounted = list(_cgroup_mounts(mounts.read_text().splitlines()))
    except OSError:
        return []
    found = []
    for controllers, root, folder in mounted:
        path = own.get("cpu" if "cpu" in controllers else "")
        if path is None or (controllers and "cpu" not in controllers):
            continue
        for group in _upwards(folder, path.removeprefix(root.rstrip("/"))):
            cores = _quota_v1(group) if controllers else _quota_v2(group)
            if cores is not None:
                found.append(Limited(group, cores, unified=not controllers))
    return sorted(found, key=lambda group: group.cores)


def throttling(group: Limited) -> Throttling | None:
    """What the kernel has counted by now (0.1 ms); None where it does not say."""
    try:
        words = (group.folder / "cpu.stat").read_text().split()
        counts = {name: int(count) for name, count in zip(words[::2], words[1::2], strict=True)}
        name, unit_s = ("throttled_usec", 1e-6) if group.unified else ("throttled_time", 1e-9)
        return Throttling(counts["nr_periods"], counts["nr_throttled"], counts[name] * unit_s)
    except (OSError, ValueError, KeyError):
        return None


def most_throttled(
    before: Sequence[Throttling | None], after: Sequence[Throttling | None]
) -> Throttling | None:
    """What was gained between two readings of the same groups, by the one that was stopped most."""
    gains = [
        Throttling(
            end.periods - begin.periods,
            end.throttled - begin.throttled,
            end.throttled_s - begin.throttled_s,
        )
        for begin, end in zip(before, after, strict=True)
        if begin is not None and end is not None and begin.periods <= end.periods
    ]
    return max(gains, key=lambda gain: gain.throttled_s, default=None)


def _cgroup_paths(lines: Iterable[str]) -> Iterator[tuple[str, str]]:
    for line in lines:
        _, controllers, path = line.split(":", 2)
        for controller in controllers.split(","):
            yield controller, path


def _cgroup_mounts(lines: Iterable[str]) -> Iterator[tuple[frozenset[str], str, Path]]:
    """For every cgroup mount: its controllers (none: the unified hierarchy), root and folder."""
    for line in lines:
        fields, _, rest = line.partition(" - ")
        kind, _, options = rest.split(" ", 2)
        if kind in ("cgroup", "cgroup2"):
            words = fields.split(" ")
            names = options.rsplit(" ", 1)[-1].split(",") if kind == "cgroup" else []
            yield frozenset(names), words[3], Path(words[4])


def _upwards(mount: Path, path: str) -> Iterator[Path]:
    """A group's folder, and those above it up to where the hierarchy is mounted."""
    folder = mount / path.lstrip("/")
    while True:
        yield folder
        if folder == mount or mount not in folder.parents:
            return
        folder = folder.parent


def _quota_v2(folder: Path) -> float | None:
    try:
        quota, period = (folder / "cpu.max").read_text().split()
        return None if quota == "max" else int(quota) / int(period)
    except (OSError, ValueError, ZeroDivisionError):
        return None


def _quota_v1(folder: Path) -> float | None:
    try:
        quota = int((folder / "cpu.cfs_quota_us").read_text())
        period = int((folder / "cpu.cfs_period_us").read_text())
        return None if quota == _UNLIMITED_US else quota / period
    except (OSError, ValueError, ZeroDivisionError):
        return None
