# SPDX-License-Identifier: BSD-3-Clause
"""As much of the paths of runs as tells them from each other: what all have in common is said of
none, and whose folder has one run alone is called by the folder."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import PurePath


def short_names(runs: Sequence[str]) -> Mapping[str, str]:
    """By their paths, names that differ as the paths do."""
    parts = {run: PurePath(run).parts for run in runs}
    shared = _shared(list(parts.values()))
    rest = {run: own[shared:] for run, own in parts.items()}
    firsts = Counter(own[0] for own in rest.values())
    found = {
        run: own[0] if firsts[own[0]] == 1 else "/".join((own[0], *own[1:][-1:]))
        for run, own in rest.items()
    }
    times = Counter(found.values())
    return {run: name if times[name] == 1 else "/".join(rest[run]) for run, name in found.items()}


def _shared(every: Sequence[tuple[str, ...]]) -> int:
    """How many parts all paths begin with, but for the last one of each."""
    most = min((len(one) - 1 for one in every), default=0)
    return next((at for at in range(most) if len({one[at] for one in every}) > 1), most)
