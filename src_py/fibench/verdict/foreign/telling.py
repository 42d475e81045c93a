# SPDX-License-Identifier: BSD-3-Clause
"""What a run's notes and verdicts say of who else had the machine. Pure."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator, Sequence

from fibench.machine.busy import FOREIGN_CORES
from fibench.metrics import number
from fibench.record import Record
from fibench.verdict.foreign.widening import Widened
from fibench.wording import most_named

Beyond = Callable[[float, float], tuple[str, float | None] | None]
"""What an interval decides, and how far the bound is beyond it, a logarithm, None where that is no
ratio; None: it decides nothing."""
WORTH_SAYING = 0.01
"""An interval that is wider by less than 1 % is not worth a word."""
_KINDS = {
    "foreign": "how much CPU time others used",
    "names": "who else used CPU time",
    "steal": "what the hypervisor gave to others",
    "probe": "how fast each CPU was (the probe)",
}


def foreign_cores(record: Record) -> float | None:
    """What others used, by chance less than nothing; None where it is not known."""
    used, accounted = record.machine.get("used_cores"), record.machine.get("accounted_cores")
    return None if used is None or accounted is None else used - accounted


def others(cores: float, names: Sequence[str]) -> str:
    """`1.8 cores of python3, cc1`."""
    return f"{number(cores, 2)} cores" + (f" of {', '.join(names)}" if names else " of others")


def widened_for(widened: Widened | None, widening: float) -> str:
    """`widened for 0.3 foreign cores of python3`; empty where it is not by much, or for
    what a quiet machine needs for itself.

    `widening` is by how much, a logarithm.
    """
    if widened is None or widening < WORTH_SAYING or widened.foreign_cores < FOREIGN_CORES:
        return ""
    names = f" of {', '.join(widened.names)}" if widened.names else ""
    return f"widened for {number(widened.foreign_cores, 2)} foreign cores{names}"


def unquiet(widened: Widened | None, widening: float, beyond: Beyond) -> str | None:
    """Why an interval decides nothing, if it would have as it was before it was widened.

    What a quiet machine needs for itself is hardly to be told from nothing: it is not said to have
    been busy for that.
    """
    found = None if widened is None else beyond(widened.low, widened.high)
    if widened is None or found is None:
        return None
    if widened.foreign_cores >= FOREIGN_CORES:
        return f"the machine was not quiet: {others(widened.foreign_cores, widened.names)}"
    outcome, by = found
    among = f" ({', '.join(widened.names)} among them)" if widened.names else ""
    used = f"{number(widened.foreign_cores, 2)} cores{among}, hardly to be told from none"
    how_far = "" if by is None else f" by {_share(widening)}; the bound is {_share(by)} beyond"
    return (
        f"{outcome} but for what is not known of others: {used}, can have moved it{how_far}. "
        "Longer windows or more blocks make that smaller"
    )


def _share(log: float) -> str:
    """A logarithm as a share: `1.7 %`."""
    return "any amount" if math.isinf(log) else f"{number(100.0 * math.expm1(log), 2)} %"


def surroundings(records: Sequence[Record]) -> Iterator[str]:
    """What the trials of a run say of the machine around them, one line for each thing."""
    watched = [record for record in records if record.machine.get("window_s") is not None]
    known = [f for record in watched if (f := record.machine.get("foreign_cores")) is not None]
    mean = sum(known) / len(known) if known else 0.0
    if mean >= FOREIGN_CORES:
        names: Counter[str] = Counter()
        for record in watched:
            names.update(record.evidence.foreign)
        ranked = most_named(names)
        yield (
            f"the machine was not quiet: on average {others(mean, ranked)} beside {len(known)} "
            f"trials; intervals of {_widened(records)} are widened for it"
        )
    yield from _missing(records)
    yield from _throttled(records)


def _widened(records: Sequence[Record]) -> str:
    """What is widened of cells such as these: no latency of an open loop is."""
    is_open = all(one.parameters.is_open for one in records if one.role != "ceiling")
    return "throughput and of cores" if is_open else "throughput, of cores and of p50"


def _missing(records: Sequence[Record]) -> Iterator[str]:
    """Which evidence is missing: each kind once, for its commonest reason."""
    for kind, what in _KINDS.items():
        reasons = Counter(why for r in records if (why := r.evidence.missing.get(kind)) is not None)
        if reasons:
            reason = min(reasons, key=lambda each: (-reasons[each], each))
            where = f"in {reasons.total()} of {len(records)} trials"
            yield f"{what} is not known for sure {where}: {reason}"


def _throttled(records: Sequence[Record]) -> Iterator[str]:
    """Cells that were stopped by a CPU quota: nothing that measuring again would mend."""
    by_label: dict[str, list[Record]] = {}
    for record in records:
        if record.machine.get("throttled_periods"):
            by_label.setdefault(record.label, []).append(record)
    for label, own in by_label.items():
        stopped, periods = (
            int(sum(record.machine.get(name) or 0.0 for record in own))
            for name in ("throttled_periods", "periods")
        )
        quota = own[-1].machine.get("quota_cores")
        of = "" if quota is None else f" of {number(quota, 2)} cores"
        yield (
            f"{label}: the CPU quota{of} stopped it in {stopped} of {periods} periods: its "
            "figures, its tail above all, are those of the quota"
        )
