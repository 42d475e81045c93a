# SPDX-License-Identifier: BSD-3-Clause
"""What trials say of their servers beside figures: how they left, what was not read. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from fibench.record import Record, ServerSide
from fibench.verdict._notes.folding import Note, folded
from fibench.wording import signal_name


def of_servers(records: Iterable[Record]) -> Iterator[str]:
    """Lines about the servers of valid trials, of each backend by itself."""
    by_backend: dict[str, list[ServerSide]] = {}
    known = list(records)
    for record in known:
        if record.server is not None and record.valid:
            by_backend.setdefault(record.parameters.backend, []).append(record.server)
    for backend, servers in by_backend.items():
        yield from _left(backend, servers)
        yield from _unknown(backend, servers)
    yield from folded(_never_steady(known))
    yield from folded(_of_a_ramp(known))


def endings(records: Iterable[Record]) -> Iterator[str]:
    """Servers that do not end as they should: of each backend once, in how many trials."""
    by_backend: dict[str, list[ServerSide]] = {}
    for record in records:
        if record.server is not None:
            by_backend.setdefault(record.parameters.backend, []).append(record.server)
    for backend, servers in by_backend.items():
        forced = sum(server.forced is True for server in servers)
        swept = [count for server in servers if (count := server.swept or 0) > 0]
        said = []
        if forced:
            said.append(f"did not end when asked to in {forced} of {len(servers)} trials")
        if swept:
            processes = "1 process" if sum(swept) == 1 else f"{sum(swept)} processes"
            said.append(f"left {processes} behind in {len(swept)} of {len(servers)} trials")
        if said:
            yield f"{backend} {' and '.join(said)}: they were killed, which makes each trial longer"


def _never_steady(records: Sequence[Record]) -> Iterator[Note]:
    """Cells whose load did not become steady however long it was waited for."""
    looked: dict[str, list[Record]] = {}
    for record in records:
        if record.is_measurement and record.checks.steady is not None:
            looked.setdefault(record.label, []).append(record)
    for label, own in looked.items():
        never = [record for record in own if not record.checks.steady]
        if never:
            longest_s = max(record.checks.warmup_s or 0.0 for record in never)
            yield Note(
                label,
                f"not steady after a warm-up of {longest_s:.0f} s in {len(never)} of "
                f"{len(own)} trials: its figures are those of a time in which they changed",
            )


def _of_a_ramp(records: Sequence[Record]) -> Iterator[Note]:
    """Cells whose windows opened before all clients had had their first reply."""
    by_label: dict[str, list[Record]] = {}
    for record in records:
        if record.is_measurement and record.checks.ramp is not None:
            by_label.setdefault(record.label, []).append(record)
    for label, own in by_label.items():
        early = [record for record in own if record.checks.ramp]
        if early:
            yield Note(
                label,
                "clients waited for their first reply when the window opened in "
                f"{len(early)} of {len(own)} trials: latencies are those of a queue that fills, "
                'lower bounds of those under a steady load (a longer warmup, or "auto", waits for '
                "it)",
            )


def _left(backend: str, servers: Sequence[ServerSide]) -> Iterator[str]:
    """Servers that ended after the window, when their clients left: their figures are whole."""
    left = [server for server in servers if server.ended_itself]
    if left:
        ways = Counter(_how(server) for server in left)
        how = ways.most_common(1)[0][0]
        yield (
            f"{backend} ended when its clients left, {how}, in {len(left)} of {len(servers)} "
            "trials: after the window, so that they count"
        )


def _how(server: ServerSide) -> str:
    if server.signal is not None:
        return f"by {signal_name(server.signal)}"
    return "by itself" if server.status is None else f"with status {server.status}"


def _unknown(backend: str, servers: Sequence[ServerSide]) -> Iterator[str]:
    """What could not be read of servers: each thing once, with the first reason."""
    told: dict[str, list[str]] = {}
    for server in servers:
        for line in server.unknown:
            what, _, why = line.partition(": ")
            told.setdefault(what, []).append(why)
    for what, reasons in told.items():
        yield (
            f"{backend}: {what} not known in {len(reasons)} of {len(servers)} trials: {reasons[0]}"
        )
