# SPDX-License-Identifier: BSD-3-Clause
"""What is read of a server in the course of its trial, and what follows from it."""

from fibench.record import ServerSide
from fibench.server import Ending, resources
from fibench.server.starting import RunningServer
from fibench.trial.load import Edge

_NS = 1e-9


class Readings:
    """Takes CPU times at the window's edges, memory inside it, and context switches from now on."""

    def __init__(self, running: RunningServer, *, memory: bool) -> None:
        """Begin with a server that is ready. Without `memory`, no moment for it is known."""
        self._running = running
        self._wants_memory = memory
        self._ready = resources.switches(running)
        self._cpu: dict[Edge, resources.CpuSnapshot] = {}
        self._memory: dict[Edge, resources.MemorySnapshot] = {}

    def __call__(self, edge: Edge) -> None:
        """Read what is due at an edge; CPU times first, since they are to be of the edge itself."""
        if edge in ("begin", "end"):
            self._cpu[edge] = resources.snapshot(self._running)
        if edge != "end" and self._wants_memory:
            self._memory[edge] = resources.memory(self._running)

    @property
    def window_opened(self) -> bool:
        """Whether the window has opened."""
        return "begin" in self._cpu

    @property
    def backlog(self) -> int | None:
        """How many connections may wait to be accepted; None where the kernel does not say."""
        return self._running.backlog

    def use(self) -> resources.CpuUse | None:
        """What the server's tree used between the edges; None where it is not known for sure."""
        begin, end = self._cpu.get("begin"), self._cpu.get("end")
        return resources.cpu_between(begin, end) if begin and end else None

    def cores(self) -> float | None:
        """CPU time ÷ wall time between the edges; None likewise."""
        use = self.use()
        return use.total_ns / use.wall_ns if use and use.wall_ns > 0 else None

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
        """CPU and memory metrics; what cannot be known for sure is None, never low."""
        cores, memory = self.cores(), self._proportional_bytes()
        # The readings lie a little off the window's edges: cores are what holds for its length.
        per_request_s = None
        if cores is not None and window_s and replies:
            per_request_s = cores * window_s / replies
        return {
            "cores": cores,
            "cpu_per_request_s": per_request_s,
            "memory_bytes": memory[len(memory) // 2] if memory else None,
            "memory_peak_bytes": max(memory, default=None),
        }

    def _proportional_bytes(self) -> list[int]:
        """PSS at each reading, in order, or nothing if one of them is not known."""
        readings = [reading.pss_bytes for reading in self._memory.values() if reading.processes]
        known = [pss_bytes for pss_bytes in readings if pss_bytes is not None]
        return known if len(known) == len(readings) else []

    def describe(self, ending: Ending) -> ServerSide:
        """How the server ran and ended; what cannot be known for sure is None."""
        end, use = self._cpu.get("end"), self.use()
        seen: list[resources.CpuSnapshot | resources.MemorySnapshot]
        seen = [*self._cpu.values(), *self._memory.values()]
        switches = self.switches(ending)
        steady = self._memory.get("middle") or self._memory.get("begin")
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
            # The most, since connections, and what serves them, come and go at the edges.
            threads=max((snapshot.threads for snapshot in seen), default=None),
            processes=max((snapshot.processes for snapshot in seen), default=None),
            rss_bytes=steady.rss_bytes if steady else None,
            memory_readings=self._proportional_bytes(),
            switches_voluntary=switches.voluntary if switches else None,
            switches_involuntary=switches.involuntary if switches else None,
        )
