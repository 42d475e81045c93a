# SPDX-License-Identifier: BSD-3-Clause
"""How many cores this process may use: what --workers is when nobody says.

Imported only where the answer is needed. Runs on Python 3.6.
"""

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Iterator


def available_cores() -> int:
    """Distinct physical cores in the affinity mask, at most the control group's quota."""
    cpus = _allowed_cpus()
    cores = len({_core(cpu) for cpu in cpus})
    return max(1, min([cores] + [int(quota) for quota in _quotas()]))


def _allowed_cpus() -> "set[int]":
    """Return the CPUs of the affinity mask."""
    if hasattr(os, "sched_getaffinity"):
        return os.sched_getaffinity(0)
    # PyPy has no such function; proc(5) has "Cpus_allowed_list:\t0-3,6".
    cpus = set()  # type: set[int]
    for line in _read("/proc/self/status").splitlines():
        key, _, value = line.partition(":")
        for part in value.split(",") if key == "Cpus_allowed_list" else []:
            first, _, last = part.strip().partition("-")
            cpus.update(range(int(first), int(last or first) + 1))
    return cpus


def _core(cpu: int) -> str:
    """Name the physical core of a logical CPU, by the CPUs that share it."""
    path = "/sys/devices/system/cpu/cpu%d/topology/thread_siblings_list" % cpu
    return _read(path) or "cpu%d" % cpu


def _quotas() -> "Iterator[float]":
    """Yield the quota, in CPUs, of each control group around this process that has one."""
    for controllers, folder in _groups():
        for group in _upwards(folder):
            if controllers == "":  # version 2: "max 100000" or "150000 100000", microseconds
                quota, _, period = _read(group + "/cpu.max").partition(" ")
            else:
                quota = _read(group + "/cpu.cfs_quota_us")  # -1: none
                period = _read(group + "/cpu.cfs_period_us")
            if quota.isdigit() and period.isdigit() and int(period) > 0:
                yield int(quota) / int(period)


def _groups() -> "Iterator[tuple[str, str]]":
    """Yield (controllers, folder) of the control groups that may limit CPU time; cgroups(7)."""
    mounts = [line.split(" ") for line in _read("/proc/self/mountinfo").splitlines()]
    for line in _read("/proc/self/cgroup").splitlines():
        _, controllers, path = line.split(":", 2)
        if controllers and "cpu" not in controllers.split(","):
            continue
        for mount in mounts:
            kind, _, options = mount[mount.index("-") + 1 :]
            if controllers == "" and kind == "cgroup2":
                yield "", _under(mount[4], mount[3], path)
            elif controllers and kind == "cgroup" and "cpu" in options.split(","):
                yield controllers, _under(mount[4], mount[3], path)


def _under(mount_point: str, root: str, path: str) -> str:
    """Where the group `path` is seen, given that `root` is mounted at `mount_point`."""
    if root != "/" and (path == root or path.startswith(root + "/")):
        path = path[len(root) :]
    return mount_point + path.rstrip("/")


def _upwards(folder: str) -> "Iterator[str]":
    """Yield a folder and those above it: a quota anywhere above limits the group, too."""
    while folder not in ("", "/"):
        yield folder
        folder = os.path.dirname(folder)


def _read(path: str) -> str:
    try:
        with open(path) as file:
            return file.read().strip()
    except OSError:
        return ""
