# SPDX-License-Identifier: BSD-3-Clause
"""What on this machine would disturb a measurement, judged from facts. Pure: it changes nothing.

commands/doctor.py reads the facts. Each item says what it is, why it matters, and the command that
mends it, which is shown and never run.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from fibench import called
from fibench.json_values import Json
from fibench.machine.busy import FOREIGN_CORES, Busy, Server, cores_words, foreign_words

ENOUGH_DESCRIPTORS = 10_240
"""For 10,000 clients and what a server or fibload needs besides."""
ENOUGH_BACKLOG = 4096
TIME_WAIT_S = 60
"""How long Linux keeps the port of a closed connection (TCP_TIMEWAIT_LEN in include/net/tcp.h)."""
ENOUGH_PORTS = 20_000
BUSY_LOAD = 0.3
STEAL_SHARE = 0.01
MEMORY_PRESSURE_PERCENT = 1.0
LOW_MEMORY_SHARE = 0.1
RING_BYTES = 154 << 10
"""What one loop of an io_uring server has locked: src_c/ring/ring.c and post.h."""
FULL_DISK_BYTES = 512 << 20
STABLE_CLOCKS = ("tsc", "arch_sys_counter", "kvm-clock", "timebase", "tod")
"""Clock sources that are read without a system call."""


@dataclass(frozen=True)
class Facts:
    """What is known of the machine; None where it cannot be told."""

    cores: int = 2
    """Physical cores that may be used."""
    hardware_threads: int = 2
    """CPUs in the affinity mask."""
    governor: str | None = None
    turbo: bool | None = None
    turbo_switch: str | None = None
    """"intel" or "boost": which file of /sys switches it."""
    virtualisation: str | None = None
    power_source: str | None = None
    load_1min: float | None = None
    foreign_cores: float | None = None
    """The cores that others keep busy, whether they can be seen or not."""
    busy: tuple[Busy, ...] = ()
    steal_share: float | None = None
    quota_cores: float | None = None
    """What the cgroup may use; None: it is not limited."""
    throttled: tuple[int, int] | None = None
    """In how many of how many periods it had used that up so far."""
    swap_used_bytes: int | None = None
    memory_available_share: float | None = None
    memory_pressure_percent: float | None = None
    """Share of the last minute in which some process waited for memory (PSI "some avg60")."""
    nofile_hard: int | None = None
    """None: unlimited."""
    somaxconn: int | None = None
    port_range: tuple[int, int] | None = None
    tw_reuse: int | None = None
    """net.ipv4.tcp_tw_reuse: 1 everywhere, 2 on loopback only, 0 never."""
    cgroup_version: int | None = 2
    cgroup_writable: bool = True
    strace: bool = True
    perf: bool = True
    ptrace_scope: int | None = None
    is_root: bool = False
    io_uring_disabled: int | None = None
    memlock_bytes: int | None = None
    """What all programs of this user may lock together; None: unlimited."""
    clocksource: str | None = None
    clocksources: tuple[str, ...] = ()
    """Those that could be chosen."""
    compiler: str | None = "cc"
    flags: str = ""
    """Those that the programs were built with, and are not fibench's own."""
    needs_compiler: bool = True
    """A checkout is built; an installed fibench brings its programs."""
    measuring: str | None = None
    """The run that measures now."""
    servers: tuple[Server, ...] = ()
    results: str = "results"
    results_writable: bool = True
    results_free_bytes: int | None = None


@dataclass(frozen=True)
class Item:
    """One thing that would disturb: what it is, why it matters, what mends it ("" if nothing)."""

    id: str
    what: str
    why: str
    mend: str = ""
    values: dict[str, Json] = field(default_factory=dict)
    """The figures that it rests on."""


def disturbing(facts: Facts) -> list[Item]:
    """Everything that would disturb, what disturbs most first within each part."""
    return [
        *_clock_rate(facts),
        *_cores(facts),
        *_others(facts),
        *_memory(facts),
        *_network(facts),
        *_instruments(facts),
        *_build(facts),
        *_places(facts),
    ]


def _clock_rate(facts: Facts) -> Iterator[Item]:
    if facts.governor is not None and facts.governor != "performance":
        yield Item(
            "governor",
            f"the frequency governor is {facts.governor}",
            "a core that was idle begins slowly: what is measured first looks worse",
            "sudo cpupower frequency-set -g performance",
            {"governor": facts.governor},
        )
    if facts.turbo:
        switch = {
            "intel": "echo 1 | sudo tee /sys/devices/system/cpu/intel_pstate/no_turbo",
            "boost": "echo 0 | sudo tee /sys/devices/system/cpu/cpufreq/boost",
        }
        yield Item(
            "turbo",
            "the clock rate may rise above the nominal one (turbo)",
            "it depends on heat and on how many cores are busy: one thread runs faster than two",
            switch.get(facts.turbo_switch or "", ""),
        )
    if facts.power_source == "battery":
        why = "most machines clock their cores down on battery"
        yield Item("battery", "the machine runs on battery", why, "plug it in")
    if facts.clocksource is not None and facts.clocksource not in STABLE_CLOCKS:
        yield Item(
            "clocksource",
            f"the kernel reads the time from {facts.clocksource}",
            "each look at the clock is then a system call, or a slow read of a device",
            "echo tsc | sudo tee /sys/devices/system/clocksource/clocksource0/current_clocksource"
            if "tsc" in facts.clocksources
            else "",
            {"clocksource": facts.clocksource},
        )


def _cores(facts: Facts) -> Iterator[Item]:
    if facts.cores < 2:
        yield Item(
            "cores",
            "one physical core may be used",
            "load and server take turns on it, and claims that need two cores are not testable",
            "give the machine, the container or the task set more cores",
            {"cores": facts.cores},
        )
    if facts.hardware_threads > facts.cores:
        yield Item(
            "smt",
            f"{facts.hardware_threads} hardware threads share {facts.cores} physical cores (SMT)",
            "two threads on one core slow each other down by a third or more",
            "echo off | sudo tee /sys/devices/system/cpu/smt/control",
            {"hardware_threads": facts.hardware_threads, "cores": facts.cores},
        )
    if facts.quota_cores is not None:
        yield _quota(facts.quota_cores, facts.throttled)
    if facts.virtualisation not in (None, "none"):
        name = facts.virtualisation
        yield Item(
            "virtualised",
            "this is a virtual machine" + ("" if name == "unknown" else f" ({name})"),
            "its neighbours take time and cache that nothing here can see",
            "measure on a machine of its own, or compare ratios only, with more --blocks",
            {"virtualisation": name},
        )


def _quota(cores: float, throttled: tuple[int, int] | None) -> Item:
    stopped, periods = throttled or (0, 0)
    so_far = f": used up in {stopped:,} of {periods:,} periods so far" if periods else ""
    return Item(
        "quota",
        f"the cgroup has a CPU quota of {cores_words(cores)}{so_far}",
        "what has used it up stands still until the next period: tails are those of the quota",
        "give the container or the service more CPU (--cpus, CPUQuota=), or none of a quota",
        {"cores": cores, "throttled_periods": stopped, "periods": periods},
    )


def _others(facts: Facts) -> Iterator[Item]:
    if facts.measuring is not None:
        yield Item(
            "run",
            f"{facts.measuring} is measuring now",
            "what is busy below may be that run; another one would wait for it",
            "wait until it has ended",
        )
    if facts.foreign_cores is not None and facts.foreign_cores > FOREIGN_CORES:
        yield Item(
            "foreign",
            foreign_words(facts.foreign_cores, facts.cores, facts.busy),
            "all of it may have been taken from a server: intervals are widened for it",
            "end them, or wait until they have ended",
            {"cores": round(facts.foreign_cores, 3)},
        )
    for busy in facts.busy:
        yield Item(
            "busy",
            f"{busy.name} (pid {busy.pid}) takes {busy.share:.0%} of a core",
            "it competes with servers and load, and not with all cells alike",
            "it may be of the run that is measuring now: wait until that has ended"
            if facts.measuring is not None
            else f"end it, or pause it for the time of the run: kill -STOP {busy.pid}",
            {"name": busy.name, "pid": busy.pid, "share": busy.share},
        )
    if facts.load_1min is not None and facts.load_1min > BUSY_LOAD * facts.cores:
        yield Item(
            "load",
            f"on average {facts.load_1min:.2f} tasks wanted to run in the last minute",
            "short tasks that no look at processes catches disturb as well",
            "wait until the machine is quiet; `uptime` shows it",
            {"load_1min": facts.load_1min},
        )
    if facts.steal_share is not None and facts.steal_share > STEAL_SHARE:
        yield Item(
            "steal",
            f"the hypervisor gives {facts.steal_share:.1%} of the CPU time to others (steal)",
            "servers then stand still for milliseconds: it shows in p99 and max first",
            "measure at another time, or on a machine of its own",
            {"steal_share": facts.steal_share},
        )
    for server in facts.servers:
        yield Item(
            "server",
            f"{server.program} (pid {server.pid}) listens on port {server.port}",
            "a server of fibench that was left running takes memory, and its port from the next",
            f"kill {server.pid}",
            {"program": server.program, "pid": server.pid, "port": server.port},
        )


def _memory(facts: Facts) -> Iterator[Item]:
    pressed = facts.memory_pressure_percent
    if pressed is not None and pressed > MEMORY_PRESSURE_PERCENT:
        yield Item(
            "memory-pressure",
            f"in {pressed:.0f} % of the last minute some process waited for memory",
            "pages are taken back and read again while servers are measured",
            "end what takes the memory; `ps aux --sort -rss | head` shows it",
            {"percent": pressed},
        )
    share = facts.memory_available_share
    if facts.swap_used_bytes and share is not None and share < LOW_MEMORY_SHARE:
        yield Item(
            "swap",
            f"{facts.swap_used_bytes >> 20} MiB are swapped out, and {share:.0%} of memory is free",
            "a page of a server that is read back from disk takes milliseconds",
            "sudo swapoff -a, once there is room for what is swapped out",
            {"swap_used_bytes": facts.swap_used_bytes, "memory_available_share": share},
        )


def _network(facts: Facts) -> Iterator[Item]:
    if facts.nofile_hard is not None and facts.nofile_hard < ENOUGH_DESCRIPTORS:
        yield Item(
            "descriptors",
            f"a process may open {facts.nofile_hard} files at most (ulimit -Hn)",
            f"10,000 clients need {ENOUGH_DESCRIPTORS} in the server and in the load alike",
            f"ulimit -n {ENOUGH_DESCRIPTORS} as root, or nofile in /etc/security/limits.conf",
            {"nofile_hard": facts.nofile_hard},
        )
    if facts.somaxconn is not None and facts.somaxconn < ENOUGH_BACKLOG:
        yield Item(
            "somaxconn",
            f"the kernel cuts listen backlogs to {facts.somaxconn} (net.core.somaxconn)",
            "clients that arrive together are dropped, and try again after a second: a false tail",
            f"sudo sysctl net.core.somaxconn={ENOUGH_BACKLOG}",
            {"somaxconn": facts.somaxconn},
        )
    yield from _ports(facts)


def _ports(facts: Facts) -> Iterator[Item]:
    """Whether a load that connects for each request runs out of ports.

    A port rests for a minute after its connection, unless the kernel may reuse it (tcp_tw_reuse),
    which it does on loopback by default since Linux 4.19, a second after its last use.
    """
    if facts.port_range is None:
        return
    low, high = facts.port_range
    ports = max(0, high - low + 1)
    rests_s = 1 if facts.tw_reuse in (1, 2) else TIME_WAIT_S
    if ports >= ENOUGH_PORTS and rests_s == 1:
        return
    rate = ports // rests_s
    yield Item(
        "ports",
        f"{ports:,} ports ({low} to {high}) rest for {rests_s} s each after a connection",
        f"a load that connects for each request, and closes first, can do {rate:,} a second",
        'sudo sysctl net.ipv4.ip_local_port_range="1024 65535" net.ipv4.tcp_tw_reuse=2',
        {"ports": ports, "rest_s": rests_s, "connections_per_s": rate},
    )


def _instruments(facts: Facts) -> Iterator[Item]:
    if not facts.cgroup_writable:
        there = "no cgroup v2 here" if facts.cgroup_version != 2 else "the cgroup is not writable"
        yield Item(
            "cgroup",
            f"{there}: a server's tree is watched as child subreaper instead",
            "CPU time and memory are then read from each process in turn, which takes longer",
            f"systemd-run --user --scope -p Delegate=yes {called.command('run …')}",
        )
    if not facts.strace and not facts.perf:
        yield Item(
            "strace",
            "neither strace nor perf is installed",
            "system calls per request cannot be counted",
            "apt install strace, or dnf install strace, or pacman -S strace",
        )
    elif not facts.is_root and (facts.ptrace_scope or 0) >= 2:
        yield Item(
            "ptrace",
            f"processes may not be traced (kernel.yama.ptrace_scope = {facts.ptrace_scope})",
            "system calls per request cannot be counted",
            "sudo sysctl kernel.yama.ptrace_scope=1" if facts.ptrace_scope == 2 else "",
            {"ptrace_scope": facts.ptrace_scope},
        )
    if facts.io_uring_disabled:
        yield Item(
            "io_uring",
            f"io_uring is disabled (kernel.io_uring_disabled = {facts.io_uring_disabled})",
            "designs that use it cannot run here",
            "sudo sysctl kernel.io_uring_disabled=0",
            {"io_uring_disabled": facts.io_uring_disabled},
        )
    yield from _locked_memory(facts)


def _build(facts: Facts) -> Iterator[Item]:
    if facts.needs_compiler and facts.compiler is None:
        yield Item(
            "compiler",
            "there is no C compiler",
            "the servers in C and fibload cannot be built",
            "apt install gcc libc6-dev, or dnf install gcc, or pacman -S gcc",
        )
    if facts.flags:
        yield Item(
            "flags",
            f"the programs were built with flags that are not fibench's own: {facts.flags}",
            "figures of the C servers compare with no others, and without an optimiser not in C",
            f"env -u CFLAGS -u CPPFLAGS -u LDFLAGS {called.command('build')}"
            if facts.needs_compiler
            else "",
            {"flags": facts.flags},
        )


def _locked_memory(facts: Facts) -> Iterator[Item]:
    """Whether there is room for a ring of io_uring on each core.

    Linux 6.18 charges rings and their buffers to what a user may lock, as it was before 5.12.
    """
    needed = RING_BYTES * facts.hardware_threads
    if facts.io_uring_disabled or facts.memlock_bytes is None or facts.memlock_bytes >= needed:
        return
    yield Item(
        "memlock",
        f"{facts.memlock_bytes >> 10} KiB of memory may be locked (ulimit -l)",
        f"io_uring servers with a loop on each core lock {needed >> 10} KiB on kernels that charge"
        " rings to that, and cannot start with less",
        f"ulimit -l {needed >> 10} as root, or memlock in /etc/security/limits.conf",
        {"memlock_bytes": facts.memlock_bytes, "needed_bytes": needed},
    )


def _places(facts: Facts) -> Iterator[Item]:
    if not facts.results_writable:
        yield Item(
            "results",
            f"{facts.results} cannot be written",
            "nothing that is measured could be kept",
            "make it writable, or name another folder: FIBENCH_RESULTS=~/results",
        )
    free = facts.results_free_bytes
    if free is not None and free < FULL_DISK_BYTES:
        yield Item(
            "disk",
            f"{free >> 20} MiB are free where results are kept",
            "a run stops when a trial cannot be kept",
            f"remove what is not needed there; `du -sh {facts.results}` shows what runs take",
            {"free_bytes": free},
        )
