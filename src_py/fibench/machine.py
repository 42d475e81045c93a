# SPDX-License-Identifier: BSD-3-Clause
"""What this machine is: the cores a run may use, and what its numbers depend on."""

import os
import platform
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

_CGROUP_UNLIMITED_US = -1


def usable_cores() -> int:
    """Distinct physical cores in the affinity mask, at most the cgroup's CPU quota; at least 1.

    Two hardware threads of one core do not compute twice as fast, so they count once.
    """
    cores = len({_physical_core(cpu) for cpu in os.sched_getaffinity(0)})
    quota = cgroup_cpu_quota()
    return max(1, min(cores, int(quota) if quota is not None else cores))


def physical_cores() -> list[list[int]]:
    """The physical cores in the affinity mask, each with its CPUs there, in the order of those."""
    cores: dict[tuple[str, str], list[int]] = {}
    for cpu in sorted(os.sched_getaffinity(0)):
        cores.setdefault(_physical_core(cpu), []).append(cpu)
    return list(cores.values())


def _physical_core(cpu: int) -> tuple[str, str]:
    topology = Path(f"/sys/devices/system/cpu/cpu{cpu}/topology")
    try:
        return (
            (topology / "physical_package_id").read_text().strip(),
            (topology / "core_id").read_text().strip(),
        )
    except OSError:
        return ("cpu", str(cpu))


def cgroup_cpu_quota(
    membership: Path = Path("/proc/self/cgroup"), mounts: Path = Path("/proc/self/mountinfo")
) -> float | None:
    """The smallest CPU quota, in cores, of this process's cgroup and those above it.

    Reads cgroup v2 (cpu.max) and v1 (cpu.cfs_quota_us); None where nothing is limited.
    Source: cgroups(7), proc_pid_mountinfo(5).
    """
    try:
        own = dict(_cgroup_paths(membership.read_text().splitlines()))
        mounted = list(_cgroup_mounts(mounts.read_text().splitlines()))
    except OSError:
        return None
    quotas: list[float] = []
    for controllers, root, folder in mounted:
        path = own.get("cpu" if "cpu" in controllers else "")
        if path is None or (controllers and "cpu" not in controllers):
            continue
        read = _quota_v1 if controllers else _quota_v2
        quotas += _quotas_upwards(folder, path.removeprefix(root.rstrip("/")), read)
    return min(quotas, default=None)


def _cgroup_paths(lines: Iterable[str]) -> Iterable[tuple[str, str]]:
    for line in lines:
        _, controllers, path = line.split(":", 2)
        for controller in controllers.split(","):
            yield controller, path


def _cgroup_mounts(lines: Iterable[str]) -> Iterable[tuple[frozenset[str], str, Path]]:
    """For every cgroup mount: its controllers (none: the unified hierarchy), root and folder."""
    for line in lines:
        fields, _, rest = line.partition(" - ")
        kind, _, options = rest.split(" ", 2)
        if kind in ("cgroup", "cgroup2"):
            words = fields.split(" ")
            names = options.rsplit(" ", 1)[-1].split(",") if kind == "cgroup" else []
            yield frozenset(names), words[3], Path(words[4])


def _quotas_upwards(
    mount: Path, path: str, read: Callable[[Path], float | None]
) -> Iterable[float]:
    folder = mount / path.lstrip("/")
    while True:
        quota = read(folder)
        if quota is not None:
            yield quota
        if folder == mount or mount not in folder.parents:
            return
        folder = folder.parent


def _quota_v2(folder: Path) -> float | None:
    try:
        quota, period = (folder / "cpu.max").read_text().split()
    except (OSError, ValueError):
        return None
    return None if quota == "max" else int(quota) / int(period)


def _quota_v1(folder: Path) -> float | None:
    try:
        quota = int((folder / "cpu.cfs_quota_us").read_text())
        period = int((folder / "cpu.cfs_period_us").read_text())
    except (OSError, ValueError):
        return None
    return None if quota == _CGROUP_UNLIMITED_US else quota / period


def processor_model() -> str:
    """The processor's name as /proc/cpuinfo gives it, or the architecture."""
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            key, _, value = line.partition(":")
            if key.strip() == "model name":
                return value.strip()
    except OSError:
        pass
    return platform.machine()


def _first_line(argv: list[str], folder: Path | None = None) -> str | None:
    try:
        done = subprocess.run(
            argv, cwd=folder, capture_output=True, text=True, timeout=10, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return None
    lines = done.stdout.splitlines()
    return lines[0] if lines else ""


def _read_line(path: str) -> str | None:
    try:
        return Path(path).read_text().strip()
    except OSError:
        return None


def machine_line(cores: int) -> str:
    """The machine in one line, for the head of a report."""
    noun = "core" if cores == 1 else "cores"
    return (
        f"{processor_model()}, {cores} {noun}, Linux {platform.release()}, "
        f"Python {platform.python_version()}"
    )


def environment(checkout: Path | None) -> dict[str, Any]:
    """What a run's numbers depend on, for environment.json; absent things are null."""
    gil_enabled = getattr(sys, "_is_gil_enabled", lambda: True)
    revision = changed = None
    if checkout is not None:
        revision = _first_line(["git", "rev-parse", "HEAD"], checkout)
        status = _first_line(["git", "status", "--porcelain"], checkout)
        changed = None if status is None else bool(status)
    return {
        "schema": 1,
        "processor": processor_model(),
        "architecture": platform.machine(),
        "cpus": os.cpu_count(),
        "affinity": sorted(os.sched_getaffinity(0)),
        "usable_cores": usable_cores(),
        "cgroup_cpu_quota_cores": cgroup_cpu_quota(),
        "governor": _read_line("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"),
        "kernel": platform.release(),
        "boot_id": _read_line("/proc/sys/kernel/random/boot_id"),
        "libc": " ".join(platform.libc_ver()),
        "compiler": _first_line(["cc", "--version"]),
        "python": {
            "version": platform.python_version(),
            "implementation": platform.python_implementation(),
            "gil": gil_enabled(),
        },
        "git": {"revision": revision, "changed": changed},
    }
