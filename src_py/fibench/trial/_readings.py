# SPDX-License-Identifier: BSD-3-Clause
"""What is read of a server in the course of its trial, and what follows from it."""

import time
from collections.abc import Iterable
from types import TracebackType

from fibench.record import ServerSide
from fibench.server import Ending, resources
from fibench.server.memory import Known, MemorySnapshot, memory
from fibench.server.starting import RunningServer
from fibench.server.thread_time import ThreadReader, ThreadsSnapshot, ThreadUse, threads_between
from fibench.trial.evidence.watch import Watch
from fibench.trial.load import Edge

_NS = 1e-9
LATE_SHARE = 0.05
"""A reading of CPU times that is later than this share of the window is none of its edge…"""
LATE_FLOOR_NS = 50_000_000
"""…unless it is not even so late: a busy machine lets who wakes up wait for some milliseconds.
Neither makes a figure low: time after the end of the window is none of the server's work."""


class Readings:
    """Takes CPU times at the window's edges, what threads did up to just before its end, when all
    connections are still there, memory inside it, and context switches from now on."""

    def __init__(self, running: RunningServer, watch: Watch, *, memory: bool) -> None:
        """Begin with a server that is ready. Without `memory`, no moment for it is known.

        `watch` looks at the rest of the machine at the same edges.
        """
        self._running = running
        self._watch = watch
        self._wants_memory = memory
        self._ready = resources.switches(running)
        self._cpu: dict[Edge, resources.CpuSnapshot] = {}
        self._reader = ThreadReader(running)
        self._threads: dict[Edge, ThreadsSnapshot] = {}
        self._memory: dict[Edge, MemorySnapshot] = {}
        self._known: Known = {}
        self._at_ns: dict[Edge, int] = {}
        """When the edges were."""
        self._read_ns: dict[Edge, int] = {}
        """When the readings of memory were done."""
        self._went_on_ns = 0

    def __enter__(self) -> "Readings":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._reader.close()

    def went_on(self, cooldown_ns: int) -> None:
        """Take note for how long the load went on after the end edge."""
        self._went_on_ns = cooldown_ns

    def __call__(self, edge: Edge, at_ns: int) -> None:
        """Read what is due at an edge; CPU times first, since they are to be of the edge itself.

        Where this process stood still (a Ctrl-Z), it is long since that it was, at `at_ns`.
        """
        self._at_ns[edge] = at_ns
        if edge in ("begin", "end"):
            self._watch.edge(edge)
            self._cpu[edge] = resources.snapshot(self._running)
        if edge in ("begin", "late") or (edge == "end" and "late" not in self._threads):
            self._threads[edge] = self._reader.read(self._threads.get("begin"))
        elif edge == "start":
            self._reader.read()  # so that its files are open when the window begins
        if edge not in ("start", "end") and self._wants_memory:
            self._memory[edge] = memory(self._running, self._known)
            self._read_ns[edge] = time.monotonic_ns()

    @property
    def window_opened(self) -> bool:
        """Whether the window has opened."""
        return "begin" in self._cpu

    @property
    def load_began(self) -> bool:
        """Whether the load has begun: its connections stood, and it sent requests."""
        return "start" in self._at_ns or self.window_opened

    @property
    def backlog(self) -> int | None:
        """How many connections may wait to be accepted; None where the kernel does not say."""
        return self._running.backlog

    def use(self) -> resources.CpuUse | None:
        """What the server's tree used between the edges; None where it is not known for sure."""
        begin, end = self._cpu.get("begin"), self._cpu.get("end")
        if begin is None or end is None or self._cpu_too_late_ns():
            return None
        return resources.cpu_between(begin, end)

    def cores(self) -> float | None:
        """CPU time between the edges ÷ wall time up to the end of the load; None likewise.

        From then on the server has nothing to do, so that its time is none of its work.
        """
        use = self.use()
        wall_ns = 0 if use is None else use.wall_ns - self._idle_ns()
        return use.total_ns / wall_ns if use and wall_ns > 0 else None

    def thread_use(self) -> ThreadUse | str:
        """What the server's threads did in the window, or why that is not known, in a clause.

        Two readings tell it: the second one is just before the end where there is one, since
        threads that serve a connection end with it.
        """
        begin, end = self._threads.get("begin"), self._threads.get("late", self._threads.get("end"))
        if begin is None or end is None or "end" not in self._at_ns:
            return "the window was not seen to its end"
        done_ns = self._at_ns["end"] + self._went_on_ns
        late_ns = max(begin.begin_ns - self._at_ns["begin"], end.end_ns - done_ns)
        if late_ns > self._bearable_ns():
            return _stood_still(late_ns)
        seen = max((each.threads for each in self._seen()), default=0)
        return threads_between(begin, end, until_ns=done_ns, seen=seen)

    def stretched(self) -> float | None:
        """How many times as long as the window the time is that `cores` may count work of: the end
        of what it reads may be late, and a server then have worked on."""
        use = self.use()
        wall_ns = 0 if use is None else use.wall_ns - self._idle_ns()
        return use.wall_ns / wall_ns if use and wall_ns > 0 else None

    def too_late_s(self) -> float | None:
        """How late CPU times were read, if too late for figures of the window; else None."""
        return self._cpu_too_late_ns() * _NS or None

    def threads(self) -> int | None:
        """The most threads that were seen, since connections, and what serves them, come and go at
        the edges."""
        return max((snapshot.threads for snapshot in self._seen()), default=None)

    def processes(self) -> int | None:
        """The most processes of the server that were seen."""
        return max((snapshot.processes for snapshot in self._seen()), default=None)

    def _seen(self) -> Iterable[resources.CpuSnapshot | MemorySnapshot]:
        return [*self._cpu.values(), *self._memory.values()]

    def ended_after_the_window(self, ending: Ending) -> bool:
        """Whether the server is known to have been there up to the end of the window."""
        end_ns = self._at_ns.get("end")
        return end_ns is not None and ending.at_ns is not None and ending.at_ns >= end_ns

    def unknown(self) -> list[str]:
        """What is not known of the server though it was to be, and why, each in one line."""
        found = []
        late_ns = self._cpu_too_late_ns()
        if late_ns:
            found.append(f"CPU times: {_stood_still(late_ns)}")
        reason = next((r.absent for r in self._memory.values() if r.absent is not None), None)
        late = [edge for edge in self._memory if not self._in_window(edge)]
        if reason is not None:
            found.append(f"memory: {reason}")
        elif late:
            late_ns = max(self._read_ns[edge] - self._at_ns[edge] for edge in late)
            found.append(f"memory: {_stood_still(late_ns)}")
        return found

    def _late_ns(self, edge: Edge) -> int:
        """How late CPU times were read."""
        return self._cpu[edge].monotonic_ns - self._at_ns[edge]

    def _idle_ns(self) -> int:
        """How long before the last reading of CPU times the load had ended."""
        return max(0, self._late_ns("end") - self._went_on_ns)

    def _cpu_too_late_ns(self) -> int:
        """How late they were read, if that is too late for figures of the window; else 0."""
        if not {"begin", "end"} <= self._cpu.keys():
            return 0
        late_ns = max(self._late_ns("begin"), self._late_ns("end"))
        return late_ns if late_ns > self._bearable_ns() else 0

    def _bearable_ns(self) -> float:
        """How late a reading may be."""
        return max(LATE_FLOOR_NS, LATE_SHARE * (self._at_ns["end"] - self._at_ns["begin"]))

    def _in_window(self, edge: Edge) -> bool:
        """Whether a reading of memory was done while the clients were there."""
        end_ns = self._at_ns.get("end")
        return end_ns is None or self._read_ns[edge] < end_ns

    def switches(self, ending: Ending) -> resources.Switches | None:
        """Context switches of all that lived after the start; None where some are not known.

        What the tree had made when it was ready is taken off. Source: getrusage(2).
        """
        lost = any(snapshot.children_lost for snapshot in self._cpu.values())
        if ending.used is None or lost:
            return None
        return resources.Switches(
            ending.used.voluntary_switches - self._ready.voluntary,
            ending.used.involuntary_switches - self._ready.involuntary,
        )

    def metrics(self, window_s: float | None, replies: int) -> dict[str, float | None]:
        """Metrics of CPU, threads and memory; what cannot be known for sure is None, never low."""
        cores, sizes = self.cores(), self._sizes()
        # What was not read while the clients were there may have been the most.
        whole = all(self._in_window(edge) for edge in self._memory)
        # The readings lie a little off the window's edges: cores are what holds for its length.
        per_request_s = None
        if cores is not None and window_s and replies:
            per_request_s = cores * window_s / replies
        return {
            "cores": cores,
            "cpu_per_request_s": per_request_s,
            **self._of_threads(window_s, replies),
            "memory_bytes": sizes.get("middle", sizes.get("begin") if whole else None),
            "memory_peak_bytes": max(sizes.values(), default=None) if whole else None,
        }

    def _of_threads(self, window_s: float | None, replies: int) -> dict[str, float | None]:
        """What holds between the two readings of threads is taken to hold for the window."""
        use = self.thread_use()
        if isinstance(use, str):
            return dict.fromkeys(("running_share", "ready_share", "run_delay_per_request_s"))
        delay_s = use.ready_ns / use.wall_ns * window_s / replies if window_s and replies else None
        return {
            "running_share": use.running,
            "ready_share": use.ready,
            "run_delay_per_request_s": delay_s,
        }

    def _sizes(self) -> dict[Edge, int]:
        """Memory at each reading in the window, in order; nothing if one of them is not known."""
        readings = {
            edge: reading.memory_bytes
            for edge, reading in self._memory.items()
            if reading.processes and self._in_window(edge)
        }
        known = {edge: size for edge, size in readings.items() if size is not None}
        return known if len(known) == len(readings) else {}

    def describe(self, ending: Ending, *, ended_itself: bool) -> ServerSide:
        """How the server ran and ended; what cannot be known for sure is None."""
        end, use = self._cpu.get("end"), self.use()
        switches = self.switches(ending)
        steady = self._memory.get("middle") or self._memory.get("begin")
        of_threads = self.thread_use()
        return ServerSide(
            status=ending.status,
            signal=ending.signal,
            swept=ending.swept,
            forced=ending.forced,
            cpus=self._running.command.cpus,
            backlog=self._running.backlog,
            accounting=end.accounting if end else None,
            cpu_user_s=use.user_ns * _NS if use else None,
            cpu_system_s=use.system_ns * _NS if use else None,
            threads=self.threads(),
            processes=self.processes(),
            rss_bytes=steady.rss_bytes if steady else None,
            memory_readings=list(self._sizes().values()),
            switches_voluntary=switches.voluntary if switches else None,
            switches_involuntary=switches.involuntary if switches else None,
            thread_time_s=None if isinstance(of_threads, str) else of_threads.thread_ns * _NS,
            thread_time_unknown=of_threads if isinstance(of_threads, str) else None,
            ended_itself=ended_itself,
            unknown=self.unknown(),
        )


def _stood_still(late_ns: int) -> str:
    return f"read {late_ns * _NS:.2g} s late, since the runner stood still or got no CPU"
