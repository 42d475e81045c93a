# SPDX-License-Identifier: BSD-3-Clause
"""What `doctor` does: facts are read, over half a second, and judged; nothing changes."""

import json
import os
import resource
import shutil
from collections.abc import Iterator
from pathlib import Path

from fibench import __version__, build
from fibench.backends import Backend
from fibench.build import not_own, premises
from fibench.commands.serve import read_backends
from fibench.folders import Places, find_places
from fibench.json_values import text_or_none
from fibench.machine import Facts, all_pids, lock, read_line, read_proc
from fibench.machine import cores as machine
from fibench.machine import facts as facts_of
from fibench.machine import sockets as listening
from fibench.machine.busy import Server
from fibench.machine.foreign import Glancing
from fibench.machine.quota import limited, throttling
from fibench.server.leftovers import is_of_a_live_run

GLANCE_S = 0.5
CAP_IPC_LOCK = 14
"""The bit of this capability: linux/capability.h."""
_MOST_BUSY = 5
_MARKS = ("fibserver.py", "supervise")


def read_facts(places: Places, backends: dict[str, Backend]) -> Facts:
    """Everything that can be told of this machine."""
    import psutil

    before = _cpu_times()
    glance = Glancing(starts=False).end(GLANCE_S)
    steal = _steal_share(before, _cpu_times())
    memory = psutil.virtual_memory()
    quotas = limited()
    stopped = throttling(quotas[0]) if quotas else None
    limits, group = facts_of.limits(), facts_of.cgroup()
    ports = limits["port_range"]
    compiler = build.compiler(places.programs)
    return Facts(
        cores=machine.usable_cores(),
        hardware_threads=sum(map(len, machine.physical_cores())),
        governor=machine.governor(),
        turbo=facts_of.turbo(),
        turbo_switch=_turbo_switch(),
        virtualisation=facts_of.virtualisation(),
        power_source=machine.power_source(),
        load_1min=_load(),
        foreign_cores=glance.cores,
        busy=glance.busy[:_MOST_BUSY],
        steal_share=steal,
        quota_cores=quotas[0].cores if quotas else None,
        throttled=None if stopped is None else (stopped.throttled, stopped.periods),
        swap_used_bytes=_swap_used_bytes(),
        memory_available_share=memory.available / memory.total if memory.total else None,
        memory_pressure_percent=_memory_pressure(),
        nofile_hard=limits["nofile_hard"],
        somaxconn=limits["somaxconn"],
        port_range=(ports[0], ports[1]) if ports and len(ports) == 2 else None,
        tw_reuse=facts_of.number_at("/proc/sys/net/ipv4/tcp_tw_reuse"),
        cgroup_version=group["version"],
        cgroup_writable=group["unified_writable"],
        strace=shutil.which("strace") is not None,
        perf=shutil.which("perf") is not None,
        ptrace_scope=facts_of.number_at("/proc/sys/kernel/yama/ptrace_scope"),
        is_root=os.geteuid() == 0,
        io_uring_disabled=limits["io_uring_disabled"],
        memlock_bytes=_memlock_bytes(),
        clocksource=facts_of.clocksource(),
        clocksources=_clocksources(),
        compiler=text_or_none(compiler.get("full_version")) if compiler else _any_compiler(),
        flags=not_own(compiler),
        needs_compiler=places.checkout is not None,
        measuring=lock.holder(),
        servers=tuple(servers({backend.program for backend in backends.values()})),
        results=str(places.results),
        results_writable=_is_writable(places.results),
        results_free_bytes=_free_bytes(places.results),
    )


def _memlock_bytes() -> int | None:
    """What this user's programs may lock; None: as much as they like, as with CAP_IPC_LOCK."""
    hard = resource.getrlimit(resource.RLIMIT_MEMLOCK)[1]
    status = read_proc("/proc/self/status") or b""
    effective = next(
        (int(line.split()[1], 16) for line in status.splitlines() if line.startswith(b"CapEff:")), 0
    )
    return None if hard == resource.RLIM_INFINITY or effective >> CAP_IPC_LOCK & 1 else hard


def _turbo_switch() -> str | None:
    folder = Path("/sys/devices/system/cpu")
    if (folder / "intel_pstate" / "no_turbo").exists():
        return "intel"
    return "boost" if (folder / "cpufreq" / "boost").exists() else None


def _cpu_times() -> list[int]:
    """The first line of /proc/stat, in ticks; the eighth is steal (proc_stat(5))."""
    first = (read_line("/proc/stat") or "").partition("\n")[0].split()
    return [int(word) for word in first[1:9]]


def _steal_share(before: list[int], after: list[int]) -> float | None:
    """The part of all CPU time that the hypervisor gave to others."""
    passed = [new - old for old, new in zip(before, after, strict=False)]
    if len(passed) < 8 or sum(passed) <= 0:
        return None
    return passed[7] / sum(passed)


def _load() -> float | None:
    try:
        return os.getloadavg()[0]
    except OSError:
        return None


def _swap_used_bytes() -> int | None:
    """What is swapped out, in bytes (psutil would read /proc/vmstat too, and warn without it)."""
    lines = (read_line("/proc/swaps") or "").splitlines()[1:]
    return sum(int(line.split()[3]) for line in lines) * 1024 if lines else None


def _memory_pressure() -> float | None:
    """Pressure stall information: Documentation/accounting/psi.rst of Linux."""
    line = (read_line("/proc/pressure/memory") or "").partition("\n")[0]
    words = dict(word.split("=", 1) for word in line.split() if "=" in word)
    return float(words["avg60"]) if "avg60" in words else None


def _clocksources() -> tuple[str, ...]:
    folder = "/sys/devices/system/clocksource/clocksource0/available_clocksource"
    return tuple((read_line(folder) or "").split())


def _any_compiler() -> str | None:
    """A compiler that the first build would find; CC may be "ccache gcc"."""
    named = premises.words(os.environ, "CC")
    return next(
        (path for name in [*named[:1], "cc", "gcc", "clang"] if (path := shutil.which(name))), None
    )


def servers(programs: set[str]) -> Iterator[Server]:
    """The servers of the catalogue that listen, and that no run has started which is under way:
    whichever checkout that is of, it ends its own."""
    ports = {listener.inode: listener.port for listener in listening.listeners()}
    for pid in all_pids():
        program = _program(pid, programs)
        if program is not None:
            port = next((ports[inode] for inode in _sockets(pid) if inode in ports), None)
            if port is not None and not is_of_a_live_run(pid):
                yield Server(program, pid, port)


def _program(pid: int, programs: set[str]) -> str | None:
    """The program of the catalogue that a process runs: `server`, or `python3 …/server.py`.

    Others have a server.py too: ours is in a folder with fibserver.py or supervise beside it.
    """
    try:
        words = (read_proc(f"/proc/{pid}/cmdline") or b"").split(b"\0")[:2]
    except PermissionError:
        return None
    for word in words:
        path = Path(f"/proc/{pid}/cwd", os.fsdecode(word))
        if path.name in programs and any((path.parent / mark).exists() for mark in _MARKS):
            return path.name
    return None


def _sockets(pid: int) -> list[int]:
    """The inodes of the sockets that a process has open."""
    try:
        folder = f"/proc/{pid}/fd"
        links = [os.readlink(f"{folder}/{name}") for name in os.listdir(folder)]
    except OSError:
        return []
    return [int(link[8:-1]) for link in links if link.startswith("socket:[")]


def _is_writable(folder: Path) -> bool:
    """Whether files can be made in a folder, or the folder itself above it."""
    there = next((path for path in (folder, *folder.parents) if path.exists()), Path("/"))
    return there.is_dir() and os.access(there, os.W_OK | os.X_OK)


def _free_bytes(folder: Path) -> int | None:
    there = next((path for path in (folder, *folder.parents) if path.exists()), Path("/"))
    try:
        return shutil.disk_usage(there).free
    except OSError:
        return None


def doctor(as_json: bool) -> int:
    """Say what on this machine would disturb a measurement; changes nothing."""
    from fibench.machine.doctor import disturbing

    places = find_places()
    facts = read_facts(places, read_backends(places))
    items = disturbing(facts)
    if as_json:
        document = {
            "schema": 1,
            "items": [
                {"id": item.id, "what": item.what, "why": item.why, "mend": item.mend or None}
                | {"values": item.values}
                for item in items
            ],
        }
        print(json.dumps(document, indent=2))
        return 0
    from fibench.report.checkup import render_checkup
    from fibench.report.lines import build_line, machine_line

    built = build_line(__version__, build.compiler(places.programs))
    render_checkup(items, machine_line(facts.cores), build_line=built)
    return 0
