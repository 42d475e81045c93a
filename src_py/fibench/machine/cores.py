# SPDX-License-Identifier: BSD-3-Clause
"""What this machine is: the cores a run may use, and what decides how fast they are."""

import os
import platform
import sys
import sysconfig
from collections.abc import Callable
from pathlib import Path
from typing import TypedDict

from fibench.machine.quota import cgroup_cpu_quota


class OwnInterpreter(TypedDict):
    """What decides how fast a Python is."""

    version: str
    implementation: str
    build: str
    gil: bool
    free_threaded: bool


def physical_cores() -> list[list[int]]:
    """The physical cores that may be used, each as its hardware threads in the affinity mask.

    Sorted by the first thread; at most as many as the cgroup's CPU quota, and at least one. Two
    hardware threads of one core do not compute twice as fast, so they count once.
    """
    cores, quota = _in_mask(), cgroup_cpu_quota()
    return cores if quota is None else cores[: max(1, int(quota))]


def _in_mask() -> list[list[int]]:
    cores: dict[tuple[str, str], list[int]] = {}
    for cpu in sorted(os.sched_getaffinity(0)):
        cores.setdefault(physical_core(cpu), []).append(cpu)
    return list(cores.values())


def usable_cores() -> int:
    """How many physical cores may be used: at least 1."""
    return len(physical_cores())


def cores_in_mask() -> int:
    """How many physical cores the affinity mask has, whatever the quota: what others use of these
    is used of all of them."""
    return len(_in_mask())


def physical_core(cpu: int) -> tuple[str, str]:
    """Which package and core a CPU belongs to; without topology, each is a core of its own."""
    topology = Path(f"/sys/devices/system/cpu/cpu{cpu}/topology")
    try:
        return (
            (topology / "physical_package_id").read_text().strip(),
            (topology / "core_id").read_text().strip(),
        )
    except OSError:
        return ("cpu", str(cpu))


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


def boot_id() -> str | None:
    """What tells this boot of the machine from every other (random(4))."""
    return read_line("/proc/sys/kernel/random/boot_id")


def governor(cpus: Path = Path("/sys/devices/system/cpu")) -> str | None:
    """The frequency governor of the CPUs that may be used; null where the kernel scales nothing.

    Where they differ, all of them: "performance, powersave".
    """
    governors = {
        read_line(cpus / f"cpu{cpu}" / "cpufreq" / "scaling_governor")
        for cpu in os.sched_getaffinity(0)
    }
    return ", ".join(sorted(name for name in governors if name)) or None


def power_source(supplies: Path = Path("/sys/class/power_supply")) -> str | None:
    """ "mains" or "battery"; None where the machine does not say.

    Source: Documentation/ABI/testing/sysfs-class-power of Linux. Batteries of mice and keyboards
    have the scope "Device".
    """
    found: set[str] = set()
    for supply in sorted(supplies.glob("*")):
        if read_line(supply / "scope") == "Device":
            continue
        if read_line(supply / "type") == "Battery":
            if read_line(supply / "status") == "Discharging":
                found.add("battery")
            else:
                found.add("mains")
        elif read_line(supply / "online") == "1":
            return "mains"
        elif read_line(supply / "type") == "Mains":
            found.add("battery")
    return min(found, default=None)


def own_interpreter() -> OwnInterpreter:
    """The interpreter that runs this, which runs the Python servers as well."""
    gil_enabled: Callable[[], bool] = getattr(sys, "_is_gil_enabled", lambda: True)
    return {
        "version": platform.python_version(),
        "implementation": platform.python_implementation(),
        "build": " ".join(platform.python_build()),
        "gil": gil_enabled(),
        "free_threaded": bool(sysconfig.get_config_var("Py_GIL_DISABLED")),
    }


def read_line(path: str | Path) -> str | None:
    """The text of a small file of /proc or /sys, without white space around it; None if absent."""
    try:
        return Path(path).read_text(errors="replace").strip()
    except OSError:
        return None
