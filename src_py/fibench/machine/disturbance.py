# SPDX-License-Identifier: BSD-3-Clause
"""What the whole machine did during a trial: lost connections, retransmits, stolen time, pressure.

All of it is system-wide, so that it also shows what others did.
"""

import os
from dataclasses import dataclass, fields
from pathlib import Path

_PRESSURES = ("cpu", "memory", "io")


@dataclass(frozen=True)
class Counters:
    """What the kernel has counted since boot; None where it does not say."""

    listen_overflows: int | None
    """Connections that a full accept queue turned away."""
    listen_drops: int | None
    """The same and for other reasons, as too many half-open ones."""
    retransmits: int | None
    """TCP segments sent again."""
    steal_s: float | None
    """Time that the hypervisor gave to others while we could have run, all CPUs together."""
    cpu_pressure_s: float | None
    """Time in which at least one runnable task waited for a CPU."""
    memory_pressure_s: float | None
    io_pressure_s: float | None


def read_counters(proc: Path = Path("/proc")) -> Counters:
    """Read the counters now (0.3 ms). Source: proc_pid_net(5), proc_stat(5), PSI."""
    extended = _table(proc / "net/netstat", "TcpExt:")
    tcp = _table(proc / "net/snmp", "Tcp:")
    cpu, memory, io = (_pressure_s(proc / "pressure" / name) for name in _PRESSURES)
    return Counters(
        listen_overflows=extended.get("ListenOverflows"),
        listen_drops=extended.get("ListenDrops"),
        retransmits=tcp.get("RetransSegs"),
        steal_s=_steal_s(proc / "stat"),
        cpu_pressure_s=cpu,
        memory_pressure_s=memory,
        io_pressure_s=io,
    )


def counted_between(begin: Counters, end: Counters) -> Counters:
    """What was counted from one moment to another."""
    gained = {}
    for field in fields(Counters):
        before, after = getattr(begin, field.name), getattr(end, field.name)
        gained[field.name] = None if before is None or after is None else after - before
    return Counters(**gained)


def machine_json(gained: Counters) -> dict[str, float | None]:
    """The part of a trial's record on the machine."""
    names = ("steal_s", "cpu_pressure_s", "memory_pressure_s", "io_pressure_s")
    figures = {name: getattr(gained, name) for name in names}
    rounded = {name: None if s is None else round(s, 6) for name, s in figures.items()}
    return {**rounded, "load_1min": round(os.getloadavg()[0], 2)}


def _text(path: Path) -> str:
    # A kernel without pressure has no such file, or answers EOPNOTSUPP when it is read.
    try:
        return path.read_text()
    except OSError:
        return ""


def _table(path: Path, name: str) -> dict[str, int]:
    """A line of names and the line of their numbers below it."""
    lines = [line.split()[1:] for line in _text(path).splitlines() if line.startswith(name)]
    return dict(zip(lines[0], map(int, lines[1]), strict=True)) if len(lines) == 2 else {}


def _steal_s(path: Path) -> float | None:
    fields_of_cpu = _text(path).partition("\n")[0].split()
    if len(fields_of_cpu) < 9 or fields_of_cpu[0] != "cpu":
        return None
    return int(fields_of_cpu[8]) / os.sysconf("SC_CLK_TCK")


def _pressure_s(path: Path) -> float | None:
    """The total, in microseconds, of `some avg10=… avg60=… avg300=… total=N`."""
    line = _text(path).partition("\n")[0]
    _, found, total = line.partition("total=")
    return int(total) * 1e-6 if found and line.startswith("some ") else None
