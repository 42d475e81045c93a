# SPDX-License-Identifier: BSD-3-Clause
"""How long `runs` takes over a class's thousand runs, made in a temporary folder."""

from __future__ import annotations

import json
import random
import tempfile
import time
from pathlib import Path
from typing import Any

LIMIT_S = 1.0
_CLAIMS = 8
_TRIALS = 80


def make_runs(root: Path, count: int, seed: int = 1) -> None:
    """Make folders like those of a class: forty students, each with runs of gil.

    Every tenth run was interrupted. Journals are real in length, not in content.
    """
    chance = random.Random(seed)
    journal = "".join(json.dumps({"trial": k, "metrics": {"p50_s": 0.02} | dict.fromkeys(
        (f"m{place}" for place in range(60)), 1.0)}) + "\n" for k in range(_TRIALS))  # fmt: skip
    plan = json.dumps({"schema": 2, "trials": [{"index": k} for k in range(_TRIALS)]}, indent=2)
    for number in range(count):
        day, minute = 1 + number % 28, number // 28
        name = f"2026-11-{day:02d}T{minute // 60:02d}{minute % 60:02d}-{number:04x}"
        run = root / f"student-{number % 40:02d}" / "results" / "gil" / name
        for trial in range(3):
            (run / "trials" / f"{trial:03d}").mkdir(parents=True)
        (run / "plan.json").write_text(plan)
        (run / "trials.jsonl").write_text(journal)
        (run / "environment.json").write_text(json.dumps(_environment(number), indent=2))
        if number % 10:
            (run / "claims.json").write_text(json.dumps(_claims(chance), indent=2))


def measure(count: int = 1000) -> tuple[float, int]:
    """The time of listing and writing them as text, in seconds, and how many rows there were."""
    from fibench.export.listing import text
    from fibench.runs import rows

    with tempfile.TemporaryDirectory(prefix="fibench-runs-") as folder:
        make_runs(Path(folder), count)
        began_s = time.perf_counter()
        found = rows(Path(folder))
        text(found)
        return time.perf_counter() - began_s, len(found)


def print_runs(count: int = 1000) -> bool:
    """Print how long it takes; return whether that is within the limit."""
    took_s, found = measure(count)
    print(f"runs over {count} runs, {found} rows: {took_s:.2f} s (at most {LIMIT_S:g} s)")
    return took_s <= LIMIT_S


def _environment(number: int) -> dict[str, Any]:
    return {
        "schema": 1,
        "processor": f"Model(R) {number % 7} CPU @ 3.00GHz",
        "usable_cores": 2 + number % 7,
        "limits": {f"RLIMIT_{place}": [1024, 4096] for place in range(16)},
    }


def _claims(chance: random.Random) -> dict[str, Any]:
    outcomes = ("CONFIRMED", "REFUTED", "INCONCLUSIVE")
    side = {"cell": "py-mt-n27-c8-0123456789", "label": "py-mt n=27", "throughput_per_s": 40.0}
    listed = []
    for place in range(_CLAIMS):
        mean = chance.uniform(0.5, 2.0)
        ends = {"mean": mean, "low": 0.9 * mean, "high": 1.1 * mean}
        listed.append(
            {
                "id": f"claim-{place}",
                "says": "Multiprocess beats threads when the work is CPU-bound Python",
                "because": "The GIL lets one thread at a time run Python code",
                "outcome": chance.choice(outcomes),
                "metric": "throughput",
                "left": side,
                "right": side,
                "estimate": {"quantity": "ratio", **ends, "confidence": 0.99, "blocks": 10},
                "count": None,
            }
        )
    return {"schema": 1, "confidence": 0.95, "claims": listed}
