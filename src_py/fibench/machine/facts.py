# SPDX-License-Identifier: BSD-3-Clause
"""What is true of this machine and bears on numbers: None where it cannot be told."""

import os
import re
import resource
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TypedDict

from fibench.machine.cores import read_line

_CPUS = Path("/sys/devices/system/cpu")
_HYPERVISORS = {
    "amazon": "Amazon EC2", "google": "Google Compute Engine", "microsoft": "Hyper-V",
    "vmware": "VMware", "innotek": "VirtualBox", "virtualbox": "VirtualBox", "qemu": "QEMU",
    "kvm": "KVM", "xen": "Xen", "parallels": "Parallels", "bochs": "Bochs",
    "openstack": "OpenStack", "bhyve": "bhyve", "apple virtualization": "Apple Virtualization",
}  # fmt: skip
"""Words in the names that DMI gives a machine, and whose they are."""


class Limits(TypedDict):
    """The limits that loads of many connections meet, as environment.json has them."""

    nofile_soft: int | None
    nofile_hard: int | None
    somaxconn: int | None
    tcp_max_syn_backlog: int | None
    port_range: list[int] | None
    io_uring_disabled: int | None


class CgroupFacts(TypedDict):
    """Where this process is in the hierarchies of cgroups, likewise."""

    version: int | None
    unified_writable: bool


def memory_bytes() -> int | None:
    """Main memory, in bytes."""
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError):
        return None


def turbo(cpus: Path = _CPUS) -> bool | None:
    """Whether the clock may exceed its nominal rate, so that it depends on heat and neighbours."""
    no_turbo = read_line(cpus / "intel_pstate" / "no_turbo")
    if no_turbo in ("0", "1"):
        return no_turbo == "0"
    boost = read_line(cpus / "cpufreq" / "boost")
    return boost == "1" if boost in ("0", "1") else None


def smt(cpus: Path = _CPUS) -> bool | None:
    """Whether cores run more than one hardware thread."""
    active = read_line(cpus / "smt" / "active")
    return active == "1" if active in ("0", "1") else None


def clocksource() -> str | None:
    """What the kernel reads the time from."""
    return read_line("/sys/devices/system/clocksource/clocksource0/current_clocksource")


def chosen(text: str | None) -> str | None:
    """The word in brackets: `always [madvise] never` is madvise."""
    match = re.search(r"\[([^]]*)\]", text or "")
    return match[1] if match else None


def mitigations(cpus: Path = _CPUS) -> dict[str, str] | None:
    """What the kernel does against each flaw of the processor; some cost much per system call."""
    try:
        names = sorted(entry.name for entry in (cpus / "vulnerabilities").iterdir())
    except OSError:
        return None
    return {name: read_line(cpus / "vulnerabilities" / name) or "unknown" for name in names}


def virtualisation(root: Path = Path("/")) -> str | None:
    """The hypervisor below this machine: "none", or its name, or "unknown"; None: cannot be told.

    The processor says whether there is one (the flag `hypervisor`; on other architectures the
    device tree), and DMI often whose. A container on bare metal is "none".
    """
    if "microsoft" in (read_line(root / "proc/sys/kernel/osrelease") or "").lower():
        return "WSL"
    fields = ("sys_vendor", "product_name", "board_vendor", "bios_vendor")
    words = [read_line(root / "sys/class/dmi/id" / field) or "" for field in fields]
    kind = read_line(root / "sys/hypervisor/type")
    tree = read_line(root / "proc/device-tree/hypervisor/compatible")
    named = " ".join([*words, kind or "", tree or ""]).lower()
    found = next((name for word, name in _HYPERVISORS.items() if word in named), None)
    cpuinfo = read_line(root / "proc/cpuinfo") or ""
    flags = re.search(r"^flags\s*:(.*)$", cpuinfo, re.MULTILINE)
    if flags is not None:
        # A host may name its maker (Microsoft, Google) as well: the processor decides.
        return (found or "unknown") if "hypervisor" in flags[1].split() else "none"
    return found


def limits() -> Limits:
    """The limits that loads of many connections meet."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    return {
        "nofile_soft": _finite(soft),
        "nofile_hard": _finite(hard),
        "somaxconn": number_at("/proc/sys/net/core/somaxconn"),
        "tcp_max_syn_backlog": number_at("/proc/sys/net/ipv4/tcp_max_syn_backlog"),
        "port_range": numbers_at("/proc/sys/net/ipv4/ip_local_port_range"),
        "io_uring_disabled": number_at("/proc/sys/kernel/io_uring_disabled"),
    }


def _finite(limit: int) -> int | None:
    return None if limit == resource.RLIM_INFINITY else limit


def number_at(path: str) -> int | None:
    """A number in a file of /proc or /sys."""
    found = numbers_at(path)
    return found[0] if found else None


def numbers_at(path: str) -> list[int] | None:
    """Several numbers in a file of /proc or /sys."""
    try:
        return [int(word) for word in (read_line(path) or "").split()] or None
    except ValueError:
        return None


def cgroup(
    membership: Path = Path("/proc/self/cgroup"), mounts: Path = Path("/proc/self/mountinfo")
) -> CgroupFacts:
    """Which version of cgroups holds this process, and whether a version 2 group can be made.

    `version` is 2, 1, or None without any; with both mounted it is 1, as the controllers are there.
    """
    own = (read_line(membership) or "").splitlines()
    unified = next((line.split(":", 2)[2] for line in own if line.startswith("0::")), None)
    versions = {1 for line in own if not line.startswith("0:")} | ({2} if unified else set())
    folder = next(_unified(own, (read_line(mounts) or "").splitlines()), None)
    writable = folder is not None and os.access(folder, os.W_OK)
    return {"version": min(versions, default=None), "unified_writable": writable}


def _unified(own: Iterable[str], mounts: Iterable[str]) -> Iterator[Path]:
    """The folder of this process's own group in the unified hierarchy, if it can be seen."""
    path = next((line.split(":", 2)[2] for line in own if line.startswith("0::")), None)
    for line in mounts:
        words = line.split(" ")
        if path is not None and " - cgroup2 " in line:
            root = words[3].rstrip("/")
            if path == root or path.startswith(f"{root}/"):
                yield Path(words[4]) / path[len(root) :].lstrip("/")
